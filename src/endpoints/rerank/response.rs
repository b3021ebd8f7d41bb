//! Rerank responses in the format of Cohere and Jina.

use serde::Serialize;

use crate::converse::JsonText;
use crate::endpoints::rerank::bodies::RerankResult;

/// The number of documents per search unit (Cohere's and AWS's price lists).
const DOCUMENTS_PER_UNIT: usize = 100;

/// The fields of the response besides the ranking.
#[derive(Debug, Clone, Copy)]
pub struct RerankHead<'a> {
    /// The response id.
    pub id: &'a str,
    /// The model name in the client's request.
    pub model: &'a str,
    /// The number of tokens; `None` if Bedrock does not report it.
    pub tokens: Option<u64>,
}

/// The model's results and the documents of the request.
#[derive(Debug, Clone, Copy)]
pub struct RankedDocuments<'a> {
    /// The results.
    pub results: &'a [RerankResult],
    /// The documents as sent by the client.
    pub documents: &'a [JsonText],
    /// Whether the response includes the documents.
    pub return_documents: bool,
}

#[derive(Serialize)]
struct Ranking<'a> {
    id: &'a str,
    model: &'a str,
    results: Vec<RerankEntry<'a>>,
    meta: Meta,
    /// As at Jina.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<RerankUsage>,
}

#[derive(Serialize)]
struct RerankEntry<'a> {
    index: usize,
    relevance_score: &'a JsonText,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<RerankDocument<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RerankDocument<'a> {
    Text { text: &'a JsonText },
    Object(&'a JsonText),
}

#[derive(Serialize)]
struct Meta {
    api_version: ApiVersion,
    billed_units: BilledUnits,
}

#[derive(Serialize)]
struct ApiVersion {
    version: &'static str,
}

#[derive(Serialize)]
struct BilledUnits {
    search_units: u64,
}

#[derive(Serialize)]
struct RerankUsage {
    total_tokens: u64,
}

/// The number of billed queries for `documents`, one for each hundred. AWS counts a document of
/// more than 500 tokens as several, which the gateway does not know.
pub fn search_units(documents: usize) -> u64 {
    documents.div_ceil(DOCUMENTS_PER_UNIT) as u64
}

/// The JSON of the response, most relevant documents first; `None` if a result has an invalid
/// index or score.
pub fn response_json(ranked: &RankedDocuments<'_>, head: RerankHead<'_>) -> Option<Vec<u8>> {
    let mut scored = Vec::with_capacity(ranked.results.len());
    for result in ranked.results {
        let score: f64 = serde_json::from_str(result.relevance_score.as_str()).ok()?;
        let document = ranked.documents.get(result.index)?;
        let entry = RerankEntry {
            index: result.index,
            relevance_score: &result.relevance_score,
            document: ranked.return_documents.then(|| match document.is_object() {
                true => RerankDocument::Object(document),
                false => RerankDocument::Text { text: document },
            }),
        };
        scored.push((score, entry));
    }
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let ranking = Ranking {
        id: head.id,
        model: head.model,
        results: scored.into_iter().map(|(_, entry)| entry).collect(),
        meta: Meta {
            api_version: ApiVersion { version: "2" },
            billed_units: BilledUnits {
                search_units: search_units(ranked.documents.len()),
            },
        },
        usage: head.tokens.map(|total_tokens| RerankUsage { total_tokens }),
    };
    serde_json::to_vec(&ranking).ok()
}
