//! Token counts: four bytes of a request or one word of a response make a token.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// Size of an image, document or video, in bytes.
const MEDIUM: u64 = 400;
/// Bytes per token.
const TOKEN: u64 = 4;
/// The parts of a conversation that the model reads.
const READ: [&str; 3] = ["toolConfig", "system", "messages"];

/// Tokens of a response text: its words.
pub(crate) fn of_text(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// Tokens of a request: at least one.
pub(crate) fn of_request(request: &Value) -> u64 {
    let bytes = if request.get("messages").is_some() {
        READ.iter()
            .filter_map(|name| request.get(name))
            .map(bytes)
            .sum()
    } else {
        bytes(request)
    };
    of_bytes(bytes).max(1)
}

pub(crate) fn of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(TOKEN)
}

/// Total size of the texts, names and numbers in a value. Media have a fixed size, cache points
/// none.
pub(crate) fn bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(values) => values.iter().map(bytes).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match name.as_str() {
                "bytes" | "data" | "s3Location" => MEDIUM,
                "cachePoint" => 0,
                _ => name.len() as u64 + bytes(value),
            })
            .sum(),
        Value::Number(number) => number.to_string().len() as u64,
        Value::Bool(_) | Value::Null => TOKEN,
    }
}

/// The JSON value inside a base64 string.
pub(crate) fn decoded(value: &Value) -> Option<Value> {
    let bytes = BASE64_STANDARD.decode(value.as_str()?).ok()?;
    serde_json::from_slice(&bytes).ok()
}
