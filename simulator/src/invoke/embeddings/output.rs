//! Responses of embedding and reranking models, and what they are computed from.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::AwsError;
use crate::usage;

/// A response; the token count is `None` if Bedrock does not report one.
pub(in crate::invoke) struct EmbeddingOutput {
    pub(in crate::invoke) body: Value,
    pub(in crate::invoke) tokens: Option<u64>,
}

pub(super) fn text<'a>(request: &'a Value, path: &str) -> &'a str {
    let text = request.pointer(path).and_then(Value::as_str);
    text.unwrap_or_default()
}

pub(super) fn size(request: &Value, path: &str, default_size: usize) -> usize {
    let size = request.pointer(path).and_then(Value::as_u64);
    size.map_or(default_size, |size| size as usize)
}

pub(super) fn strings<'a>(request: &'a Value, path: &str) -> Vec<&'a str> {
    let list = request.pointer(path).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Tokens of a text; at least one.
pub(super) fn tokens(text: &str) -> u64 {
    usage::of_bytes(text.len() as u64).max(1)
}

/// A unit vector whose direction depends on the text.
pub(super) fn vector(text: &str, size: usize) -> Vec<f64> {
    let seed = Sha256::digest(text);
    let raw: Vec<f64> = seed
        .iter()
        .cycle()
        .zip(0..size)
        .map(|(byte, position)| f64::from(*byte) - 127.5 + (position % 7) as f64)
        .collect();
    let length = raw.iter().map(|number| number * number).sum::<f64>().sqrt();
    raw.into_iter().map(|number| number / length).collect()
}

/// Rejects data that is not a base64 image.
pub(super) fn check_image(base64: &str) -> Result<(), AwsError> {
    let bytes = BASE64_STANDARD.decode(base64).unwrap_or_default();
    let is_image = [&b"\x89PNG"[..], b"\xff\xd8\xff", b"GIF8", b"RIFF"]
        .iter()
        .any(|head| bytes.starts_with(head));
    match is_image {
        true => Ok(()),
        false => Err(AwsError::validation("Could not process image")),
    }
}
