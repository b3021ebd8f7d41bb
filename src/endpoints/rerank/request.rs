//! Translates a rerank request.

use super::documents::text_of;
use super::types::RerankRequest;
use crate::converse::JsonText;
use crate::endpoints::rerank::bodies::RerankBody;
use crate::error::ApiError;
use crate::models::RerankCapabilities;
use crate::reply::Adjustments;
use crate::wire::{misspelling, note_unknown_fields};

/// A translated rerank request.
#[derive(Debug)]
pub struct TranslatedRerank {
    /// The JSON body of the call.
    pub body: Vec<u8>,
    /// The documents as sent by the client.
    pub documents: Vec<JsonText>,
    /// Whether the response includes the documents.
    pub return_documents: bool,
    /// The adjustments of the request.
    pub adjustments: Adjustments,
}

/// Translates `request` for a model with these capabilities. The caller resolves the model name.
///
/// Fails with an error that names the unsupported field.
pub fn translate(
    request: RerankRequest,
    capabilities: &RerankCapabilities,
) -> Result<TranslatedRerank, ApiError> {
    let mut adjustments = Adjustments::default();
    // Destructured without `..`, so that a new field does not compile until it is handled here.
    let RerankRequest {
        model: _,
        query,
        documents,
        top_n,
        return_documents,
        rank_fields,
        max_chunks_per_doc,
        max_tokens_per_doc,
        relevant_spans,
        priority,
        unknown,
    } = request;
    for (field, value) in [
        ("max_chunks_per_doc", max_chunks_per_doc),
        ("max_tokens_per_doc", max_tokens_per_doc),
    ] {
        if value.is_some() {
            adjustments.note(
                field,
                "ignored; Bedrock decides how much of a document it reads",
            );
        }
    }
    if priority.is_some() {
        adjustments.ignored("priority");
    }
    if relevant_spans.is_some_and(|spans| !spans.is_neutral()) {
        let message = "Bedrock only scores complete documents; omit `relevant_spans`";
        return Err(ApiError::unsupported("relevant_spans", message));
    }
    note_unknown_fields(&unknown, RerankRequest::FIELDS, &mut adjustments);
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        let misspelling = misspelling(&unknown, "query", RerankRequest::FIELDS);
        let message = format!("`query` is missing or empty; send the search query{misspelling}");
        return Err(ApiError::missing("query", message));
    };
    let documents = documents.unwrap_or_default();
    if documents.is_empty() {
        let misspelling = misspelling(&unknown, "documents", RerankRequest::FIELDS);
        let message = format!("`documents` is missing or empty; send at least one{misspelling}");
        return Err(ApiError::missing("documents", message));
    }
    let max = capabilities.documents;
    if documents.len() > max {
        let count = documents.len();
        let message = format!("`documents` has {count} entries; this model accepts at most {max}");
        return Err(ApiError::invalid("documents", message));
    }
    let rank_fields = rank_fields.unwrap_or_default();
    let texts = documents.iter().zip(0..);
    let texts = texts.map(|(document, index)| text_of(document, index, &rank_fields));
    let texts = texts.collect::<Result<Vec<String>, ApiError>>()?;
    let body = RerankBody {
        query: &query,
        documents: &texts,
        top_n: top_n
            .map(|top_n| checked_top_n(top_n, texts.len()))
            .transpose()?,
        api_version: capabilities.api_version,
    };
    Ok(TranslatedRerank {
        body: serde_json::to_vec(&body).map_err(|_| ApiError::internal())?,
        documents,
        return_documents: return_documents.unwrap_or(false),
        adjustments,
    })
}

/// Values above the number of documents mean all of them.
fn checked_top_n(top_n: i64, documents: usize) -> Result<usize, ApiError> {
    match usize::try_from(top_n) {
        Ok(top_n) if top_n > 0 => Ok(top_n.min(documents)),
        _ => Err(ApiError::invalid(
            "top_n",
            format!("`top_n` is {top_n}; it must be at least 1. Omit it for all documents"),
        )),
    }
}
