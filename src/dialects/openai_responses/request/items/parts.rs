//! Translates content parts of messages and tool results to chat parts.

use super::super::content::StringOrList;
use super::super::types::{InputItem, ResponsesInputPart, ResponsesRequest};
use crate::converse::media::{RemoteAddress, is_web_address};
use crate::dialects::openai_chat::{Content, ContentPart, FilePart};
use crate::error::{ApiError, MediaField, MediaKind, PartField, PartPosition};
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

/// The web URLs of all parts of a request, in order.
pub fn remote_addresses(request: &ResponsesRequest) -> Vec<RemoteAddress> {
    let items = request.items().unwrap_or_default();
    let numbered = items.iter().enumerate();
    numbered
        .flat_map(|(index, item)| item_addresses(item, index))
        .collect()
}

fn item_addresses(item: &InputItem, index: usize) -> Vec<RemoteAddress> {
    let mut addresses = Vec::new();
    for value in [&item.content, &item.output].into_iter().flatten() {
        let StringOrList::List(parts) = value else {
            continue;
        };
        for (position, part) in parts.iter().enumerate() {
            let position = PartPosition {
                message: index,
                part: position,
            };
            if let Some((address, kind, field)) = part_address(part) {
                addresses.push(RemoteAddress {
                    address: address.to_owned(),
                    path: position.field(PartField::Media(kind, field)).into(),
                });
            }
        }
    }
    addresses
}

/// The web URL of a part, and its field.
fn part_address(part: &ResponsesInputPart) -> Option<(&str, MediaKind, MediaField)> {
    let audio = part.input_audio.as_ref();
    let audio = audio.and_then(|audio| audio.data.as_deref());
    let file_id = part.file_id.as_deref();
    let is_image = part.kind.as_deref() == Some("input_image");
    let image = part.image_url.as_deref().or(file_id.filter(|_| is_image));
    [
        (image, MediaKind::Image, MediaField::Url),
        (part.file_url.as_deref(), MediaKind::File, MediaField::Url),
        (file_id, MediaKind::File, MediaField::Id),
        (part.file_data.as_deref(), MediaKind::File, MediaField::Data),
        (audio, MediaKind::Audio, MediaField::Data),
    ]
    .into_iter()
    .find_map(|(address, kind, field)| {
        let address = address.filter(|address| is_web_address(address))?;
        Some((address, kind, field))
    })
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
        // Shell results are read as a whole.
        stdout: _,
        stderr: _,
        outcome: _,
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
            chat.text = refusal;
            if chat.text.is_none() {
                return Err(ApiError::missing_field(path, "refusal"));
            }
            "text"
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
                // The model's own resolution is the default on Bedrock.
                detail: detail.filter(|detail| detail != "original"),
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
