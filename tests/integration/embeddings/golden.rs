//! Golden folders of embeddings: `tests/golden/embeddings/CASE/` holds a client's request, the
//! bodies that it becomes, Bedrock's answers to them, and what the client gets; or the refusal.

use std::fs;
use std::path::Path;

use outcrop::config::{ModelFiles, Tables};
use outcrop::converse::JsonText;
use outcrop::models::ModelId;
use outcrop::openai::chat::RemoteFiles;
use outcrop::openai::embeddings::{
    EmbeddingContext, EmbeddingsHead, EmbeddingsRequest, Tokenizer, response_json, translate,
};
use outcrop::openai::error::ErrorBody;
use outcrop::providers::embeddings::{Purpose, read};
use serde_json::Value;

use crate::chat::golden::{cases, compare};

#[test]
fn every_case_matches_its_golden_folder() {
    for case in cases("embeddings") {
        check(&case);
    }
}

fn check(case: &Path) {
    let request = fs::read_to_string(case.join("request.json")).unwrap();
    let request: EmbeddingsRequest = serde_json::from_str(&request).unwrap();
    let model = request.model.clone().unwrap();
    let tables = Tables::load(&ModelFiles::default()).unwrap();
    let capabilities = tables
        .capabilities
        .capabilities(&ModelId::parse(&model).unwrap());
    let context = EmbeddingContext {
        capabilities: capabilities.embedding.as_ref().unwrap(),
        purpose: Purpose::Index,
        tokenizer: Tokenizer::Cl100kBase,
        fetched: &RemoteFiles::new(),
    };
    let translated = match translate(request, &context) {
        Ok(translated) => translated,
        Err(error) => {
            let error = serde_json::to_string_pretty(&ErrorBody::from(&error)).unwrap();
            return compare(case, "error.json", &error);
        }
    };
    let bodies = translated.calls.iter();
    let bodies: Vec<Value> = bodies
        .map(|call| serde_json::from_slice(&call.body).unwrap())
        .collect();
    compare(
        case,
        "upstream.request.json",
        &serde_json::to_string_pretty(&bodies).unwrap(),
    );
    let notes = translated.adjustments.iter().map(ToString::to_string);
    let notes: Vec<String> = notes.collect();
    compare(case, "adjustments.txt", &notes.join("\n"));

    let responses = fs::read_to_string(case.join("upstream.response.json")).unwrap();
    let responses: Vec<JsonText> = serde_json::from_str(&responses).unwrap();
    assert_eq!(
        responses.len(),
        translated.calls.len(),
        "{}",
        case.display()
    );
    let mut vectors = Vec::new();
    let mut tokens = 0;
    for (response, call) in responses.iter().zip(&translated.calls) {
        let embedded = read(response.as_str().as_bytes()).unwrap();
        assert_eq!(embedded.vectors.len(), call.count, "{}", case.display());
        tokens += embedded.input_tokens.unwrap_or_default();
        vectors.extend(embedded.vectors);
    }
    let head = EmbeddingsHead {
        model: &model,
        prompt_tokens: tokens,
        encoding: translated.encoding,
    };
    let reply = response_json(&vectors, head).unwrap();
    // As it is: how numbers are written is the point.
    compare(case, "response.json", std::str::from_utf8(&reply).unwrap());
}
