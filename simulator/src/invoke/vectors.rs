//! Embeddings and rerankings: small, and the same for the same text.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::answer::usage;

/// The answer of an embedding or reranking model; `None` for every other model.
pub(super) fn answer(model: &str, request: &Value) -> Option<Value> {
    let text = |path: &str| {
        request
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let size = |path: &str, default: u64| {
        request
            .pointer(path)
            .and_then(Value::as_u64)
            .unwrap_or(default)
            .min(4096) as usize
    };
    if model.starts_with("amazon.titan-embed") {
        let default = if model.contains("-v1") { 1536 } else { 1024 };
        let input = text("/inputText");
        return Some(json!({
            "embedding": vector(input, size("/dimensions", default)),
            "inputTextTokenCount": usage::of_text(input),
        }));
    }
    if model.starts_with("amazon.nova-2-multimodal-embeddings") {
        let size = size("/singleEmbeddingParams/embeddingDimension", 3072);
        let vector = vector(text("/singleEmbeddingParams/text/value"), size);
        return Some(json!({ "embeddings": [{ "embeddingType": "TEXT", "embedding": vector }] }));
    }
    if model.starts_with("cohere.embed") {
        return Some(cohere(model, request, size("/output_dimension", 1536)));
    }
    if model.contains(".rerank-") {
        return Some(ranking(request, text("/query")));
    }
    None
}

fn cohere(model: &str, request: &Value, v4_size: usize) -> Value {
    let size = if model.starts_with("cohere.embed-v4") {
        v4_size
    } else {
        1024
    };
    let texts: Vec<&str> = strings(request.get("texts"));
    let vectors: Vec<Vec<f64>> = texts.iter().map(|text| vector(text, size)).collect();
    let by_type = request.get("embedding_types").is_some();
    json!({
        "id": "simulated",
        "texts": texts,
        "response_type": if by_type { "embeddings_by_type" } else { "embeddings_floats" },
        "embeddings": if by_type { json!({ "float": vectors }) } else { json!(vectors) },
    })
}

/// Documents in the order of how many words they share with the query.
fn ranking(request: &Value, query: &str) -> Value {
    let query: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let score = |document: &str| {
        let document = document.to_lowercase();
        let shared = query
            .iter()
            .filter(|word| document.contains(word.as_str()))
            .count();
        shared as f64 / query.len().max(1) as f64
    };
    let mut results: Vec<(usize, f64)> = strings(request.get("documents"))
        .into_iter()
        .map(score)
        .enumerate()
        .collect();
    results.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let top = request
        .get("top_n")
        .and_then(Value::as_u64)
        .unwrap_or(u64::MAX) as usize;
    let results: Vec<Value> = results
        .into_iter()
        .take(top)
        .map(|(index, score)| json!({ "index": index, "relevance_score": score }))
        .collect();
    json!({ "results": results })
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// A vector of length 1 whose direction depends on the text.
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
