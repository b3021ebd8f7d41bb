//! What one family of models takes. The fields are explained in `models.toml`.

use serde::Deserialize;

use super::embedding::{EmbeddingCapabilities, RerankCapabilities};
use super::image_capabilities::ImageCapabilities;
use super::video_capabilities::VideoCapabilities;

/// What one family of models takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The family's name; empty for a model that the table does not know.
    pub family: String,
    /// Whether `system` blocks are taken.
    pub system: bool,
    /// Whether a turn of role `system` may stand later in the conversation.
    pub system_turns: bool,
    /// The media that a user's turn may hold.
    pub input: Vec<Medium>,
    /// The media that a tool's result may hold.
    pub tool_result_input: Vec<Medium>,
    /// Whether media may be read from S3.
    pub s3_sources: bool,
    /// Whether tools may be offered.
    pub tools: bool,
    /// Whether the model can be made to call some tool.
    pub forces_any_tool: bool,
    /// Whether the model can be made to call a tool of a given name.
    pub forces_named_tool: bool,
    /// Whether tools may be offered to ConverseStream.
    pub stream_tools: bool,
    /// Whether a tool's result may say that the tool failed.
    pub tool_result_status: bool,
    /// Whether a result that is a JSON object is sent as `json`.
    pub tool_result_json: bool,
    /// What may stand beside tool results.
    pub tool_result_companions: ToolResultCompanions,
    /// Whether `$ref` in a schema is followed.
    pub schema_references: bool,
    /// Whether `anyOf`, `oneOf`, `allOf` and `$ref` may stand at the root of a tool's schema.
    pub schema_root_combinators: bool,
    /// The keywords that may stand at the root of a tool's schema; any where there are none.
    pub schema_root_keys: Vec<String>,
    /// Whether a property may have any name.
    pub any_property_key: bool,
    /// What the ids of tool calls look like.
    pub tool_call_ids: CallIdForm,
    /// Whether a tool's input can be held to its schema.
    pub strict_tools: bool,
    /// Whether the model can be told to call one tool at the most.
    pub single_tool_call: bool,
    /// Whether `outputConfig` holds an answer to a schema.
    pub structured_output: bool,
    /// Which sampling parameters are taken.
    pub sampling: Sampling,
    /// The provider's own key for top_k, dots between its levels; empty where there is none.
    pub top_k: String,
    /// Whether the provider's own keys take the frequency and presence penalties.
    pub penalties: bool,
    /// Whether stop sequences are taken.
    pub stop_sequences: bool,
    /// Whether a stop sequence may be nothing but white space.
    pub blank_stop_sequences: bool,
    /// The least value of maxTokens.
    pub min_max_tokens: u32,
    /// How the model is told to reason.
    pub reasoning: ReasoningControl,
    /// The efforts that the knob takes, least first.
    pub efforts: Vec<Effort>,
    /// Whether the model reasons whatever it is told.
    pub always_reasons: bool,
    /// Whether the model reasons where it is told nothing.
    pub reasons_by_default: bool,
    /// The type of Claude's `thinking` that is nearest to none where that cannot be disabled; empty
    /// where there is none.
    pub least_thinking: String,
    /// Which reasoning of before is given back to the model.
    pub reasoning_replay: ReasoningReplay,
    /// Whether a block of reasoning is valid only behind the prompt that it was made for.
    pub binds_thinking: bool,
    /// Whether the answer tells how many tokens were spent on reasoning.
    pub reasoning_tokens: bool,
    /// The name of the tag that reasoning stands in within the text; empty where it stands in
    /// blocks of its own.
    pub reasoning_tag: String,
    /// Whether such a tag without its closing one is a remnant, and the text behind it the answer.
    pub reasoning_tag_strays: bool,
    /// What the reasoning's text begins with where the provider has taken it out; empty where it
    /// is never taken out.
    pub reasoning_placeholder: String,
    /// Where a cache point may stand; nowhere for a family that refuses them.
    pub cache_points: Vec<CachePosition>,
    /// Whether a prefix can be kept for an hour.
    pub cache_one_hour: bool,
    /// The fewest tokens of a prefix that is cached.
    pub cache_min_tokens: u32,
    /// Whether the conversation may end with the assistant's turn.
    pub prefill: bool,
    /// Whether the conversation may begin with the assistant's turn.
    pub leading_assistant: bool,
    /// The provider's tool that searches the web; empty where there is none.
    pub web_search: String,
    /// Whether CountTokens counts for the model.
    pub count_tokens: bool,
    /// What it takes where it embeds.
    pub embedding: Option<EmbeddingCapabilities>,
    /// What it takes where it reranks.
    pub rerank: Option<RerankCapabilities>,
    /// What it takes where it makes pictures.
    pub image: Option<ImageCapabilities>,
    /// What it takes where it makes films.
    pub video: Option<VideoCapabilities>,
    /// Which of AWS's surfaces a chat request goes to.
    pub upstream: ChatUpstream,
    /// Whether Converse takes the model, so that a request can go there which the surface cannot
    /// serve.
    pub converse: bool,
    /// Fields of OpenAI's that the surface refuses for the model.
    pub upstream_unsupported: Vec<String>,
    /// Fields of OpenAI's that the surface refuses while the model reasons.
    pub upstream_unsupported_with_reasoning: Vec<String>,
    /// Fields of OpenAI's that the surface refuses while the model does not reason.
    pub upstream_unsupported_without_reasoning: Vec<String>,
    /// Whether the surface takes tools while the model reasons.
    pub upstream_tools_with_reasoning: bool,
    /// Whether the surface holds an answer to its `response_format`.
    pub upstream_response_format: bool,
    /// What the model was found to refuse, though the table thought otherwise.
    pub refused: Vec<RefusedField>,
}

