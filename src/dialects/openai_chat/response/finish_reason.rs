//! Why a choice ended, in OpenAI's words.

use crate::converse::response::StopReason;

/// OpenAI's `finish_reason` of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model finished or produced a stop sequence.
    Stop,
    /// The token limit or the context window was reached.
    Length,
    /// The model called tools.
    ToolCalls,
    /// The model called a function, for clients that use `functions`.
    FunctionCall,
    /// A guardrail or the provider's filter intervened.
    ContentFilter,
}

impl FinishReason {
    /// The finish reason for Converse's stop reason; `legacy_functions` if the client uses
    /// `functions` instead of `tools`.
    pub fn new(reason: &StopReason, legacy_functions: bool) -> Self {
        match reason {
            StopReason::ToolUse if legacy_functions => Self::FunctionCall,
            StopReason::ToolUse => Self::ToolCalls,
            StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => Self::Length,
            StopReason::GuardrailIntervened | StopReason::ContentFiltered | StopReason::Refusal => {
                Self::ContentFilter
            }
            StopReason::EndTurn
            | StopReason::StopSequence
            | StopReason::MalformedModelOutput
            | StopReason::MalformedToolUse
            | StopReason::Other => Self::Stop,
        }
    }

    /// The value in the API.
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
