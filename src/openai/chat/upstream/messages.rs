//! Adapts the messages of a request to the chat-completions upstream.

use super::super::content::Content;
use super::super::truncate::remove_at;
use super::super::types::ChatMessage;
use super::client_keys::MESSAGE;
use super::request::ChatUpstreamContext;
use crate::converse::JsonText;
use crate::converse::media::MediaSource;
use crate::converse::media::{Media, MediaBlock};
use crate::converse::options::Fields;
use crate::dialects::wire::StringOrObject;
use crate::error::ApiError;
use crate::reply::Adjustments;

/// OpenAI's models accept `json_object` only if a message mentions JSON.
const JSON_INSTRUCTION: &str =
    r#"{"role":"system","content":"Answer with one JSON object and nothing else."}"#;

/// The messages for the upstream. `text` is the client's JSON; the result has only OpenAI's fields,
/// has images as data URLs, and lacks the messages at `dropped`. `messages` are the parsed
/// messages, without the dropped ones.
pub(super) fn messages(
    text: &JsonText,
    messages: &[Box<ChatMessage>],
    context: &ChatUpstreamContext<'_>,
    adjustments: &mut Adjustments,
) -> Result<JsonText, ApiError> {
    let mut text = text.clone();
    if !context.dropped.is_empty() {
        let mut list = list(&text)?;
        remove_at(&mut list, context.dropped);
        text = json(&list)?;
    }
    let kept = MESSAGE.keep_in_list(&text, "messages[]", adjustments);
    let text = kept.map_err(|_| ApiError::internal())?;
    let images = images(messages, context, adjustments)?;
    if images.is_empty() {
        return Ok(text);
    }
    let mut list = list(&text)?;
    for ImageRewrite { message, part, url } in images {
        if let Some(text) = list.get_mut(message) {
            *text = with_image_url(text, part, &url)?;
        }
    }
    json(&list)
}

/// Whether any message mentions JSON, as OpenAI's models require for `json_object`.
pub(super) fn mention_json(messages: &[Box<ChatMessage>]) -> bool {
    let has = |text: &str| text.to_ascii_lowercase().contains("json");
    messages.iter().any(|message| match &message.content {
        None => false,
        Some(Content::Text(text)) => has(text),
        Some(Content::Parts(parts)) => parts
            .iter()
            .filter_map(|part| part.text.as_deref())
            .any(has),
    })
}

/// The messages `text`, preceded by an instruction to respond with JSON.
pub(super) fn with_json_instruction(text: &JsonText) -> Result<JsonText, ApiError> {
    let instruction = JsonText::parse(JSON_INSTRUCTION.to_owned());
    let mut list = list(text)?;
    list.insert(0, instruction.map_err(|_| ApiError::internal())?);
    json(&list)
}

/// An image whose URL is replaced.
struct ImageRewrite {
    message: usize,
    part: usize,
    url: String,
}

fn images(
    messages: &[Box<ChatMessage>],
    context: &ChatUpstreamContext<'_>,
    adjustments: &mut Adjustments,
) -> Result<Vec<ImageRewrite>, ApiError> {
    let mut media = Media::new(context.capabilities, context.fetched);
    let mut rewrites = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let Some(Content::Parts(parts)) = &message.content else {
            continue;
        };
        for (position, part) in parts.iter().enumerate() {
            let Some(image) = &part.image_url else {
                continue;
            };
            let path = format!("messages[{index}].content[{position}]");
            // The other fields of the part were handled with its keys.
            let original = match &**image {
                StringOrObject::String(url) => Some(url),
                StringOrObject::Object(image) => image.url.as_ref(),
            };
            let Some(original) = original else {
                return Err(ApiError::missing_field(&format!("{path}.image_url"), "url"));
            };
            let image = StringOrObject::String(original.clone());
            let block = media.image_url(image, &path, adjustments)?;
            let url = data_url(block)?;
            if url != *original {
                rewrites.push(ImageRewrite {
                    message: index,
                    part: position,
                    url,
                });
            }
        }
    }
    Ok(rewrites)
}

fn data_url(block: MediaBlock) -> Result<String, ApiError> {
    match block {
        MediaBlock::Image(block) => match block.source {
            MediaSource::Bytes(base64) => Ok(format!(
                "data:image/{};base64,{base64}",
                block.format.as_str()
            )),
            _ => Err(ApiError::internal()),
        },
        _ => Err(ApiError::invalid(
            "messages[].content[].image_url",
            "the file is not an image; this model accepts only images in messages",
        )),
    }
}

/// The message `text` with `url` as the image URL of its part `position`.
fn with_image_url(text: &JsonText, position: usize, url: &str) -> Result<JsonText, ApiError> {
    let mut message = object(text)?;
    let content = message.get("content").ok_or_else(ApiError::internal)?;
    let mut parts = list(content)?;
    let part = parts.get_mut(position).ok_or_else(ApiError::internal)?;
    let mut fields = object(part)?;
    let mut image = match fields.get("image_url") {
        Some(image) if image.is_object() => object(image)?,
        _ => Fields::default(),
    };
    image.set("url", json(url)?);
    fields.set("image_url", json(&image)?);
    *part = json(&fields)?;
    message.set("content", json(&parts)?);
    json(&message)
}

fn list(text: &JsonText) -> Result<Vec<JsonText>, ApiError> {
    serde_json::from_str(text.as_str()).map_err(|_| ApiError::internal())
}

fn object(text: &JsonText) -> Result<Fields, ApiError> {
    Fields::from_object(text).ok_or_else(ApiError::internal)
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<JsonText, ApiError> {
    JsonText::of(value).map_err(|_| ApiError::internal())
}
