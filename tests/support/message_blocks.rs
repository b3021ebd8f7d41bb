//! The output events of a message: that they are well-formed, and what they add up to.

use std::mem;
use std::sync::Arc;

use outcrop::converse::content::ReasoningText;
use outcrop::converse::event::Event;
use outcrop::converse::output::{
    CallKind, OutputBlock, OutputDelta, OutputEvent, OutputEvents, OutputOptions, OutputWriter,
};
use outcrop::dialects::openai_chat::FinishReason;
use serde_json::{Value, json};

/// Panics unless the output events for `events` are well-formed and add up to `choice`, in the form
/// of [`with_defaults`](super::choices::with_defaults).
pub fn add_up(events: &[Event], output_options: &OutputOptions, choice: &Value) {
    let mut message = MessageRecord::default();
    let mut output_events = OutputEvents::new(Arc::new(output_options.clone()));
    for event in events {
        output_events.accept(event, &mut message).unwrap();
    }
    let is_finished = output_events.stop_reason().is_some();
    assert_eq!(message.finish.is_some(), is_finished);
    assert!(!is_finished || message.open.is_none());
    assert_eq!(&message.folded(output_options.legacy_functions), choice);
}

/// A message, built from its output events.
#[derive(Debug, Default)]
struct MessageRecord {
    has_started: bool,
    /// The complete blocks.
    blocks: Vec<BlockRecord>,
    open: Option<BlockRecord>,
    finish: Option<FinishReason>,
    /// The number of characters of visible text.
    length: usize,
}

#[derive(Debug)]
struct BlockRecord {
    kind: BlockKind,
    /// The text, or the input of a tool call.
    text: String,
    signature: Option<ReasoningText>,
    /// `annotations` and `bedrock_citations`.
    citations: Vec<(&'static str, Value)>,
    has_deltas: bool,
}

#[derive(Debug, PartialEq)]
enum BlockKind {
    Text,
    Refusal,
    Reasoning,
    RedactedReasoning(String),
    ToolCall {
        id: String,
        name: String,
        kind: CallKind,
    },
}

impl OutputWriter for MessageRecord {
    fn output(&mut self, output: OutputEvent<'_>) {
        assert!(self.finish.is_none(), "after the end: {output:?}");
        let is_start = output == OutputEvent::MessageStart;
        assert_ne!(
            mem::replace(&mut self.has_started, true),
            is_start,
            "{output:?}"
        );
        match output {
            OutputEvent::MessageStart => {}
            OutputEvent::BlockStart { index, block } => {
                assert!(self.open.is_none(), "{output:?} within {:?}", self.open);
                assert_eq!(index, self.blocks.len());
                self.open = Some(BlockRecord::new(block));
            }
            OutputEvent::BlockDelta { index, delta } => {
                assert_eq!(index, self.blocks.len());
                let block = self.open.as_mut().expect("an open block");
                if let (OutputDelta::Text(text), true) = (delta, block.kind == BlockKind::Text) {
                    self.length += text.chars().count();
                }
                block.push(delta, self.length);
            }
            OutputEvent::BlockStop { index } => {
                assert_eq!(index, self.blocks.len());
                let block = self.open.take().expect("an open block");
                block.assert_complete();
                self.blocks.push(block);
            }
            OutputEvent::MessageStop(reason) => {
                assert!(self.open.is_none(), "{output:?} within {:?}", self.open);
                self.finish = Some(FinishReason::new(reason, false));
            }
        }
    }
}

impl BlockRecord {
    fn new(block: OutputBlock<'_>) -> Self {
        Self {
            kind: match block {
                OutputBlock::Text => BlockKind::Text,
                OutputBlock::Refusal => BlockKind::Refusal,
                OutputBlock::Reasoning => BlockKind::Reasoning,
                OutputBlock::RedactedReasoning(data) => {
                    BlockKind::RedactedReasoning(data.to_owned())
                }
                OutputBlock::ToolCall { id, name, kind } => BlockKind::ToolCall {
                    id: id.to_owned(),
                    name: name.to_owned(),
                    kind,
                },
            },
            text: String::new(),
            signature: None,
            citations: Vec::new(),
            has_deltas: false,
        }
    }