/// A kind of content beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// Pictures.
    Image,
    /// Documents.
    Document,
    /// Films.
    Video,
    /// Sound.
    Audio,
}

/// Which sampling parameters a family takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Temperature, top_p, or both.
    Both,
    /// One of them.
    TemperatureOrTopP,
    /// Neither.
    #[default]
    None,
}

/// What the ids of tool calls look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallIdForm {
    /// As Converse has them: 1 to 64 of `[a-zA-Z0-9_.:-]`.
    #[default]
    Converse,
    /// 1 to 64 of `[a-zA-Z0-9_-]`.
    Words,
    /// 9 of `[a-zA-Z0-9]`.
    NineAlphanumerics,
    /// The same, or an id that Bedrock has given: `tooluse_` and 22 of `[a-zA-Z0-9_-]`.
    NineAlphanumericsOrBedrocks,
}

/// What may stand in a turn beside tool results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolResultCompanions {
    /// Any block.
    Any,
    /// No other block.
    #[default]
    None,
}

/// How a family is told to reason, within `additionalModelRequestFields`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningControl {
    /// It cannot be told.
    #[default]
    None,
    /// `"thinking": {"type": "enabled", "budget_tokens": n}`
    Budget,
    /// `"thinking": {"type": "adaptive"}` and `"output_config": {"effort": e}`
    Adaptive,
    /// The same with `"display": "summarized"`, without which the text comes back empty.
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

/// How much to reason: OpenAI's words, least first.
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

/// Which reasoning of before is given back to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningReplay {
    /// None of it.
    #[default]
    None,
    /// What its provider signed or redacted.
    Signed,
    /// What can be read, which has no signature.
    Text,
}

/// Where a cache point may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CachePosition {
    /// Behind the tools.
    Tools,
    /// Behind the system prompt.
    System,
    /// Within the turns.
    Messages,
}

/// The surfaces of AWS's that a chat request can go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum ChatUpstream {
    /// Converse.
    #[default]
    Converse,
    /// OpenAI's chat completions, as AWS serves them itself.
    OpenAi(OpenAiEndpoint),
}

/// Where AWS serves OpenAI's chat completions itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenAiEndpoint {
    /// At `bedrock-runtime`, beside Converse.
    Runtime,
    /// At `bedrock-mantle`.
    Mantle,
}

/// A field that a model was found to refuse.
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
    /// Stop sequences of nothing but white space.
    BlankStopSequences,
    /// The provider's knob for reasoning.
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
    /// Names of properties
    PropertyKeys,
    /// `toolUseId` of another form
    CallIds(CallIdForm),
    /// `toolConfig` of ConverseStream
    StreamTools,
    /// `toolResult.status`
    ToolResultStatus,
    /// `serviceTier`
    ServiceTier,
    /// `performanceConfig`
    PerformanceConfig,
    /// Another key of `additionalModelRequestFields`.
    Additional(String),
    /// A field of a request to one of AWS's OpenAI surfaces.
    UpstreamField(&'static str),
}

impl ChatUpstream {
    /// The surface that the configuration and the table call `word`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "converse" => Self::Converse,
            "runtime_openai" => Self::OpenAi(OpenAiEndpoint::Runtime),
            "mantle" => Self::OpenAi(OpenAiEndpoint::Mantle),
            _ => return None,
        })
    }

    /// The word for it.
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
        Self::parse(&word)
            .ok_or_else(|| format!("`{word}` is none of `converse`, `runtime_openai` and `mantle`"))
    }
}

impl Effort {
    /// The effort that OpenAI calls `word`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Xhigh,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// OpenAI's word.
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
    /// The facts with one more field that the model refuses; nothing where that was known.
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
            RefusedField::ToolResultStatus => capabilities.tool_result_status = false,
            RefusedField::ServiceTier
            | RefusedField::PerformanceConfig
            | RefusedField::Additional(_)
            | RefusedField::UpstreamField(_) => {}
        }
        if !self.refused.contains(&field) {
            capabilities.refused.push(field);
        }
        (capabilities != *self).then_some(capabilities)
    }

    /// Whether the model was found to refuse `field`.
    pub fn refuses(&self, field: &RefusedField) -> bool {
        self.refused.contains(field)
    }

    /// Whether the model can be told to reason.
    pub fn has_reasoning_control(&self) -> bool {
        self.reasoning != ReasoningControl::None
    }

    /// Whether what stands in front of the prompt's end has to stay as it is from turn to turn:
    /// the model's reasoning is bound to it, or it is cached.
    pub fn keeps_prefix(&self) -> bool {
        self.binds_thinking || self.caches()
    }

    /// Whether a cache point may stand anywhere.
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
