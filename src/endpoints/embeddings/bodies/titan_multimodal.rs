//! Amazon Titan Multimodal Embeddings: one text, image, or both per call.

use serde::Serialize;

use super::{EmbeddingImage, EmbeddingParameters};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_config: Option<EmbeddingConfig>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmbeddingConfig {
    output_embedding_length: u32,
}

pub(super) fn body(
    text: Option<&str>,
    image: Option<&EmbeddingImage>,
    settings: &EmbeddingParameters,
) -> serde_json::Result<Vec<u8>> {
    let config = |output_embedding_length| EmbeddingConfig {
        output_embedding_length,
    };
    serde_json::to_vec(&Body {
        input_text: text,
        input_image: image.map(|image| image.base64.as_str()),
        embedding_config: settings.dimensions.map(config),
    })
}
