//! What a family takes that embeds, and one that reranks. The fields are explained in
//! `models.toml`.

use serde::Deserialize;

/// What a family takes that makes vectors of texts and pictures.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingCapabilities {
    /// The form of its bodies.
    pub body: EmbeddingBody,
    /// What it embeds.
    pub inputs: Vec<EmbeddingInput>,
    /// The formats of pictures, in Bedrock's words.
    #[serde(default)]
    pub image_formats: Vec<String>,
    /// How many numbers a vector can have, what it has by itself first.
    pub dimensions: Vec<u32>,
    /// How many texts one call takes.
    #[serde(default = "one")]
    pub texts: usize,
    /// How many pictures one call takes.
    #[serde(default = "one")]
    pub images: usize,
    /// The longest text, in characters, where Bedrock counts them.
    #[serde(default)]
    pub max_text_chars: Option<usize>,
    /// Whether it is told what a vector is for.
    #[serde(default)]
    pub purposes: bool,
    /// What it can be told to do with a text that is too long for it; nothing where it cannot be
    /// told, and refuses such texts.
    #[serde(default)]
    pub truncations: Vec<Truncation>,
    /// Whether it can be told to give vectors of length 1, or not to.
    #[serde(default)]
    pub normalize: bool,
}

/// The form of the bodies of a family that embeds.
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

/// What one vector is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingInput {
    /// A text.
    Text,
    /// A picture.
    Image,
    /// A text and a picture in one.
    TextAndImage,
}

/// What becomes of a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// It is refused.
    None,
    /// Its beginning is left out.
    Start,
    /// Its end is left out.
    End,
}

/// What a family takes that puts documents in the order of how well they answer a query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankCapabilities {
    /// The version of the provider's API that a body has to name, if it has to name one.
    #[serde(default)]
    pub api_version: Option<u32>,
    /// The most documents of one call.
    pub documents: usize,
}

fn one() -> usize {
    1
}

impl EmbeddingCapabilities {
    /// Whether such an input is taken.
    pub fn takes(&self, input: EmbeddingInput) -> bool {
        self.inputs.contains(&input)
    }

    /// Whether the length of vectors can be chosen.
    pub fn chooses_dimensions(&self) -> bool {
        self.dimensions.len() > 1
    }
}

impl Truncation {
    /// What `word` asks for: Cohere's words, those of its newest model, Nova's and Marengo's.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "none" => Some(Self::None),
            "start" | "left" => Some(Self::Start),
            "end" | "right" => Some(Self::End),
            _ => None,
        }
    }

    /// The word of Cohere and Nova.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Start => "START",
            Self::End => "END",
        }
    }
}
