//! The modalities of a model and the gateway endpoints that serve it.

use serde::{Serialize, Serializer};

use crate::models::{
    Capabilities, EmbeddingInput, ImageCapabilities, ImageTask, Medium, Requirement,
};

/// A modality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Text.
    Text,
    /// Images.
    Image,
    /// Documents, which only the capability table lists.
    Document,
    /// Videos.
    Video,
    /// Audio.
    Audio,
    /// Embeddings.
    Embedding,
}

/// An endpoint that calls models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// Chat completions.
    ChatCompletions,
    /// Responses.
    Responses,
    /// Counting of input tokens.
    InputTokens,
    /// Legacy text completions.
    Completions,
    /// Embeddings.
    Embeddings,
    /// Image generation.
    ImageGenerations,
    /// Image editing.
    ImageEdits,
    /// Image variations.
    ImageVariations,
    /// Videos.
    Videos,
    /// Reranking.
    Rerank,
}

impl Endpoint {
    /// The endpoint's path.
    pub fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::InputTokens => "/v1/responses/input_tokens",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::ImageGenerations => "/v1/images/generations",
            Self::ImageEdits => "/v1/images/edits",
            Self::ImageVariations => "/v1/images/variations",
            Self::Videos => "/v1/videos",
            Self::Rerank => "/v1/rerank",
        }
    }
}

/// The type of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelType {
    /// Chat.
    Chat,
    /// Embeddings.
    Embedding,
    /// Image generation or editing.
    Image,
    /// Video generation.
    Video,
    /// Reranking.
    Rerank,
}

impl ModelType {
    /// All types.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::Embedding,
        Self::Image,
        Self::Video,
        Self::Rerank,
    ];

    /// The type of a model served by these endpoints; `None` if it is served by none.
    pub fn of(endpoints: &[Endpoint]) -> Option<Self> {
        let types = endpoints.iter().map(|endpoint| match endpoint {
            Endpoint::ChatCompletions
            | Endpoint::Responses
            | Endpoint::InputTokens
            | Endpoint::Completions => Self::Chat,
            Endpoint::Embeddings => Self::Embedding,
            Endpoint::ImageGenerations | Endpoint::ImageEdits | Endpoint::ImageVariations => {
                Self::Image
            }
            Endpoint::Videos => Self::Video,
            Endpoint::Rerank => Self::Rerank,
        });
        types.min()
    }

    /// Parses the name of a type.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The name of the type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Image => "image",
            Self::Video => "video",
            Self::Rerank => "rerank",
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.path())
    }
}

impl Capabilities {
    /// The endpoints that serve the family; empty for chat families.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints = Vec::new();
        endpoints.extend(self.embedding.as_ref().map(|_| Endpoint::Embeddings));
        endpoints.extend(self.rerank.as_ref().map(|_| Endpoint::Rerank));
        endpoints.extend(self.video.as_ref().map(|_| Endpoint::Videos));
        if let Some(image) = &self.image {
            endpoints.extend(image.endpoints());
        }
        endpoints
    }
}

impl Capabilities {
    /// The input modalities and the output modality.
    fn modalities(&self) -> (Vec<Modality>, Modality) {
        let mut reads = vec![Modality::Text];
        let writes = if let Some(embedding) = &self.embedding {
            let image_inputs = [EmbeddingInput::Image, EmbeddingInput::TextAndImage];
            let takes = |input| image_inputs.contains(input);
            reads.extend(
                embedding
                    .inputs
                    .iter()
                    .any(takes)
                    .then_some(Modality::Image),
            );
            Modality::Embedding
        } else if let Some(image) = &self.image {
            reads.extend((!image.input_formats.is_empty()).then_some(Modality::Image));
            Modality::Image
        } else if let Some(video) = &self.video {
            reads.extend((!video.input_formats.is_empty()).then_some(Modality::Image));
            Modality::Video
        } else if self.rerank.is_some() {
            Modality::Text
        } else {
            reads.extend(self.input.iter().copied().map(Modality::from));
            Modality::Text
        };
        (reads, writes)
    }
}

impl ImageCapabilities {
    fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        let supports = |tasks: &[ImageTask]| tasks.iter().any(|task| self.supports(*task));
        let generates = supports(&[ImageTask::Generate, ImageTask::ColorGuided]);
        let varies = supports(&[ImageTask::Vary, ImageTask::Edit]);
        let edits = varies
            || supports(&[
                ImageTask::Inpaint,
                ImageTask::Outpaint,
                ImageTask::RemoveBackground,
            ]);
        [
            generates.then_some(Endpoint::ImageGenerations),
            edits.then_some(Endpoint::ImageEdits),
            // A variation has no prompt.
            (varies && self.prompt != Requirement::Required).then_some(Endpoint::ImageVariations),
        ]
        .into_iter()
        .flatten()
    }
}

/// The input and output modalities of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modalities {
    /// The input modalities.
    pub input: Vec<Modality>,
    /// The output modalities.
    pub output: Vec<Modality>,
    /// Whether the model supports streaming; `None` if Bedrock does not say.
    pub streams: Option<bool>,
}

impl Modality {
    /// Parses AWS's name (botocore 1.44.5, bedrock, `ModelModality`, and the values that
    /// ListFoundationModels returns in addition).
    pub fn of_aws(word: &str) -> Option<Self> {
        Some(match word {
            "TEXT" => Self::Text,
            "IMAGE" => Self::Image,
            "VIDEO" => Self::Video,
            "SPEECH" | "AUDIO" => Self::Audio,
            "EMBEDDING" => Self::Embedding,
            _ => return None,
        })
    }
}

