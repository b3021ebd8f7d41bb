//! Output events as `chat.completion.chunk` server-sent events.

use bytes::Bytes;
use serde::Serialize;

use super::completion::{ThinkingBlockObject, annotation, citation};
use super::events::EventBuffer;
use super::finish_reason::FinishReason;
use crate::converse::dialect::StreamWriter;
use crate::converse::output::ResponseSummary;
use crate::converse::output::{CallKind, OutputEvent, OutputWriter};
use crate::error::ApiError;
use crate::wire::error::ErrorBody;

/// Writes `chat.completion.chunk` events into a buffer.
#[derive(Debug)]
pub struct ChunkWriter {
    events: EventBuffer,
    legacy_functions: bool,
    /// The index of the choice that the next output events belong to.
    choice: u32,
}

impl ChunkWriter {
    /// A writer for the completion `id`, created at `created` (Unix seconds); `model` is the
    /// client's name of the model.
    pub fn new(
        id: &str,
        created: u64,
        model: &str,
        include_usage: bool,
        legacy_functions: bool,
    ) -> Self {
        let object = "chat.completion.chunk";
        Self {
            events: EventBuffer::new(id, object, created, model, include_usage),
            legacy_functions,
            choice: 0,
        }
    }

    fn begin_choice(&mut self) {
        self.events.begin();
        if self.choice == 0 {
            self.events.put(b"{\"index\":0,\"delta\":{");
        } else {
            self.events.put(b"{\"index\":");
            self.events.value(&self.choice);
            self.events.put(b",\"delta\":{");
        }
    }

    fn end_choice(&mut self, finish_reason: Option<&'static str>) {
        self.events.put(b"},\"logprobs\":null,\"finish_reason\":");
        match finish_reason {
            None => self.events.put(b"null}"),
            Some(word) => {
                self.string(word);
                self.events.put(b"}");
            }
        }
        self.events.end();
    }

    fn member(&mut self, name: &[u8], text: &str) {
        self.begin_choice();
        self.events.put(name);
        self.string(text);
        self.end_choice(None);
    }

    fn string(&mut self, text: &str) {
        self.events.value(text);
    }

    /// A list of one element. Clients merge the lists of all chunks by the element's `index`.
    fn item(&mut self, name: &[u8], value: &impl Serialize) {
        self.begin_choice();
        self.events.put(name);
        self.events.put(b"[");
        self.events.json(value);
        self.events.put(b"]");
        self.end_choice(None);
    }

    fn tool_call(&mut self, index: usize, id: &str, name: &str, kind: CallKind) {
        self.begin_choice();
        if self.legacy_functions {
            self.events.put(b"\"function_call\":{\"name\":");
            self.string(name);
            self.events.put(b",\"arguments\":\"\"}");
        } else {
            self.begin_call(index);
            self.events.put(b",\"id\":");
            self.string(id);
            self.events.put(b",\"type\":");
            self.string(kind.as_str());
            self.events.put(b",");
            self.string(kind.as_str());
            self.events.put(b":{\"name\":");
            self.string(name);
            self.events.put(b",");
            self.string(kind.input());
            self.events.put(b":\"\"}}]");
        }
        self.end_choice(None);
    }

    fn arguments(&mut self, index: usize, fragment: &str, kind: CallKind) {
        self.begin_choice();
        if self.legacy_functions {
            self.events.put(b"\"function_call\":{\"arguments\":");
            self.string(fragment);
            self.events.put(b"}");
        } else {
            self.begin_call(index);
            self.events.put(b",");
            self.string(kind.as_str());
            self.events.put(b":{");
            self.string(kind.input());
            self.events.put(b":");
            self.string(fragment);
            self.events.put(b"}}]");
        }
        self.end_choice(None);
    }

    fn begin_call(&mut self, index: usize) {
        self.events.put(b"\"tool_calls\":[{\"index\":");
        self.events.value(&index);
    }
}

impl StreamWriter for ChunkWriter {
    fn take(&mut self) -> Bytes {
        self.events.take()
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn choose(&mut self, choice: u32) {
        self.choice = choice;
    }

    fn done(&mut self, summary: &ResponseSummary) {
        self.events.done(summary);
    }

    fn error(&mut self, error: &ApiError) {
        self.events.error(&ErrorBody::from(error));
    }
}

impl OutputWriter for ChunkWriter {
    fn output(&mut self, output: OutputEvent<'_>) {
        match output {
            OutputEvent::Role => {
                self.begin_choice();
                self.events
                    .put(b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
                self.end_choice(None);
            }
            OutputEvent::Content(text) => self.member(b"\"content\":", text),
            OutputEvent::Refusal(text) => self.member(b"\"refusal\":", text),
            OutputEvent::Logprobs(logprobs) => {
                self.begin_choice();
                self.events.put(b"},\"logprobs\":");
                self.events.json(logprobs);
                self.events.put(b",\"finish_reason\":null}");
                self.events.end();
            }
            OutputEvent::Reasoning(text) => self.member(b"\"reasoning_content\":", text),
            OutputEvent::ThinkingBlock { index, block } => {
                let block = ThinkingBlockObject::at(index, block);
                self.item(b"\"thinking_blocks\":", &block);
            }
            OutputEvent::Annotation {
                index,
                source,
                span,
            } => self.item(b"\"annotations\":", &annotation(Some(index), source, span)),
            OutputEvent::Citation {
                index,
                citation: source,
                span,
            } => self.item(
                b"\"bedrock_citations\":",
                &citation(Some(index), source, span),
            ),
            OutputEvent::ToolCall {
                index,
                id,
                name,
                kind,
            } => self.tool_call(index, id, name, kind),
            OutputEvent::Arguments {
                index,
                fragment,
                kind,
            } => self.arguments(index, fragment, kind),
            OutputEvent::MessageStop(reason) => {
                let reason = FinishReason::new(reason, self.legacy_functions);
                self.begin_choice();
                self.end_choice(Some(reason.as_str()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::converse::output::Span;
    use crate::converse::response::Citation;

    #[test]
    fn multi_line_json_is_compacted() {
        let json = JsonText::parse("{\r\n \"a\":\n\"b\\n\"}".to_owned()).expect("JSON");
        let mut writer = ChunkWriter::new("id", 1, "model", false, false);
        writer.output(OutputEvent::Citation {
            index: 0,
            citation: &Citation(json.clone()),
            span: Span { start: 0, end: 0 },
        });
        writer.done(&ResponseSummary {
            trace: Some(json.clone()),
            response_fields: Some(json),
            ..ResponseSummary::default()
        });
        let bytes = writer.take();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains('\r'), "{text}");
        assert_eq!(text.matches('\n').count(), 6, "{text}");
        assert_eq!(text.matches(r#"{   "a": "b\n"}"#).count(), 3, "{text}");
    }
}
