//! The request as sent by clients of Cohere's API, versions 1 and 2, and of Jina's.

use serde_json::Number;

use crate::converse::JsonText;
use crate::wire::client_object;

client_object! {
    /// The body of `POST /v1/rerank`.
    pub struct RerankRequest {
        /// The model.
        model: String,
        /// The query.
        query: String,
        /// The documents: strings or objects.
        documents: Vec<JsonText>,
        /// The number of results to return.
        top_n: i64,
        /// Whether the response includes the documents.
        return_documents: bool,
        /// The fields of document objects to rank.
        rank_fields: Vec<String>,
        /// The number of chunks of a long document.
        max_chunks_per_doc: Number,
        /// How many tokens of a long document are read.
        max_tokens_per_doc: Number,
        /// The passages of documents to return.
        relevant_spans: JsonText,
        /// The priority of the request.
        priority: Number,
    }
}