impl From<Medium> for Modality {
    fn from(medium: Medium) -> Self {
        match medium {
            Medium::Image => Self::Image,
            Medium::Document => Self::Document,
            Medium::Video => Self::Video,
            Medium::Audio => Self::Audio,
        }
    }
}

impl Modalities {
    /// Combines the capabilities with `input` and `output` as listed by Bedrock, which may be
    /// empty.
    pub fn new(
        capabilities: &Capabilities,
        input: &[String],
        output: &[String],
        streams: Option<bool>,
    ) -> Self {
        let of_aws = |words: &[String]| {
            let modalities = words.iter().filter_map(|word| Modality::of_aws(word));
            modalities.collect::<Vec<_>>()
        };
        let mut reads = of_aws(input);
        let mut writes = of_aws(output);
        // The capabilities of unknown models restrict nothing and give no information.
        let (own_reads, own_writes) = match capabilities.family.is_empty() {
            true => (vec![Modality::Text], Modality::Text),
            false => capabilities.modalities(),
        };
        // Bedrock's lists omit documents, and are empty for models that are not listed.
        if reads.is_empty() || !capabilities.family.is_empty() {
            reads.extend(own_reads);
        }
        if writes.is_empty() {
            writes.push(own_writes);
        }
        for kinds in [&mut reads, &mut writes] {
            kinds.sort_unstable();
            kinds.dedup();
        }
        Self {
            input: reads,
            output: writes,
            streams,
        }
    }

    /// The endpoints that serve a model with these capabilities and modalities. Unknown models
    /// are served by the chat endpoints only, since their other request bodies are unknown.
    pub fn endpoints(&self, capabilities: &Capabilities) -> Vec<Endpoint> {
        let own = capabilities.endpoints();
        let outputs_audio = self.output.contains(&Modality::Audio);
        // Of the models with text output, only rerankers do not stream (recording
        // `listfoundationmodels-unknown-95d27523`).
        let writes = self.output.contains(&Modality::Text) && self.streams != Some(false);
        if !own.is_empty() || outputs_audio || !writes {
            return own;
        }
        let chat = [
            Endpoint::ChatCompletions,
            Endpoint::Responses,
            Endpoint::InputTokens,
        ];
        let completions = capabilities.converse.then_some(Endpoint::Completions);
        chat.into_iter().chain(completions).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ModelId, ModelTable};

    fn modalities(id: &str, input: &[&str], output: &[&str], streams: bool) -> Modalities {
        let table = ModelTable::built_in().expect("the built-in table");
        let id = ModelId::parse(id).expect("an id");
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        Modalities::new(
            table.capabilities(&id),
            &words(input),
            &words(output),
            Some(streams),
        )
    }

    const CHAT: &[&str] = &[
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/responses/input_tokens",
        "/v1/completions",
    ];

    /// Models as returned by ListFoundationModels (recording
    /// `listfoundationmodels-unknown-95d27523`).
    #[test]
    fn modalities_determine_the_supported_endpoints() {
        for (id, input, output, streams, endpoints) in [
            (
                "anthropic.claude-haiku-4-5-20251001-v1:0",
                &["TEXT", "IMAGE"] as &[&str],
                "TEXT",
                true,
                CHAT,
            ),
            (
                "mistral.voxtral-mini-3b-2507",
                &["SPEECH", "TEXT"],
                "TEXT",
                true,
                CHAT,
            ),
            (
                "amazon.titan-embed-text-v2:0",
                &["TEXT"],
                "EMBEDDING",
                false,
                &["/v1/embeddings"],
            ),
            (
                "amazon.nova-canvas-v1:0",
                &["TEXT", "IMAGE"],
                "IMAGE",
                false,
                &[
                    "/v1/images/generations",
                    "/v1/images/edits",
                    "/v1/images/variations",
                ],
            ),
            (
                "amazon.nova-reel-v1:1",
                &["TEXT", "IMAGE"],
                "VIDEO",
                false,
                &["/v1/videos"],
            ),
            (
                "cohere.rerank-v3-5:0",
                &["TEXT"],
                "TEXT",
                false,
                &["/v1/rerank"],
            ),
            ("amazon.nova-2-sonic-v1:0", &["SPEECH"], "SPEECH", true, &[]),
            ("nobody.knows-it", &["TEXT"], "TEXT", true, CHAT),
            ("nobody.knows-it", &["TEXT"], "EMBEDDING", false, &[]),
            ("nobody.knows-it", &["TEXT"], "IMAGE", false, &[]),
        ] {
            let table = ModelTable::built_in().expect("the built-in table");
            let capabilities = table.capabilities(&ModelId::parse(id).expect("an id"));
            let actual = modalities(id, input, &[output], streams).endpoints(capabilities);
            let actual = serde_json::to_value(actual).expect("JSON");
            assert_eq!(actual, serde_json::json!(endpoints), "{id}");
        }
    }

    #[test]
    fn capabilities_add_modalities_bedrock_does_not_list() {
        let claude = modalities(
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            &["TEXT", "IMAGE"],
            &["TEXT"],
            true,
        );
        assert_eq!(
            claude.input,
            [Modality::Text, Modality::Image, Modality::Document]
        );
        let unlisted = modalities("nobody.knows-it", &[], &[], true);
        assert_eq!(
            (unlisted.input, unlisted.output),
            (vec![Modality::Text], vec![Modality::Text])
        );
    }
}
