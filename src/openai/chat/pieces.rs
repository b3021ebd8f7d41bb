//! From Bedrock's events to the pieces of an OpenAI answer: the one path that streams and whole
//! answers share.

use super::names::ToolNames;
use crate::converse::event::{BlockStart, Delta, Event};
use crate::converse::response::{StopReason, Usage};
use crate::fault::{Fault, FaultKind};

/// What the client's request says of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerPlan {
    /// Whether it is streamed.
    pub stream: bool,
    /// Whether the stream ends with a chunk of usage.
    pub include_usage: bool,
    /// The client's names of the tools.
    pub names: ToolNames,
    /// Whether the client speaks of `function_call` rather than of `tool_calls`.
    pub legacy_functions: bool,
    /// Whether calls are kept from the client.
    pub hide_tool_calls: bool,
    /// Whether the client takes one call at the most.
    pub one_tool_call: bool,
}

/// A piece of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Piece<'a> {
    /// The answer begins.
    Role,
    /// Visible text, never empty.
    Content(&'a str),
    /// The model's reasoning, never empty.
    Reasoning(&'a str),
    /// A call begins.
    ToolCall {
        /// The place among the calls that the client sees, from 0.
        index: usize,
        /// The call's id.
        id: &'a str,
        /// The tool's name as the client wrote it.
        name: &'a str,
    },
    /// A fragment of a call's arguments, never empty.
    Arguments {
        /// The place of the call.
        index: usize,
        /// JSON text, in part.
        fragment: &'a str,
    },
    /// The answer is whole.
    Finish(FinishReason),
    /// What was used.
    Usage(TokenCounts),
}

/// Why an answer ended, in OpenAI's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The token limit or the context window.
    Length,
    /// The client is to run tools.
    ToolCalls,
    /// The same, for clients of `functions`.
    FunctionCall,
    /// A guardrail or the provider's filter.
    ContentFilter,
}

impl FinishReason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::FunctionCall => "function_call",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// Usage as OpenAI counts it: `prompt` holds what the cache served and took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// `prompt_tokens`
    pub prompt: u64,
    /// `completion_tokens`, reasoning included
    pub completion: u64,
    /// `prompt_tokens_details.cached_tokens`
    pub cached: u64,
    /// `prompt_tokens_details.cache_write_tokens`
    pub cache_write: u64,
}

impl From<Usage> for TokenCounts {
    fn from(usage: Usage) -> Self {
        let Usage {
            input_tokens,
            output_tokens,
            cache_read_input_tokens,
            cache_write_input_tokens,
        } = usage;
        Self {
            prompt: input_tokens
                .saturating_add(cache_read_input_tokens)
                .saturating_add(cache_write_input_tokens),
            completion: output_tokens,
            cached: cache_read_input_tokens,
            cache_write: cache_write_input_tokens,
        }
    }
}

/// Where pieces go.
pub trait Sink {
    /// Takes the next piece.
    fn piece(&mut self, piece: Piece<'_>);
}

/// What is done with the deltas of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// A call that the client sees.
    Call { index: usize, empty: bool },
    /// Something that the client does not see.
    Hidden,
}

/// The state of one answer between its events.
#[derive(Debug)]
pub struct Pieces {
    plan: AnswerPlan,
    /// The open blocks that are not plain text or reasoning, by `contentBlockIndex`.
    blocks: Vec<(u32, Block)>,
    calls: usize,
    has_content: bool,
    started: bool,
    finish: Option<FinishReason>,
    usage: Option<TokenCounts>,
}

impl Pieces {
    /// An answer of which nothing has arrived.
    pub fn new(plan: AnswerPlan) -> Self {
        Self {
            plan,
            blocks: Vec::new(),
            calls: 0,
            has_content: false,
            started: false,
            finish: None,
            usage: None,
        }
    }

    /// What the client's request says of its answer.
    pub fn plan(&self) -> &AnswerPlan {
        &self.plan
    }

    /// Why the answer ended, once it has.
    pub fn finish(&self) -> Option<FinishReason> {
        self.finish
    }

    /// What was used, once it is known.
    pub fn usage(&self) -> Option<TokenCounts> {
        self.usage
    }

