//! The options of a chat request that determine the form of its response.

use std::sync::Arc;

use crate::converse::options::Fields;
use crate::converse::origin::Origin;
use crate::converse::rules::PropertyKeys;
use crate::converse::rules::ToolNames;
use crate::converse::rules::{AllowedCalls, JsonDelivery};
use crate::models::ReasoningReplay;

/// The options of a chat request that determine the form of its response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputOptions {
    /// Whether the client requested a stream.
    pub stream: bool,
    /// Whether the Bedrock request is non-streaming, even if the client's response is a stream.
    pub non_streaming: bool,
    /// The number of choices (`n`).
    pub choices: u32,
    /// Whether the stream ends with a chunk with usage.
    pub include_usage: bool,
    /// The client's names of the tools.
    pub names: ToolNames,
    /// The properties that were renamed for the model.
    pub keys: PropertyKeys,
    /// Whether the response has `function_call` instead of `tool_calls`.
    pub legacy_functions: bool,
    /// The tool calls that the client receives.
    pub allowed_calls: AllowedCalls,
    /// Whether the client receives at most one tool call.
    pub one_tool_call: bool,
    /// How the model returns the requested JSON; `None` for a text response.
    pub json: Option<JsonDelivery>,
    /// The instructions that the gateway appended to the prompt, remembered with the reasoning.
    pub instructions: Vec<String>,
    /// The name of the tag around reasoning in the text; empty if reasoning has its own blocks.
    pub reasoning_tag: String,
    /// Whether the text after an unclosed reasoning tag is content.
    pub reasoning_tag_strays: bool,
    /// The text with which the provider replaces redacted reasoning; empty if it has none.
    pub reasoning_placeholder: String,
    /// Which reasoning is sent back to the model.
    pub reasoning_replay: ReasoningReplay,
    /// The model that reasons; `None` if nobody asks.
    pub origin: Option<Arc<Origin>>,
    /// Whether the response includes the guardrail trace.
    pub include_trace: bool,
    /// The id of the operator's guardrail, which the trace must not reveal.
    pub hidden_guardrail: Option<String>,
    /// Whether the response includes provider-specific response fields.
    pub include_response_fields: bool,
    /// Whether the response includes the service tier.
    pub include_service_tier: bool,
    /// The request's `metadata`, which the response repeats.
    pub metadata: Option<Fields>,
}

impl OutputOptions {
    /// Whether reasoning blocks are kept, to be sent back to the model byte for byte.
    pub fn keeps_reasoning(&self) -> bool {
        match self.reasoning_replay {
            ReasoningReplay::Signed | ReasoningReplay::Redacted => true,
            ReasoningReplay::None | ReasoningReplay::Text => false,
        }
    }
}
