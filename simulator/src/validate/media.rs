//! Images, documents and videos.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::subject::Subject;
use crate::conversation::{Block, Message, text};
use crate::error::AwsError;
use crate::families::Maker;

/// Limits from the documentation of `Message.content` in botocore's model of `bedrock-runtime`.
const MAX_DOCUMENTS: usize = 5;
const MAX_IMAGES: usize = 20;
/// Claude's image size limit, in base64 bytes.
const MAX_IMAGE_SIZE: usize = 5 * 1024 * 1024;

pub(super) fn media_types_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let family = &subject.family;
    for (_, _, block) in subject.conversation.located_blocks() {
        let supported = match block.kind {
            "image" => family.images,
            "document" => family.documents,
            "video" => family.video,
            "audio" => family.audio,
            "searchResult" | "toolAddition" | "toolRemoval" => family.maker != Maker::Amazon,
            _ => true,
        };
        if !supported {
            return Err(unsupported(block.kind));
        }
    }
    Ok(())
}

/// S3 locations in place of bytes. Claude rejects documents at a later stage than images
/// (recordings `conv-claude-err400-4530a170`, `conv-claude-err400-b71d1ebb`, and
/// `conv-claude-err400-0a603759` for documents).
pub(super) fn s3_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    if subject.family.s3_locations {
        return Ok(());
    }
    for (path, _, block) in subject.conversation.located_blocks() {
        let is_remote = |value: &Value| value.pointer("/source/s3Location").is_some();
        let inside = contents(block).any(|(_, _, value)| is_remote(value));
        if !is_remote(block.value) && !inside {
            continue;
        }
        let by_claude = subject.family.maker == Maker::Anthropic && block.kind == "document";
        return Err(if by_claude {
            AwsError::by_model(format!("{path}.document.source.type: Field required"))
        } else {
            unsupported("s3Uri")
        });
    }
    Ok(())
}

fn unsupported(field: &str) -> AwsError {
    AwsError::validation(format!(
        "This model doesn't support the {field} field. Remove {field} and try again."
    ))
}

/// The blocks of a tool result, with their indexes.
fn contents<'a>(block: Block<'a>) -> impl Iterator<Item = (usize, &'a str, &'a Value)> {
    let content = (block.kind == "toolResult")
        .then(|| block.value.get("content").and_then(Value::as_array))
        .flatten();
    content
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(position, inner)| Some((position, inner.as_object()?)))
        .flat_map(|(position, inner)| {
            inner
                .iter()
                .map(move |(kind, value)| (position, kind.as_str(), value))
        })
}

pub(super) fn not_too_many(subject: &Subject<'_>) -> Result<(), AwsError> {
    let messages = &subject.conversation.messages;
    for (kind, max) in [("document", MAX_DOCUMENTS), ("image", MAX_IMAGES)] {
        let count: usize = messages
            .iter()
            .map(|message| message.of_kind(kind).count())
            .sum();
        if count > max {
            return Err(AwsError::validation(format!(
                "You can't include more than {max} {kind}s in a request."
            )));
        }
    }
    Ok(())
}

pub(super) fn document_names_unique(subject: &Subject<'_>) -> Result<(), AwsError> {
    let documents = subject
        .conversation
        .messages
        .iter()
        .flat_map(|message| message.of_kind("document"));
    let names: Vec<&str> = documents
        .map(|document| text(document.get("name")))
        .collect();
    if names.iter().any(|name| !is_document_name(name)) {
        return Err(AwsError::validation(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
        ));
    }
    let mut seen = HashSet::new();
    if names.iter().any(|name| !seen.insert(*name)) {
        return Err(AwsError::validation(
            "Messages can't contain duplicate document names. Rename the document and retry your request.",
        ));
    }
    Ok(())
}

/// Underscores are accepted, despite the message (recording `conv-claude-2344010a`).
fn is_document_name(name: &str) -> bool {
    let allowed = |character: char| {
        character.is_ascii_alphanumeric()
            || character.is_whitespace()
            || "-()[]_".contains(character)
    };
    let spaces_in_a_row = name
        .chars()
        .zip(name.chars().skip(1))
        .any(|(one, next)| one.is_whitespace() && next.is_whitespace());
    name.chars().all(allowed) && !spaces_in_a_row
}

