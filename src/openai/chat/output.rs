//! The pieces of an OpenAI answer, which streams and whole answers share.

use crate::converse::content::ReasoningBlock;
use crate::converse::response::{Citation, WebSource};

/// A piece of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OutputEvent<'a> {
    /// The answer begins.
    Role,
    /// Visible text, never empty.
    Content(&'a str),
    /// The model's reasoning, never empty.
    Reasoning(&'a str),
    /// A block of reasoning is whole, and can be given back to the model.
    ThinkingBlock {
        /// The place among the blocks, from 0.
        index: usize,
        /// The block.
        block: &'a ReasoningBlock,
    },
    /// A source of the visible text, on the web.
    Annotation {
        /// The place among the annotations, from 0.
        index: usize,
        /// The source.
        source: &'a WebSource,
        /// What of the text it is a source of.
        span: Span,
    },
    /// A source of the visible text within what the client sent.
    Citation {
        /// The place among the citations, from 0.
        index: usize,
        /// The source, as Bedrock wrote it.
        citation: &'a Citation,
        /// What of the text it is a source of.
        span: Span,
    },
    /// A call begins.
    ToolCall {
        /// The place among the calls that the client sees, from 0.
        index: usize,
        /// The call's id.
        id: &'a str,
        /// The tool's name as the client wrote it.
        name: &'a str,
        /// Whether the tool is given JSON or text.
        kind: CallKind,
    },
    /// A fragment of a call's arguments, never empty.
    Arguments {
        /// The place of the call.
        index: usize,
        /// JSON text in part, or the text itself for a custom tool.
        fragment: &'a str,
        /// Whether the tool is given JSON or text.
        kind: CallKind,
    },
    /// The answer is whole.
    Finish(FinishReason),
}

/// A stretch of the visible text, in characters (Unicode code points) from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Of the first character.
    pub start: usize,
    /// Behind the last one.
    pub end: usize,
}

/// What a tool is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// JSON: a function.
    Function,
    /// Text: a custom tool.
    Custom,
}

impl CallKind {
    /// The word on the wire, which is also the name of the member that describes the call.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Custom => "custom",
        }
    }

    /// The name of the member that holds what the tool is given.
    pub fn input(self) -> &'static str {
        match self {
            Self::Function => "arguments",
            Self::Custom => "input",
        }
    }
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

/// Where pieces go.
pub trait OutputWriter {
    /// Takes the next piece.
    fn output(&mut self, output: OutputEvent<'_>);
}
