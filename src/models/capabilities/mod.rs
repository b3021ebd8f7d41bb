//! Capabilities of a model family. `models.toml` documents the fields.

pub(super) mod embedding;
pub(super) mod endpoint;
pub(super) mod image;
pub(super) mod video;

use serde::Deserialize;

use embedding::{EmbeddingCapabilities, RerankCapabilities};
use image::ImageCapabilities;
use video::VideoCapabilities;

/// What a model family supports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The family's name; empty for unknown models.
    pub family: String,
    /// Whether `system` blocks are accepted.
    pub system: bool,
    /// Whether messages of role `system` are accepted after the first message.
    pub system_turns: bool,
    /// The media types accepted in a user message.
    pub input: Vec<Medium>,
    /// The media types accepted in a tool result.
    pub tool_result_input: Vec<Medium>,
    /// Whether media can be read from S3.
    pub s3_sources: bool,
    /// Whether tools are supported.
    pub tools: bool,
    /// Whether `toolChoice` can be `any`.
    pub forces_any_tool: bool,
    /// Whether `toolChoice` can name a tool.
    pub forces_named_tool: bool,
    /// Whether ConverseStream accepts tools.
    pub stream_tools: bool,
    /// Whether `toolResult.status` is accepted.
    pub tool_result_status: bool,
    /// Whether a JSON object is sent as `json` in a tool result.
    pub tool_result_json: bool,
    /// The content blocks accepted next to tool results.
    pub tool_result_companions: ToolResultCompanions,
    /// Whether `$ref` in a schema is supported.
    pub schema_references: bool,
    /// Whether `anyOf`, `oneOf`, `allOf` and `$ref` are accepted at the root of a tool's schema.
    pub schema_root_combinators: bool,
    /// The keywords accepted at the root of a tool's schema; empty if all are.
    pub schema_root_keys: Vec<String>,
    /// Whether property names may contain any characters.
    pub any_property_key: bool,
    /// The accepted form of `toolUseId`.
    pub tool_call_ids: CallIdForm,
    /// Whether `toolSpec.strict` is supported.
    pub strict_tools: bool,
    /// Whether parallel tool calls can be disabled.
    pub single_tool_call: bool,
    /// Whether `outputConfig` supports a JSON schema.
    pub structured_output: bool,
    /// The supported sampling parameters.
    pub sampling: Sampling,
    /// The path of top_k in the provider's fields, separated by dots; empty if not supported.
    pub top_k: String,
    /// Whether the provider's fields include the frequency and presence penalties.
    pub penalties: bool,
    /// Whether stop sequences are supported.
    pub stop_sequences: bool,
    /// Whether a stop sequence may consist of white space only.
    pub blank_stop_sequences: bool,
    /// The minimum of `maxTokens`.
    pub min_max_tokens: u32,
    /// How reasoning is controlled.
    pub reasoning: ReasoningControl,
    /// The supported reasoning efforts, lowest first.
    pub efforts: Vec<Effort>,
    /// Whether reasoning cannot be disabled.
    pub always_reasons: bool,
    /// Whether the model reasons if the request does not control reasoning.
    pub reasons_by_default: bool,
    /// The type of Claude's `thinking` closest to disabled, for models that always reason; empty
    /// if there is none.
    pub min_thinking: String,
    /// Which reasoning of earlier messages is sent back to the model.
    pub reasoning_replay: ReasoningReplay,
    /// Whether a reasoning block is valid only after the prompt that produced it.
    pub binds_thinking: bool,
    /// Whether the response reports the number of reasoning tokens.
    pub reasoning_tokens: bool,
    /// The tag that encloses reasoning within the text; empty if reasoning comes in its own
    /// blocks.
    pub reasoning_tag: String,
    /// Whether an opening tag without a closing one is stray, so that the text after it is the
    /// answer.
    pub reasoning_tag_strays: bool,
    /// The prefix of reasoning text that the provider removed; empty if it never removes any.
    pub reasoning_placeholder: String,
    /// Where `cachePoint` is accepted; empty if caching is not supported.
    pub cache_points: Vec<CachePosition>,
    /// Whether a cache TTL of one hour is supported.
    pub cache_one_hour: bool,
    /// The minimum number of tokens of a cached prefix.
    pub cache_min_tokens: u32,
    /// Whether the last message may be the assistant's.
    pub prefill: bool,
    /// Whether the first message may be the assistant's.
    pub leading_assistant: bool,
    /// The name of the provider's web search tool; empty if there is none.
    pub web_search: String,
    /// Whether CountTokens supports the model.
    pub count_tokens: bool,
    /// Capabilities of an embedding model.
    pub embedding: Option<EmbeddingCapabilities>,
    /// Capabilities of a reranking model.
    pub rerank: Option<RerankCapabilities>,
    /// Capabilities of an image model.
    pub image: Option<ImageCapabilities>,
    /// Capabilities of a video model.
    pub video: Option<VideoCapabilities>,
    /// The AWS API that serves chat requests.
    pub upstream: ChatUpstream,
    /// Whether Converse supports the model, as the fallback for requests that the
    /// chat-completions upstream does not support.
    pub converse: bool,
    /// OpenAI fields that the upstream rejects for this model.
    pub upstream_unsupported: Vec<String>,
    /// OpenAI fields that the upstream rejects while the model reasons.
    pub upstream_unsupported_with_reasoning: Vec<String>,
    /// OpenAI fields that the upstream rejects while the model does not reason.
    pub upstream_unsupported_without_reasoning: Vec<String>,
    /// Whether the upstream accepts tools while the model reasons.
    pub upstream_tools_with_reasoning: bool,
    /// Whether the upstream enforces `response_format`.
    pub upstream_response_format: bool,
    /// Fields that the model rejected at runtime although the table lists them as supported.
    pub refused: Vec<RefusedField>,
}

