//! Translates Converse events to output events, for streams and non-streaming responses.

use std::sync::Arc;

use super::metadata::ResponseMetadata;
use super::text::CompletionText;
use super::turn::TurnRecord;
use super::{CallKind, OutputEvent, OutputOptions, OutputWriter, ResponseSummary};
use crate::converse::content::ReasoningBlock;
use crate::converse::event::{BlockStart, Delta, Event};
use crate::converse::remembered::RememberedTurn;
use crate::converse::response::{Citation, StopReason, Usage};
use crate::converse::rules::JsonDelivery;
use crate::converse::rules::property_keys::KeyRestorer;
use crate::converse::rules::reasoning::open_reasoning::OpenReasoning;
use crate::converse::rules::tools::unescape::InputUnescape;
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The state of one choice between its events.
#[derive(Debug)]
pub struct OutputEvents {
    output_options: Arc<OutputOptions>,
    /// The open blocks that are not plain text, by `contentBlockIndex`.
    blocks: Vec<(u32, Block)>,
    keys: KeyRestorer,
    text: CompletionText,
    /// The number of tool calls and of complete reasoning blocks that the client has received.
    calls: usize,
    thinking_blocks: usize,
    turn: TurnRecord,
    started: bool,
    stop_reason: Option<StopReason>,
    metadata: ResponseMetadata,
    /// The number of events that could not be delivered to the client.
    undelivered: u64,
    /// The number of tool calls that the request does not allow.
    withheld_calls: u64,
}

/// An open block, by the handling of its deltas.
#[derive(Debug)]
enum Block {
    /// A function call sent to the client.
    Call {
        index: usize,
        empty: bool,
    },
    /// A custom tool call sent to the client.
    CustomCall {
        index: usize,
        input: InputUnescape,
    },
    /// The tool call that carries the requested JSON, sent as text.
    Json {
        empty: bool,
    },
    /// Text with citations.
    Cited {
        citations: Vec<Citation>,
    },
    Reasoning(OpenReasoning),
    /// A block that the client does not receive.
    Hidden,
}

impl OutputEvents {
    /// The state before the first event.
    pub fn new(output_options: Arc<OutputOptions>) -> Self {
        Self {
            keys: KeyRestorer::default(),
            text: CompletionText::new(&output_options),
            output_options,
            blocks: Vec::new(),
            calls: 0,
            thinking_blocks: 0,
            turn: TurnRecord::default(),
            started: false,
            stop_reason: None,
            metadata: ResponseMetadata::default(),
            undelivered: 0,
            withheld_calls: 0,
        }
    }

