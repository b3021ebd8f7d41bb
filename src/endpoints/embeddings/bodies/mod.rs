//! Request bodies of embedding models, one file for each form.

mod cohere;
mod marengo_2;
mod marengo_3;
mod nova_multimodal;
mod response;
mod titan_multimodal;
mod titan_text;

pub use response::{EmbeddingResponse, read};

use crate::converse::media::ImageFormat;
pub(crate) use crate::models::{
    EmbeddingBody, EmbeddingCapabilities, EmbeddingInput, Purpose, Truncation,
};

/// The maximum size in bytes of a call's items. A body may have 25,000,000 bytes (botocore,
/// bedrock-runtime: `Body`), and escaping makes text longer.
const MAX_BYTES: usize = 12_000_000;

/// The input of one embedding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingItem {
    /// A text.
    Text(String),
    /// An image.
    Image(EmbeddingImage),
    /// A text and an image embedded together.
    TextAndImage(String, EmbeddingImage),
}

/// An image to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingImage {
    /// The format detected from the bytes.
    pub format: ImageFormat,
    /// Standard base64 with padding.
    pub base64: String,
}

/// Embedding options; only those that the family supports are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddingParameters {
    /// The number of dimensions, if requested.
    pub dimensions: Option<u32>,
    /// The purpose of the embeddings.
    pub purpose: Purpose,
    /// How texts that exceed the model's limit are truncated.
    pub truncation: Truncation,
    /// Whether embeddings are normalized to length 1, if requested.
    pub normalize: Option<bool>,
}

/// One InvokeModel call, and the items it embeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingCall {
    /// The JSON body.
    pub body: Vec<u8>,
    /// The index of its first item.
    pub first: usize,
    /// The number of items.
    pub count: usize,
    /// The number of items with an image.
    pub images: usize,
    /// Whether any item has text.
    pub has_text: bool,
}

/// The calls that embed `items`, in order. The items of a call have the same kind, and are
/// limited by the family's batch size and the size of a body.
pub fn calls(
    capabilities: &EmbeddingCapabilities,
    items: &[EmbeddingItem],
    settings: &EmbeddingParameters,
) -> serde_json::Result<Vec<EmbeddingCall>> {
    let mut calls = Vec::new();
    let mut rest = items;
    while let Some(kind) = rest.first().map(EmbeddingItem::kind) {
        let (these, others) = rest.split_at(fitting(rest, kind, capabilities));
        calls.push(EmbeddingCall {
            body: body(capabilities, these, settings)?,
            first: items.len() - rest.len(),
            count: these.len(),
            images: these.iter().filter(|item| item.image().is_some()).count(),
            has_text: kind != EmbeddingInput::Image,
        });
        rest = others;
    }
    Ok(calls)
}

/// The number of leading `items` of this kind that fit into one call; at least one.
fn fitting(
    items: &[EmbeddingItem],
    kind: EmbeddingInput,
    capabilities: &EmbeddingCapabilities,
) -> usize {
    let max = match kind {
        EmbeddingInput::Text => capabilities.texts,
        EmbeddingInput::Image | EmbeddingInput::TextAndImage => capabilities.images,
    };
    let mut bytes: usize = 0;
    let fits = |item: &&EmbeddingItem| {
        bytes = bytes.saturating_add(item.bytes());
        item.kind() == kind && bytes <= MAX_BYTES
    };
    items.iter().take(max).take_while(fits).count().max(1)
}

fn body(
    capabilities: &EmbeddingCapabilities,
    items: &[EmbeddingItem],
    settings: &EmbeddingParameters,
) -> serde_json::Result<Vec<u8>> {
    let first = items.first();
    let text = first.and_then(EmbeddingItem::text);
    let image = first.and_then(EmbeddingItem::image);
    match capabilities.body {
        EmbeddingBody::TitanText => titan_text::body(text, settings),
        EmbeddingBody::TitanMultimodal => titan_multimodal::body(text, image, settings),
        EmbeddingBody::Cohere => cohere::body(items, settings, capabilities.images == 1),
        EmbeddingBody::NovaMultimodal => nova_multimodal::body(text, image, settings),
        EmbeddingBody::Marengo2 => marengo_2::body(text, image, settings),
        EmbeddingBody::Marengo3 => marengo_3::body(text, image),
    }
}

