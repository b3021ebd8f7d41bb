//! What a model can do in a chat, in the terms of the requests that ask for it.

use serde::Serialize;

use crate::models::{Capabilities, Sampling};

/// What a model can do in a chat.
#[derive(Debug, Serialize)]
pub struct ModelCapabilities {
    /// Whether its answer can be heard while it is written; else it comes at once, in a stream too.
    streaming: bool,
    /// Whether it calls tools.
    tools: bool,
    /// The choices among tools that it is held to; others are asked for in words.
    tool_choice: Vec<&'static str>,
    /// Who keeps to `parallel_tool_calls: false`, of a model that calls tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<EnforcedBy>,
    /// Whether arguments are held to the schemas of `strict` tools.
    strict_tools: bool,
    /// How an answer is held to a schema.
    structured_output: StructuredOutput,
    reasoning: Reasoning,
    prompt_caching: PromptCaching,
    /// The parameters of OpenAI's, and `top_k`, that have an effect.
    parameters: Vec<&'static str>,
    /// Whether `web_search_options` is served.
    web_search: bool,
    /// Who counts its input.
    input_tokens: &'static str,
}

/// Who sees to it that a model does what was asked for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum EnforcedBy {
    /// It is told.
    Model,
    /// What is too much is kept from the client.
    Gateway,
}

/// How an answer is held to a schema.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum StructuredOutput {
    /// By Bedrock.
    Native,
    /// By a tool that is made up for it.
    Tool,
    /// The model is asked in words.
    Words,
}

#[derive(Debug, Serialize)]
struct Reasoning {
    supported: bool,
    /// Whether it cannot be switched off.
    always: bool,
    /// What `reasoning_effort` may be.
    efforts: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct PromptCaching {
    supported: bool,
    /// The fewest tokens of a prefix that is cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_tokens: Option<u32>,
    /// How long a prefix can be kept.
    ttl: Vec<&'static str>,
}

impl ModelCapabilities {
    /// Those of a model with these facts; `streams` is what Bedrock says of it.
    pub fn new(capabilities: &Capabilities, streams: Option<bool>) -> Self {
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
