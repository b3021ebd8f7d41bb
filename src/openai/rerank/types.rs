//! The request as clients of Cohere's API, versions 1 and 2, and of Jina's send it.

use serde_json::Number;

use crate::converse::JsonText;
use crate::openai::object::client_object;

client_object! {
    /// Documents, and what is looked for in them.
    pub struct RerankRequest {
        /// The model.
        model: String,
        /// What is looked for.
        query: String,
        /// Where: texts, or objects.
        documents: Vec<JsonText>,
        /// How many of the best are told.
        top_n: i64,
        /// Whether the documents come back with their scores.
        return_documents: bool,
        /// The fields of objects that are read.
        rank_fields: Vec<String>,
        /// Into how many parts a long document is cut.
        max_chunks_per_doc: Number,
        /// How much of a long document is read.
        max_tokens_per_doc: Number,
        /// Which passages of documents are told.
        relevant_spans: JsonText,
        /// How soon it is to be served.
        priority: Number,
    }
}
