//! What is sent: the body of `POST /model/{modelId}/converse` and of its stream twin.

use serde::Serialize;
use serde_json::Number;

use super::JsonText;

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

/// One block of a turn; on the wire an object with one key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ContentBlock {
    /// Text; never blank.
    Text(String),
    /// A picture, in user turns.
    Image(ImageBlock),
    /// The model's call of a tool, in assistant turns.
    ToolUse(ToolUseBlock),
    /// What a tool gave back, in user turns.
    ToolResult(ToolResultBlock),
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageBlock {
    /// The format, as the bytes have it.
    pub format: ImageFormat,
    /// Where the bytes are.
    pub source: ImageSource,
}

/// The formats of pictures that Converse takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// `image/png`
    Png,
    /// `image/jpeg`
    Jpeg,
    /// `image/gif`
    Gif,
    /// `image/webp`
    Webp,
}

/// Where the bytes of a picture are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ImageSource {
    /// Standard base64 with padding.
    Bytes(String),
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
}

/// One block of a tool's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolResultContent {
    /// Text, as the tool wrote it.
    Text(String),
    /// A JSON object, for the families that take results in no other form.
    Json(JsonText),
}

/// One block of the system prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SystemBlock {
    /// Text; never blank.
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

impl ToolResultContent {
    /// What stands for a result that is not there, or empty: Bedrock refuses one without content.
    pub fn no_output() -> Self {
        Self::Text("(no output)".to_owned())
    }
}

impl ContentBlock {
    /// Whether the block is text with nothing in it but white space.
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    /// Whether the block belongs to a tool call.
    pub fn is_tool_block(&self) -> bool {
        matches!(self, Self::ToolUse(_) | Self::ToolResult(_))
    }
}