    /// Adds a delta; `length` is the number of characters of visible text with it.
    fn push(&mut self, delta: OutputDelta<'_>, length: usize) {
        assert!(self.signature.is_none(), "after the signature: {delta:?}");
        self.has_deltas = true;
        match (delta, &self.kind) {
            (OutputDelta::Text(text), BlockKind::Text)
            | (OutputDelta::Refusal(text), BlockKind::Refusal)
            | (OutputDelta::Reasoning(text), BlockKind::Reasoning) => {
                assert_ne!(text, "");
                self.text.push_str(text);
            }
            (
                OutputDelta::Input { fragment, kind },
                BlockKind::ToolCall {
                    kind: call_kind, ..
                },
            ) => {
                assert_ne!(fragment, "");
                assert_eq!(kind, *call_kind);
                self.text.push_str(fragment);
            }
            (OutputDelta::Signature(reasoning), BlockKind::Reasoning) => {
                self.signature = Some(reasoning.clone());
            }
            (OutputDelta::Citation { citation, span }, BlockKind::Text) => {
                assert!(span.start <= span.end && span.end <= length, "{span:?}");
                let (start, end) = (span.start, span.end);
                let item = match citation.web_source() {
                    Some(source) => {
                        let (url, title) = (source.url, source.title);
                        let cited = json!({"url": url, "title": title, "start_index": start, "end_index": end});
                        let item = json!({"type": "url_citation", "url_citation": cited});
                        ("annotations", item)
                    }
                    None => {
                        let item =
                            json!({"start_index": start, "end_index": end, "citation": citation});
                        ("bedrock_citations", item)
                    }
                };
                self.citations.push(item);
            }
            (OutputDelta::Logprobs(_), BlockKind::Text | BlockKind::Refusal) => {}
            (delta, kind) => panic!("{delta:?} in {kind:?}"),
        }
    }

    fn assert_complete(&self) {
        match self.kind {
            BlockKind::RedactedReasoning(_) => assert!(!self.has_deltas, "{self:?}"),
            // The input of a custom tool is any text.
            BlockKind::ToolCall {
                kind: CallKind::Custom,
                ..
            } => {}
            _ => assert!(self.has_deltas, "{self:?}"),
        }
    }
}

impl MessageRecord {
    /// The choice that the blocks add up to.
    fn folded(&self, legacy_functions: bool) -> Value {
        let mut message = json!({
            "content": "", "refusal": "", "reasoning_content": "", "tool_calls": [],
            "thinking_blocks": [], "annotations": [], "bedrock_citations": [],
        });
        for block in self.blocks.iter().chain(&self.open) {
            block.fold(&mut message, legacy_functions);
        }
        let finish = self.finish.map(|finish| match finish {
            FinishReason::ToolCalls if legacy_functions => "function_call",
            finish => finish.as_str(),
        });
        json!({"message": message, "finish_reason": finish})
    }
}

impl BlockRecord {
    fn fold(&self, message: &mut Value, legacy_functions: bool) {
        let text = match &self.kind {
            BlockKind::Text => "content",
            BlockKind::Refusal => "refusal",
            BlockKind::Reasoning => "reasoning_content",
            BlockKind::RedactedReasoning(data) => {
                let item = json!({"type": "redacted_thinking", "data": data});
                return append(message, "thinking_blocks", item);
            }
            BlockKind::ToolCall { name, .. } if legacy_functions => {
                message["function_call"] = json!({"name": name, "arguments": self.text});
                return;
            }
            BlockKind::ToolCall { id, name, kind } => {
                let call = match kind {
                    CallKind::Function => {
                        let function = json!({"name": name, "arguments": self.text});
                        json!({"id": id, "type": "function", "function": function})
                    }
                    CallKind::Custom => {
                        let custom = json!({"name": name, "input": self.text});
                        json!({"id": id, "type": "custom", "custom": custom})
                    }
                };
                return append(message, "tool_calls", call);
            }
        };
        let joined = format!("{}{}", message[text].as_str().unwrap(), self.text);
        message[text] = joined.into();
        if let Some(ReasoningText { text, signature }) = &self.signature {
            let item = json!({"type": "thinking", "thinking": text, "signature": signature});
            append(message, "thinking_blocks", item);
        }
        for (list, item) in &self.citations {
            append(message, list, item.clone());
        }
    }
}

fn append(message: &mut Value, list: &str, item: Value) {
    message[list].as_array_mut().unwrap().push(item);
}
