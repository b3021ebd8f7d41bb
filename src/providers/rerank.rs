//! The bodies of models that rerank: Cohere's and Amazon's have one form, but for the version of
//! Cohere's API.

use serde::{Deserialize, Serialize};

use crate::converse::JsonText;

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RerankBody<'a> {
    /// What is looked for.
    pub query: &'a str,
    /// Where.
    pub documents: &'a [String],
    /// How many of the best are told, all where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_n: Option<usize>,
    /// The version of the provider's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<u32>,
}

/// An answer.
#[derive(Debug, Deserialize)]
pub struct RerankResponse {
    /// The documents that were told, in no order that is promised.
    pub results: Vec<RerankResult>,
}

/// What is told of one document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RerankResult {
    /// Its place among the documents.
    pub index: usize,
    /// How well it answers the query, as Bedrock wrote it: a number, more for better.
    pub relevance_score: JsonText,
}
