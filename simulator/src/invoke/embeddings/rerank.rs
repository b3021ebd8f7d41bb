//! Cohere's and Amazon's reranking models.

use serde_json::{Value, json};

use super::output::{EmbeddingOutput, strings, text};
use super::schema::{ANY, Key, Kind, check, malformed, optional, required};
use crate::error::AwsError;

/// Maximum number of documents per call.
const MAX: usize = 1000;

const COHERE: &[Key] = &[
    required("query", Kind::Text(ANY)),
    required("documents", Kind::Texts(MAX, ANY)),
    optional("top_n", Kind::Count(1, MAX as u64)),
    required("api_version", Kind::Count(2, 2)),
];

const AMAZON: &[Key] = &[
    required("query", Kind::Text(ANY)),
    required("documents", Kind::Texts(MAX, ANY)),
    optional("top_n", Kind::Count(1, MAX as u64)),
];

pub(super) fn check_cohere(request: &Value) -> Result<(), AwsError> {
    check(request, COHERE)?;
    check_top(request)
}

pub(super) fn check_amazon(request: &Value) -> Result<(), AwsError> {
    check(request, AMAZON)?;
    check_top(request)
}

fn check_top(request: &Value) -> Result<(), AwsError> {
    let count = strings(request, "/documents").len() as u64;
    let top = request.get("top_n").and_then(Value::as_u64);
    match (count, top) {
        (0, _) => Err(malformed(
            "#/documents: expected minimum item count: 1, found: 0",
        )),
        (count, Some(top)) if top > count => Err(malformed(&format!(
            "#/top_n: {top} is not less or equal to {count}"
        ))),
        _ => Ok(()),
    }
}

/// Ranks the documents by the number of words they share with the query. Bedrock reports no token
/// counts (recording `inv-cohere-0f6e9927`).
pub(super) fn response(request: &Value) -> EmbeddingOutput {
    let query = text(request, "/query").to_lowercase();
    let query: Vec<&str> = query.split_whitespace().collect();
    let score = |document: &str| {
        let document = document.to_lowercase();
        let shared = query.iter().filter(|word| document.contains(**word));
        shared.count() as f64 / query.len().max(1) as f64
    };
    let documents = strings(request, "/documents");
    let mut results: Vec<(usize, f64)> = documents.into_iter().map(score).enumerate().collect();
    results.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let top = request.get("top_n").and_then(Value::as_u64);
    let results: Vec<Value> = results
        .into_iter()
        .take(top.map_or(MAX, |top| top as usize))
        .map(|(index, score)| json!({ "index": index, "relevance_score": score }))
        .collect();
    EmbeddingOutput {
        body: json!({ "results": results }),
        tokens: None,
    }
}
