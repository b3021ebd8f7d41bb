//! Content blocks of a message; on the wire each is an object with one key.

use serde::{Deserialize, Serialize};

use super::JsonText;
use super::media::{AudioBlock, DocumentBlock, ImageBlock, VideoBlock};

/// A content block of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ContentBlock {
    /// Text; never blank.
    Text(String),
    /// An image, in user messages.
    Image(ImageBlock),
    /// A document, in user messages that also have text.
    Document(DocumentBlock),
    /// A video, in user messages.
    Video(VideoBlock),
    /// Audio, in user messages.
    Audio(AudioBlock),
    /// A tool call, in assistant messages.
    ToolUse(ToolUseBlock),
    /// A tool result, in user messages.
    ToolResult(ToolResultBlock),
    /// Reasoning of an earlier response, sent back to the model.
    ReasoningContent(ReasoningBlock),
    /// Content for the guardrail to evaluate; if a request has any, the guardrail evaluates
    /// nothing else.
    GuardContent(GuardBlock),
    /// A search result that can be cited.
    SearchResult(SearchResultBlock),
    /// An instruction of the gateway at the end of the prompt: text on the wire, but not the
    /// user's.
    #[serde(rename = "text")]
    Instruction(String),
    /// The end of a prefix to be cached.
    CachePoint(CachePoint),
}

/// A tool call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUseBlock {
    /// 1 to 64 characters of `[a-zA-Z0-9_.:-]`.
    pub tool_use_id: String,
    /// 1 to 64 characters of `[a-zA-Z0-9_-]`.
    pub name: String,
    /// A JSON object.
    pub input: JsonText,
}

/// A tool result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResultBlock {
    /// The id of the tool call.
    pub tool_use_id: String,
    /// At least one block.
    pub content: Vec<ToolResultContent>,
    /// `None` means success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ToolResultStatus>,
}

/// The outcome of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolResultStatus {
    /// The tool succeeded.
    Success,
    /// The tool failed; its result describes the error.
    Error,
}

/// A content block of a tool result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolResultContent {
    /// Text, as the tool returned it.
    Text(String),
    /// A JSON object, for families that require this form.
    Json(JsonText),
    /// An image.
    Image(ImageBlock),
    /// A document.
    Document(DocumentBlock),
    /// A video.
    Video(VideoBlock),
    /// A search result that can be cited.
    SearchResult(SearchResultBlock),
}

/// Reasoning sent back to the model byte for byte, because signatures cover the exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReasoningBlock {
    /// Readable reasoning.
    ReasoningText(ReasoningText),
    /// Encrypted reasoning: base64.
    RedactedContent(String),
}

/// Readable reasoning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasoningText {
    /// The text.
    pub text: String,
    /// The provider's signature, which proves that the text is the model's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Content for the guardrail to evaluate.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardBlock {
    /// Text.
    Text(GuardText),
}

/// Text for the guardrail to evaluate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardText {
    /// The text; never blank.
    pub text: String,
    /// The guardrail's qualifiers: `grounding_source`, `query`, `guard_content`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub qualifiers: Vec<String>,
}

/// A search result that can be cited.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchResultBlock {
    /// Its source, for example a URL.
    pub source: String,
    /// Its title.
    pub title: String,
    /// Its text, in blocks that are cited separately.
    pub content: Vec<TextOnly>,
    /// Whether the response cites it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations: Option<CitationsConfig>,
}

/// An object with only text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextOnly {
    /// The text.
    pub text: String,
}

/// Whether the response contains citations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CitationsConfig {
    /// Whether citations are enabled.
    pub enabled: bool,
}

/// The end of a prefix to be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CachePoint {
    r#type: CachePointType,
    /// `None` means five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<CacheTtl>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum CachePointType {
    Default,
}

/// How long a prefix stays cached after it was last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum CacheTtl {
    /// `5m`
    #[serde(rename = "5m")]
    FiveMinutes,
    /// `1h`
    #[serde(rename = "1h")]
    OneHour,
}

impl CacheTtl {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::OneHour => "1h",
        }
    }
}

impl CachePoint {
    /// A cache point with the given TTL, or the default TTL.
    pub fn new(ttl: Option<CacheTtl>) -> Self {
        Self {
            r#type: CachePointType::Default,
            ttl,
        }
    }
}

impl ToolResultContent {
    /// A placeholder for a missing or empty result: Bedrock rejects tool results without content.
    pub fn no_output() -> Self {
        Self::Text("(no output)".to_owned())
    }
}

impl ContentBlock {
    /// Whether the block is text of only white space.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) | Self::GuardContent(GuardBlock::Text(GuardText { text, .. })) => {
                text.trim().is_empty()
            }
            _ => false,
        }
    }

    /// Whether the block belongs to a tool call.
    pub fn is_tool_block(&self) -> bool {
        matches!(self, Self::ToolUse(_) | Self::ToolResult(_))
    }

    /// Whether the block is content of the conversation, rather than earlier reasoning or a cache
    /// point.
    pub fn is_substance(&self) -> bool {
        !matches!(self, Self::ReasoningContent(_) | Self::CachePoint(_))
    }
}
