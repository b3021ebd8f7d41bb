//! Amazon Titan's embedding models: text, or text and image.

use serde_json::{Value, json};

use super::output::{EmbeddingOutput, check_image, size, text, tokens, vector};
use super::schema::{ANY, Key, Kind, check, malformed, optional, required};
use crate::error::AwsError;

/// Maximum text length in characters and in tokens.
const MAX_LENGTH: usize = 50_000;
const MAX_TOKENS: u64 = 8192;
/// Maximum text length of the multimodal model, in tokens.
const MAX_TOKENS_MULTIMODAL: u64 = 128;

const FIRST: &[Key] = &[required("inputText", Kind::Text(MAX_LENGTH))];

const SECOND: &[Key] = &[
    required("inputText", Kind::Text(MAX_LENGTH)),
    optional("dimensions", Kind::Numbers(&[1024, 512, 256])),
    optional("normalize", Kind::Flag),
    optional("embeddingTypes", Kind::ListOfWords(&["float", "binary"])),
];

const MULTIMODAL: &[Key] = &[
    optional("inputText", Kind::Text(ANY)),
    optional("inputImage", Kind::Text(ANY)),
    optional(
        "embeddingConfig",
        Kind::Object(&[optional(
            "outputEmbeddingLength",
            Kind::Numbers(&[1024, 384, 256]),
        )]),
    ),
];

pub(super) fn check_first(request: &Value) -> Result<(), AwsError> {
    check(request, FIRST)?;
    check_tokens(request, MAX_TOKENS)
}

pub(super) fn check_second(request: &Value) -> Result<(), AwsError> {
    check(request, SECOND)?;
    check_tokens(request, MAX_TOKENS)
}

pub(super) fn check_multimodal(request: &Value) -> Result<(), AwsError> {
    check(request, MULTIMODAL)?;
    match (request.get("inputText"), request.get("inputImage")) {
        (None, None) => Err(malformed(
            "#: required key [inputText] or [inputImage] not found",
        )),
        (_, Some(_)) => check_image(text(request, "/inputImage")),
        (Some(_), None) => check_tokens(request, MAX_TOKENS_MULTIMODAL),
    }
}

fn check_tokens(request: &Value, max: u64) -> Result<(), AwsError> {
    let count = tokens(text(request, "/inputText"));
    match count > max {
        true => Err(AwsError::validation(format!(
            "400 Bad Request: Too many input tokens. Max input tokens: {max}, request input token count: {count} "
        ))),
        false => Ok(()),
    }
}

pub(super) fn respond_first(request: &Value) -> EmbeddingOutput {
    let input = text(request, "/inputText");
    embedding_output(json!({ "embedding": vector(input, 1536) }), tokens(input))
}

pub(super) fn respond_second(request: &Value) -> EmbeddingOutput {
    let input = text(request, "/inputText");
    let mut vector = vector(input, size(request, "/dimensions", 1024));
    if request.get("normalize") == Some(&Value::Bool(false)) {
        vector.iter_mut().for_each(|number| *number *= 2.0);
    }
    let body = json!({ "embedding": vector, "embeddingsByType": { "float": vector } });
    embedding_output(body, tokens(input))
}

pub(super) fn respond_multimodal(request: &Value) -> EmbeddingOutput {
    let input = text(request, "/inputText");
    let both = format!("{input}{}", text(request, "/inputImage"));
    let size = size(request, "/embeddingConfig/outputEmbeddingLength", 1024);
    let count = match input {
        "" => 0,
        input => tokens(input),
    };
    embedding_output(
        json!({ "embedding": vector(&both, size), "message": null }),
        count,
    )
}

fn embedding_output(mut body: Value, count: u64) -> EmbeddingOutput {
    if let Value::Object(fields) = &mut body {
        fields.insert("inputTextTokenCount".to_owned(), json!(count));
    }
    EmbeddingOutput {
        body,
        tokens: Some(count),
    }
}
