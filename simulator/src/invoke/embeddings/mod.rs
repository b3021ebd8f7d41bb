//! Embedding and reranking models: strict request schemas and deterministic responses.
//!
//! Request bodies follow the user guide's pages of parameters; recordings show text embeddings of
//! Titan, Cohere and Nova (`inv-titan-374a5324`, `inv-cohere-07d9ebe2`, `inv-nova-f9d51d6a`) and
//! Cohere's reranking (`inv-cohere-0f6e9927`).

mod cohere;
mod marengo;
mod nova;
mod rerank;
mod schema;
mod titan;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::AwsError;
use crate::response::usage;

/// An embedding or reranking model.
pub(super) struct EmbeddingModel {
    /// Prefixes of its model ids.
    stems: &'static [&'static str],
    /// Validates the request body.
    check: fn(&Value) -> Result<(), AwsError>,
    response: fn(&Value) -> EmbeddingOutput,
}

/// A response; the token count is `None` if Bedrock does not report one.
pub(super) struct EmbeddingOutput {
    pub(super) body: Value,
    pub(super) tokens: Option<u64>,
}

const MODELS: &[EmbeddingModel] = &[
    EmbeddingModel {
        stems: &["amazon.titan-embed-text-v1", "amazon.titan-embed-g1-text"],
        check: titan::check_first,
        response: titan::respond_first,
    },
    EmbeddingModel {
        stems: &["amazon.titan-embed-text-v2"],
        check: titan::check_second,
        response: titan::respond_second,
    },
    EmbeddingModel {
        stems: &["amazon.titan-embed-image"],
        check: titan::check_multimodal,
        response: titan::respond_multimodal,
    },
    EmbeddingModel {
        stems: &["cohere.embed-english-v3", "cohere.embed-multilingual-v3"],
        check: cohere::check_third,
        response: cohere::respond_third,
    },
    EmbeddingModel {
        stems: &["cohere.embed-v4"],
        check: cohere::check_fourth,
        response: cohere::respond_fourth,
    },
    EmbeddingModel {
        stems: &["amazon.nova-2-multimodal-embeddings"],
        check: nova::check,
        response: nova::response,
    },
    EmbeddingModel {
        stems: &["twelvelabs.marengo-embed-2"],
        check: marengo::check_second,
        response: marengo::respond_second,
    },
    EmbeddingModel {
        stems: &["twelvelabs.marengo-embed-3"],
        check: marengo::check_third,
        response: marengo::respond_third,
    },
    EmbeddingModel {
        stems: &["cohere.rerank"],
        check: rerank::check_cohere,
        response: rerank::response,
    },
    EmbeddingModel {
        stems: &["amazon.rerank"],
        check: rerank::check_amazon,
        response: rerank::response,
    },
];

impl EmbeddingModel {
    /// The embedding model of a bare id; `None` for all other models.
    pub(super) fn of(id: &str) -> Option<&'static Self> {
        let is_of = |model: &&Self| model.stems.iter().any(|stem| id.starts_with(stem));
        MODELS.iter().find(is_of)
    }

    /// Rejects bodies that Bedrock rejects.
    pub(super) fn check(&self, request: &Value) -> Result<(), AwsError> {
        (self.check)(request)
    }

    pub(super) fn response(&self, request: &Value) -> EmbeddingOutput {
        (self.response)(request)
    }
}

fn text<'a>(request: &'a Value, path: &str) -> &'a str {
    let text = request.pointer(path).and_then(Value::as_str);
    text.unwrap_or_default()
}

fn size(request: &Value, path: &str, default_size: usize) -> usize {
    let size = request.pointer(path).and_then(Value::as_u64);
    size.map_or(default_size, |size| size as usize)
}

fn strings<'a>(request: &'a Value, path: &str) -> Vec<&'a str> {
    let list = request.pointer(path).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Tokens of a text; at least one.
fn tokens(text: &str) -> u64 {
    usage::of_bytes(text.len() as u64).max(1)
}

/// A unit vector whose direction depends on the text.
fn vector(text: &str, size: usize) -> Vec<f64> {
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
fn check_image(base64: &str) -> Result<(), AwsError> {
    let bytes = BASE64_STANDARD.decode(base64).unwrap_or_default();
    let is_image = [&b"\x89PNG"[..], b"\xff\xd8\xff", b"GIF8", b"RIFF"]
        .iter()
        .any(|head| bytes.starts_with(head));
    match is_image {
        true => Ok(()),
        false => Err(AwsError::validation("Could not process image")),
    }
}
