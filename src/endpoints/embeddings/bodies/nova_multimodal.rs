//! Amazon Nova Multimodal Embeddings: one text or image per call.

use serde::Serialize;

use super::{EmbeddingImage, EmbeddingParameters};
use crate::converse::media::ImageFormat;
use crate::models::Purpose;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    schema_version: &'static str,
    task_type: &'static str,
    single_embedding_params: Params<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    embedding_purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_dimension: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<NovaText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<NovaImage<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NovaText<'a> {
    truncation_mode: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct NovaImage<'a> {
    format: ImageFormat,
    source: NovaImageSource<'a>,
}

#[derive(Serialize)]
struct NovaImageSource<'a> {
    bytes: &'a str,
}

pub(super) fn body(
    text: Option<&str>,
    image: Option<&EmbeddingImage>,
    settings: &EmbeddingParameters,
) -> serde_json::Result<Vec<u8>> {
    let text = text.map(|value| NovaText {
        truncation_mode: settings.truncation.as_str(),
        value,
    });
    let image = image.map(|image| NovaImage {
        format: image.format,
        source: NovaImageSource {
            bytes: &image.base64,
        },
    });
    serde_json::to_vec(&Body {
        schema_version: "nova-multimodal-embed-v1",
        task_type: "SINGLE_EMBEDDING",
        single_embedding_params: Params {
            embedding_purpose: embedding_purpose(settings.purpose),
            embedding_dimension: settings.dimensions,
            text,
            image,
        },
    })
}

fn embedding_purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Index => "GENERIC_INDEX",
        Purpose::Retrieval => "GENERIC_RETRIEVAL",
        Purpose::TextRetrieval => "TEXT_RETRIEVAL",
        Purpose::ImageRetrieval => "IMAGE_RETRIEVAL",
        Purpose::VideoRetrieval => "VIDEO_RETRIEVAL",
        Purpose::DocumentRetrieval => "DOCUMENT_RETRIEVAL",
        Purpose::AudioRetrieval => "AUDIO_RETRIEVAL",
        Purpose::Classification => "CLASSIFICATION",
        Purpose::Clustering => "CLUSTERING",
    }
}
