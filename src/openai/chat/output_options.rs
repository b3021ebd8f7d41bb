//! What the client's request says of its answer.

use super::names::ToolNames;
use crate::converse::options::Fields;
use crate::converse::property_keys::PropertyKeys;
use crate::converse::rules::{AllowedCalls, JsonDelivery};

/// What the client's request says of its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputOptions {
    /// Whether it is streamed.
    pub stream: bool,
    /// Whether Bedrock is asked for it whole, streamed or not.
    pub non_streaming: bool,
    /// How many answers.
    pub choices: u32,
    /// Whether the stream ends with a chunk of usage.
    pub include_usage: bool,
    /// The client's names of the tools.
    pub names: ToolNames,
    /// The properties that the model knows by other names than the client.
    pub keys: PropertyKeys,
    /// Whether the client speaks of `function_call` rather than of `tool_calls`.
    pub legacy_functions: bool,
    /// Which of the model's calls reach the client.
    pub allowed_calls: AllowedCalls,
    /// Whether the client takes one call at the most.
    pub one_tool_call: bool,
    /// How the JSON that was asked for comes back.
    pub json: Option<JsonDelivery>,
    /// What stands at the end of the prompt, to be remembered with the model's reasoning.
    pub instructions: Vec<String>,
    /// The tag that reasoning stands in within the text; empty where it has blocks of its own.
    pub reasoning_tag: String,
    /// Whether such a tag without its closing one is a remnant, and the text behind it the answer.
    pub reasoning_tag_strays: bool,
    /// What reasoning begins with where its text was taken out.
    pub reasoning_placeholder: String,
    /// Whether reasoning is kept, to be given back to the model.
    pub keeps_reasoning: bool,
    /// Whether the answer tells what the guardrail found.
    pub include_trace: bool,
    /// The operator's guardrail, which the answer does not name.
    pub hidden_guardrail: Option<String>,
    /// Whether it shows fields of the provider's own answer.
    pub include_response_fields: bool,
    /// Whether it names the tier.
    pub include_service_tier: bool,
    /// The client's labels, which are given back.
    pub metadata: Option<Fields>,
}
