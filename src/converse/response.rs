//! The response of `POST /model/{modelId}/converse`.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::JsonText;
use crate::usage::TokenCounts;

/// A non-streaming response.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseResponse {
    /// The output message.
    pub output: ConverseOutput,
    /// Why the model stopped.
    pub stop_reason: StopReason,
    /// Token usage.
    #[serde(default)]
    pub usage: Usage,
    /// The values at the requested paths.
    pub additional_model_response_fields: Option<JsonText>,
    /// The guardrail trace and the prompt router trace.
    pub trace: Option<JsonText>,
    /// The service tier that served the call.
    pub service_tier: Option<ResponseServiceTier>,
}

/// The service tier that served a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResponseServiceTier {
    /// Its name; a string, since tiers may be added.
    pub r#type: String,
}

/// The output union; Converse returns only messages.
#[derive(Debug, Clone, Deserialize)]
pub struct ConverseOutput {
    /// The assistant message.
    #[serde(default)]
    pub message: OutputMessage,
}

/// The assistant message.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct OutputMessage {
    /// The content blocks, in order.
    #[serde(default)]
    pub content: Vec<OutputBlock>,
}

/// A content block: a union with one member set, or none if the block's type is unknown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputBlock {
    /// Visible text.
    pub text: Option<String>,
    /// A tool call.
    pub tool_use: Option<OutputToolUse>,
    /// Reasoning.
    pub reasoning_content: Option<ReasoningContent>,
    /// Text with citations.
    pub citations_content: Option<CitationsContent>,
    /// The result of a tool that the provider ran, which is hidden from the client.
    pub tool_result: Option<IgnoredAny>,
}

/// A tool call.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputToolUse {
    /// The id of the tool call.
    pub tool_use_id: String,
    /// The tool's name as sent to Bedrock.
    pub name: String,
    /// The arguments.
    pub input: Option<JsonText>,
    /// `server_tool_use` if the provider runs the tool itself.
    pub r#type: Option<String>,
}

/// Reasoning.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningContent {
    /// Readable reasoning.
    pub reasoning_text: Option<OutputReasoning>,
    /// Encrypted reasoning: base64.
    pub redacted_content: Option<String>,
}

/// Readable reasoning.
#[derive(Debug, Clone, Deserialize)]
pub struct OutputReasoning {
    /// The text.
    #[serde(default)]
    pub text: String,
    /// The provider's signature, which proves that the text is the model's own.
    pub signature: Option<String>,
}

/// Text with citations.
#[derive(Debug, Clone, Deserialize)]
pub struct CitationsContent {
    /// The text, which is part of the response; empty if Nova cites the web.
    #[serde(default)]
    pub content: Vec<CitedText>,
    /// The citations.
    #[serde(default)]
    pub citations: Vec<Citation>,
}

/// A citation, exactly as Bedrock wrote it: `title`, `source`, `sourceContent` and a `location`
/// of several types.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Citation(pub JsonText);

/// A citation of a web page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSource {
    /// Its URL.
    pub url: String,
    /// Its title; empty if there is none.
    pub title: String,
}

impl Citation {
    /// The cited web page; `None` if the source has no URL.
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

/// Cited text.
#[derive(Debug, Clone, Deserialize)]
pub struct CitedText {
    /// The text.
    #[serde(default)]
    pub text: String,
}

/// Token usage of a call. `inputTokens` excludes tokens read from or written to the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Prompt tokens processed without the cache.
    #[serde(default)]
    pub input_tokens: u64,
    /// Completion tokens, including reasoning.
    #[serde(default)]
    pub output_tokens: u64,
    /// Read from the prompt cache.
    #[serde(default)]
    pub cache_read_input_tokens: u64,
    /// Written to the prompt cache.
    #[serde(default)]
    pub cache_write_input_tokens: u64,
    /// Of the tokens written to the prompt cache, those with a TTL of one hour.
    #[serde(
        default,
        rename = "cacheDetails",
        deserialize_with = "one_hour_cache_writes"
    )]
    pub cache_write_one_hour_tokens: u64,
    /// Of the completion tokens, those of reasoning; 0 if not reported. Converse reports them
    /// elsewhere, for some models.
    #[serde(skip)]
    pub reasoning_tokens: u64,
}

impl From<Usage> for TokenCounts {
    fn from(usage: Usage) -> Self {
        let Usage {
            input_tokens,
            output_tokens,
            cache_read_input_tokens,
            cache_write_input_tokens,
            cache_write_one_hour_tokens,
            reasoning_tokens,
        } = usage;
        Self {
            prompt: input_tokens
                .saturating_add(cache_read_input_tokens)
                .saturating_add(cache_write_input_tokens),
            completion: output_tokens,
            cached: cache_read_input_tokens,
            cache_write: cache_write_input_tokens,
            cache_write_one_hour: cache_write_one_hour_tokens,
            reasoning: reasoning_tokens,
        }
    }
}

/// Sums the tokens of `[{"ttl":"1h","inputTokens":n}, ...]`.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The model finished.
    EndTurn,
    /// The model called a tool.
    ToolUse,
    /// The token limit was reached.
    MaxTokens,
    /// A stop sequence was generated.
    StopSequence,
    /// A guardrail intervened.
    GuardrailIntervened,
    /// The provider's content filter.
    ContentFiltered,
    /// The model's output was malformed.
    MalformedModelOutput,
    /// The model's tool call was malformed.
    MalformedToolUse,
    /// The context window was exceeded.
    ModelContextWindowExceeded,
    /// The model refused, which Claude reports.
    Refusal,
    /// An unknown reason.
    Other,
}

impl StopReason {
    const KNOWN: [Self; 10] = [
        Self::EndTurn,
        Self::ToolUse,
        Self::MaxTokens,
        Self::StopSequence,
        Self::GuardrailIntervened,
        Self::ContentFiltered,
        Self::MalformedModelOutput,
        Self::MalformedToolUse,
        Self::ModelContextWindowExceeded,
        Self::Refusal,
    ];

    /// Converse's name; `other` for unknown reasons.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence => "stop_sequence",
            Self::GuardrailIntervened => "guardrail_intervened",
            Self::ContentFiltered => "content_filtered",
            Self::MalformedModelOutput => "malformed_model_output",
            Self::MalformedToolUse => "malformed_tool_use",
            Self::ModelContextWindowExceeded => "model_context_window_exceeded",
            Self::Refusal => "refusal",
            Self::Other => "other",
        }
    }
}

impl From<&str> for StopReason {
    fn from(text: &str) -> Self {
        let mut known = Self::KNOWN.into_iter();
        known
            .find(|reason| reason.as_str() == text)
            .unwrap_or(Self::Other)
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
