//! Translates a non-streaming response of the chat-completions upstream.

use super::text::UpstreamText;
use super::usage::ChatUpstreamUsage;
use super::{ChatUpstreamHead, ChatUpstreamOptions};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// A translated non-streaming response.
#[derive(Debug)]
pub struct ChatUpstreamResponse {
    /// The client's response body, as JSON.
    pub json: Vec<u8>,
    /// The token usage; `None` if not reported.
    pub usage: Option<ChatUpstreamUsage>,
    /// Bedrock's name of the service tier of the response; `None` if not reported.
    pub tier: Option<&'static str>,
}

/// Translates the response `body` and sets the fields of `head`. Unknown fields stay.
///
/// # Errors
///
/// If the body cannot be parsed or has no choices.
pub fn upstream_response(
    body: &[u8],
    output_options: &ChatUpstreamOptions,
    head: &ChatUpstreamHead,
) -> Result<ChatUpstreamResponse, ApiError> {
    read(body, output_options, head).map_err(|_| unreadable())
}

fn read(
    body: &[u8],
    output_options: &ChatUpstreamOptions,
    head: &ChatUpstreamHead,
) -> serde_json::Result<ChatUpstreamResponse> {
    let mut response: Fields = serde_json::from_slice(body)?;
    let choices: Vec<Fields> = member(&response, "choices")?;
    if choices.is_empty() {
        return Err(serde::de::Error::missing_field("choices"));
    }
    let choices: serde_json::Result<Vec<Fields>> = choices
        .into_iter()
        .map(|choice| read_choice(choice, output_options))
        .collect();
    response.set("choices", JsonText::of(&choices?)?);
    rename(&mut response, head)?;
    if let Some(metadata) = &output_options.metadata {
        response.set("metadata", JsonText::of(metadata)?);
    }
    Ok(ChatUpstreamResponse {
        usage: response.get("usage").and_then(ChatUpstreamUsage::read),
        tier: tier(&response),
        json: serde_json::to_vec(&response)?,
    })
}

fn read_choice(
    mut choice: Fields,
    output_options: &ChatUpstreamOptions,
) -> serde_json::Result<Fields> {
    let mut message: Fields = member(&choice, "message")?;
    let text = UpstreamText::new(&output_options.reasoning_tag);
    if text.has_tag()
        && let Some(content) = message.get("content")
        && let Ok(content) = serde_json::from_str::<String>(content.as_str())
    {
        let split = text.split_all(&content);
        // Without tool calls, clients expect `content` to be a string.
        let content = match split.content.is_empty() && message.get("tool_calls").is_some() {
            true => JsonText::of(&None::<String>)?,
            false => JsonText::of(&split.content)?,
        };
        message.set("content", content);
        if !split.reasoning.is_empty() {
            message.set("reasoning_content", JsonText::of(&split.reasoning)?);
        }
    }
    if let Some(calls) = message.get("tool_calls").and_then(complete_calls) {
        message.set("tool_calls", JsonText::of(&calls)?);
    }
    choice.set("message", JsonText::of(&message)?);
    Ok(choice)
}

/// The tool calls with empty arguments added, since clients parse arguments as JSON; `None` if no
/// call lacks arguments.
fn complete_calls(calls: &JsonText) -> Option<Vec<Fields>> {
    let mut calls: Vec<Fields> = serde_json::from_str(calls.as_str()).ok()?;
    let mut changed = false;
    for call in &mut calls {
        let mut function = call.get("function").and_then(Fields::from_object)?;
        if function.get("arguments").is_none_or(JsonText::is_neutral) {
            function.set("arguments", JsonText::of("{}").ok()?);
            call.set("function", JsonText::of(&function).ok()?);
            changed = true;
        }
    }
    changed.then_some(calls)
}

/// Replaces the upstream's id and model name.
pub(super) fn rename(response: &mut Fields, head: &ChatUpstreamHead) -> serde_json::Result<()> {
    response.set("id", JsonText::of(&head.id)?);
    response.set("model", JsonText::of(&head.model)?);
    Ok(())
}

/// Bedrock's name of the service tier in a response or chunk.
pub(super) fn tier(response: &Fields) -> Option<&'static str> {
    match response.get("service_tier")?.as_str() {
        "\"default\"" => Some("default"),
        "\"flex\"" => Some("flex"),
        "\"priority\"" => Some("priority"),
        "\"scale\"" | "\"reserved\"" => Some("reserved"),
        _ => None,
    }
}

pub(super) fn member<T: serde::de::DeserializeOwned>(
    fields: &Fields,
    key: &'static str,
) -> serde_json::Result<T> {
    let value = fields.get(key);
    let value = value.ok_or_else(|| serde::de::Error::missing_field(key))?;
    serde_json::from_str(value.as_str())
}

pub(super) fn unreadable() -> ApiError {
    ApiError::new(
        ErrorKind::BadGateway,
        "the model's response could not be parsed",
    )
    .code(ErrorCode::UpstreamBadResponse)
}
