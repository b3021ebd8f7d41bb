//! TwelveLabs Marengo Embed 2.7: one text or image per call. Video and audio need
//! StartAsyncInvoke.

use serde::Serialize;

use super::{EmbeddingImage, EmbeddingParameters};
use crate::models::Truncation;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    input_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_truncate: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_source: Option<MarengoMediaSource<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MarengoMediaSource<'a> {
    base64_string: &'a str,
}

pub(super) fn body(
    text: Option<&str>,
    image: Option<&EmbeddingImage>,
    settings: &EmbeddingParameters,
) -> serde_json::Result<Vec<u8>> {
    let text_truncate = match settings.truncation {
        // By default the model silently truncates the end.
        Truncation::None | Truncation::Start => "none",
        Truncation::End => "end",
    };
    serde_json::to_vec(&Body {
        input_type: match image {
            Some(_) => "image",
            None => "text",
        },
        input_text: text,
        text_truncate: text.map(|_| text_truncate),
        media_source: image.map(MarengoMediaSource::of),
    })
}

impl<'a> MarengoMediaSource<'a> {
    pub(super) fn of(image: &'a EmbeddingImage) -> Self {
        Self {
            base64_string: &image.base64,
        }
    }
}
