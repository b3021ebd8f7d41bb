//! Output events: the parts of a response, for streams and non-streaming responses.

mod events;
mod metadata;
mod options;
mod summary;
mod text;
mod turn;

pub use events::OutputEvents;
pub use options::OutputOptions;
pub use summary::ResponseSummary;

use crate::converse::JsonText;
use crate::converse::content::ReasoningBlock;
use crate::converse::response::{Citation, StopReason, WebSource};

/// A part of a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OutputEvent<'a> {
    /// The start of the choice.
    Role,
    /// Visible text, never empty.
    Content(&'a str),
    /// The model's refusal, never empty.
    Refusal(&'a str),
    /// The probabilities of the tokens of some visible text, in OpenAI's format.
    Logprobs(&'a JsonText),
    /// Reasoning text, never empty.
    Reasoning(&'a str),
    /// A complete reasoning block, which clients send back with the next request.
    ThinkingBlock {
        /// The index among the reasoning blocks, from 0.
        index: usize,
        /// The complete block.
        block: &'a ReasoningBlock,
    },
    /// A citation of a web page in the visible text.
    Annotation {
        /// The index among the annotations, from 0.
        index: usize,
        /// The cited web page.
        source: &'a WebSource,
        /// The text that cites the page.
        span: Span,
    },
    /// A citation of a document or search result of the request.
    Citation {
        /// The index among the citations, from 0.
        index: usize,
        /// The citation in Bedrock's format.
        citation: &'a Citation,
        /// The text that cites the source.
        span: Span,
    },
    /// The start of a tool call.
    ToolCall {
        /// The index among the tool calls that the client receives, from 0.
        index: usize,
        /// The id that the tool's result refers to.
        id: &'a str,
        /// The client's name of the tool.
        name: &'a str,
        /// The type of the tool.
        kind: CallKind,
    },
    /// A fragment of a tool call's input, never empty.
    Arguments {
        /// The index of the tool call.
        index: usize,
        /// A fragment of JSON text for a function, of plain text for a custom tool.
        fragment: &'a str,
        /// The type of the tool.
        kind: CallKind,
    },
    /// The end of the choice.
    MessageStop(&'a StopReason),
}

/// A range of the visible text, in characters (Unicode code points) from its start.
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
