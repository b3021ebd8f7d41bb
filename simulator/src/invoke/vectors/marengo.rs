//! TwelveLabs Marengo Embed 2.7 and 3.0, texts and pictures.

use serde_json::{Value, json};

use super::schema::{ANY, Key, Kind, check, malformed, optional, required};
use super::{EmbeddingOutput, check_picture, text, tokens, vector};
use crate::error::AwsError;

/// The longest text of each, in tokens.
const MOST_TOKENS_SECOND: u64 = 77;
const MOST_TOKENS_THIRD: u64 = 500;

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
            check_length(text(request, "/inputText"), MOST_TOKENS_SECOND, cuts)
        }
        ("image", Some(media)) if request.get("inputText").is_none() => {
            check_picture(text(media, "/base64String"))
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
        check_picture(text(media, "/base64String"))?;
    }
    check_length(text(input, "/inputText"), MOST_TOKENS_THIRD, false)
}

fn check_length(text: &str, most: u64, cuts: bool) -> Result<(), AwsError> {
    let count = tokens(text);
    match count > most && !cuts {
        true => Err(AwsError::validation(format!(
            "Input text exceeds the maximum of {most} tokens: {count}"
        ))),
        false => Ok(()),
    }
}

pub(super) fn answer_second(request: &Value) -> EmbeddingOutput {
    let input = format!(
        "{}{}",
        text(request, "/inputText"),
        text(request, "/mediaSource/base64String")
    );
    answered(&input, 1024)
}

pub(super) fn answer_third(request: &Value) -> EmbeddingOutput {
    let input = &request[text(request, "/inputType")];
    answered(&input.to_string(), 512)
}

fn answered(input: &str, size: usize) -> EmbeddingOutput {
    EmbeddingOutput {
        body: json!({ "data": [{ "embedding": vector(input, size) }] }),
        tokens: Some(tokens(input)),
    }
}
