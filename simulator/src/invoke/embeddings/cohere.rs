//! Cohere Embed 3 and 4.

use serde_json::{Value, json};

use super::output::{EmbeddingOutput, check_image, size, strings, text, tokens, vector};
use super::schema::{ANY, Key, Kind, check, malformed, optional, required};
use crate::error::AwsError;

const TYPES: Kind = Kind::ListOfWords(&["float", "int8", "uint8", "binary", "ubinary"]);

const THIRD: &[Key] = &[
    optional("texts", Kind::Texts(96, 2048)),
    optional("images", Kind::Texts(1, ANY)),
    required(
        "input_type",
        Kind::Words(&[
            "search_document",
            "search_query",
            "classification",
            "clustering",
            "image",
        ]),
    ),
    optional("truncate", Kind::Words(&["NONE", "START", "END"])),
    optional("embedding_types", TYPES),
];

const FOURTH: &[Key] = &[
    optional("texts", Kind::Texts(96, ANY)),
    optional("images", Kind::Texts(96, ANY)),
    optional(
        "inputs",
        Kind::Objects(
            96,
            &[required(
                "content",
                Kind::Objects(
                    ANY,
                    &[
                        required("type", Kind::Words(&["text", "image_url"])),
                        optional("text", Kind::Text(ANY)),
                        optional("image_url", Kind::Text(ANY)),
                    ],
                ),
            )],
        ),
    ),
    required(
        "input_type",
        Kind::Words(&[
            "search_document",
            "search_query",
            "classification",
            "clustering",
        ]),
    ),
    optional("output_dimension", Kind::Numbers(&[256, 512, 1024, 1536])),
    optional("max_tokens", Kind::Count(1, 128_000)),
    optional(
        "truncate",
        Kind::Words(&["NONE", "LEFT", "RIGHT", "START", "END"]),
    ),
    optional("embedding_types", TYPES),
];

pub(super) fn check_third(request: &Value) -> Result<(), AwsError> {
    check(request, THIRD)?;
    one_of(request, &["texts", "images"])?;
    let is_image = text(request, "/input_type") == "image";
    if is_image != request.get("images").is_some() {
        return Err(malformed("input_type image is only valid for images"));
    }
    check_images(request)
}

pub(super) fn check_fourth(request: &Value) -> Result<(), AwsError> {
    check(request, FOURTH)?;
    one_of(request, &["texts", "images", "inputs"])?;
    check_images(request)
}

fn one_of(request: &Value, keys: &[&str]) -> Result<(), AwsError> {
    let present = keys.iter().filter(|key| request.get(**key).is_some());
    match present.count() {
        0 => Err(malformed("#: required key [texts] not found")),
        1 => Ok(()),
        _ => Err(malformed(&format!(
            "only one of {} may be given",
            keys.join(", ")
        ))),
    }
}

fn check_images(request: &Value) -> Result<(), AwsError> {
    let parts = parts(request);
    let urls = parts.iter().filter_map(|part| part.get("image_url"));
    let urls = urls.filter_map(Value::as_str);
    for url in strings(request, "/images").into_iter().chain(urls) {
        let Some((_, data)) = url.split_once(";base64,") else {
            return Err(AwsError::validation("image must be a valid data URI"));
        };
        check_image(data)?;
    }
    Ok(())
}

fn parts(request: &Value) -> Vec<&Value> {
    let inputs = request.get("inputs").and_then(Value::as_array);
    let contents = inputs.into_iter().flatten().map(|input| &input["content"]);
    contents.filter_map(Value::as_array).flatten().collect()
}

pub(super) fn respond_third(request: &Value) -> EmbeddingOutput {
    // Without `embedding_types`, Embed 3 responds with a plain list.
    let by_type = request.get("embedding_types").is_some();
    embedding_output(request, 1024, by_type)
}

pub(super) fn respond_fourth(request: &Value) -> EmbeddingOutput {
    embedding_output(request, size(request, "/output_dimension", 1536), true)
}

fn embedding_output(request: &Value, size: usize, by_type: bool) -> EmbeddingOutput {
    let texts = strings(request, "/texts");
    let images = strings(request, "/images");
    let inputs: Vec<String> = request
        .get("inputs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(Value::to_string)
        .collect();
    let purpose = text(request, "/input_type");
    let all = texts.iter().chain(&images).copied();
    let all = all.chain(inputs.iter().map(String::as_str));
    let vectors: Vec<Vec<f64>> = all
        .map(|input| vector(&format!("{purpose}: {input}"), size))
        .collect();
    let count = texts.iter().map(|text| tokens(text)).sum::<u64>();
    let image_tokens = (images.len() + inputs.len()) as u64 * TOKENS_PER_IMAGE;
    let body = json!({
        "id": "00000000-0000-4000-8000-000000000000",
        "texts": texts,
        "response_type": if by_type { "embeddings_by_type" } else { "embeddings_floats" },
        "embeddings": if by_type { json!({ "float": vectors }) } else { json!(vectors) },
    });
    EmbeddingOutput {
        body,
        tokens: Some(count + image_tokens),
    }
}

/// Tokens per image.
const TOKENS_PER_IMAGE: u64 = 100;
