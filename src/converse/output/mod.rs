//! Output events: a response as the blocks that the client receives, for streams and non-streaming
//! responses.

mod block_writer;
mod content;
mod events;
mod metadata;
mod open_block;
mod options;
mod summary;
mod text;
mod turn;

pub use events::OutputEvents;
pub use options::OutputOptions;
pub use summary::ResponseSummary;

use crate::converse::JsonText;
use crate::converse::content::ReasoningText;
use crate::converse::response::{Citation, StopReason};

/// A part of a message.
///
/// A message starts, has blocks one after another, and stops. A block starts, has deltas, and stops
/// before the next block starts. All blocks are visible: what the model writes for the gateway, such
/// as a tool call that the request does not allow, is no block, and reasoning that the model writes
/// into its text is a block of its own. Usage is not an event, since it follows the message; see
/// [`ResponseSummary`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OutputEvent<'a> {
    /// The start of the message.
    MessageStart,
    /// The start of a block.
    BlockStart {
        /// The index among all blocks, from 0 without gaps.
        index: usize,
        /// What the client has to know in advance.
        block: OutputBlock<'a>,
    },
    /// A part of the open block.
    BlockDelta {
        /// The index of the block.
        index: usize,
        /// The part.
        delta: OutputDelta<'a>,
    },
    /// The end of the open block.
    BlockStop {
        /// The index of the block.
        index: usize,
    },
    /// The end of the message, in terms of what the client received.
    MessageStop(&'a StopReason),
}

/// The start of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OutputBlock<'a> {
    /// Visible text. Each of Bedrock's text blocks is a block, except for JSON responses, whose text
    /// is one document. It has text, unless the model cites a source or returns probabilities
    /// without any.
    Text,
    /// The model's refusal, from upstreams that keep it apart from the text.
    Refusal,
    /// Reasoning. It may have a signature but no visible text.
    Reasoning,
    /// Encrypted reasoning: base64. It has no deltas.
    RedactedReasoning(&'a str),
    /// A tool call. The input of a function is never empty, but incomplete if the message was cut
    /// off.
    ToolCall {
        /// The id that the tool's result refers to.
        id: &'a str,
        /// The client's name of the tool.
        name: &'a str,
        /// The type of the tool.
        kind: CallKind,
    },
}

/// A part of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OutputDelta<'a> {
    /// Visible text, never empty.
    Text(&'a str),
    /// A part of a refusal, never empty.
    Refusal(&'a str),
    /// Reasoning text, never empty.
    Reasoning(&'a str),
    /// The signature of the reasoning with its complete text, which clients send back with the next
    /// request. The last delta of the block.
    Signature(&'a ReasoningText),
    /// A fragment of a tool call's input, never empty.
    Input {
        /// JSON text for a function, plain text for a custom tool.
        fragment: &'a str,
        /// The type of the tool.
        kind: CallKind,
    },
    /// The source of the block's text.
    Citation {
        /// The citation in Bedrock's format.
        citation: &'a Citation,
        /// The text that cites the source, in the text of all blocks.
        span: Span,
    },
    /// The probabilities of the tokens of some text of the block, in OpenAI's format.
    Logprobs(&'a JsonText),
}

/// A range of the visible text of a message, in characters (Unicode code points) from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The index of the first character.
    pub start: usize,
    /// The index after the last character.
    pub end: usize,
}

/// The type of a called tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// A function, whose input is JSON.
    Function,
    /// A custom tool, whose input is text.
    Custom,
}

impl CallKind {
    /// The value of `type` in the API, which is also the name of the call's object.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Custom => "custom",
        }
    }

    /// The name of the field with the tool's input.
    pub fn input(self) -> &'static str {
        match self {
            Self::Function => "arguments",
            Self::Custom => "input",
        }
    }
}

/// Receives the output events of a response, such as a chunk writer or a completion builder.
pub trait OutputWriter {
    /// Handles the next event.
    fn output(&mut self, output: OutputEvent<'_>);
}
