//! The reasoning items of a response.

use serde::Serialize;

use super::events::EventSink;
use super::items::ItemList;
use super::json_of;
use crate::converse::JsonText;
use crate::converse::content::{ReasoningBlock, ReasoningText};
use crate::dialects::openai_responses::envelope::ReasoningSealer;

/// Where the client receives the text of reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReasoningView {
    /// As a summary, which clients show.
    Summary,
    /// As content: the model's own words.
    Content,
    /// Nowhere: the text is a summary that the client did not request.
    Hidden,
}

/// A reasoning block whose text goes on.
#[derive(Debug)]
pub(super) struct OpenReasoning {
    id: String,
    index: usize,
    view: ReasoningView,
    text: String,
    /// The block as the model wrote it, if it has to be sent back byte for byte.
    block: Option<ReasoningBlock>,
}

#[derive(Serialize)]
struct ReasoningItem<'a> {
    r#type: &'static str,
    id: &'a str,
    summary: &'a [TextObject<'a>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    content: &'a [TextObject<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted_content: Option<String>,
}

#[derive(Serialize)]
struct TextObject<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// An event about the only summary of an item.
#[derive(Serialize)]
struct SummaryEvent<'a, T: Serialize> {
    item_id: &'a str,
    output_index: usize,
    summary_index: usize,
    #[serde(flatten)]
    fields: T,
}

/// An event about the only content part of an item.
#[derive(Serialize)]
struct ContentEvent<'a, T: Serialize> {
    item_id: &'a str,
    output_index: usize,
    content_index: usize,
    #[serde(flatten)]
    fields: T,
}

#[derive(Serialize)]
struct Part<'a> {
    part: TextObject<'a>,
}

#[derive(Serialize)]
struct Delta<'a> {
    delta: &'a str,
}

#[derive(Serialize)]
struct Done<'a> {
    text: &'a str,
}

impl OpenReasoning {
    /// Adds an item without text.
    pub(super) fn start(view: ReasoningView, list: &mut ItemList<impl EventSink>) -> Self {
        let (id, index) = list.next("rs_");
        let reasoning = Self {
            id,
            index,
            view,
            text: String::new(),
            block: None,
        };
        list.added(index, &reasoning.item(None));
        reasoning
    }

    /// Adds text, if the client receives it.
    pub(super) fn push(&mut self, text: &str, list: &mut ItemList<impl EventSink>) {
        if self.text.is_empty() {
            self.event(
                "response.reasoning_summary_part.added",
                "response.content_part.added",
                || Part {
                    part: self.object(""),
                },
                list,
            );
        }
        self.event(
            "response.reasoning_summary_text.delta",
            "response.reasoning_text.delta",
            || Delta { delta: text },
            list,
        );
        self.text.push_str(text);
    }

    /// Keeps the block as the model wrote it.
    pub(super) fn keep(&mut self, block: ReasoningBlock) {
        self.block = Some(block);
    }

    /// Completes the item, with the seal of what the model has to receive again.
    pub(super) fn end(
        mut self,
        sealer: Option<&ReasoningSealer>,
        list: &mut ItemList<impl EventSink>,
    ) {
        if !self.text.is_empty() {
            self.event(
                "response.reasoning_summary_text.done",
                "response.reasoning_text.done",
                || Done { text: &self.text },
                list,
            );
            self.event(
                "response.reasoning_summary_part.done",
                "response.content_part.done",
                || Part {
                    part: self.object(&self.text),
                },
                list,
            );
        }
        let seal = sealer.and_then(|sealer| {
            let block = self.block.take().or_else(|| self.readable(sealer))?;
            sealer.seal(self.index, block)
        });
        list.done(self.index, self.item(seal));
    }

    /// The block of a model that accepts readable reasoning.
    fn readable(&self, sealer: &ReasoningSealer) -> Option<ReasoningBlock> {
        let has_text = sealer.seals_text && !self.text.is_empty();
        has_text.then(|| {
            ReasoningBlock::ReasoningText(ReasoningText {
                text: self.text.clone(),
                signature: None,
            })
        })
    }

    fn item(&self, encrypted_content: Option<String>) -> JsonText {
        let object = [self.object(&self.text)];
        let (summary, content): (&[_], &[_]) = match self.view {
            _ if self.text.is_empty() => (&[], &[]),
            ReasoningView::Summary => (&object, &[]),
            ReasoningView::Content => (&[], &object),
            ReasoningView::Hidden => (&[], &[]),
        };
        json_of(&ReasoningItem {
            r#type: "reasoning",
            id: &self.id,
            summary,
            content,
            encrypted_content,
        })
    }

    fn object<'a>(&self, text: &'a str) -> TextObject<'a> {
        let r#type = match self.view {
            ReasoningView::Summary | ReasoningView::Hidden => "summary_text",
            ReasoningView::Content => "reasoning_text",
        };
        TextObject { r#type, text }
    }

    /// Adds an event under its name for the view.
    fn event<T: Serialize>(
        &self,
        summary: &'static str,
        content: &'static str,
        fields: impl FnOnce() -> T,
        list: &mut ItemList<impl EventSink>,
    ) {
        let (item_id, output_index) = (self.id.as_str(), self.index);
        match self.view {
            ReasoningView::Summary => {
                let event = SummaryEvent {
                    item_id,
                    output_index,
                    summary_index: 0,
                    fields: fields(),
                };
                list.event(summary, &event);
            }
            ReasoningView::Content => {
                let event = ContentEvent {
                    item_id,
                    output_index,
                    content_index: 0,
                    fields: fields(),
                };
                list.event(content, &event);
            }
            ReasoningView::Hidden => {}
        }
    }
}