/// A media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// Images.
    Image,
    /// Documents.
    Document,
    /// Videos.
    Video,
    /// Audio.
    Audio,
}

/// The sampling parameters that a family supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// `temperature` and `topP`, alone or together.
    Both,
    /// `temperature` or `topP`, not both.
    TemperatureOrTopP,
    /// Neither `temperature` nor `topP`.
    #[default]
    None,
}

/// The accepted form of tool call ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallIdForm {
    /// Converse's own form: 1 to 64 of `[a-zA-Z0-9_.:-]`.
    #[default]
    Converse,
    /// 1 to 64 of `[a-zA-Z0-9_-]`.
    Words,
    /// 9 of `[a-zA-Z0-9]`.
    NineAlphanumerics,
    /// The same, or an id generated by Bedrock: `tooluse_` and 22 of `[a-zA-Z0-9_-]`.
    NineAlphanumericsOrBedrocks,
}

/// The content blocks accepted next to tool results in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolResultCompanions {
    /// All blocks.
    Any,
    /// No other blocks.
    #[default]
    None,
}

/// How reasoning is controlled in `additionalModelRequestFields`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningControl {
    /// No control.
    #[default]
    None,
    /// `"thinking": {"type": "enabled", "budget_tokens": n}`
    Budget,
    /// `"thinking": {"type": "adaptive"}` and `"output_config": {"effort": e}`
    Adaptive,
    /// As `Adaptive`, with `"display": "summarized"`: without it the reasoning text is empty.
    AdaptiveSummarized,
    /// `"reasoningConfig": {"type": "enabled", "maxReasoningEffort": e}`
    NovaConfig,
    /// `"reasoning_effort": e`
    ReasoningEffort,
    /// `"reasoning_config": e`
    ReasoningConfig,
    /// `"reasoning": {"effort": e}`
    ReasoningObject,
}

/// The reasoning effort, in OpenAI's terms, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// `minimal`
    Minimal,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    Xhigh,
    /// `max`
    Max,
}

/// Which reasoning of earlier messages is sent back to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningReplay {
    /// None.
    #[default]
    None,
    /// Reasoning with a signature, and redacted reasoning.
    Signed,
    /// Redacted reasoning only.
    Redacted,
    /// Readable reasoning, which has no signature.
    Text,
}

/// Where `cachePoint` is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CachePosition {
    /// After the tools.
    Tools,
    /// After the system prompt.
    System,
    /// In messages.
    Messages,
}

/// The AWS APIs that serve chat requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum ChatUpstream {
    /// Converse.
    #[default]
    Converse,
    /// An OpenAI-compatible chat-completions endpoint of AWS.
    OpenAi(OpenAiEndpoint),
}

/// The AWS endpoints with an OpenAI-compatible chat-completions API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpenAiEndpoint {
    /// `bedrock-runtime`, which also serves Converse.
    Runtime,
    /// `bedrock-mantle`.
    Mantle,
}

/// A field that a model rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusedField {
    /// `temperature`
    Temperature,
    /// `topP`
    TopP,
    /// The provider's top_k.
    TopK,
    /// `stopSequences`
    StopSequences,
    /// Stop sequences of white space only.
    BlankStopSequences,
    /// The provider's reasoning control.
    Reasoning,
    /// `cachePoint`
    CachePoint,
    /// `cachePoint.ttl`
    CacheTtl,
    /// `outputConfig`
    OutputConfig,
    /// `toolSpec.strict`
    StrictTools,
    /// `toolChoice` of `any` or `tool`
    ForcedTool,
    /// `anyOf`, `oneOf` and `allOf` at the root of a tool's schema
    SchemaRootCombinators,
    /// Other keywords at the root of a tool's schema
    SchemaRootKeys,
    /// Property names
    PropertyKeys,
    /// `toolUseId` of a different form
    CallIds(CallIdForm),
    /// `toolConfig` of ConverseStream
    StreamTools,
    /// `toolResult.status`
    ToolResultStatus,
    /// `serviceTier`
    ServiceTier,
    /// `performanceConfig`
    PerformanceConfig,
    /// `thinking.block_binding`, or the beta that it needs.
    BlockBinding,
    /// Another field of `additionalModelRequestFields`.
    Additional(String),
    /// A field of a request to a chat-completions upstream.
    UpstreamField(&'static str),
}

