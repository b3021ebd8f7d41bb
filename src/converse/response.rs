//! What comes back: the answer of `POST /model/{modelId}/converse`.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::JsonText;

/// A whole answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseResponse {
    /// What the model said.
    pub output: ConverseOutput,
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// What was used.
    #[serde(default)]
    pub usage: Usage,
    /// The values at the paths that were asked for.
    pub additional_model_response_fields: Option<JsonText>,
    /// What the guardrail found and where the prompt was routed.
    pub trace: Option<JsonText>,
    /// The tier that the call ran on.
    pub service_tier: Option<ResponseServiceTier>,
}

/// The tier that a call ran on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResponseServiceTier {
    /// Its name; an open string, since tiers are added.
    pub r#type: String,
}

/// The output union; Converse answers only messages.
#[derive(Debug, Clone, Deserialize)]
pub struct ConverseOutput {
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
    /// The result of a tool that the provider ran, in which the client has no part.
    pub tool_result: Option<IgnoredAny>,
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
    /// Reasoning that can be read.
    pub reasoning_text: Option<OutputReasoning>,
    /// Reasoning that only the model can read: base64.
    pub redacted_content: Option<String>,
}

/// Reasoning that can be read.
#[derive(Debug, Clone, Deserialize)]
pub struct OutputReasoning {
    /// The text.
    #[serde(default)]
    pub text: String,
    /// The provider's mark that the text is the model's own.
    pub signature: Option<String>,
}

/// Text with its sources.
#[derive(Debug, Clone, Deserialize)]
pub struct CitationsContent {
    /// The text, which is part of the answer; absent where Nova cites the web.
    #[serde(default)]
    pub content: Vec<CitedText>,
    /// Its sources.
    #[serde(default)]
    pub citations: Vec<Citation>,
}

/// A source of an answer's text, as Bedrock wrote it: `title`, `source`, `sourceContent` and a
/// `location` of one of several kinds.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Citation(pub JsonText);

/// What a citation says of a source on the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSource {
    /// Its address.
    pub url: String,
    /// Its title, empty where none is given.
    pub title: String,
}

impl Citation {
    /// The source, where it has an address on the web.
    pub fn web_source(&self) -> Option<WebSource> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct CitationSource {
            title: Option<String>,
            source: Option<String>,
            location: Option<Location>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Location {
            web: Option<Web>,
            search_result_location: Option<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Web {
            url: Option<String>,
            domain: Option<String>,
        }
        let CitationSource {
            title,
            source,
            location,
        } = serde_json::from_str(self.0.as_str()).ok()?;
        let location = location?;
        if let Some(Web { url, domain }) = location.web {
            return Some(WebSource {
                url: url?,
                title: title.or(domain).unwrap_or_default(),
            });
        }
        location.search_result_location?;
        let url = source.filter(|source| source.contains("://"))?;
        Some(WebSource {
            url,
            title: title.unwrap_or_default(),
        })
    }
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
    /// Of what was written to the prompt cache, what is kept for an hour.
    #[serde(
        default,
        rename = "cacheDetails",
        deserialize_with = "one_hour_cache_writes"
    )]
    pub cache_write_one_hour_tokens: u64,
}

/// The tokens of `[{"ttl":"1h","inputTokens":n}, ...]`.
fn one_hour_cache_writes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Detail {
        ttl: Option<String>,
        #[serde(default)]
        input_tokens: u64,
    }
    let details: Option<Vec<Detail>> = Option::deserialize(deserializer)?;
    let long = details.into_iter().flatten();
    let long = long.filter(|detail| detail.ttl.as_deref() == Some("1h"));
    Ok(long.map(|detail| detail.input_tokens).sum())
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
        struct StopReasonVisitor;
        impl serde::de::Visitor<'_> for StopReasonVisitor {
            type Value = StopReason;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a stop reason")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<StopReason, E> {
                Ok(StopReason::from(text))
            }
        }
        deserializer.deserialize_str(StopReasonVisitor)
    }
}
