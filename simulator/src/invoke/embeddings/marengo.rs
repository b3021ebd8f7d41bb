//! TwelveLabs Marengo Embed 2.7 and 3.0: text and images.

use serde_json::{Value, json};

use super::output::{EmbeddingOutput, check_image, text, tokens, vector};
use super::schema::{ANY, Key, Kind, check, malformed, optional, required};
use crate::error::AwsError;

/// Maximum text length of each version, in tokens.
const MAX_TOKENS_V2: u64 = 77;
const MAX_TOKENS_V3: u64 = 500;

const MEDIA: Kind = Kind::Object(&[required("base64String", Kind::Text(ANY))]);

const SECOND: &[Key] = &[
    required("inputType", Kind::Words(&["text", "image"])),
    optional("inputText", Kind::Text(ANY)),
    optional("textTruncate", Kind::Words(&["end", "none"])),
    optional("mediaSource", MEDIA),
];

const THIRD: &[Key] = &[
    required("inputType", Kind::Words(&["text", "image", "text_image"])),
    optional(
        "text",
        Kind::Object(&[required("inputText", Kind::Text(ANY))]),
    ),
    optional("image", Kind::Object(&[required("mediaSource", MEDIA)])),
    optional(
        "text_image",
        Kind::Object(&[
            required("inputText", Kind::Text(ANY)),
            required("mediaSource", MEDIA),
        ]),
    ),
];

pub(super) fn check_second(request: &Value) -> Result<(), AwsError> {
    check(request, SECOND)?;
    match (text(request, "/inputType"), request.get("mediaSource")) {
        ("text", None) if request.get("inputText").is_some() => {
            let cuts = text(request, "/textTruncate") != "none";
            check_length(text(request, "/inputText"), MAX_TOKENS_V2, cuts)
        }
        ("image", Some(media)) if request.get("inputText").is_none() => {
            check_image(text(media, "/base64String"))
        }
        _ => Err(malformed("the input does not fit its inputType")),
    }
}

pub(super) fn check_third(request: &Value) -> Result<(), AwsError> {
    check(request, THIRD)?;
    let kind = text(request, "/inputType");
    let Some(input) = request.get(kind) else {
        return Err(malformed(&format!("#: required key [{kind}] not found")));
    };
    if let Some(media) = input.get("mediaSource") {
        check_image(text(media, "/base64String"))?;
    }
    check_length(text(input, "/inputText"), MAX_TOKENS_V3, false)
}

fn check_length(text: &str, max: u64, cuts: bool) -> Result<(), AwsError> {
    let count = tokens(text);
    match count > max && !cuts {
        true => Err(AwsError::validation(format!(
            "Input text exceeds the maximum of {max} tokens: {count}"
        ))),
        false => Ok(()),
    }
}

pub(super) fn respond_second(request: &Value) -> EmbeddingOutput {
    let input = format!(
        "{}{}",
        text(request, "/inputText"),
        text(request, "/mediaSource/base64String")
    );
    embedding_output(&input, 1024)
}

pub(super) fn respond_third(request: &Value) -> EmbeddingOutput {
    let input = &request[text(request, "/inputType")];
    embedding_output(&input.to_string(), 512)
}

fn embedding_output(input: &str, size: usize) -> EmbeddingOutput {
    EmbeddingOutput {
        body: json!({ "data": [{ "embedding": vector(input, size) }] }),
        tokens: Some(tokens(input)),
    }
}