    /// The reason of the end; `None` until the response has ended.
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.stop_reason.as_ref()
    }

    /// Bedrock's token usage; `None` until it is known.
    pub fn usage(&self) -> Option<Usage> {
        self.metadata.usage
    }

    /// Usage and the other fields sent at the end of the response.
    pub fn summary(&self) -> &ResponseSummary {
        &self.metadata.summary
    }

    /// Bedrock's name of the service tier of the response; `None` if not reported.
    pub fn tier(&self) -> Option<&'static str> {
        self.metadata.tier
    }

    /// The number of events that could not be delivered to the client, because their type is
    /// unknown or they are out of place.
    pub fn undelivered(&self) -> u64 {
        self.undelivered
    }

    /// The number of tool calls that the model made although the request does not allow them.
    pub fn withheld_calls(&self) -> u64 {
        self.withheld_calls
    }

    /// The turn to remember, which has to be sent back to the model, and its keys: the ids of the
    /// tool calls that the client received, and the key of its reasoning. `None` if the turn has no
    /// reasoning, or if the client received all that has to be sent back.
    pub fn remembered(&mut self) -> Option<(Vec<String>, RememberedTurn)> {
        let turn = std::mem::take(&mut self.turn);
        turn.remembered(self.text.length(), &self.output_options)
    }

    /// Handles the next event and passes the resulting output events to `writer`.
    ///
    /// # Errors
    ///
    /// If the model's output is malformed and the client has received none of it.
    pub fn accept(
        &mut self,
        event: &Event,
        writer: &mut impl OutputWriter,
    ) -> Result<(), ApiError> {
        self.start(writer);
        if self.output_options.keys.is_empty() {
            return self.accept_restored(event, writer);
        }
        let events = self.keys.restore(event, &self.output_options.keys);
        let mut events = events.iter();
        events.try_for_each(|event| self.accept_restored(event, writer))
    }

    /// Handles an event whose properties have the client's names.
    fn accept_restored(
        &mut self,
        event: &Event,
        writer: &mut impl OutputWriter,
    ) -> Result<(), ApiError> {
        match event {
            Event::Metadata(metadata) => self.metadata.note(metadata, &self.output_options),
            // Deltas after the end of the message are not sent.
            Event::BlockDelta { .. } if self.stop_reason.is_some() => self.undelivered += 1,
            _ if self.stop_reason.is_some() => {}
            Event::MessageStart => {}
            Event::Unknown => self.undelivered += 1,
            Event::BlockStart { index, start } => self.start_block(*index, start, writer),
            Event::BlockDelta { index, delta } => self.delta(*index, delta, writer),
            Event::BlockStop { index } => self.stop_block(*index, writer),
            Event::MessageStop {
                stop_reason,
                additional_fields,
            } => {
                self.stop_open_blocks(writer);
                self.text.finish_block(writer);
                self.text.finish(writer);
                let fields = additional_fields.as_ref();
                self.metadata.note_fields(fields, &self.output_options);
                let reason = self.client_reason(stop_reason)?;
                writer.output(OutputEvent::MessageStop(self.stop_reason.insert(reason)));
            }
        }
        Ok(())
    }

    /// Writes the start of the choice, once.
    pub fn start(&mut self, writer: &mut impl OutputWriter) {
        if !self.started {
            self.started = true;
            writer.output(OutputEvent::Role);
        }
    }

    fn start_block(&mut self, index: u32, start: &BlockStart, writer: &mut impl OutputWriter) {
        if self.blocks.iter().any(|(open, _)| *open == index) {
            self.stop_block(index, writer);
        }
        let block = match start {
            BlockStart::ToolUse { id, name } => self.start_call(id, name, writer),
            BlockStart::Hidden => Block::Hidden,
            // The deltas determine the type of the block, as for text blocks, which have no start.
            BlockStart::Unknown => return,
        };
        self.blocks.push((index, block));
    }

    fn start_call(&mut self, id: &str, name: &str, writer: &mut impl OutputWriter) -> Block {
        if matches!(&self.output_options.json, Some(JsonDelivery::Tool(tool)) if tool == name) {
            // The client has the JSON already, as text or from an earlier tool call.
            if self.text.has_started() {
                return Block::Hidden;
            }
            self.text.discard_prose();
            return Block::Json { empty: true };
        }
        let one_is_enough = self.output_options.one_tool_call && self.turn.has_calls();
        if one_is_enough || !self.output_options.allowed_calls.allows(name) {
            self.withheld_calls += 1;
            return Block::Hidden;
        }
        self.text.finish(writer);
        self.turn.note_call(id, self.text.length());
        let index = self.calls;
        self.calls += 1;
        let is_custom = self.output_options.names.is_custom(name);
        let kind = match is_custom {
            true => CallKind::Custom,
            false => CallKind::Function,
        };
        writer.output(OutputEvent::ToolCall {
            index,
            id,
            name: self.output_options.names.client_name(name),
            kind,
        });
        match kind {
            CallKind::Function => Block::Call { index, empty: true },
            CallKind::Custom => Block::CustomCall {
                index,
                input: InputUnescape::default(),
            },
        }
    }

    fn delta(&mut self, index: u32, delta: &Delta, writer: &mut impl OutputWriter) {
        let open = self.blocks.iter_mut().find(|(open, _)| *open == index);
        match (open.map(|(_, block)| block), delta) {
            (Some(Block::Hidden), _) => {}
            // Text is sent whatever the type of the block.
            (_, Delta::Text(text)) => self.text.push(text, writer),
            (_, Delta::Refusal(text)) => writer.output(OutputEvent::Refusal(text)),
            (_, Delta::Logprobs(logprobs)) => writer.output(OutputEvent::Logprobs(logprobs)),
            (_, Delta::ToolInput(fragment)) if fragment.is_empty() => {}
            (Some(Block::Call { index, empty }), Delta::ToolInput(fragment)) => {
                *empty = false;
                writer.output(OutputEvent::Arguments {
                    index: *index,
                    fragment,
                    kind: CallKind::Function,
                });
            }
            (Some(Block::CustomCall { index, input }), Delta::ToolInput(fragment)) => {
                let index = *index;
                input.push(fragment, &mut |text| {
                    writer.output(custom_input(index, text))
                });
            }
            (Some(Block::Json { empty }), Delta::ToolInput(fragment)) => {
                *empty = false;
                self.text.emit(fragment, writer);
            }
            (Some(Block::Cited { citations }), Delta::Citation(citation)) => {
                citations.push(citation.clone());
            }
            (None, Delta::Citation(citation)) => {
                let citations = vec![citation.clone()];
                self.blocks.push((index, Block::Cited { citations }));
            }
            (Some(Block::Reasoning(open)), Delta::Reasoning(_) | Delta::Signature(_)) => {
                open.delta(delta, &self.output_options, writer);
            }
            (None, Delta::Reasoning(_) | Delta::Signature(_)) => {
                let mut open = OpenReasoning::default();
                open.delta(delta, &self.output_options, writer);
                self.blocks.push((index, Block::Reasoning(open)));
            }
            (None | Some(Block::Reasoning(_)), Delta::RedactedReasoning(data)) => {
                self.keep_reasoning(ReasoningBlock::RedactedContent(data.clone()), writer);
            }
            (_, Delta::Hidden | Delta::Citation(_))
            | (_, Delta::Reasoning(_) | Delta::Signature(_) | Delta::RedactedReasoning(_))
            | (_, Delta::ToolInput(_)) => self.undelivered += 1,
        }
    }

    /// Ends blocks without a stop event, so that the text they hold is not lost.
    fn stop_open_blocks(&mut self, writer: &mut impl OutputWriter) {
        while let Some((index, _)) = self.blocks.first() {
            self.stop_block(*index, writer);
        }
    }

    fn stop_block(&mut self, index: u32, writer: &mut impl OutputWriter) {
        let position = self.blocks.iter().position(|(open, _)| *open == index);
        let closed = position.map(|position| self.blocks.remove(position).1);
        match closed {
            // Clients parse the arguments as JSON: a tool call without arguments gets an empty
            // object.
            Some(Block::Call { index, empty: true }) => writer.output(OutputEvent::Arguments {
                index,
                fragment: "{}",
                kind: CallKind::Function,
            }),
            Some(Block::Json { empty: true }) => self.text.emit("{}", writer),
            Some(Block::CustomCall { index, mut input }) => {
                input.finish(&mut |text| writer.output(custom_input(index, text)));
            }
            Some(Block::Reasoning(open)) => {
                let kept = open.close(&self.output_options, writer);
                if let Some(block) = kept {
                    self.keep_reasoning(block, writer);
                }
            }
            Some(Block::Cited { citations }) => {
                self.text.finish_block(writer);
                self.text.cite(&citations, writer);
            }
            None => self.text.finish_block(writer),
            Some(Block::Call { .. } | Block::Json { .. } | Block::Hidden) => {}
        }
        self.text.end_block();
    }

    fn keep_reasoning(&mut self, block: ReasoningBlock, writer: &mut impl OutputWriter) {
        if !self.output_options.keeps_reasoning {
            return;
        }
        writer.output(OutputEvent::ThinkingBlock {
            index: self.thinking_blocks,
            block: &block,
        });
        self.thinking_blocks += 1;
        self.turn.note_reasoning(block, self.text.length());
    }

    /// The reason in terms of what the client received: a tool call that it did not receive is no
    /// reason to wait for its result.
    fn client_reason(&self, stop_reason: &StopReason) -> Result<StopReason, ApiError> {
        let done = match self.turn.has_calls() {
            true => StopReason::ToolUse,
            false => StopReason::EndTurn,
        };
        Ok(match stop_reason {
            StopReason::EndTurn | StopReason::ToolUse => done,
            StopReason::MalformedModelOutput | StopReason::MalformedToolUse => {
                if !self.text.has_started() && !self.turn.has_calls() {
                    return Err(ApiError::new(
                        ErrorKind::BadGateway,
                        "the model returned a malformed response; retry the request",
                    )
                    .code(ErrorCode::MalformedModelOutput));
                }
                done
            }
            StopReason::Other => done,
            known => *known,
        })
    }
}

fn custom_input(index: usize, fragment: &str) -> OutputEvent<'_> {
    OutputEvent::Arguments {
        index,
        fragment,
        kind: CallKind::Custom,
    }
}

#[cfg(test)]
mod tests;
