//! Chunks of a stream, or a non-streaming response, as events of ConverseStream.

use super::chunk::{Chunk, ChunkCall, ChunkChoice, ChunkDelta, usage};
use crate::converse::event::{BlockStart, Delta, Event, Metadata};
use crate::converse::json::end::JsonEnd;
use crate::converse::response::{StopReason, Usage};

/// The maximum number of tool calls in a response. The upstream sends their indices, so the memory
/// for them must be limited.
const MAX_CALLS: usize = 256;

/// The state of one response between its chunks.
#[derive(Debug, Default)]
pub struct ChatCompletionEvents {
    started: bool,
    stopped: bool,
    /// The index of the next content block.
    next_block: u32,
    /// The open block of text, reasoning or a refusal.
    open: Option<(u32, BlockKind)>,
    calls: Vec<OpenCall>,
    usage: Option<Usage>,
    service_tier: Option<String>,
    has_metadata: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    Reasoning,
    Text,
    Refusal,
}

/// A tool call. Calls may be interleaved, so the next block ends a call only if its arguments are
/// complete; the others end with the message.
#[derive(Debug)]
struct OpenCall {
    /// The upstream's index of the call.
    index: u64,
    block: u32,
    arguments: JsonEnd,
    is_complete: bool,
    has_ended: bool,
}

impl ChatCompletionEvents {
    /// The events of a non-streaming response.
    ///
    /// # Errors
    ///
    /// If the body is not a chat completion with a choice.
    pub fn of_response(body: &[u8]) -> serde_json::Result<Vec<Event>> {
        let response: Chunk = serde_json::from_slice(body)?;
        if response.choices.is_empty() {
            return Err(serde::de::Error::missing_field("choices"));
        }
        let mut events = Vec::with_capacity(8);
        let mut state = Self::default();
        state.read(response, &mut events)?;
        state.stop(StopReason::EndTurn, &mut events);
        state.end(&mut events);
        Ok(events)
    }

    /// Appends the events of the next chunk of a stream.
    ///
    /// # Errors
    ///
    /// If it is not a chunk, or if the message has too many tool calls.
    pub fn accept(&mut self, chunk: &str, events: &mut Vec<Event>) -> serde_json::Result<()> {
        self.read(serde_json::from_str(chunk)?, events)
    }

    /// Appends the metadata, unless the usage is unknown or was not the last part of the response.
    pub fn end(&mut self, events: &mut Vec<Event>) {
        if !self.stopped || self.has_metadata {
            return;
        }
        if let Some(usage) = self.usage {
            self.has_metadata = true;
            events.push(Event::Metadata(Box::new(Metadata {
                usage,
                trace: None,
                service_tier: self.service_tier.take(),
            })));
        }
    }

    fn read(&mut self, chunk: Chunk, events: &mut Vec<Event>) -> serde_json::Result<()> {
        let Chunk {
            choices,
            usage: counted,
            service_tier,
        } = chunk;
        if !std::mem::replace(&mut self.started, true) {
            events.push(Event::MessageStart);
        }
        self.usage = counted.as_ref().and_then(usage).or(self.usage);
        self.service_tier = service_tier
            .and_then(bedrock_tier)
            .or(self.service_tier.take());
        // The gateway requests each choice by itself.
        if let Some(choice) = choices.into_iter().next().filter(|_| !self.stopped) {
            self.choice(choice, events)?;
        }
        self.end(events);
        Ok(())
    }

    fn choice(&mut self, choice: ChunkChoice, events: &mut Vec<Event>) -> serde_json::Result<()> {
        let ChunkChoice {
            delta,
            finish_reason,
            logprobs,
        } = choice;
        let ChunkDelta {
            content,
            refusal,
            reasoning_content,
            tool_calls,
        } = delta;
        let reasoning = reasoning_content.map(|text| (BlockKind::Reasoning, text));
        let text = content.map(|text| (BlockKind::Text, text));
        let refusal = refusal.map(|text| (BlockKind::Refusal, text));
        for (kind, text) in [reasoning, text, refusal].into_iter().flatten() {
            if !text.is_empty() {
                let index = self.block(kind, events);
                let delta = kind.delta(text);
                events.push(Event::BlockDelta { index, delta });
            }
        }
        if let Some(logprobs) = logprobs {
            let index = match self.open {
                Some((index, BlockKind::Text | BlockKind::Refusal)) => index,
                _ => self.block(BlockKind::Text, events),
            };
            let delta = Delta::Logprobs(logprobs);
            events.push(Event::BlockDelta { index, delta });
        }
        for (call, position) in tool_calls.into_iter().zip(0..) {
            self.call(call, position, events)?;
        }
        if let Some(reason) = finish_reason {
            self.stop(stop_reason(&reason), events);
        }
        Ok(())
    }

