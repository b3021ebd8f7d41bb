//! Translates a moderation request to guardrail requests.

use super::types::{ModerationImage, ModerationInput, ModerationPart, ModerationRequest};
use crate::converse::guardrails::applied::{
    ApplyRequest, ContentSource, GuardedBlock, GuardedText, OutputScope,
};
use crate::converse::guardrails::checks::{
    Categories, CheckedMessage, CheckedText, Checks, ChecksRequest, Entities,
};
use crate::converse::media::{ImageBlock, ImageFormat, MediaSource};
use crate::converse::media::{RemoteAddress, RemoteFiles, is_web_address, open_image};
use crate::converse::request::Role;
use crate::error::{ApiError, ErrorCode};
use crate::reply::Adjustments;
use crate::wire::{StringOrObject, note_unknown};
use crate::wire::{misspelling, note_unknown_fields, unknown_word};

/// The default model name, as at OpenAI.
const DEFAULT_MODEL: &str = "omni-moderation-latest";

/// The maximum number of items in a request; each is a separate call.
const MAX_ITEMS: usize = 2048;

/// A translated moderation request.
#[derive(Debug, Clone, PartialEq)]
pub struct Moderation {
    /// The requested model, which is only echoed: Bedrock has one moderation method.
    pub model: String,
    /// The items to moderate, at least one.
    pub items: Vec<ModerationItem>,
    /// The adjustments of the request.
    pub adjustments: Adjustments,
}

/// An item that is moderated as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModerationItem {
    parts: Vec<ModerationItemPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ModerationItemPart {
    /// A text, not empty.
    Text(String),
    /// An image.
    Image {
        /// A data URL or an https URL.
        address: String,
        /// The field path of the URL.
        path: String,
    },
}

/// The checks besides harmful content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Prompt attacks.
    pub prompt_attack: bool,
    /// Sensitive information.
    pub sensitive_information: bool,
}

/// Translates `request`.
///
/// Fails with an error that names the unsupported field.
pub fn translate(request: ModerationRequest) -> Result<Moderation, ApiError> {
    let mut adjustments = Adjustments::default();
    // Destructured without `..`, so that a new field does not compile until it is handled here.
    let ModerationRequest {
        input,
        model,
        unknown,
    } = request;
    note_unknown_fields(&unknown, ModerationRequest::FIELDS, &mut adjustments);
    let items = match input {
        None => {
            let misspelling = misspelling(&unknown, "input", ModerationRequest::FIELDS);
            let message = format!("`input` is missing; send the text to moderate{misspelling}");
            return Err(ApiError::missing("input", message));
        }
        Some(ModerationInput::Text(text)) => vec![ModerationItem::of_text(text, "input")?],
        Some(ModerationInput::Texts(texts)) => of_texts(texts)?,
        Some(ModerationInput::Parts(parts)) => vec![of_parts(parts, &mut adjustments)?],
    };
    Ok(Moderation {
        model: model.unwrap_or_else(|| DEFAULT_MODEL.to_owned()),
        items,
        adjustments,
    })
}

/// The InvokeGuardrailChecks request for `item`; it supports text only.
pub fn checks_request(
    item: ModerationItem,
    options: CheckOptions,
) -> Result<ChecksRequest, ApiError> {
    let mut content = Vec::with_capacity(item.parts.len());
    for part in item.parts {
        match part {
            ModerationItemPart::Text(text) => content.push(CheckedText { text }),
            ModerationItemPart::Image { path, .. } => return Err(no_images(path)),
        }
    }
    let CheckOptions {
        prompt_attack,
        sensitive_information,
    } = options;
    Ok(ChecksRequest {
        messages: vec![CheckedMessage {
            role: Role::User,
            content,
        }],
        checks: Checks {
            content_filter: Some(Categories::of_content()),
            prompt_attack: prompt_attack.then(Categories::of_attacks),
            sensitive_information: sensitive_information.then(Entities::all),
        },
    })
}

/// The ApplyGuardrail request for `item`.
pub fn apply_request(
    item: ModerationItem,
    fetched: &RemoteFiles,
) -> Result<ApplyRequest, ApiError> {
    let blocks = item.parts.into_iter().map(|part| match part {
        ModerationItemPart::Text(text) => Ok(GuardedBlock::Text(GuardedText { text })),
        ModerationItemPart::Image { address, path } => {
            image(address, &path, fetched).map(GuardedBlock::Image)
        }
    });
    Ok(ApplyRequest {
        source: ContentSource::Input,
        content: blocks.collect::<Result<_, _>>()?,
        output_scope: OutputScope::Full,
    })
}

impl ModerationItem {
    fn of_text(text: String, path: &str) -> Result<Self, ApiError> {
        let parts = vec![text_part(text, path)?];
        Ok(Self { parts })
    }

    /// The https URLs of the item's images, in order.
    pub fn remote_addresses(&self) -> impl Iterator<Item = RemoteAddress> {
        self.parts.iter().filter_map(|part| match part {
            ModerationItemPart::Image { address, path } if is_web_address(address) => {
                Some(RemoteAddress {
                    address: address.clone(),
                    path: path.into(),
                })
            }
            _ => None,
        })
    }

