//! The chat capabilities of a model, in terms of request fields.

use serde::Serialize;

use crate::models::{Capabilities, Sampling};

/// The chat capabilities of a model.
#[derive(Debug, Serialize)]
pub(crate) struct ModelCapabilities {
    /// Whether the response is streamed; otherwise a stream contains it in one chunk.
    streaming: bool,
    /// Whether tools are supported.
    tools: bool,
    /// The enforced values of `tool_choice`; others become an instruction in the prompt.
    tool_choice: Vec<&'static str>,
    /// Who enforces `parallel_tool_calls: false`; `None` if the model does not support tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<EnforcedBy>,
    /// Whether `strict` tools are enforced.
    strict_tools: bool,
    /// How `json_schema` is enforced.
    structured_output: StructuredOutput,
    reasoning: Reasoning,
    prompt_caching: PromptCaching,
    /// The supported sampling parameters of OpenAI, and `top_k`.
    parameters: Vec<&'static str>,
    /// Whether `web_search_options` is supported.
    web_search: bool,
    /// Who counts input tokens.
    input_tokens: &'static str,
}

/// Who enforces a request option.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum EnforcedBy {
    /// The model.
    Model,
    /// The gateway, which hides excess calls from the client.
    Gateway,
}

/// How `json_schema` is enforced.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum StructuredOutput {
    /// By Bedrock.
    Native,
    /// By a generated tool.
    Tool,
    /// By an instruction in the prompt.
    Words,
}

#[derive(Debug, Serialize)]
struct Reasoning {
    supported: bool,
    /// Whether reasoning cannot be disabled.
    always: bool,
    /// The supported values of `reasoning_effort`.
    efforts: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct PromptCaching {
    supported: bool,
    /// The minimum number of tokens of a cached prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_tokens: Option<u32>,
    /// The supported TTLs.
    ttl: Vec<&'static str>,
}

impl ModelCapabilities {
    /// Derived from the capability table; `streams` is Bedrock's information about streaming.
    pub(crate) fn new(capabilities: &Capabilities, streams: Option<bool>) -> Self {
        Self {
            streaming: streams.unwrap_or(true),
            tools: capabilities.tools,
            tool_choice: tool_choice(capabilities),
            parallel_tool_calls: capabilities.tools.then_some(
                match capabilities.single_tool_call {
                    true => EnforcedBy::Model,
                    false => EnforcedBy::Gateway,
                },
            ),
            strict_tools: capabilities.tools && capabilities.strict_tools,
            structured_output: match (capabilities.structured_output, capabilities.tools) {
                (true, _) => StructuredOutput::Native,
                (false, true) => StructuredOutput::Tool,
                (false, false) => StructuredOutput::Words,
            },
            reasoning: Reasoning {
                supported: capabilities.always_reasons || capabilities.has_reasoning_control(),
                always: capabilities.always_reasons,
                efforts: match capabilities.has_reasoning_control() {
                    true => capabilities
                        .efforts
                        .iter()
                        .map(|effort| effort.as_str())
                        .collect(),
                    false => Vec::new(),
                },
            },
            prompt_caching: prompt_caching(capabilities),
            parameters: parameters(capabilities),
            web_search: !capabilities.web_search.is_empty(),
            input_tokens: match capabilities.count_tokens {
                true => "CountTokens",
                false => "estimate",
            },
        }
    }
}

fn tool_choice(capabilities: &Capabilities) -> Vec<&'static str> {
    if !capabilities.tools {
        return Vec::new();
    }
    let mut choices = vec!["none", "auto"];
    if capabilities.forces_any_tool {
        choices.push("required");
    }
    if capabilities.forces_named_tool {
        choices.push("function");
    }
    choices
}

fn prompt_caching(capabilities: &Capabilities) -> PromptCaching {
    let supported = capabilities.caches();
    let ttl: &[_] = match (supported, capabilities.cache_one_hour) {
        (false, _) => &[],
        (true, false) => &["5m"],
        (true, true) => &["5m", "1h"],
    };
    PromptCaching {
        supported,
        minimum_tokens: supported.then_some(capabilities.cache_min_tokens),
        ttl: ttl.to_vec(),
    }
}

fn parameters(capabilities: &Capabilities) -> Vec<&'static str> {
    let mut parameters = vec!["max_completion_tokens"];
    if capabilities.sampling != Sampling::None {
        parameters.extend(["temperature", "top_p"]);
    }
    if !capabilities.top_k.is_empty() {
        parameters.push("top_k");
    }
    if capabilities.stop_sequences {
        parameters.push("stop");
    }
    if capabilities.penalties {
        parameters.extend(["frequency_penalty", "presence_penalty"]);
    }
    parameters
}