    /// The index of the open block of this kind.
    fn block(&mut self, kind: BlockKind, events: &mut Vec<Event>) -> u32 {
        match self.open {
            Some((index, open)) if open == kind => index,
            _ => {
                self.close_block(events);
                let index = self.new_block(events);
                self.open = Some((index, kind));
                index
            }
        }
    }

    /// The index of a new block. The calls before it that are complete end.
    fn new_block(&mut self, events: &mut Vec<Event>) -> u32 {
        for call in self.calls.iter_mut().filter(|call| call.is_complete) {
            call.end(events);
        }
        let index = self.next_block;
        self.next_block = index.saturating_add(1);
        index
    }

    fn close_block(&mut self, events: &mut Vec<Event>) {
        if let Some((index, _)) = self.open.take() {
            events.push(Event::BlockStop { index });
        }
    }

    fn call(
        &mut self,
        call: ChunkCall,
        position: u64,
        events: &mut Vec<Event>,
    ) -> serde_json::Result<()> {
        let index = call.index.unwrap_or(position);
        if !self.calls.iter().any(|open| open.index == index) {
            if self.calls.len() >= MAX_CALLS {
                return Err(serde::de::Error::custom("too many tool calls"));
            }
            self.close_block(events);
            let block = self.new_block(events);
            events.push(Event::BlockStart {
                index: block,
                start: BlockStart::ToolUse {
                    id: call.id.unwrap_or_else(|| format!("call_{index}")),
                    name: call.function.name.unwrap_or_default(),
                },
            });
            self.calls.push(OpenCall {
                index,
                block,
                arguments: JsonEnd::default(),
                is_complete: false,
                has_ended: false,
            });
        }
        let open = self.calls.iter_mut().find(|open| open.index == index);
        let arguments = call.function.arguments.filter(|text| !text.is_empty());
        if let (Some(open), Some(arguments)) = (open, arguments) {
            open.is_complete |= open.arguments.find(&arguments).is_some();
            events.push(Event::BlockDelta {
                index: open.block,
                delta: Delta::ToolInput(arguments),
            });
        }
        Ok(())
    }

    /// Ends the message, once.
    fn stop(&mut self, stop_reason: StopReason, events: &mut Vec<Event>) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        self.close_block(events);
        for mut call in self.calls.drain(..) {
            call.end(events);
        }
        events.push(Event::MessageStop {
            stop_reason,
            additional_fields: None,
        });
    }
}

impl OpenCall {
    /// Ends the block, once.
    fn end(&mut self, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.has_ended, true) {
            events.push(Event::BlockStop { index: self.block });
        }
    }
}

impl BlockKind {
    fn delta(self, text: String) -> Delta {
        match self {
            Self::Reasoning => Delta::Reasoning(text),
            Self::Text => Delta::Text(text),
            Self::Refusal => Delta::Refusal(text),
        }
    }
}

fn stop_reason(finish_reason: &str) -> StopReason {
    match finish_reason {
        "stop" => StopReason::EndTurn,
        "length" => StopReason::MaxTokens,
        "tool_calls" | "function_call" => StopReason::ToolUse,
        "content_filter" => StopReason::ContentFiltered,
        "refusal" => StopReason::Refusal,
        _ => StopReason::Other,
    }
}

