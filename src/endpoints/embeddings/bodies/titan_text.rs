//! Amazon Titan Text Embeddings: one text per call.

use serde::Serialize;

use super::EmbeddingParameters;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    input_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    normalize: Option<bool>,
}

pub(super) fn body(
    text: Option<&str>,
    settings: &EmbeddingParameters,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Body {
        input_text: text,
        dimensions: settings.dimensions,
        normalize: settings.normalize,
    })
}
