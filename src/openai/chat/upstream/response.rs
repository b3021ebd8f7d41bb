//! A surface's whole answer, as the client gets it.

use super::text::UpstreamText;
use super::usage::ChatUpstreamUsage;
use super::{ChatUpstreamHead, ChatUpstreamOptions};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::{ApiError, ErrorKind};

/// A surface's whole answer.
#[derive(Debug)]
pub struct ChatUpstreamResponse {
    /// JSON, for the client.
    pub json: Vec<u8>,
    /// What was used.
    pub usage: Option<ChatUpstreamUsage>,
    /// The tier that the call ran on, in Bedrock's word.
    pub tier: Option<&'static str>,
}

/// Reads `body`, a surface's answer, and names it as `head` says. Keys that are not known here
/// stay.
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
        // Clients call string methods on the content of an answer without calls.
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

/// The calls, where one of them has no arguments: clients parse those as JSON.
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

/// Puts the client's names in the place of the surface's.
pub(super) fn rename(response: &mut Fields, head: &ChatUpstreamHead) -> serde_json::Result<()> {
    response.set("id", JsonText::of(&head.id)?);
    response.set("model", JsonText::of(&head.model)?);
    Ok(())
}

/// The tier that an answer or a chunk says it ran on, in Bedrock's word.
pub(super) fn tier(response: &Fields) -> Option<&'static str> {
    match response.get("service_tier")?.as_str() {
        "\"default\"" => Some("default"),
        "\"flex\"" => Some("flex"),
        "\"priority\"" => Some("priority"),
        "\"scale\"" | "\"reserved\"" => Some("reserved"),
        _ => None,
    }
}

/// The value of `key`.
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
        "the model's answer could not be read",
    )
    .code("upstream_bad_response")
}
