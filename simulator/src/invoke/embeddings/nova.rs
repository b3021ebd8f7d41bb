//! Amazon Nova Multimodal Embeddings: one text or image per call.

use serde_json::{Value, json};

use super::output::{EmbeddingOutput, check_image, size, text, tokens, vector};
use super::schema::{ANY, Key, Kind, malformed, optional, required};
use crate::error::AwsError;

const SOURCE: Kind = Kind::Object(&[required("bytes", Kind::Text(ANY))]);

const BODY: &[Key] = &[
    optional("schemaVersion", Kind::Words(&["nova-multimodal-embed-v1"])),
    required("taskType", Kind::Words(&["SINGLE_EMBEDDING"])),
    required("singleEmbeddingParams", Kind::Object(PARAMS)),
];

const PARAMS: &[Key] = &[
    required(
        "embeddingPurpose",
        Kind::Words(&[
            "GENERIC_INDEX",
            "GENERIC_RETRIEVAL",
            "TEXT_RETRIEVAL",
            "IMAGE_RETRIEVAL",
            "VIDEO_RETRIEVAL",
            "DOCUMENT_RETRIEVAL",
            "AUDIO_RETRIEVAL",
            "CLASSIFICATION",
            "CLUSTERING",
        ]),
    ),
    optional("embeddingDimension", Kind::Numbers(&[256, 384, 1024, 3072])),
    optional(
        "text",
        Kind::Object(&[
            required("truncationMode", Kind::Words(&["START", "END", "NONE"])),
            required("value", Kind::Text(ANY)),
        ]),
    ),
    optional(
        "image",
        Kind::Object(&[
            required("format", Kind::Words(&["png", "jpeg", "gif", "webp"])),
            optional(
                "detailLevel",
                Kind::Words(&["STANDARD_IMAGE", "DOCUMENT_IMAGE"]),
            ),
            required("source", SOURCE),
        ]),
    ),
];

pub(super) fn check(request: &Value) -> Result<(), AwsError> {
    super::schema::check(request, BODY)?;
    let params = &request["singleEmbeddingParams"];
    match (params.get("text"), params.get("image")) {
        (Some(_), None) => Ok(()),
        (None, Some(image)) => check_image(text(image, "/source/bytes")),
        _ => Err(malformed(
            "#/singleEmbeddingParams: exactly one of text, image, audio and video is taken",
        )),
    }
}

pub(super) fn response(request: &Value) -> EmbeddingOutput {
    let params = &request["singleEmbeddingParams"];
    let size = size(params, "/embeddingDimension", 3072);
    let purpose = text(params, "/embeddingPurpose");
    let (kind, input, count) = match params.get("text") {
        Some(value) => {
            let value = text(value, "/value");
            ("TEXT", value, tokens(value))
        }
        None => (
            "IMAGE",
            text(params, "/image/source/bytes"),
            TOKENS_PER_IMAGE,
        ),
    };
    let vector = vector(&format!("{purpose}: {input}"), size);
    EmbeddingOutput {
        body: json!({ "embeddings": [{ "embeddingType": kind, "embedding": vector }] }),
        tokens: Some(count),
    }
}

/// Tokens per image.
const TOKENS_PER_IMAGE: u64 = 100;
