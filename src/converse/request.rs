//! The body of `POST /model/{modelId}/converse` and `/converse-stream`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Number;

use super::JsonText;
use super::content::{CachePoint, ContentBlock};
use super::options::{Fields, GuardrailConfig, OutputConfig, PerformanceConfig, ServiceTier};

/// A Converse request. The model id is part of the path.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseRequest {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The system prompt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<SystemBlock>,
    /// Token limit and sampling parameters.
    #[serde(skip_serializing_if = "InferenceConfig::is_empty")]
    pub inference_config: InferenceConfig,
    /// The tools the model may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfig>,
    /// The guardrail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail_config: Option<GuardrailConfig>,
    /// The provider's fields.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub additional_model_request_fields: Fields,
    /// Values for the variables of a prompt.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prompt_variables: BTreeMap<String, PromptVariable>,
    /// JSON Pointers into the provider's response, at most ten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_model_response_field_paths: Vec<String>,
    /// Labels for the invocation log.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_metadata: BTreeMap<String, String>,
    /// The latency mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_config: Option<PerformanceConfig>,
    /// The service tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
    /// The format of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The content blocks, at least one.
    pub content: Vec<ContentBlock>,
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The user; also used for tool results.
    User,
    /// The model.
    Assistant,
    /// An instruction within the conversation, for models that support it.
    System,
}

/// One block of the system prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SystemBlock {
    /// Text; never blank.
    Text(String),
    /// The end of a prefix to be cached.
    CachePoint(CachePoint),
}

/// The value of a prompt variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PromptVariable {
    /// Text.
    Text(String),
}

/// Token limit and sampling parameters. Numbers keep the client's notation.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceConfig {
    /// The maximum number of completion tokens, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Number>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<Number>,
    /// Stop sequences, not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
}

impl InferenceConfig {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The tools the model can call, and the tool choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig {
    /// At least one.
    pub tools: Vec<Tool>,
    /// `None` means automatic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
}

/// An entry of the tool list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tool {
    /// A tool that the client runs.
    ToolSpec(ToolSpec),
    /// A tool that the provider runs.
    SystemTool(SystemTool),
    /// The end of a prefix to be cached.
    CachePoint(CachePoint),
}

impl Tool {
    /// The client tool; `None` for other entries.
    pub fn spec(&self) -> Option<&ToolSpec> {
        match self {
            Self::ToolSpec(spec) => Some(spec),
            Self::SystemTool(_) | Self::CachePoint(_) => None,
        }
    }
}

/// A tool that the client runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolSpec {
    /// 1 to 64 characters of `[a-zA-Z0-9_-]`.
    pub name: String,
    /// Never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON Schema whose root type is `object`.
    pub input_schema: ToolInputSchema,
    /// Whether the input always matches the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// A tool that the provider runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemTool {
    /// Its name.
    pub name: String,
}

/// The schema of a tool's input.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolInputSchema {
    /// The schema as the client wrote it.
    Json(JsonText),
}

/// The tool choice. Bedrock has no equivalent of `none`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolChoice {
    /// The model decides.
    Auto {},
    /// The model must call a tool.
    Any {},
    /// The model must call this tool.
    Tool {
        /// Its name.
        name: String,
    },
}

impl ConverseRequest {
    /// The cache points with their JSON paths, in the order in which Bedrock evaluates them.
    pub fn cache_points(&self) -> impl Iterator<Item = (String, &CachePoint)> {
        let tools = self.tool_config.iter().flat_map(|config| &config.tools);
        let tools = tools.enumerate().filter_map(|(index, tool)| match tool {
            Tool::CachePoint(point) => Some((format!("toolConfig.tools[{index}]"), point)),
            _ => None,
        });
        let system = self.system.iter().enumerate();
        let system = system.filter_map(|(index, block)| match block {
            SystemBlock::CachePoint(point) => Some((format!("system[{index}]"), point)),
            SystemBlock::Text(_) => None,
        });
        let turns = self.messages.iter().enumerate();
        let turns = turns.flat_map(|(turn, message)| {
            let blocks = message.content.iter().enumerate();
            blocks.filter_map(move |(index, block)| match block {
                ContentBlock::CachePoint(point) => {
                    Some((format!("messages[{turn}].content[{index}]"), point))
                }
                _ => None,
            })
        });
        tools.chain(system).chain(turns)
    }

    /// Whether the request has cache points.
    pub fn has_cache_points(&self) -> bool {
        self.cache_points().next().is_some()
    }
}