pub(super) fn documents_have_text(subject: &Subject<'_>) -> Result<(), AwsError> {
    let lacks_text = |message: &Message<'_>| message.has("document") && !message.has("text");
    if subject.conversation.messages.iter().any(lacks_text) {
        return Err(AwsError::validation(
            "A text block must be included when using documents.",
        ));
    }
    Ok(())
}

/// Claude and Nova check the bytes of images, including those in tool results.
pub(super) fn image_formats_match(subject: &Subject<'_>) -> Result<(), AwsError> {
    let maker = subject.family.maker;
    if maker == Maker::Other {
        return Ok(());
    }
    for (path, image) in located(subject, "image") {
        let size = text(image.pointer("/source/bytes")).len();
        if maker == Maker::Anthropic && size > MAX_IMAGE_SIZE {
            return Err(AwsError::by_model(format!(
                "{path}.image.source.base64: image exceeds 5 MB maximum: {size} bytes > {MAX_IMAGE_SIZE} bytes"
            )));
        }
        let Some((declared, actual)) = formats(image) else {
            continue;
        };
        if actual == Some(declared) {
            continue;
        }
        let message = match (maker, actual) {
            (Maker::Anthropic, Some(actual)) => format!(
                "{path}.image.source.bytes: The image was specified using the image/{declared} media type, but the image appears to be a image/{actual} image"
            ),
            (Maker::Anthropic, None) => "Could not process image".to_owned(),
            (_, actual) => format!(
                "The detected file MIME type {} does not match the expected type image/{declared}. Reformat your input and try again.",
                actual.map_or_else(
                    || "text/plain".to_owned(),
                    |actual| format!("image/{actual}")
                )
            ),
        };
        return Err(AwsError::by_model(message));
    }
    Ok(())
}

/// Only Claude parses PDFs.
pub(super) fn document_formats_match(subject: &Subject<'_>) -> Result<(), AwsError> {
    if subject.family.maker != Maker::Anthropic {
        return Ok(());
    }
    let wrong = located(subject, "document").find(|(_, document)| {
        text(document.get("format")) == "pdf"
            && start(document).is_some_and(|start| !start.starts_with(b"%PDF-"))
    });
    match wrong {
        None => Ok(()),
        Some((path, _)) => Err(AwsError::by_model(format!(
            "{path}.document.source.base64.data: The PDF specified was not valid."
        ))),
    }
}

/// All blocks of a kind with their paths, including those in tool results.
fn located<'s>(
    subject: &'s Subject<'_>,
    media_type: &'static str,
) -> impl Iterator<Item = (String, &'s Value)> {
    subject
        .conversation
        .located_blocks()
        .flat_map(move |(path, _, block)| {
            let itself = (block.kind == media_type).then(|| (path.clone(), block.value));
            let inside = contents(block)
                .filter(move |(_, kind, _)| *kind == media_type)
                .map(move |(position, _, value)| {
                    (format!("{path}.tool_result.content.{position}"), value)
                });
            itself.into_iter().chain(inside)
        })
}

/// The first bytes of inline media.
fn start(medium: &Value) -> Option<Vec<u8>> {
    let bytes = medium.pointer("/source/bytes").and_then(Value::as_str)?;
    // 16 bytes suffice for detection; base64 decodes in groups of four characters.
    let start = bytes.get(..bytes.len().min(24))?;
    Some(BASE64_STANDARD.decode(start).unwrap_or_default())
}

