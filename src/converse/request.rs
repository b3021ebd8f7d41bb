//! What is sent: the body of `POST /model/{modelId}/converse` and of its stream twin.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Number;

use super::JsonText;
use super::content::{CachePoint, ContentBlock};
use super::options::{Fields, GuardrailConfig, OutputConfig, PerformanceConfig, ServiceTier};

/// A Converse request. The model's id travels in the path.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseRequest {
    /// The turns, oldest first.
    pub messages: Vec<Message>,
    /// Instructions that stand before the first turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<SystemBlock>,
    /// Length and sampling.
    #[serde(skip_serializing_if = "InferenceConfig::is_empty")]
    pub inference_config: InferenceConfig,
    /// The tools the model may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfig>,
    /// The guardrail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail_config: Option<GuardrailConfig>,
    /// Keys of the provider's own.
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub additional_model_request_fields: Fields,
    /// Values for the variables of a prompt.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prompt_variables: BTreeMap<String, PromptVariable>,
    /// JSON Pointers into the provider's own answer, ten at the most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_model_response_field_paths: Vec<String>,
    /// Labels, which stand in the log of invocations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_metadata: BTreeMap<String, String>,
    /// Whether the model runs on faster machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_config: Option<PerformanceConfig>,
    /// Which tier the call runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
    /// The form of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig>,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, at least one block.
    pub content: Vec<ContentBlock>,
}

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The user; tool results come in this role too.
    User,
    /// The model.
    Assistant,
    /// An instruction in mid-conversation, for the models that take one.
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

/// The value of a prompt's variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PromptVariable {
    /// Text.
    Text(String),
}

/// Length and sampling. Numbers are written as the client wrote them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceConfig {
    /// The most tokens the model may write, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Number>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<Number>,
    /// Texts at which the model stops; none of them empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
}

impl InferenceConfig {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The tools the model may call, and whether it must.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig {
    /// At least one.
    pub tools: Vec<Tool>,
    /// Absent: the model decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
}

/// One entry of the tool list.
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
    /// The tool that the client runs, where it is one.
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
    /// Whether the input fits the schema for certain.
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

/// Whether the model must call a tool. There is no `none` on Bedrock.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolChoice {
    /// The model decides.
    Auto {},
    /// Some tool must be called.
    Any {},
    /// This tool must be called.
    Tool {
        /// Its name.
        name: String,
    },
}

impl ConverseRequest {
    /// The cache points, each with its place in the request, in the order in which Bedrock reads
    /// them.
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

    /// Whether a prefix of the request is cached.
    pub fn has_cache_points(&self) -> bool {
        self.cache_points().next().is_some()
    }
}
