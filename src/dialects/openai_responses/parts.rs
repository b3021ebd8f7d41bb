//! Translates content parts of messages and tool results to chat parts.

use super::content::StringOrList;
use super::types::ResponsesInputPart;
use crate::dialects::openai_chat::{Content, ContentPart, FilePart};
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::{ImageUrl, StringOrObject, note_unknown};

/// The content in the field `path`.
pub(super) fn content(
    value: StringOrList<Box<ResponsesInputPart>>,
    path: &str,
    adjustments: &mut Adjustments,
) -> Result<Content, ApiError> {
    let parts = match value {
        StringOrList::String(text) => return Ok(Content::Text(text)),
        StringOrList::List(parts) => parts,
    };
    let parts = parts.into_iter().enumerate();
    let parts = parts.map(|(position, part)| {
        let path = format!("{path}[{position}]");
        chat_part(*part, &path, adjustments).map(Box::new)
    });
    parts.collect::<Result<_, _>>().map(Content::Parts)
}

/// The readable reasoning.
pub(super) fn reasoning_text(value: StringOrList<Box<ResponsesInputPart>>) -> Option<String> {
    let text = match value {
        StringOrList::String(text) => text,
        StringOrList::List(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
    };
    Some(text).filter(|text| !text.is_empty())
}

fn chat_part(
    part: ResponsesInputPart,
    path: &str,
    adjustments: &mut Adjustments,
) -> Result<ContentPart, ApiError> {
    let ResponsesInputPart {
        kind,
        text,
        refusal,
        image_url,
        detail,
        file_data,
        file_url,
        file_id,
        filename,
        input_audio,
        // Annotations of the model's own text are ignored.
        annotations: _,
        logprobs: _,
        prompt_cache_breakpoint,
        unknown,
    } = part;
    note_unknown(adjustments, &unknown, "input[].content[].");
    let mut chat = ContentPart {
        prompt_cache_breakpoint,
        ..ContentPart::default()
    };
    let kind = match kind.as_deref() {
        Some("input_text" | "output_text" | "text") => {
            chat.text = text;
            "text"
        }
        Some("refusal") => {
            chat.refusal = refusal;
            "refusal"
        }
        Some("input_image") => {
            let url = match (image_url, file_id) {
                (Some(url), _) => url,
                (None, Some(id)) if id.contains("://") => id,
                (None, Some(_)) => return Err(no_files(path)),
                (None, None) => return Err(ApiError::missing_field(path, "image_url")),
            };
            chat.image_url = Some(Box::new(StringOrObject::Object(ImageUrl {
                url: Some(url),
                detail,
                ..ImageUrl::default()
            })));
            "image_url"
        }
        Some("input_file") => {
            chat.file = Some(Box::new(FilePart {
                file_data,
                filename,
                file_id,
                file_url,
                ..FilePart::default()
            }));
            "file"
        }
        Some("input_audio") => {
            chat.input_audio = input_audio.map(|mut audio| {
                let unknown = std::mem::take(&mut audio.unknown);
                note_unknown(adjustments, &unknown, "input[].content[].input_audio.");
                audio
            });
            "input_audio"
        }
        Some(other) => {
            return Err(ApiError::unsupported_value(
                format!("{path}.type"),
                format!(
                    "parts of type `{other}` are not served; `input_text`, `input_image`, \
                     `input_file` and `input_audio` are"
                ),
            ));
        }
        None => return Err(ApiError::missing_field(path, "type")),
    };
    chat.kind = Some(kind.to_owned());
    Ok(chat)
}

fn no_files(path: &str) -> ApiError {
    ApiError::unsupported_value(
        format!("{path}.file_id"),
        "files are not stored, so they cannot be referenced by id; send `image_url`",
    )
}
