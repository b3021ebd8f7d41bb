//! What comes back: the answer of `POST /model/{modelId}/converse`.

use std::fmt;

use serde::Deserialize;

use super::JsonText;

/// A whole answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseResponse {
    /// What the model said.
    pub output: Output,
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// What was used.
    #[serde(default)]
    pub usage: Usage,
}

/// The output union; Converse answers only messages.
#[derive(Debug, Clone, Deserialize)]
pub struct Output {
    /// The model's turn.
    #[serde(default)]
    pub message: OutputMessage,
}

/// The model's turn.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct OutputMessage {
    /// Its blocks, in order.
    #[serde(default)]
    pub content: Vec<OutputBlock>,
}

/// One block of an answer: a union of which one member is set, or none where the block is of a
/// kind that is not known.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputBlock {
    /// Visible text.
    pub text: Option<String>,
    /// A call of a tool.
    pub tool_use: Option<OutputToolUse>,
    /// The model's reasoning.
    pub reasoning_content: Option<ReasoningContent>,
    /// Text with its sources.
    pub citations_content: Option<CitationsContent>,
}

/// A call of a tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputToolUse {
    /// The id of the call.
    pub tool_use_id: String,
    /// The tool's name as Bedrock knows it.
    pub name: String,
    /// The arguments.
    pub input: Option<JsonText>,
    /// `server_tool_use` where the provider runs the tool itself.
    pub r#type: Option<String>,
}

/// The model's reasoning.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningContent {
    /// Absent where the reasoning is redacted.
    pub reasoning_text: Option<ReasoningText>,
}

/// Readable reasoning.
#[derive(Debug, Clone, Deserialize)]
pub struct ReasoningText {
    /// The text.
    #[serde(default)]
    pub text: String,
}

/// Text with its sources.
#[derive(Debug, Clone, Deserialize)]
pub struct CitationsContent {
    /// The text, which is part of the answer.
    #[serde(default)]
    pub content: Vec<CitedText>,
}

/// A piece of cited text.
#[derive(Debug, Clone, Deserialize)]
pub struct CitedText {
    /// The text.
    #[serde(default)]
    pub text: String,
}

/// What a call used, in tokens. `inputTokens` leaves out what the cache served or took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Read afresh.
    #[serde(default)]
    pub input_tokens: u64,
    /// Written, reasoning included.
    #[serde(default)]
    pub output_tokens: u64,
    /// Read from the prompt cache.
    #[serde(default)]
    pub cache_read_input_tokens: u64,
    /// Written to the prompt cache.
    #[serde(default)]
    pub cache_write_input_tokens: u64,
}

/// Why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// It was done.
    EndTurn,
    /// It calls a tool.
    ToolUse,
    /// The token limit.
    MaxTokens,
    /// One of the stop sequences.
    StopSequence,
    /// A guardrail.
    GuardrailIntervened,
    /// The provider's filter.
    ContentFiltered,
    /// The model wrote something that is not an answer.
    MalformedModelOutput,
    /// The model wrote something that is not a tool call.
    MalformedToolUse,
    /// The context window.
    ModelContextWindowExceeded,
    /// A reason that is not known.
    Other(String),
}

impl From<&str> for StopReason {
    fn from(text: &str) -> Self {
        match text {
            "end_turn" => Self::EndTurn,
            "tool_use" => Self::ToolUse,
            "max_tokens" => Self::MaxTokens,
            "stop_sequence" => Self::StopSequence,
            "guardrail_intervened" => Self::GuardrailIntervened,
            "content_filtered" => Self::ContentFiltered,
            "malformed_model_output" => Self::MalformedModelOutput,
            "malformed_tool_use" => Self::MalformedToolUse,
            "model_context_window_exceeded" => Self::ModelContextWindowExceeded,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for StopReason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = StopReason;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a stop reason")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<StopReason, E> {
                Ok(StopReason::from(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
