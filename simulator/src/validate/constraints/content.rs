//! Limits of content blocks.

use serde_json::Value;

use super::violations::{TOOL_USE_ID, Violations};
use crate::conversation::text;

const IMAGES: [&str; 4] = ["gif", "jpeg", "png", "webp"];
const DOCUMENTS: [&str; 9] = [
    "csv", "doc", "docx", "html", "md", "pdf", "txt", "xls", "xlsx",
];
const VIDEOS: [&str; 9] = [
    "flv", "mkv", "mov", "mp4", "mpeg", "mpg", "three_gp", "webm", "wmv",
];
const AUDIOS: [&str; 15] = [
    "aac", "flac", "m4a", "mka", "mkv", "mp3", "mp4", "mpeg", "mpga", "ogg", "opus", "pcm", "wav",
    "webm", "x-aac",
];
const QUALIFIERS: [&str; 3] = ["grounding_source", "guard_content", "query"];

/// A block of any kind; `at` is the path that ends in its kind.
pub(super) fn block(kind: &str, value: &Value, at: &str, violations: &mut Violations) {
    match kind {
        "toolUse" => {
            violations.name(
                value.get("toolUseId"),
                &format!("{at}.toolUseId"),
                TOOL_USE_ID,
            );
            violations.name(
                value.get("name"),
                &format!("{at}.name"),
                super::violations::NAME,
            );
        }
        "toolResult" => tool_result(value, at, violations),
        "image" => {
            violations.unless_one_of(text(value.get("format")), &format!("{at}.format"), &IMAGES);
            source(value, at, violations);
        }
        "video" => {
            // A media type is accepted as well (recording `conv-nova-7275e656`).
            let format = text(value.get("format")).trim_start_matches("video/");
            violations.unless_one_of(format, &format!("{at}.format"), &VIDEOS);
            source(value, at, violations);
        }
        "audio" => {
            violations.unless_one_of(text(value.get("format")), &format!("{at}.format"), &AUDIOS);
            source(value, at, violations);
        }
        "document" => document(value, at, violations),
        "cachePoint" => cache_point(value, at, violations),
        "guardContent" => guard_content(value, at, violations),
        "searchResult" => search_result(value, at, violations),
        "toolAddition" | "toolRemoval" => {
            let name = text(value.pointer("/tool/name"));
            violations.unless_shorter(name, &format!("{at}.tool.name"), 128);
        }
        _ => {}
    }
}

fn tool_result(value: &Value, at: &str, violations: &mut Violations) {
    violations.name(
        value.get("toolUseId"),
        &format!("{at}.toolUseId"),
        TOOL_USE_ID,
    );
    if let Some(status) = value.get("status") {
        violations.unless_one_of(
            text(Some(status)),
            &format!("{at}.status"),
            &["success", "error"],
        );
    }
    let Some(content) = value.get("content").and_then(Value::as_array) else {
        return violations.missing(&format!("{at}.content"));
    };
    for (position, inner) in content.iter().filter_map(Value::as_object).enumerate() {
        for (kind, value) in inner {
            let at = format!("{at}.content.{}.member.{kind}", position + 1);
            block(kind, value, &at, violations);
        }
    }
}

fn document(value: &Value, at: &str, violations: &mut Violations) {
    violations.unless_long_as(text(value.get("name")), &format!("{at}.name"), 200);
    if let Some(format) = value.get("format") {
        violations.unless_one_of(text(Some(format)), &format!("{at}.format"), &DOCUMENTS);
    }
    source(value, at, violations);
}