    /// The types of its parts, as OpenAI names them.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = Vec::with_capacity(2);
        for part in &self.parts {
            let kind = match part {
                ModerationItemPart::Text(_) => "text",
                ModerationItemPart::Image { .. } => "image",
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }
}

fn of_texts(texts: Vec<String>) -> Result<Vec<ModerationItem>, ApiError> {
    match texts.len() {
        0 => return Err(empty_list()),
        count if count > MAX_ITEMS => {
            let message = format!(
                "`input` has {count} texts; a request may have at most {MAX_ITEMS}. Send \
                 several requests"
            );
            return Err(ApiError::invalid("input", message));
        }
        _ => {}
    }
    let indexed = texts.into_iter().zip(0..);
    let items =
        indexed.map(|(text, index)| ModerationItem::of_text(text, &format!("input[{index}]")));
    items.collect()
}

fn of_parts(
    parts: Vec<Box<ModerationPart>>,
    adjustments: &mut Adjustments,
) -> Result<ModerationItem, ApiError> {
    let mut translate = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let path = format!("input[{index}]");
        let ModerationPart {
            kind,
            text,
            image_url,
            unknown,
        } = *part;
        note_unknown(adjustments, &unknown, "input[].");
        translate.push(match (kind.as_deref(), text, image_url) {
            (Some("text"), Some(text), _) => text_part(text, &format!("{path}.text"))?,
            (Some("text"), None, _) => return Err(ApiError::missing_field(&path, "text")),
            (Some("image_url"), _, Some(image)) => image_part(image, &path, adjustments)?,
            (Some("image_url"), _, None) => {
                return Err(ApiError::missing_field(&path, "image_url"));
            }
            (None, ..) => return Err(ApiError::missing_field(&path, "type")),
            (Some(kind), ..) => {
                return Err(unknown_word(
                    format!("{path}.type"),
                    kind,
                    "a part type",
                    ["text", "image_url"],
                ));
            }
        });
    }
    Ok(ModerationItem { parts: translate })
}

fn text_part(text: String, path: &str) -> Result<ModerationItemPart, ApiError> {
    match text.is_empty() {
        true => Err(ApiError::invalid(
            path,
            format!("`{path}` is empty; omit it"),
        )),
        false => Ok(ModerationItemPart::Text(text)),
    }
}

fn image_part(
    image: StringOrObject<ModerationImage>,
    path: &str,
    adjustments: &mut Adjustments,
) -> Result<ModerationItemPart, ApiError> {
    let path = format!("{path}.image_url");
    match image {
        StringOrObject::String(address) => Ok(ModerationItemPart::Image { address, path }),
        StringOrObject::Object(ModerationImage { url, unknown }) => {
            note_unknown(adjustments, &unknown, "input[].image_url.");
            let address = url.ok_or_else(|| ApiError::missing_field(&path, "url"))?;
            let path = format!("{path}.url");
            Ok(ModerationItemPart::Image { address, path })
        }
    }
}

fn image(address: String, path: &str, fetched: &RemoteFiles) -> Result<ImageBlock, ApiError> {
    let (format, base64) = open_image(address, path, fetched)?;
    match format {
        ImageFormat::Png | ImageFormat::Jpeg => Ok(ImageBlock {
            format,
            source: MediaSource::Bytes(base64),
            detail: None,
        }),
        ImageFormat::Gif | ImageFormat::Webp => {
            let message = "guardrails support PNG and JPEG images; convert this one";
            Err(ApiError::unsupported_value(path, message).code(ErrorCode::InvalidImageFormat))
        }
    }
}

fn no_images(path: String) -> ApiError {
    ApiError::unsupported_value(
        path,
        "the gateway moderates only text; if its operator configures a guardrail, it also moderates \
         images",
    )
}

fn empty_list() -> ApiError {
    ApiError::invalid("input", "`input` is an empty list; send at least one text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Moderation, ApiError> {
        translate(serde_json::from_str(json).expect("a request"))
    }

    #[test]
    fn list_items_are_moderated_separately_and_parts_together() {
        let count = |json: &str| read(json).map(|read| read.items.len()).ok();
        assert_eq!(count(r#"{"input": "a"}"#), Some(1));
        assert_eq!(count(r#"{"input": ["a", "b"]}"#), Some(2));
        let parts = r#"{"input": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}"#;
        assert_eq!(count(parts), Some(1));
    }

    #[test]
    fn unsupported_moderation_inputs_are_rejected_by_field() {
        let many = format!("{{\"input\": [{}\"a\"]}}", "\"a\",".repeat(MAX_ITEMS));
        for (json, field, code) in [
            ("{}", "input", "missing_required_parameter"),
            (r#"{"input": ""}"#, "input", "invalid_value"),
            (r#"{"input": []}"#, "input", "invalid_value"),
            (r#"{"input": ["a", ""]}"#, "input[1]", "invalid_value"),
            (
                r#"{"input": [{"text": "a"}]}"#,
                "input[0].type",
                "missing_required_parameter",
            ),
            (
                r#"{"input": [{"type": "text"}]}"#,
                "input[0].text",
                "missing_required_parameter",
            ),
            (
                r#"{"input": [{"type": "text", "text": ""}]}"#,
                "input[0].text",
                "invalid_value",
            ),
            (
                r#"{"input": [{"type": "film"}]}"#,
                "input[0].type",
                "invalid_value",
            ),
            (
                r#"{"input": [{"type": "image_url", "image_url": {}}]}"#,
                "input[0].image_url.url",
                "missing_required_parameter",
            ),
            (&many, "input", "invalid_value"),
        ] {
            let error = read(json).expect_err(json);
            assert_eq!(error.path().as_deref(), Some(field), "{json}");
            assert_eq!(error.code.map(ErrorCode::as_str), Some(code), "{json}");
        }
    }
}