/// The declared format of an inline image, and the format that its first bytes indicate.
fn formats(image: &Value) -> Option<(&str, Option<&'static str>)> {
    let actual = match start(image)?.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [0xff, 0xd8, 0xff, ..] => Some("jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("webp"),
        _ => None,
    };
    Some((text(image.get("format")), actual))
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

    fn error_message(model: &str, content: Value) -> Option<String> {
        refusal(
            model,
            json!({ "messages": [{ "role": "user", "content": content }] }),
        )
    }

    fn document(name: &str) -> Value {
        json!({ "document": { "format": "txt", "name": name, "source": { "bytes": "YQ==" } } })
    }

    #[test]
    fn documents_need_text_and_unique_names() {
        let text = json!({ "text": "read" });
        assert_eq!(
            error_message(CLAUDE, json!([text, document("a"), document("b_1")])),
            None
        );
        for (content, expected) in [
            (
                json!([document("a")]),
                "A text block must be included when using documents.",
            ),
            (
                json!([text, document("a"), document("a")]),
                "Messages can't contain duplicate document names. Rename the document and retry your request.",
            ),
            (
                json!([text, document("a.txt")]),
                "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
            ),
        ] {
            assert_eq!(error_message(CLAUDE, content).as_deref(), Some(expected));
        }
    }

    #[test]
    fn image_contents_are_validated() {
        let image = |format: &str, bytes: &str| json!([{ "text": "see" }, { "image": { "format": format, "source": { "bytes": bytes } } }]);
        let png = "iVBORw0KGgoAAAANSUhEUgAAAAE=";
        assert_eq!(error_message(CLAUDE, image("png", png)), None);
        assert_eq!(
            error_message(CLAUDE, image("jpeg", png)).as_deref(),
            Some(
                "The model returned the following errors: messages.0.content.1.image.source.bytes: The image was specified using the image/jpeg media type, but the image appears to be a image/png image"
            )
        );
        // Recording `convs-nova-6580dfb4`.
        assert_eq!(
            error_message(
                "amazon.nova-lite-v1:0",
                image("png", "dGhlc2UgYnl0ZXMgYXJlIG5vdCBhIFBORyBpbWFnZQ==")
            )
            .as_deref(),
            Some(
                "The model returned the following errors: The detected file MIME type text/plain does not match the expected type image/png. Reformat your input and try again."
            )
        );
        assert!(error_message("amazon.nova-micro-v1:0", image("png", png)).is_some());
    }

    #[test]
    fn media_are_validated_per_family() {
        let text = json!({ "text": "see" });
        let image = json!({ "image": { "format": "png", "source": { "bytes": "iVBORw0KGgoAAAANSUhEUgAAAAE=" } } });
        let remote = |kind: &str, format: &str| json!({ kind: { "format": format, "name": "a", "source": { "s3Location": { "uri": "s3://bucket/file" } } } });
        let pdf = json!({ "document": { "format": "pdf", "name": "a", "source": { "bytes": "YWJjZGVmZ2hp" } } });
        let mut documents: Vec<Value> = (0..6)
            .map(|number| document(&format!("d{number}")))
            .collect();
        documents.push(text.clone());
        for (model, content, expected) in [
            (CLAUDE, Value::from(documents), "more than 5 documents"),
            (CLAUDE, Value::from(vec![image; 21]), "more than 20 images"),
            (
                CLAUDE,
                json!([text, pdf]),
                "messages.0.content.1.document.source.base64.data: The PDF specified was not valid.",
            ),
            (
                CLAUDE,
                json!([text, remote("image", "png")]),
                "doesn't support the s3Uri field",
            ),
            (
                CLAUDE,
                json!([text, remote("document", "pdf")]),
                "messages.0.content.1.document.source.type: Field required",
            ),
            (
                CLAUDE,
                json!([text, remote("video", "mp4")]),
                "doesn't support the video field",
            ),
            (
                CLAUDE,
                json!([text, remote("audio", "mp3")]),
                "doesn't support the audio field",
            ),
            (
                "amazon.nova-lite-v1:0",
                json!([text, remote("video", "mp4")]),
                "",
            ),
            (
                "amazon.nova-micro-v1:0",
                json!([text, document("a")]),
                "doesn't support the document field",
            ),
            (
                "mistral.voxtral-mini-3b-2507",
                json!([text, remote("audio", "mp3")]),
                "",
            ),
        ] {
            let message = error_message(model, content).unwrap_or_default();
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{model}: {message}"
            );
        }
    }
}