/// Validates a source; empty bytes are reported at the path of the bytes.
fn source(value: &Value, at: &str, violations: &mut Violations) {
    let at = format!("{at}.source");
    let Some(source) = value.get("source").filter(|source| !source.is_null()) else {
        return violations.missing(&at);
    };
    if source.get("bytes").and_then(Value::as_str) == Some("") {
        violations.empty(&format!("{at}.bytes"));
    }
    let Some(location) = source.get("s3Location") else {
        return;
    };
    let uri = text(location.get("uri"));
    violations.unless_shorter(uri, &format!("{at}.s3Location.uri"), 1024);
    violations.unless_matches(
        uri,
        &format!("{at}.s3Location.uri"),
        "s3://[a-z0-9][\\.\\-a-z0-9]{1,61}[a-z0-9](/.*)?",
        |uri| {
            uri.strip_prefix("s3://")
                .is_some_and(|rest| !rest.is_empty())
        },
    );
    if let Some(owner) = location.get("bucketOwner") {
        violations.unless_matches(
            text(Some(owner)),
            &format!("{at}.s3Location.bucketOwner"),
            "[0-9]{12}",
            |owner| owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit()),
        );
    }
}

fn cache_point(value: &Value, at: &str, violations: &mut Violations) {
    violations.unless_one_of(text(value.get("type")), &format!("{at}.type"), &["default"]);
    if let Some(ttl) = value.get("ttl") {
        violations.unless_one_of(text(Some(ttl)), &format!("{at}.ttl"), &["5m", "1h"]);
    }
}

fn guard_content(value: &Value, at: &str, violations: &mut Violations) {
    if let Some(image) = value.get("image") {
        let at = format!("{at}.image");
        violations.unless_one_of(
            text(image.get("format")),
            &format!("{at}.format"),
            &["png", "jpeg"],
        );
        source(image, &at, violations);
    }
    let qualifiers = value
        .pointer("/text/qualifiers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for (position, qualifier) in qualifiers.enumerate() {
        violations.unless_one_of(
            text(Some(qualifier)),
            &format!("{at}.text.qualifiers.{}.member", position + 1),
            &QUALIFIERS,
        );
    }
}

fn search_result(value: &Value, at: &str, violations: &mut Violations) {
    for name in ["source", "title", "content"] {
        if value.get(name).is_none_or(Value::is_null) {
            violations.missing(&format!("{at}.{name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::refusal;
    use serde_json::{Value, json};

    const NOVA: &str = "us.amazon.nova-2-lite-v1:0";

    #[test]
    fn content_blocks_have_size_limits() {
        let bytes = json!({ "bytes": "YQ==" });
        for (block, expected) in [
            (
                json!({ "image": { "format": "jpg", "source": bytes } }),
                "Value 'jpg' at 'messages.1.member.content.2.member.image.format' failed to satisfy constraint: Member must satisfy enum value set: [gif, jpeg, png, webp]",
            ),
            (
                json!({ "document": { "format": "rtf", "name": "a", "source": bytes } }),
                "document.format' failed to satisfy constraint: Member must satisfy enum value set",
            ),
            (
                json!({ "document": { "format": "txt", "source": { "bytes": "" } } }),
                "2 validation errors detected",
            ),
            (
                json!({ "video": { "format": "avi", "source": bytes } }),
                "video.format'",
            ),
            (
                json!({ "audio": { "format": "midi", "source": bytes } }),
                "audio.format'",
            ),
            (json!({ "audio": { "format": "mp3" } }), "audio.source'"),
            (
                json!({ "video": { "format": "mp4", "source": { "s3Location": {
                    "uri": "https://example.com/a.mp4", "bucketOwner": "me" } } } }),
                "2 validation errors detected",
            ),
            (
                json!({ "cachePoint": { "type": "default", "ttl": "30m" } }),
                "Value '30m' at 'messages.1.member.content.2.member.cachePoint.ttl'",
            ),
            (
                json!({ "guardContent": { "text": { "text": "x", "qualifiers": ["answer"] } } }),
                "guardContent.text.qualifiers.1.member'",
            ),
            (
                json!({ "searchResult": { "source": "s", "content": [] } }),
                "Value at 'messages.1.member.content.2.member.searchResult.title' failed to satisfy constraint: Member must not be null",
            ),
        ] {
            let content = Value::from(vec![json!({ "text": "see" }), block.clone()]);
            let request = json!({ "messages": [{ "role": "user", "content": content }] });
            let message = refusal(NOVA, request).unwrap_or_default();
            assert!(message.contains(expected), "{block}: {message}");
        }
    }
}
