//! The bodies of models that embed. Each form has a file; what is asked of all of them in common
//! stands here.

mod cohere;
mod marengo_2;
mod marengo_3;
mod nova_multimodal;
mod response;
mod titan_multimodal;
mod titan_text;

pub use response::{EmbeddingResponse, read};

use crate::converse::media::ImageFormat;
use crate::models::{EmbeddingBody, EmbeddingCapabilities, EmbeddingInput, Truncation};

/// The bytes of a call's items at the most: a body has 25,000,000 (botocore, bedrock-runtime:
/// `Body`), and text grows where it is escaped.
const MAX_BYTES: usize = 12_000_000;

/// What one vector is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingItem {
    /// A text.
    Text(String),
    /// A picture.
    Image(EmbeddingImage),
    /// A text and a picture in one.
    TextAndImage(String, EmbeddingImage),
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingImage {
    /// Its format, as the bytes have it.
    pub format: ImageFormat,
    /// Standard base64 with padding.
    pub base64: String,
}

/// How the vectors are to be made; only what the family takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddingParameters {
    /// How many numbers a vector has, where that was asked.
    pub dimensions: Option<u32>,
    /// What the vectors are for.
    pub purpose: Purpose,
    /// What becomes of a text that is too long.
    pub truncation: Truncation,
    /// Whether vectors have length 1, where that was asked.
    pub normalize: Option<bool>,
}

/// What a vector is for: models make others of queries than of what is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// To be found.
    #[default]
    Index,
    /// To find anything.
    Retrieval,
    /// To find texts.
    TextRetrieval,
    /// To find pictures.
    ImageRetrieval,
    /// To find films.
    VideoRetrieval,
    /// To find pages of documents.
    DocumentRetrieval,
    /// To find sound.
    AudioRetrieval,
    /// To be put into classes.
    Classification,
    /// To be put into groups.
    Clustering,
}

/// One call, and which items it embeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingCall {
    /// The JSON of its body.
    pub body: Vec<u8>,
    /// The place of its first item among all.
    pub first: usize,
    /// How many items it has.
    pub count: usize,
    /// How many of them have a picture.
    pub images: usize,
    /// Whether there is a text in one of them.
    pub has_text: bool,
}

/// The calls that embed `items`, in their order: of one kind each, and with as many items as the
/// family takes and a body can hold.
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

/// How many of `items`, from the first on, are of this kind and fit into one call; at least one.
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
    /// What it is made of.
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

impl Purpose {
    /// The words for purposes, for those who look for one.
    pub const WORDS: &str = "search_document, search_query, classification, clustering, and Nova's \
                             GENERIC_INDEX, GENERIC_RETRIEVAL, TEXT_RETRIEVAL, IMAGE_RETRIEVAL, \
                             VIDEO_RETRIEVAL, DOCUMENT_RETRIEVAL, AUDIO_RETRIEVAL";

    /// The purpose that `word` stands for: Cohere's words, Nova's, and those of other vendors with
    /// endpoints like OpenAI's.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            // `image` is what Cohere calls the purpose of pictures.
            "search_document" | "document" | "passage" | "image" | "generic_index" => Self::Index,
            "search_query" | "query" | "generic_retrieval" => Self::Retrieval,
            "text_retrieval" => Self::TextRetrieval,
            "image_retrieval" => Self::ImageRetrieval,
            "video_retrieval" => Self::VideoRetrieval,
            "document_retrieval" => Self::DocumentRetrieval,
            "audio_retrieval" => Self::AudioRetrieval,
            "classification" => Self::Classification,
            "clustering" => Self::Clustering,
            _ => return None,
        })
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
