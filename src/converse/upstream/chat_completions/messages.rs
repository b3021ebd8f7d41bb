//! The messages of a request. A turn of Converse with tool results becomes several messages.

use serde::{Serialize, Serializer};

use crate::converse::content::{
    ContentBlock, ReasoningBlock, ToolResultBlock, ToolResultContent, ToolUseBlock,
};
use crate::converse::media::{ImageBlock, MediaSource};
use crate::converse::request::{Message, Role, SystemBlock};
use crate::error::ApiError;

#[derive(Debug, Serialize)]
pub(super) struct MessageObject<'a> {
    role: &'static str,
    /// `None` for an assistant message with only tool calls.
    content: Option<ContentObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ContentObject<'a> {
    Text(&'a str),
    Parts(Vec<PartObject<'a>>),
}

#[derive(Debug, Serialize)]
struct PartObject<'a> {
    #[serde(flatten)]
    part: PartKind<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_breakpoint: Option<BreakpointObject>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PartKind<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrlObject<'a> },
}

#[derive(Debug, Serialize)]
struct BreakpointObject {
    mode: &'static str,
}

#[derive(Debug, Serialize)]
struct ImageUrlObject<'a> {
    url: DataUrl<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

/// The data URL of an image, which is written without a copy of the image.
#[derive(Debug)]
struct DataUrl<'a> {
    format: &'static str,
    base64: &'a str,
}

#[derive(Debug, Serialize)]
struct ToolCallObject<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CallObject<'a>,
}

#[derive(Debug, Serialize)]
struct CallObject<'a> {
    name: &'a str,
    /// JSON as text.
    arguments: &'a str,
}

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { format, base64 } = self;
        serializer.collect_str(&format_args!("data:image/{format};base64,{base64}"))
    }
}

/// The messages for a system prompt and turns.
pub(super) fn messages<'a>(
    system: &'a [SystemBlock],
    turns: &'a [Message],
) -> Result<Vec<MessageObject<'a>>, ApiError> {
    let mut messages = Vec::with_capacity(system.len() + turns.len());
    for block in system {
        match block {
            SystemBlock::Text(text) => {
                messages.push(MessageObject::new("system", vec![PartObject::text(text)]));
            }
            SystemBlock::CachePoint(_) => {
                if let Some(last) = messages.last_mut() {
                    last.set_breakpoint();
                }
            }
        }
    }
    for turn in turns {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        push_turn(&mut messages, role, &turn.content)?;
    }
    Ok(messages)
}

fn push_turn<'a>(
    messages: &mut Vec<MessageObject<'a>>,
    role: &'static str,
    blocks: &'a [ContentBlock],
) -> Result<(), ApiError> {
    let mut parts: Vec<PartObject<'a>> = Vec::with_capacity(blocks.len());
    let mut tool_calls = Vec::new();
    let first = messages.len();
    for block in blocks {
        match block {
            ContentBlock::Text(text) | ContentBlock::Instruction(text) => {
                parts.push(PartObject::text(text));
            }
            ContentBlock::Image(image) => parts.push(PartObject::image(image)?),
            ContentBlock::ToolUse(call) => tool_calls.push(ToolCallObject::from(call)),
            ContentBlock::ToolResult(result) => messages.push(tool_message(result)?),
            ContentBlock::CachePoint(_) => match parts.last_mut() {
                Some(part) => part.set_breakpoint(),
                None => {
                    let results = messages.get_mut(first..).unwrap_or_default();
                    results
                        .last_mut()
                        .into_iter()
                        .for_each(MessageObject::set_breakpoint);
                }
            },
            ContentBlock::ReasoningContent(
                ReasoningBlock::ReasoningText(_) | ReasoningBlock::RedactedContent(_),
            )
            | ContentBlock::Document(_)
            | ContentBlock::Video(_)
            | ContentBlock::Audio(_)
            | ContentBlock::GuardContent(_)
            | ContentBlock::SearchResult(_) => return Err(ApiError::internal()),
        }
    }
    if !parts.is_empty() || !tool_calls.is_empty() {
        messages.push(MessageObject {
            tool_calls,
            ..MessageObject::new(role, parts)
        });
    }
    Ok(())
}

fn tool_message(result: &ToolResultBlock) -> Result<MessageObject<'_>, ApiError> {
    let ToolResultBlock {
        tool_use_id,
        content,
        // Models that do not accept the status have it in the text.
        status: _,
    } = result;
    let parts = content.iter().map(|content| match content {
        ToolResultContent::Text(text) => Ok(PartObject::text(text)),
        ToolResultContent::Json(json) => Ok(PartObject::text(json.as_str())),
        ToolResultContent::Image(_)
        | ToolResultContent::Document(_)
        | ToolResultContent::Video(_)
        | ToolResultContent::SearchResult(_) => Err(ApiError::internal()),
    });
    let parts: Result<_, ApiError> = parts.collect();
    Ok(MessageObject {
        tool_call_id: Some(tool_use_id),
        ..MessageObject::new("tool", parts?)
    })
}

impl<'a> MessageObject<'a> {
    fn new(role: &'static str, parts: Vec<PartObject<'a>>) -> Self {
        let content = match parts.as_slice() {
            [] => None,
            [
                PartObject {
                    part: PartKind::Text { text },
                    prompt_cache_breakpoint: None,
                },
            ] => Some(ContentObject::Text(text)),
            _ => Some(ContentObject::Parts(parts)),
        };
        Self {
            role,
            content,
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }

    /// Ends a cached prefix after the message.
    fn set_breakpoint(&mut self) {
        if let Some(ContentObject::Text(text)) = self.content {
            self.content = Some(ContentObject::Parts(vec![PartObject::text(text)]));
        }
        if let Some(ContentObject::Parts(parts)) = &mut self.content {
            parts
                .last_mut()
                .into_iter()
                .for_each(PartObject::set_breakpoint);
        }
    }
}

impl<'a> PartObject<'a> {
    fn text(text: &'a str) -> Self {
        Self {
            part: PartKind::Text { text },
            prompt_cache_breakpoint: None,
        }
    }

    fn image(image: &'a ImageBlock) -> Result<Self, ApiError> {
        let ImageBlock {
            format,
            source,
            detail,
        } = image;
        let MediaSource::Bytes(base64) = source else {
            return Err(ApiError::internal());
        };
        let url = DataUrl {
            format: format.as_str(),
            base64,
        };
        let detail = detail.as_deref();
        Ok(Self {
            part: PartKind::ImageUrl {
                image_url: ImageUrlObject { url, detail },
            },
            prompt_cache_breakpoint: None,
        })
    }

    fn set_breakpoint(&mut self) {
        self.prompt_cache_breakpoint = Some(BreakpointObject { mode: "explicit" });
    }
}

impl<'a> From<&'a ToolUseBlock> for ToolCallObject<'a> {
    fn from(call: &'a ToolUseBlock) -> Self {
        let ToolUseBlock {
            tool_use_id,
            name,
            input,
        } = call;
        Self {
            id: tool_use_id,
            r#type: "function",
            function: CallObject {
                name,
                arguments: input.as_str(),
            },
        }
    }
}
