//! Cohere Embed 3 and 4: a call embeds several texts, or images, or texts with an image each.

use serde::Serialize;

use super::{EmbeddingItem, EmbeddingParameters};
use crate::models::EmbeddingInput;
use crate::models::Purpose;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    texts: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<CohereInput<'a>>,
    input_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate: Option<&'static str>,
}

#[derive(Serialize)]
struct CohereInput<'a> {
    content: [CoherePart<'a>; 2],
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CoherePart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: String },
}

/// `items` have the same kind. For images, Cohere's third generation requires the `input_type`
/// `image` (`named_image`), which the fourth rejects.
pub(super) fn body(
    items: &[EmbeddingItem],
    settings: &EmbeddingParameters,
    named_image: bool,
) -> serde_json::Result<Vec<u8>> {
    let kind = items.first().map(EmbeddingItem::kind);
    let is_image = kind == Some(EmbeddingInput::Image);
    let mut body = Body {
        texts: Vec::new(),
        images: Vec::new(),
        inputs: Vec::new(),
        input_type: match is_image && named_image {
            true => "image",
            false => input_type(settings.purpose),
        },
        output_dimension: settings.dimensions,
        truncate: (!is_image).then_some(settings.truncation.as_str()),
    };
    for item in items {
        match item {
            EmbeddingItem::Text(text) => body.texts.push(text),
            EmbeddingItem::Image(image) => body.images.push(image.data_url()),
            EmbeddingItem::TextAndImage(text, image) => {
                let image_url = image.data_url();
                let content = [
                    CoherePart::Text { text },
                    CoherePart::ImageUrl { image_url },
                ];
                body.inputs.push(CohereInput { content });
            }
        }
    }
    serde_json::to_vec(&body)
}

fn input_type(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Index => "search_document",
        Purpose::Retrieval
        | Purpose::TextRetrieval
        | Purpose::ImageRetrieval
        | Purpose::VideoRetrieval
        | Purpose::DocumentRetrieval
        | Purpose::AudioRetrieval => "search_query",
        Purpose::Classification => "classification",
        Purpose::Clustering => "clustering",
    }
}
