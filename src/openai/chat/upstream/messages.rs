//! The messages of a request as they go to one of AWS's OpenAI surfaces.

use super::super::content::{Content, StringOrObject};
use super::super::media::{Media, MediaBlock};
use super::super::truncate::remove_at;
use super::super::types::ChatMessage;
use super::client_keys::MESSAGE;
use super::request::ChatUpstreamContext;
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::media::MediaSource;
use crate::converse::options::Fields;
use crate::error::ApiError;

/// What OpenAI's models want to read somewhere before they answer with `json_object`.
const JSON_INSTRUCTION: &str =
    r#"{"role":"system","content":"Answer with one JSON object and nothing else."}"#;

/// `text`, the list of messages as the client wrote it, less the messages at `dropped`: with the
/// keys that are OpenAI's own and with pictures by their bytes. `messages` is the same list, read.
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

/// Whether any message has the word that OpenAI's models want to read before they answer with
/// `json_object`.
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

/// `text`, a list of messages, with an instruction to answer in JSON in front of it.
pub(super) fn with_json_instruction(text: &JsonText) -> Result<JsonText, ApiError> {
    let instruction = JsonText::parse(JSON_INSTRUCTION.to_owned());
    let mut list = list(text)?;
    list.insert(0, instruction.map_err(|_| ApiError::internal())?);
    json(&list)
}

/// A picture that is written otherwise than the client has written it.
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
            // What else is in the part was treated with its keys.
            let written = match &**image {
                StringOrObject::String(url) => Some(url),
                StringOrObject::Object(image) => image.url.as_ref(),
            };
            let Some(written) = written else {
                return Err(ApiError::missing_field(&format!("{path}.image_url"), "url"));
            };
            let image = StringOrObject::String(written.clone());
            let block = media.image_url(image, &path, adjustments)?;
            let url = data_url(block)?;
            if url != *written {
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
            "this is no picture, and nothing else is passed on to this model",
        )),
    }
}

/// The message `text` with the picture of its part `position` at `url`.
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
