//! Images, documents and videos.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::Subject;
use crate::conversation::{Block, Message, text};
use crate::error::AwsError;
use crate::families::Maker;

const MOST_DOCUMENTS: usize = 5;

pub(super) fn kinds_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let family = &subject.family;
    for (_, _, block) in subject.conversation.located_blocks() {
        let field = match block.kind {
            _ if is_remote(&block) && !family.s3_locations => "s3Uri",
            "image" if !family.images => "image",
            "video" if !family.video => "video",
            _ => continue,
        };
        return Err(AwsError::validation(format!(
            "This model doesn't support the {field} field. Remove {field} and try again."
        )));
    }
    Ok(())
}

/// Whether a block, or one inside a tool result, names its bytes by their place in S3
/// (recordings `conv-claude-err400-4530a170` and, in a tool result, `conv-claude-err400-b71d1ebb`).
fn is_remote(block: &Block<'_>) -> bool {
    let is_remote = |value: &Value| value.pointer("/source/s3Location").is_some();
    let content = block.value.get("content").and_then(Value::as_array);
    let mut inner = content.into_iter().flatten().filter_map(Value::as_object);
    is_remote(block.value) || inner.any(|block| block.values().any(is_remote))
}

pub(super) fn documents_named_apart(subject: &Subject<'_>) -> Result<(), AwsError> {
    let documents = subject
        .conversation
        .messages
        .iter()
        .flat_map(|message| message.of_kind("document"));
    let names: Vec<&str> = documents
        .map(|document| text(document.get("name")))
        .collect();
    if names.len() > MOST_DOCUMENTS {
        return Err(AwsError::validation(format!(
            "You can't include more than {MOST_DOCUMENTS} documents in a request."
        )));
    }
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

/// Underscores pass, whatever the message says (recording `conv-claude-2344010a`).
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

/// Claude and Nova look at the bytes.
pub(super) fn images_are_what_they_say(subject: &Subject<'_>) -> Result<(), AwsError> {
    let maker = subject.family.maker;
    if maker == Maker::Other {
        return Ok(());
    }
    for (place, _, image) in subject
        .conversation
        .located_blocks()
        .filter(|(_, _, block)| block.kind == "image")
    {
        let Some((declared, found)) = formats(&image) else {
            continue;
        };
        if found == Some(declared) {
            continue;
        }
        let message = match (maker, found) {
            (Maker::Anthropic, Some(found)) => format!(
                "{place}.image.source.bytes: The image was specified using the image/{declared} media type, but the image appears to be a image/{found} image"
            ),
            (Maker::Anthropic, None) => "Could not process image".to_owned(),
            (_, found) => format!(
                "The detected file MIME type {} does not match the expected type image/{declared}. Reformat your input and try again.",
                found.map_or_else(|| "text/plain".to_owned(), |found| format!("image/{found}"))
            ),
        };
        return Err(AwsError::by_model(message));
    }
    Ok(())
}

/// The format an inline image is declared to have, and the one its first bytes show.
fn formats<'a>(image: &Block<'a>) -> Option<(&'a str, Option<&'static str>)> {
    let bytes = image
        .value
        .pointer("/source/bytes")
        .and_then(Value::as_str)?;
    // 16 bytes tell; a multiple of four characters is whole base64.
    let start = bytes.get(..bytes.len().min(24))?;
    let start = BASE64_STANDARD.decode(start).unwrap_or_default();
    let found = match start.as_slice() {
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
    Some((text(image.value.get("format")), found))
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

    fn judged(model: &str, content: Value) -> Option<String> {
        refusal(
            model,
            json!({ "messages": [{ "role": "user", "content": content }] }),
        )
    }

    fn document(name: &str) -> Value {
        json!({ "document": { "format": "txt", "name": name, "source": { "bytes": "YQ==" } } })
    }

    #[test]
    fn documents_need_text_and_names_of_their_own() {
        let text = json!({ "text": "read" });
        assert_eq!(
            judged(CLAUDE, json!([text, document("a"), document("b_1")])),
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
            assert_eq!(judged(CLAUDE, content).as_deref(), Some(expected));
        }
    }

    #[test]
    fn images_are_looked_at() {
        let image = |format: &str, bytes: &str| json!([{ "text": "see" }, { "image": { "format": format, "source": { "bytes": bytes } } }]);
        let png = "iVBORw0KGgoAAAANSUhEUgAAAAE=";
        assert_eq!(judged(CLAUDE, image("png", png)), None);
        assert_eq!(
            judged(CLAUDE, image("jpeg", png)).as_deref(),
            Some(
                "The model returned the following errors: messages.0.content.1.image.source.bytes: The image was specified using the image/jpeg media type, but the image appears to be a image/png image"
            )
        );
        // Recording `convs-nova-6580dfb4`.
        assert_eq!(
            judged(
                "amazon.nova-lite-v1:0",
                image("png", "dGhlc2UgYnl0ZXMgYXJlIG5vdCBhIFBORyBpbWFnZQ==")
            )
            .as_deref(),
            Some(
                "The model returned the following errors: The detected file MIME type text/plain does not match the expected type image/png. Reformat your input and try again."
            )
        );
        assert!(judged("amazon.nova-micro-v1:0", image("png", png)).is_some());
    }
}
