//! Output events as `chat.completion.chunk` server-sent events.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use super::completion::{ThinkingBlockObject, annotation, citation};
use super::events::EventBuffer;
use super::finish_reason::FinishReason;
use crate::converse::dialect::StreamWriter;
use crate::converse::output::{
    CallKind, OutputBlock, OutputDelta, OutputEvent, OutputWriter, ResponseSummary,
};
use crate::error::ApiError;
use crate::wire::error::ErrorBody;

/// Writes `chat.completion.chunk` events into a buffer.
#[derive(Debug)]
pub struct ChunkWriter {
    events: EventBuffer,
    legacy_functions: bool,
    /// The index of the choice that the next output events belong to.
    choice: u32,
    lists: BTreeMap<u32, ListLengths>,
}

/// The number of items of each list in the chunks of a choice.
#[derive(Debug, Default)]
struct ListLengths {
    tool_calls: usize,
    thinking_blocks: usize,
    annotations: usize,
    citations: usize,
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
            lists: BTreeMap::new(),
        }
    }

    fn lists(&mut self) -> &mut ListLengths {
        self.lists.entry(self.choice).or_default()
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

    fn start(&mut self, block: OutputBlock<'_>) {
        match block {
            OutputBlock::Text | OutputBlock::Refusal | OutputBlock::Reasoning => {}
            OutputBlock::RedactedReasoning(data) => {
                let index = next(&mut self.lists().thinking_blocks);
                let block = ThinkingBlockObject::redacted(Some(index), data);
                self.item(b"\"thinking_blocks\":", &block);
            }
            OutputBlock::ToolCall { id, name, kind } => self.tool_call(id, name, kind),
        }
    }

    fn delta(&mut self, delta: OutputDelta<'_>) {
        match delta {
            OutputDelta::Text(text) => self.member(b"\"content\":", text),
            OutputDelta::Refusal(text) => self.member(b"\"refusal\":", text),
            OutputDelta::Reasoning(text) => self.member(b"\"reasoning_content\":", text),
            OutputDelta::Signature(reasoning) => {
                let index = next(&mut self.lists().thinking_blocks);
                let block = ThinkingBlockObject::readable(Some(index), reasoning);
                self.item(b"\"thinking_blocks\":", &block);
            }
            OutputDelta::Input { fragment, kind } => self.input(fragment, kind),
            OutputDelta::Citation {
                citation: source,
                span,
            } => match source.web_source() {
                Some(page) => {
                    let index = next(&mut self.lists().annotations);
                    self.item(b"\"annotations\":", &annotation(Some(index), page, span));
                }
                None => {
                    let index = next(&mut self.lists().citations);
                    let item = citation(Some(index), source, span);
                    self.item(b"\"bedrock_citations\":", &item);
                }
            },
            OutputDelta::Logprobs(logprobs) => {
                self.begin_choice();
                self.events.put(b"},\"logprobs\":");
                self.events.json(logprobs);
                self.events.put(b",\"finish_reason\":null}");
                self.events.end();
            }
        }
    }

    fn tool_call(&mut self, id: &str, name: &str, kind: CallKind) {
        let index = next(&mut self.lists().tool_calls);
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

    /// A fragment of the input of the last tool call.
    fn input(&mut self, fragment: &str, kind: CallKind) {
        let index = self.lists().tool_calls.saturating_sub(1);
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
            OutputEvent::MessageStart => {
                self.begin_choice();
                self.events
                    .put(b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
                self.end_choice(None);
            }
            OutputEvent::BlockStart { index: _, block } => self.start(block),
            OutputEvent::BlockDelta { index: _, delta } => self.delta(delta),
            OutputEvent::BlockStop { .. } => {}
            OutputEvent::MessageStop(reason) => {
                let reason = FinishReason::new(reason, self.legacy_functions);
                self.begin_choice();
                self.end_choice(Some(reason.as_str()));
            }
        }
    }
}

/// The index of the next item of a list of this length.
fn next(length: &mut usize) -> usize {
    let index = *length;
    *length += 1;
    index
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
        let delta = OutputDelta::Citation {
            citation: &Citation(json.clone()),
            span: Span { start: 0, end: 0 },
        };
        writer.output(OutputEvent::BlockDelta { index: 0, delta });
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
