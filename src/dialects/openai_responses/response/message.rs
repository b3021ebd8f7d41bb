//! The message items of a response.

use serde::Serialize;

use super::events::EventSink;
use super::items::ItemList;
use super::json_of;
use crate::converse::JsonText;

/// A message whose text goes on.
#[derive(Debug)]
pub(super) struct OpenMessage {
    id: String,
    index: usize,
    /// The complete parts.
    parts: Vec<JsonText>,
    open: Option<OpenPart>,
}

#[derive(Debug)]
struct OpenPart {
    kind: PartKind,
    text: String,
    annotations: Vec<JsonText>,
}

/// The type of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Text,
    Refusal,
}

#[derive(Serialize)]
struct MessageItem<'a> {
    r#type: &'static str,
    id: &'a str,
    role: &'static str,
    status: &'static str,
    content: &'a [JsonText],
}

#[derive(Serialize)]
struct TextPart<'a> {
    r#type: &'static str,
    text: &'a str,
    annotations: &'a [JsonText],
    logprobs: [(); 0],
}

#[derive(Serialize)]
struct RefusalPart<'a> {
    r#type: &'static str,
    refusal: &'a str,
}

/// An event about the part at `content_index`.
#[derive(Serialize)]
struct PartEvent<'a, T: Serialize> {
    item_id: &'a str,
    output_index: usize,
    content_index: usize,
    #[serde(flatten)]
    fields: T,
}

#[derive(Serialize)]
struct Part<'a> {
    part: &'a JsonText,
}

#[derive(Serialize)]
struct TextDelta<'a> {
    delta: &'a str,
    logprobs: [(); 0],
}

#[derive(Serialize)]
struct TextDone<'a> {
    text: &'a str,
    logprobs: [(); 0],
}

#[derive(Serialize)]
struct RefusalDelta<'a> {
    delta: &'a str,
}

#[derive(Serialize)]
struct RefusalDone<'a> {
    refusal: &'a str,
}

#[derive(Serialize)]
struct AnnotationAdded<'a> {
    annotation_index: usize,
    annotation: &'a JsonText,
}

impl OpenMessage {
    /// Adds a message without content.
    pub(super) fn start(list: &mut ItemList<impl EventSink>) -> Self {
        let (id, index) = list.next("msg_");
        let item = message_item(&id, "in_progress", &[]);
        list.added(index, &item);
        Self {
            id,
            index,
            parts: Vec::new(),
            open: None,
        }
    }

    /// Adds text to the open part, or to a new one if that has another type.
    pub(super) fn push(&mut self, kind: PartKind, text: &str, list: &mut ItemList<impl EventSink>) {
        self.open_part(kind, list);
        if let Some(part) = &mut self.open {
            part.text.push_str(text);
        }
        match kind {
            PartKind::Text => {
                let fields = TextDelta {
                    delta: text,
                    logprobs: [],
                };
                self.part_event("response.output_text.delta", fields, list);
            }
            PartKind::Refusal => {
                let fields = RefusalDelta { delta: text };
                self.part_event("response.refusal.delta", fields, list);
            }
        }
    }

    /// Adds the source of the text.
    pub(super) fn annotate(&mut self, annotation: JsonText, list: &mut ItemList<impl EventSink>) {
        self.open_part(PartKind::Text, list);
        let annotations = self.open.iter().map(|part| part.annotations.len());
        let fields = AnnotationAdded {
            annotation_index: annotations.sum(),
            annotation: &annotation,
        };
        self.part_event("response.output_text.annotation.added", fields, list);
        if let Some(part) = &mut self.open {
            part.annotations.push(annotation);
        }
    }

    /// Adds a part without text, since a response has one.
    pub(super) fn open_part(&mut self, kind: PartKind, list: &mut ItemList<impl EventSink>) {
        if self.open.as_ref().is_some_and(|part| part.kind == kind) {
            return;
        }
        self.end_part(list);
        let part = OpenPart {
            kind,
            text: String::new(),
            annotations: Vec::new(),
        };
        let json = part.json();
        self.open = Some(part);
        self.part_event("response.content_part.added", Part { part: &json }, list);
    }

    /// The text of the open part, unless it is a refusal.
    pub(super) fn text(&self) -> Option<&str> {
        let part = self.open.as_ref()?;
        (part.kind == PartKind::Text).then_some(part.text.as_str())
    }

    /// Whether the open part is a refusal.
    pub(super) fn is_refusal(&self) -> bool {
        let mut open = self.open.iter();
        open.any(|part| part.kind == PartKind::Refusal)
    }

    /// Completes the message.
    pub(super) fn end(mut self, status: &'static str, list: &mut ItemList<impl EventSink>) {
        self.end_part(list);
        let item = message_item(&self.id, status, &self.parts);
        list.done(self.index, item);
    }

    fn end_part(&mut self, list: &mut ItemList<impl EventSink>) {
        let Some(part) = self.open.take() else {
            return;
        };
        match part.kind {
            PartKind::Text => {
                let fields = TextDone {
                    text: &part.text,
                    logprobs: [],
                };
                self.part_event("response.output_text.done", fields, list);
            }
            PartKind::Refusal => {
                let fields = RefusalDone {
                    refusal: &part.text,
                };
                self.part_event("response.refusal.done", fields, list);
            }
        }
        let json = part.json();
        self.part_event("response.content_part.done", Part { part: &json }, list);
        self.parts.push(json);
    }

    fn part_event(
        &self,
        kind: &'static str,
        fields: impl Serialize,
        list: &mut ItemList<impl EventSink>,
    ) {
        let event = PartEvent {
            item_id: &self.id,
            output_index: self.index,
            content_index: self.parts.len(),
            fields,
        };
        list.event(kind, &event);
    }
}

impl OpenPart {
    fn json(&self) -> JsonText {
        match self.kind {
            PartKind::Text => json_of(&TextPart {
                r#type: "output_text",
                text: &self.text,
                annotations: &self.annotations,
                logprobs: [],
            }),
            PartKind::Refusal => json_of(&RefusalPart {
                r#type: "refusal",
                refusal: &self.text,
            }),
        }
    }
}

fn message_item(id: &str, status: &'static str, content: &[JsonText]) -> JsonText {
    json_of(&MessageItem {
        r#type: "message",
        id,
        role: "assistant",
        status,
        content,
    })
}
