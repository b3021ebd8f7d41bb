//! Bodies of reranking models. Cohere's and Amazon's differ only in Cohere's API version.

use serde::{Deserialize, Serialize};

use crate::converse::JsonText;

/// A rerank request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RerankBody<'a> {
    /// The query.
    pub query: &'a str,
    /// The documents to rank.
    pub documents: &'a [String],
    /// The number of results to return; all if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_n: Option<usize>,
    /// The provider's API version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<u32>,
}

/// A rerank response.
#[derive(Debug, Deserialize)]
pub struct RerankResponse {
    /// The ranked documents, in no guaranteed order.
    pub results: Vec<RerankResult>,
}

/// The relevance of one document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RerankResult {
    /// The index of the document in the request.
    pub index: usize,
    /// The relevance to the query, exactly as Bedrock wrote it; higher is better.
    pub relevance_score: JsonText,
}
