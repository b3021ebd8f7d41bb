//! Token counts, estimated by counting words.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// What an image, a document or a video counts.
const MEDIUM: u64 = 100;

/// Tokens of a text: its words.
pub(crate) fn of_text(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// Tokens of a request: the words of all its texts, and something for each medium.
pub(crate) fn of_request(request: &Value) -> u64 {
    of_value(request).max(1)
}

fn of_value(value: &Value) -> u64 {
    match value {
        Value::String(text) => of_text(text),
        Value::Array(values) => values.iter().map(of_value).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                if matches!(name.as_str(), "bytes" | "data") {
                    MEDIUM
                } else {
                    of_value(value)
                }
            })
            .sum(),
        _ => 0,
    }
}

/// The JSON inside a base64 text.
pub(crate) fn decoded(value: &Value) -> Option<Value> {
    let bytes = BASE64_STANDARD.decode(value.as_str()?).ok()?;
    serde_json::from_slice(&bytes).ok()
}
