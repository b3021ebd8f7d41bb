//! What a model reads and writes, and which of the gateway's endpoints that is for.

use serde::{Serialize, Serializer};

use super::{Capabilities, EmbeddingInput, ImageCapabilities, ImageTask, Medium, Requirement};

/// A kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Text.
    Text,
    /// Pictures.
    Image,
    /// Documents, which only the table of facts knows of.
    Document,
    /// Films.
    Video,
    /// Sound.
    Audio,
    /// Vectors.
    Embedding,
}

/// An endpoint that asks models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// Chat.
    ChatCompletions,
    /// Counting of what a chat would read.
    InputTokens,
    /// Texts that go on, as clients of old ask for them.
    Completions,
    /// Vectors.
    Embeddings,
    /// Pictures from words.
    ImageGenerations,
    /// Pictures from pictures.
    ImageEdits,
    /// Pictures like a picture.
    ImageVariations,
    /// Films.
    Videos,
    /// The order of texts by a question.
    Rerank,
}

impl Endpoint {
    /// Its path.
    pub fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
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

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelType {
    /// Conversations.
    Chat,
    /// Embeddings.
    Embedding,
    /// Images that are generated or edited.
    Image,
    /// Videos that are generated.
    Video,
    /// The order of documents by a query.
    Rerank,
}

impl ModelType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::Embedding,
        Self::Image,
        Self::Video,
        Self::Rerank,
    ];

    /// The type of a model that these endpoints serve; `None` for one that none serves.
    pub fn of(endpoints: &[Endpoint]) -> Option<Self> {
        let types = endpoints.iter().map(|endpoint| match endpoint {
            Endpoint::ChatCompletions | Endpoint::InputTokens | Endpoint::Completions => Self::Chat,
            Endpoint::Embeddings => Self::Embedding,
            Endpoint::ImageGenerations | Endpoint::ImageEdits | Endpoint::ImageVariations => {
                Self::Image
            }
            Endpoint::Videos => Self::Video,
            Endpoint::Rerank => Self::Rerank,
        });
        types.min()
    }

    /// The type that is written so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word for it.
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
    /// The endpoints that ask the family, where it is no family for conversations.
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
    /// What the family reads, and what it writes.
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
        let from_words = supports(&[ImageTask::Generate, ImageTask::ColorGuided]);
        let like_others = supports(&[ImageTask::Vary, ImageTask::Edit]);
        let from_images = like_others
            || supports(&[
                ImageTask::Inpaint,
                ImageTask::Outpaint,
                ImageTask::RemoveBackground,
            ]);
        [
            from_words.then_some(Endpoint::ImageGenerations),
            from_images.then_some(Endpoint::ImageEdits),
            // A variation has no prompt.
            (like_others && self.prompt != Requirement::Required)
                .then_some(Endpoint::ImageVariations),
        ]
        .into_iter()
        .flatten()
    }
}

/// What is known of what a model reads and writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modalities {
    /// What it reads.
    pub input: Vec<Modality>,
    /// What it writes.
    pub output: Vec<Modality>,
    /// Whether it can be heard while it writes, where Bedrock says so.
    pub streams: Option<bool>,
}

impl Modality {
    /// The kind of content of AWS's word for it (botocore 1.44.5, bedrock, `ModelModality`, and the
    /// words that ListFoundationModels has beside those).
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
    /// Those of a model with these facts, of which Bedrock lists the words `input` and `output`;
    /// nothing where it lists none.
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
        // The facts of a model that the table does not know hold nothing back, and tell nothing.
        let (own_reads, own_writes) = match capabilities.family.is_empty() {
            true => (vec![Modality::Text], Modality::Text),
            false => capabilities.modalities(),
        };
        // Bedrock's lists leave out documents, and say nothing of models that they do not have.
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

    /// The endpoints that ask a model with these facts which reads and writes this. A model that the
    /// table does not know is asked for conversations alone: the bodies of others are not known.
    pub fn endpoints(&self, capabilities: &Capabilities) -> Vec<Endpoint> {
        let own = capabilities.endpoints();
        let outputs_audio = self.output.contains(&Modality::Audio);
        // Of the models that write text, the rerankers alone do not stream (recording
        // `listfoundationmodels-unknown-95d27523`).
        let writes = self.output.contains(&Modality::Text) && self.streams != Some(false);
        if !own.is_empty() || outputs_audio || !writes {
            return own;
        }
        let chat = [Endpoint::ChatCompletions, Endpoint::InputTokens];
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
        "/v1/responses/input_tokens",
        "/v1/completions",
    ];

    /// As ListFoundationModels has them (recording `listfoundationmodels-unknown-95d27523`).
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
