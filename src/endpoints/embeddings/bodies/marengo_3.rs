//! TwelveLabs Marengo Embed 3.0: one text, image, or both per call. Video and audio need
//! StartAsyncInvoke.

use serde::Serialize;

use super::EmbeddingImage;
use super::marengo_2::MarengoMediaSource;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "inputType")]
    input_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<MarengoInput<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<MarengoInput<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_image: Option<MarengoInput<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MarengoInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_source: Option<MarengoMediaSource<'a>>,
}

pub(super) fn body(
    text: Option<&str>,
    image: Option<&EmbeddingImage>,
) -> serde_json::Result<Vec<u8>> {
    let input = Some(MarengoInput {
        input_text: text,
        media_source: image.map(MarengoMediaSource::of),
    });
    let empty = Body {
        input_type: "text",
        text: None,
        image: None,
        text_image: None,
    };
    let body = match (text, image) {
        (Some(_), Some(_)) => Body {
            input_type: "text_image",
            text_image: input,
            ..empty
        },
        (None, Some(_)) => Body {
            input_type: "image",
            image: input,
            ..empty
        },
        (_, None) => Body {
            text: input,
            ..empty
        },
    };
    serde_json::to_vec(&body)
}
