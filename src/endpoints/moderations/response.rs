//! Translates Bedrock's findings to OpenAI's response.

use serde::Serialize;

use super::categories::ByCategory;
use super::findings::{Beyond, Findings};

/// The part types of an item, for `category_applied_input_types`.
type Kinds = Vec<&'static str>;

#[derive(Serialize)]
struct ModerationObject<'a> {
    id: &'a str,
    model: &'a str,
    results: Vec<ResultObject<'a>>,
}

#[derive(Serialize)]
struct ResultObject<'a> {
    flagged: bool,
    categories: ByCategory<bool>,
    category_scores: ByCategory<f64>,
    category_applied_input_types: ByCategory<&'a [&'static str]>,
    #[serde(skip_serializing_if = "Beyond::is_empty")]
    bedrock_findings: &'a Beyond,
}

/// The JSON response with the findings and the part types (`text`, `image`) of each item, in
/// order.
pub fn response(
    id: &str,
    model: &str,
    moderated: &[(Kinds, Findings)],
) -> serde_json::Result<Vec<u8>> {
    let results = moderated
        .iter()
        .map(|(kinds, findings)| result(kinds, findings));
    serde_json::to_vec(&ModerationObject {
        id,
        model,
        results: results.collect(),
    })
}

fn result<'a>(kinds: &'a [&'static str], findings: &'a Findings) -> ResultObject<'a> {
    let detected = |category| findings.of(category).unwrap_or_default();
    ResultObject {
        flagged: findings.flagged,
        categories: ByCategory::of(|category| detected(category).flagged),
        category_scores: ByCategory::of(|category| detected(category).score),
        // Categories that Bedrock does not have were not applied.
        category_applied_input_types: ByCategory::of(|category| {
            findings.of(category).map_or(&[][..], |_| kinds)
        }),
        bedrock_findings: &findings.beyond,
    }
}
