//! Golden folders of `/v1/embeddings`. Upstream requests and responses are lists, one for each
//! call.

use outcrop::catalog::Tables;
use outcrop::config::ModelFiles;
use outcrop::converse::JsonText;
use outcrop::converse::media::RemoteFiles;
use outcrop::endpoints::embeddings::bodies::read;
use outcrop::endpoints::embeddings::{
    EmbeddingContext, EmbeddingsHead, EmbeddingsRequest, response_json,
};
use outcrop::error::ApiError;
use outcrop::models::{ModelId, Purpose, Tokenizer};
use serde_json::Value;

use crate::harness::golden::{Case, Outputs, RESPONSE, UPSTREAM_REQUEST, UPSTREAM_RESPONSE, run};

#[test]
fn every_embeddings_case_matches_its_golden_folder() {
    run("embeddings", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: EmbeddingsRequest = case.request();
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
    let translated = outcrop::endpoints::embeddings::translate(request, &context)?;
    let bodies = translated.calls.iter();
    let bodies: Vec<Value> = bodies
        .map(|call| serde_json::from_slice(&call.body).unwrap())
        .collect();
    outputs.json(UPSTREAM_REQUEST, &bodies);
    outputs.adjustments(translated.adjustments.iter());

    let responses: Vec<JsonText> = case.json(UPSTREAM_RESPONSE);
    assert_eq!(responses.len(), translated.calls.len(), "{}", case.name());
    let mut vectors = Vec::new();
    let mut tokens = 0;
    for (response, call) in responses.iter().zip(&translated.calls) {
        let embedded = read(response.as_str().as_bytes()).unwrap();
        assert_eq!(embedded.vectors.len(), call.count, "{}", case.name());
        tokens += embedded.input_tokens.unwrap_or_default();
        vectors.extend(embedded.vectors);
    }
    let head = EmbeddingsHead {
        model: &model,
        prompt_tokens: tokens,
        encoding: translated.encoding,
    };
    // Compared byte for byte: the case is about how numbers are written.
    outputs.bytes(RESPONSE, &response_json(&vectors, head).unwrap());
    Ok(())
}