    /// Takes the next event and gives the pieces it makes to `sink`.
    ///
    /// Fails where the model wrote nothing that can be used.
    pub fn accept(&mut self, event: &Event, sink: &mut impl Sink) -> Result<(), Fault> {
        if !self.started {
            self.started = true;
            sink.piece(Piece::Role);
        }
        match event {
            Event::MessageStart | Event::Unknown => {}
            Event::BlockStart { index, start } => self.start_block(*index, start, sink),
            Event::BlockDelta { index, delta } => self.delta(*index, delta, sink),
            Event::BlockStop { index } => self.stop_block(*index, sink),
            Event::MessageStop { stop_reason } => {
                let finish = self.finish_reason(stop_reason)?;
                self.finish = Some(finish);
                sink.piece(Piece::Finish(finish));
            }
            Event::Metadata { usage } => {
                let counts = TokenCounts::from(*usage);
                self.usage = Some(counts);
                sink.piece(Piece::Usage(counts));
            }
        }
        Ok(())
    }

    fn start_block(&mut self, index: u32, start: &BlockStart, sink: &mut impl Sink) {
        let block = match start {
            BlockStart::ToolUse { id, name } if self.shows_another_call() => {
                let call = self.calls;
                self.calls += 1;
                sink.piece(Piece::ToolCall {
                    index: call,
                    id,
                    name: self.plan.names.client_name(name),
                });
                Block::Call {
                    index: call,
                    empty: true,
                }
            }
            BlockStart::ToolUse { .. } | BlockStart::Hidden => Block::Hidden,
        };
        self.blocks.retain(|(open, _)| *open != index);
        self.blocks.push((index, block));
    }

    fn shows_another_call(&self) -> bool {
        !self.plan.hide_tool_calls && (self.calls == 0 || !self.plan.one_tool_call)
    }

    fn delta(&mut self, index: u32, delta: &Delta, sink: &mut impl Sink) {
        let open = self.blocks.iter_mut().find(|(open, _)| *open == index);
        match (open, delta) {
            (Some((_, Block::Call { index, empty })), Delta::ToolInput(fragment))
                if !fragment.is_empty() =>
            {
                *empty = false;
                let index = *index;
                sink.piece(Piece::Arguments { index, fragment });
            }
            (None, Delta::Text(text)) if !text.is_empty() => {
                self.has_content = true;
                sink.piece(Piece::Content(text));
            }
            (None, Delta::Reasoning(text)) if !text.is_empty() => {
                sink.piece(Piece::Reasoning(text));
            }
            _ => {}
        }
    }

    fn stop_block(&mut self, index: u32, sink: &mut impl Sink) {
        let position = self.blocks.iter().position(|(open, _)| *open == index);
        let closed = position.map(|position| self.blocks.swap_remove(position).1);
        // Clients parse the arguments as JSON: a call without any has an empty object.
        if let Some(Block::Call { index, empty: true }) = closed {
            sink.piece(Piece::Arguments {
                index,
                fragment: "{}",
            });
        }
    }

    fn finish_reason(&self, stop_reason: &StopReason) -> Result<FinishReason, Fault> {
        let done = match (self.calls, self.plan.legacy_functions) {
            (0, _) => FinishReason::Stop,
            (_, true) => FinishReason::FunctionCall,
            (_, false) => FinishReason::ToolCalls,
        };
        Ok(match stop_reason {
            StopReason::EndTurn | StopReason::ToolUse => done,
            StopReason::StopSequence => FinishReason::Stop,
            StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => FinishReason::Length,
            StopReason::GuardrailIntervened | StopReason::ContentFiltered => {
                FinishReason::ContentFilter
            }
            StopReason::MalformedModelOutput | StopReason::MalformedToolUse => {
                if !self.has_content && self.calls == 0 {
                    return Err(Fault::new(
                        FaultKind::BadGateway,
                        "the model wrote something that is not an answer; asking again may help",
                    )
                    .code("malformed_model_output"));
                }
                done
            }
            StopReason::Other(word) if word == "refusal" => FinishReason::ContentFilter,
            StopReason::Other(_) => done,
        })
    }
}
