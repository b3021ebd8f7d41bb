//! The blocks of a turn; on the wire each is an object with one key.

use serde::Serialize;

use super::JsonText;
use super::media::{AudioBlock, DocumentBlock, ImageBlock, VideoBlock};

/// One block of a turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ContentBlock {
    /// Text; never blank.
    Text(String),
    /// A picture, in user turns.
    Image(ImageBlock),
    /// A document, in user turns that have text as well.
    Document(DocumentBlock),
    /// A film, in user turns.
    Video(VideoBlock),
    /// Sound, in user turns.
    Audio(AudioBlock),
    /// The model's call of a tool, in assistant turns.
    ToolUse(ToolUseBlock),
    /// What a tool gave back, in user turns.
    ToolResult(ToolResultBlock),
    /// The model's reasoning of before, given back to it.
    ReasoningContent(ReasoningBlock),
    /// What the guardrail looks at; where there is one, it looks at nothing else.
    GuardContent(GuardBlock),
    /// A passage that may be cited.
    SearchResult(SearchResultBlock),
    /// What the gateway itself asks of the model at the end of the prompt: text on the wire, and
    /// nothing that the user has said.
    #[serde(rename = "text")]
    Instruction(String),
    /// The end of a prefix to be cached.
    CachePoint(CachePoint),
}

/// The model's call of a tool.
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

/// What a tool gave back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResultBlock {
    /// The id of the call this answers.
    pub tool_use_id: String,
    /// At least one block.
    pub content: Vec<ToolResultContent>,
    /// Absent: it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ToolResultStatus>,
}

/// How a tool fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolResultStatus {
    /// It did what it was asked for.
    Success,
    /// It failed, and its result says how.
    Error,
}

/// One block of a tool's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolResultContent {
    /// Text, as the tool wrote it.
    Text(String),
    /// A JSON object, for the families that take results in no other form.
    Json(JsonText),
    /// A picture.
    Image(ImageBlock),
    /// A document.
    Document(DocumentBlock),
    /// A film.
    Video(VideoBlock),
    /// A passage that may be cited.
    SearchResult(SearchResultBlock),
}

/// The model's reasoning, given back byte for byte: what is signed holds no other way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReasoningBlock {
    /// Reasoning that can be read.
    ReasoningText(ReasoningText),
    /// Reasoning that only the model can read: base64.
    RedactedContent(String),
}

/// Reasoning that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasoningText {
    /// The text.
    pub text: String,
    /// The provider's mark that the text is the model's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What the guardrail looks at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardBlock {
    /// Text.
    Text(GuardText),
}

/// Text that the guardrail looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardText {
    /// The text; never blank.
    pub text: String,
    /// What it is to the guardrail: `grounding_source`, `query`, `guard_content`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub qualifiers: Vec<String>,
}

/// A passage that may be cited.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchResultBlock {
    /// Where it is from, for example an address.
    pub source: String,
    /// Its title.
    pub title: String,
    /// Its text, in pieces that are cited one by one.
    pub content: Vec<TextOnly>,
    /// Whether the answer cites it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations: Option<CitationsConfig>,
}

/// An object with nothing but text in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextOnly {
    /// The text.
    pub text: String,
}

/// Whether the answer cites its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CitationsConfig {
    /// `true` for sources.
    pub enabled: bool,
}

/// The end of a prefix to be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CachePoint {
    r#type: CachePointType,
    /// Absent: five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<CacheTtl>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum CachePointType {
    Default,
}

/// How long a prefix is kept after it was last read.
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
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::OneHour => "1h",
        }
    }
}

impl CachePoint {
    /// A point whose prefix is kept for `ttl`, or for as long as is usual.
    pub fn new(ttl: Option<CacheTtl>) -> Self {
        Self {
            r#type: CachePointType::Default,
            ttl,
        }
    }
}

impl ToolResultContent {
    /// What stands for a result that is not there, or empty: Bedrock refuses one without content.
    pub fn no_output() -> Self {
        Self::Text("(no output)".to_owned())
    }
}

impl ContentBlock {
    /// Whether the block is text with nothing in it but white space.
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

    /// Whether the block says something by itself: not what the model once thought, and not where
    /// a cached prefix ends.
    pub fn is_substance(&self) -> bool {
        !matches!(self, Self::ReasoningContent(_) | Self::CachePoint(_))
    }
}