impl EmbeddingItem {
    /// The input type of the item.
    pub fn kind(&self) -> EmbeddingInput {
        match self {
            Self::Text(_) => EmbeddingInput::Text,
            Self::Image(_) => EmbeddingInput::Image,
            Self::TextAndImage(..) => EmbeddingInput::TextAndImage,
        }
    }

    fn bytes(&self) -> usize {
        let text = self.text().map_or(0, str::len);
        let image = self.image().map_or(0, |image| image.base64.len());
        text.saturating_add(image)
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::TextAndImage(text, _) => Some(text),
            Self::Image(_) => None,
        }
    }

    fn image(&self) -> Option<&EmbeddingImage> {
        match self {
            Self::Image(image) | Self::TextAndImage(_, image) => Some(image),
            Self::Text(_) => None,
        }
    }
}

impl EmbeddingImage {
    fn data_url(&self) -> String {
        format!("data:image/{};base64,{}", self.format.as_str(), self.base64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ModelId, ModelTable};

    fn capabilities(model: &str) -> EmbeddingCapabilities {
        let table = ModelTable::built_in().expect("the built-in table");
        let id = ModelId::parse(model).expect("an id");
        table
            .capabilities(&id)
            .embedding
            .clone()
            .expect("it embeds")
    }

    fn layout(model: &str, items: &[EmbeddingItem]) -> Vec<(usize, usize, usize, bool)> {
        let settings = EmbeddingParameters {
            dimensions: None,
            purpose: Purpose::Index,
            truncation: Truncation::None,
            normalize: None,
        };
        let calls = calls(&capabilities(model), items, &settings).expect("JSON");
        let layout_of = |call: &EmbeddingCall| (call.first, call.count, call.images, call.has_text);
        calls.iter().map(layout_of).collect()
    }

    #[test]
    fn calls_are_filled_to_the_maximum_with_inputs_of_one_type() {
        let text = || EmbeddingItem::Text("a".to_owned());
        let image = || {
            EmbeddingItem::Image(EmbeddingImage {
                format: ImageFormat::Png,
                base64: "AAAA".to_owned(),
            })
        };
        let texts: Vec<EmbeddingItem> = (0..200).map(|_| text()).collect();
        assert_eq!(
            layout("cohere.embed-v4:0", &texts),
            [(0, 96, 0, true), (96, 96, 0, true), (192, 8, 0, true)]
        );
        assert_eq!(layout("amazon.titan-embed-text-v2:0", &texts).len(), 200);
        let mixed = [text(), text(), image(), image(), text()];
        assert_eq!(
            layout("cohere.embed-v4:0", &mixed),
            [(0, 2, 0, true), (2, 2, 2, false), (4, 1, 0, true)]
        );
        assert_eq!(
            layout("cohere.embed-english-v3", &mixed),
            [
                (0, 2, 0, true),
                (2, 1, 1, false),
                (3, 1, 1, false),
                (4, 1, 0, true)
            ]
        );
    }
    #[test]
    fn a_request_body_does_not_exceed_bedrocks_limit() {
        let text = |megabytes: usize| EmbeddingItem::Text("a".repeat(megabytes * 1_000_000));
        let items = [text(5), text(5), text(5), text(20), text(1)];
        let calls = layout("cohere.embed-v4:0", &items);
        let counts: Vec<usize> = calls.iter().map(|(_, count, ..)| *count).collect();
        assert_eq!(counts, [2, 1, 1, 1]);
    }
}
