//! Capabilities of embedding and reranking families. `models.toml` documents the fields.

use serde::Deserialize;

/// What an embedding family supports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingCapabilities {
    /// The form of the request body.
    pub body: EmbeddingBody,
    /// The supported input types.
    pub inputs: Vec<EmbeddingInput>,
    /// The accepted image formats, as Bedrock names them.
    #[serde(default)]
    pub image_formats: Vec<String>,
    /// The supported numbers of dimensions, the default first.
    pub dimensions: Vec<u32>,
    /// The maximum number of texts per call.
    #[serde(default = "one")]
    pub texts: usize,
    /// The maximum number of images per call.
    #[serde(default = "one")]
    pub images: usize,
    /// The maximum text length in characters; `None` if Bedrock sets no limit.
    #[serde(default)]
    pub max_text_chars: Option<usize>,
    /// Whether a purpose can be given.
    #[serde(default)]
    pub purposes: bool,
    /// The supported truncation modes; empty if long texts are always rejected.
    #[serde(default)]
    pub truncations: Vec<Truncation>,
    /// Whether normalization to length 1 can be switched.
    #[serde(default)]
    pub normalize: bool,
}

/// The form of an embedding model's request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingBody {
    /// `{"inputText"}`
    TitanText,
    /// `{"inputText", "inputImage", "embeddingConfig"}`
    TitanMultimodal,
    /// `{"texts"}`, `{"images"}` or `{"inputs"}`, with `input_type`
    Cohere,
    /// `{"taskType", "singleEmbeddingParams"}`
    NovaMultimodal,
    /// `{"inputType", "inputText", "mediaSource"}`
    #[serde(rename = "marengo_2")]
    Marengo2,
    /// `{"inputType"}` and an object of that name
    #[serde(rename = "marengo_3")]
    Marengo3,
}

/// The input of one embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingInput {
    /// A text.
    Text,
    /// An image.
    Image,
    /// A text and an image embedded together.
    TextAndImage,
}

/// How texts that exceed the model's limit are truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// Rejected.
    None,
    /// The start is removed.
    Start,
    /// The end is removed.
    End,
}

/// What a reranking family supports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankCapabilities {
    /// The provider's API version, if the body must contain one.
    #[serde(default)]
    pub api_version: Option<u32>,
    /// The maximum number of documents per call.
    pub documents: usize,
}

fn one() -> usize {
    1
}

impl EmbeddingCapabilities {
    /// Whether the input type is supported.
    pub fn takes(&self, input: EmbeddingInput) -> bool {
        self.inputs.contains(&input)
    }

    /// Whether the number of dimensions can be chosen.
    pub fn chooses_dimensions(&self) -> bool {
        self.dimensions.len() > 1
    }
}

impl Truncation {
    /// Parses the values of Cohere (all generations), Nova and Marengo.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "none" => Some(Self::None),
            "start" | "left" => Some(Self::Start),
            "end" | "right" => Some(Self::End),
            _ => None,
        }
    }

    /// The value used by Cohere and Nova.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Start => "START",
            Self::End => "END",
        }
    }
}

/// The purpose of an embedding: models embed queries and documents differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// To be searched.
    #[default]
    Index,
    /// To search any content.
    Retrieval,
    /// To search texts.
    TextRetrieval,
    /// To search images.
    ImageRetrieval,
    /// To search videos.
    VideoRetrieval,
    /// To search pages of documents.
    DocumentRetrieval,
    /// To search audio.
    AudioRetrieval,
    /// Classification.
    Classification,
    /// Clustering.
    Clustering,
}

impl Purpose {
    /// The accepted values, for error messages.
    pub const WORDS: &str = "search_document, search_query, classification, clustering, and Nova's \
                             GENERIC_INDEX, GENERIC_RETRIEVAL, TEXT_RETRIEVAL, IMAGE_RETRIEVAL, \
                             VIDEO_RETRIEVAL, DOCUMENT_RETRIEVAL, AUDIO_RETRIEVAL";

    /// Parses the values of Cohere, of Nova, and of other vendors with OpenAI-compatible
    /// endpoints.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            // Cohere's `input_type` for images is `image`.
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
