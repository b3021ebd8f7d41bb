//! A ranking as Cohere and Jina write it.

use serde::Serialize;

use crate::converse::JsonText;
use crate::providers::rerank::RerankResult;

/// The documents that a search unit pays for (Cohere's and AWS's price lists).
const DOCUMENTS_OF_A_UNIT: usize = 100;

/// What an answer says beside the ranking.
#[derive(Debug, Clone, Copy)]
pub struct RerankHead<'a> {
    /// The answer's id.
    pub id: &'a str,
    /// The model as the client calls it.
    pub model: &'a str,
    /// How many tokens were read, where Bedrock says.
    pub tokens: Option<u64>,
}

/// What a model has told, of the documents that it was asked about.
#[derive(Debug, Clone, Copy)]
pub struct RankedDocuments<'a> {
    /// The scores.
    pub results: &'a [RerankResult],
    /// The documents as the client sent them.
    pub documents: &'a [JsonText],
    /// Whether they come back.
    pub return_documents: bool,
}

#[derive(Serialize)]
struct Ranking<'a> {
    id: &'a str,
    model: &'a str,
    results: Vec<RerankEntry<'a>>,
    meta: Meta,
    /// Jina's.
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

impl RankedDocuments<'_> {
    /// How many queries are paid for: one for each hundred documents. AWS counts a document of more
    /// than 500 tokens as several, which is not known here.
    pub fn search_units(&self) -> u64 {
        self.documents.len().div_ceil(DOCUMENTS_OF_A_UNIT) as u64
    }
}

/// The JSON of an answer, the best document first; nothing where a result is of a document that
/// there is not, or has no score.
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
                search_units: ranked.search_units(),
            },
        },
        usage: head.tokens.map(|total_tokens| RerankUsage { total_tokens }),
    };
    serde_json::to_vec(&ranking).ok()
}
