//! Golden folders of rerankings: `tests/golden/rerank/CASE/` holds a client's request, the body
//! that it becomes, Bedrock's answer, and what the client gets; or the refusal.

use std::fs;
use std::path::Path;

use outcrop::config::{ModelFiles, Tables};
use outcrop::models::ModelId;
use outcrop::openai::error::ErrorBody;
use outcrop::openai::rerank::{
    RankedDocuments, RerankHead, RerankRequest, response_json, translate,
};
use outcrop::providers::rerank::RerankResponse;
use serde_json::Value;

use crate::chat::golden::{cases, compare};

#[test]
fn every_case_matches_its_golden_folder() {
    for case in cases("rerank") {
        check(&case);
    }
}

fn check(case: &Path) {
    let request = fs::read_to_string(case.join("request.json")).unwrap();
    let request: RerankRequest = serde_json::from_str(&request).unwrap();
    let model = request.model.clone().unwrap();
    let tables = Tables::load(&ModelFiles::default()).unwrap();
    let capabilities = tables
        .capabilities
        .capabilities(&ModelId::parse(&model).unwrap());
    let translated = match translate(request, capabilities.rerank.as_ref().unwrap()) {
        Ok(translated) => translated,
        Err(error) => {
            let error = serde_json::to_string_pretty(&ErrorBody::from(&error)).unwrap();
            return compare(case, "error.json", &error);
        }
    };
    let body: Value = serde_json::from_slice(&translated.body).unwrap();
    compare(
        case,
        "upstream.request.json",
        &serde_json::to_string_pretty(&body).unwrap(),
    );
    let notes = translated.adjustments.iter().map(ToString::to_string);
    let notes: Vec<String> = notes.collect();
    compare(case, "adjustments.txt", &notes.join("\n"));

    let response = fs::read_to_string(case.join("upstream.response.json")).unwrap();
    let response: RerankResponse = serde_json::from_str(&response).unwrap();
    let ranked = RankedDocuments {
        results: &response.results,
        documents: &translated.documents,
        return_documents: translated.return_documents,
    };
    let head = RerankHead {
        id: "rerank-golden",
        model: &model,
        tokens: None,
    };
    let reply = response_json(&ranked, head).unwrap_or_else(|| b"unreadable".to_vec());
    compare(case, "response.json", std::str::from_utf8(&reply).unwrap());
}