/// Bedrock's name of the tier that served the call; `None` if the upstream does not name it.
fn bedrock_tier(tier: String) -> Option<String> {
    match tier.as_str() {
        "default" | "flex" | "priority" => Some(tier),
        "scale" | "reserved" => Some("reserved".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streamed(chunks: &[&str]) -> Vec<Event> {
        let mut state = ChatCompletionEvents::default();
        let mut events = Vec::new();
        for chunk in chunks {
            state.accept(chunk, &mut events).expect("a chunk");
        }
        events
    }

    fn call(index: u32, id: &str) -> Event {
        let start = BlockStart::ToolUse {
            id: id.to_owned(),
            name: "f".to_owned(),
        };
        Event::BlockStart { index, start }
    }

    fn input(index: u32, text: &str) -> Event {
        let delta = Delta::ToolInput(text.to_owned());
        Event::BlockDelta { index, delta }
    }

    #[test]
    fn interleaved_calls_have_blocks_of_their_own_after_the_text() {
        let events = streamed(&[
            r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f"}},
                {"index":1,"id":"2","function":{"name":"f","arguments":"{"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ]);
        let text = Delta::Text("a".to_owned());
        let expected = [
            Event::MessageStart,
            Event::BlockDelta {
                index: 0,
                delta: text,
            },
            Event::BlockStop { index: 0 },
            call(1, "1"),
            call(2, "2"),
            input(2, "{"),
            input(1, "{}"),
            input(2, "}"),
            Event::BlockStop { index: 1 },
            Event::BlockStop { index: 2 },
            Event::MessageStop {
                stop_reason: StopReason::ToolUse,
                additional_fields: None,
            },
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn a_call_with_complete_arguments_ends_before_the_next_block() {
        let events = streamed(&[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{\"a\":"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"}\"}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"2","function":{"name":"f"}}]}}]}"#,
        ]);
        let expected = [
            Event::MessageStart,
            call(0, "1"),
            input(0, "{\"a\":"),
            input(0, "\"}\"}"),
            Event::BlockStop { index: 0 },
            call(1, "2"),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn probabilities_belong_to_the_text_or_the_refusal() {
        let events = streamed(&[
            r#"{"choices":[{"delta":{"refusal":"I"},"logprobs":{"refusal":[]}}]}"#,
            r#"{"choices":[{"delta":{"refusal":" cannot"}}]}"#,
        ]);
        let indices = events.iter().filter_map(|event| match event {
            Event::BlockDelta { index, .. } => Some(*index),
            _ => None,
        });
        assert_eq!(indices.collect::<Vec<_>>(), [0, 0, 0]);
    }

    #[test]
    fn usage_ends_the_response_wherever_it_is() {
        let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":5,
            "prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},
            "completion_tokens_details":null},"service_tier":"scale""#;
        let finish = r#"{"delta":{"content":"a"},"finish_reason":"length"}"#;
        let one = format!(r#"{{"choices":[{finish}],{usage}}}"#);
        let (first, last) = (
            format!(r#"{{"choices":[{finish}],"usage":null}}"#),
            format!(r#"{{"choices":null,{usage}}}"#),
        );
        let events = streamed(&[&one]);
        assert_eq!(streamed(&[&first, &last]), events);
        assert_eq!(streamed(&[&last, &first]), events);
        let response = one.replace("delta", "message");
        let response = ChatCompletionEvents::of_response(response.as_bytes());
        assert_eq!(response.expect("a response"), events);
        let Some(Event::Metadata(metadata)) = events.last() else {
            panic!("{events:?}");
        };
        let expected = Usage {
            input_tokens: 3,
            output_tokens: 5,
            cache_read_input_tokens: 4,
            cache_write_input_tokens: 2,
            ..Usage::default()
        };
        assert_eq!(metadata.usage, expected);
        assert_eq!(metadata.service_tier.as_deref(), Some("reserved"));
    }

    #[test]
    fn what_follows_the_finish_reason_is_ignored() {
        let finish = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        let late = r#"{"choices":[{"delta":{"content":"late"},"finish_reason":"length"}]}"#;
        assert_eq!(streamed(&[finish, late]), streamed(&[finish]));
    }

    #[test]
    fn the_number_of_tool_calls_is_limited() {
        let mut state = ChatCompletionEvents::default();
        let mut events = Vec::new();
        let chunk = |index: usize| {
            format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{index}}}]}}}}]}}"#)
        };
        for index in 0..MAX_CALLS {
            assert!(state.accept(&chunk(index), &mut events).is_ok());
        }
        assert!(state.accept(&chunk(MAX_CALLS), &mut events).is_err());
    }

    #[test]
    fn a_response_needs_a_choice() {
        for body in ["{}", "[]", "", r#"{"choices":[]}"#, r#"{"choices":1}"#] {
            let events = ChatCompletionEvents::of_response(body.as_bytes());
            assert!(events.is_err(), "{body}");
        }
    }
}