impl ChatUpstream {
    /// Parses the name used in the configuration and in the table.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "converse" => Self::Converse,
            "runtime_openai" => Self::OpenAi(OpenAiEndpoint::Runtime),
            "mantle" => Self::OpenAi(OpenAiEndpoint::Mantle),
            _ => return None,
        })
    }

    /// The name used in the configuration and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Converse => "converse",
            Self::OpenAi(OpenAiEndpoint::Runtime) => "runtime_openai",
            Self::OpenAi(OpenAiEndpoint::Mantle) => "mantle",
        }
    }
}

impl TryFrom<String> for ChatUpstream {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word).ok_or_else(|| {
            format!("unknown upstream `{word}`; use `converse`, `runtime_openai` or `mantle`")
        })
    }
}

impl Effort {
    /// The value of `reasoning_effort`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

impl Capabilities {
    /// The capabilities without a field that the model rejected; `None` if that changes nothing.
    pub fn without(&self, field: RefusedField) -> Option<Self> {
        let mut capabilities = self.clone();
        match &field {
            RefusedField::Temperature => capabilities.sampling = Sampling::None,
            RefusedField::TopP if self.sampling == Sampling::Both => {
                capabilities.sampling = Sampling::TemperatureOrTopP;
            }
            RefusedField::TopP => capabilities.sampling = Sampling::None,
            RefusedField::TopK => capabilities.top_k.clear(),
            RefusedField::StopSequences => capabilities.stop_sequences = false,
            RefusedField::BlankStopSequences => capabilities.blank_stop_sequences = false,
            RefusedField::Reasoning => capabilities.reasoning = ReasoningControl::None,
            RefusedField::CachePoint => capabilities.cache_points.clear(),
            RefusedField::CacheTtl => capabilities.cache_one_hour = false,
            RefusedField::OutputConfig => capabilities.structured_output = false,
            RefusedField::StrictTools => capabilities.strict_tools = false,
            RefusedField::ForcedTool => {
                capabilities.forces_any_tool = false;
                capabilities.forces_named_tool = false;
            }
            RefusedField::SchemaRootCombinators => capabilities.schema_root_combinators = false,
            RefusedField::SchemaRootKeys => {
                let keys = ["type", "properties", "required"];
                capabilities.schema_root_keys = keys.map(str::to_owned).to_vec();
            }
            RefusedField::PropertyKeys => capabilities.any_property_key = false,
            RefusedField::CallIds(form) => capabilities.tool_call_ids = *form,
            RefusedField::StreamTools => capabilities.stream_tools = false,
            // Only these models receive it.
            RefusedField::BlockBinding if !self.binds_thinking => return None,
            RefusedField::ToolResultStatus => capabilities.tool_result_status = false,
            RefusedField::ServiceTier
            | RefusedField::PerformanceConfig
            | RefusedField::BlockBinding
            | RefusedField::Additional(_)
            | RefusedField::UpstreamField(_) => {}
        }
        if !self.refused.contains(&field) {
            capabilities.refused.push(field);
        }
        (capabilities != *self).then_some(capabilities)
    }

    /// Whether the model rejected `field`.
    pub fn refuses(&self, field: &RefusedField) -> bool {
        self.refused.contains(field)
    }

    /// Whether reasoning can be controlled.
    pub fn has_reasoning_control(&self) -> bool {
        self.reasoning != ReasoningControl::None
    }

    /// Whether earlier messages must stay unchanged: the model's reasoning is bound to them, or
    /// they are cached.
    pub fn keeps_prefix(&self) -> bool {
        self.binds_thinking || self.caches()
    }

    /// Whether prompt caching is supported.
    pub fn caches(&self) -> bool {
        !self.cache_points.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ModelId, ModelTable};

    #[test]
    fn a_field_is_learned_once() {
        let table = ModelTable::built_in().expect("the built-in table");
        let id = ModelId::parse("amazon.nova-lite-v1:0").expect("an id");
        let capabilities = table.capabilities(&id);
        let learned = capabilities.without(RefusedField::CachePoint);
        let learned = learned.expect("something new");
        assert!(!learned.caches());
        assert_eq!(learned.without(RefusedField::CachePoint), None);
        let more = learned.without(RefusedField::Additional("x".to_owned()));
        assert!(more.is_some_and(|capabilities| capabilities.refused.len() == 2));
    }
}
