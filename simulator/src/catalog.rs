//! The foundation models of the simulated region.
//!
//! Ids, names and inference types are those of ListFoundationModels (recording
//! `listfoundationmodels-unknown-95d27523`, and AWS's model cards for newer models).

/// The region in every ARN of the simulator.
pub(crate) const REGION: &str = "us-east-1";
/// The account id in every ARN of the simulator.
pub(crate) const ACCOUNT: &str = "123456789012";

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) input: &'static [&'static str],
    pub(crate) output: &'static str,
    pub(crate) access: Access,
    /// Geographic prefixes of its cross-region inference profiles.
    pub(crate) profiles: &'static [&'static str],
    pub(crate) life: Life,
}

/// Lifecycle status of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Active,
    /// Still served to accounts that use it, until `end`. Times are RFC 3339.
    Legacy {
        start: &'static str,
        legacy: &'static str,
        end: &'static str,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// By model id.
    OnDemand,
    /// By inference profile only.
    ProfileOnly,
    /// By model id or inference profile.
    Both,
}

impl Access {
    pub(crate) fn inference_types(self) -> &'static [&'static str] {
        match self {
            Self::OnDemand => &["ON_DEMAND"],
            Self::ProfileOnly => &["INFERENCE_PROFILE"],
            Self::Both => &["ON_DEMAND", "INFERENCE_PROFILE"],
        }
    }
}

const TEXT: &[&str] = &["TEXT"];
const TEXT_IMAGE: &[&str] = &["TEXT", "IMAGE"];
const TEXT_IMAGE_VIDEO: &[&str] = &["TEXT", "IMAGE", "VIDEO"];
const US_GLOBAL: &[&str] = &["us", "global"];
const US: &[&str] = &["us"];

/// A text model that is invoked through inference profiles.
const fn claude(id: &'static str, name: &'static str) -> Model {
    Model {
        id,
        name,
        provider: "Anthropic",
        input: TEXT_IMAGE,
        output: "TEXT",
        access: Access::ProfileOnly,
        profiles: US_GLOBAL,
        life: Life::Active,
    }
}

/// A text model that is invoked by its id.
const fn open(id: &'static str, name: &'static str, provider: &'static str) -> Model {
    Model {
        id,
        name,
        provider,
        input: TEXT,
        output: "TEXT",
        access: Access::OnDemand,
        profiles: &[],
        life: Life::Active,
    }
}

const fn embedding(id: &'static str, name: &'static str, provider: &'static str) -> Model {
    Model {
        output: "EMBEDDING",
        ..open(id, name, provider)
    }
}

pub(crate) const MODELS: &[Model] = &[
    claude(
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "Claude Haiku 4.5",
    ),
    claude(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Claude Sonnet 4.5",
    ),
    claude("anthropic.claude-opus-4-5-20251101-v1:0", "Claude Opus 4.5"),
    claude("anthropic.claude-sonnet-4-6", "Claude Sonnet 4.6"),
    claude("anthropic.claude-sonnet-5", "Claude Sonnet 5"),
    Model {
        profiles: US,
        life: Life::Legacy {
            start: "2025-08-05T00:00:00Z",
            legacy: "2026-04-30T00:00:00Z",
            // Far in the future, so that tests do not depend on the date.
            end: "2099-12-31T00:00:00Z",
        },
        ..claude("anthropic.claude-opus-4-1-20250805-v1:0", "Claude Opus 4.1")
    },
    // AWS lists models for a while after their end of life.
    Model {
        input: TEXT,
        access: Access::OnDemand,
        profiles: &[],
        life: Life::Legacy {
            start: "2023-08-09T00:00:00Z",
            legacy: "2025-01-21T00:00:00Z",
            end: "2025-07-21T00:00:00Z",
        },
        ..claude("anthropic.claude-instant-v1", "Claude Instant")
    },
    // A speech model: served only over a bidirectional stream.
    Model {
        input: &["SPEECH"],
        output: "SPEECH",
        ..open("amazon.nova-2-sonic-v1:0", "Nova 2 Sonic", "Amazon")
    },
    Model {
        access: Access::Both,
        profiles: US,
        ..open("amazon.nova-micro-v1:0", "Nova Micro", "Amazon")
    },
    Model {
        input: TEXT_IMAGE_VIDEO,
        access: Access::Both,
        profiles: US,
        ..open("amazon.nova-lite-v1:0", "Nova Lite", "Amazon")
    },
    Model {
        input: TEXT_IMAGE_VIDEO,
        access: Access::Both,
        profiles: US,
        ..open("amazon.nova-pro-v1:0", "Nova Pro", "Amazon")
    },
    Model {
        input: TEXT_IMAGE_VIDEO,
        access: Access::ProfileOnly,
        profiles: US_GLOBAL,
        ..open("amazon.nova-2-lite-v1:0", "Nova 2 Lite", "Amazon")
    },
    Model {
        access: Access::ProfileOnly,
        profiles: US,
        ..open(
            "meta.llama3-3-70b-instruct-v1:0",
            "Llama 3.3 70B Instruct",
            "Meta",
        )
    },
    Model {
        input: TEXT_IMAGE,
        access: Access::ProfileOnly,
        profiles: US,
        ..open(
            "meta.llama4-maverick-17b-instruct-v1:0",
            "Llama 4 Maverick 17B Instruct",
            "Meta",
        )
    },
    Model {
        input: TEXT_IMAGE,
        ..open(
            "mistral.mistral-large-3-675b-instruct",
            "Mistral Large 3",
            "Mistral AI",
        )
    },
    Model {
        access: Access::ProfileOnly,
        profiles: US,
        ..open("deepseek.r1-v1:0", "DeepSeek-R1", "DeepSeek")
    },
    open("openai.gpt-oss-20b-1:0", "gpt-oss-20b", "OpenAI"),
    open("openai.gpt-oss-120b-1:0", "gpt-oss-120b", "OpenAI"),
    open("qwen.qwen3-32b-v1:0", "Qwen3 32B (dense)", "Qwen"),
    open(
        "moonshot.kimi-k2-thinking",
        "Kimi K2 Thinking",
        "Moonshot AI",
    ),
    open("minimax.minimax-m2", "MiniMax M2", "MiniMax"),
    embedding(
        "amazon.titan-embed-text-v2:0",
        "Titan Text Embeddings V2",
        "Amazon",
    ),
    embedding(
        "amazon.titan-embed-text-v1",
        "Titan Embeddings G1 - Text",
        "Amazon",
    ),
    Model {
        input: TEXT_IMAGE,
        ..embedding(
            "amazon.titan-embed-image-v1",
            "Titan Multimodal Embeddings G1",
            "Amazon",
        )
    },
    Model {
        input: TEXT_IMAGE_VIDEO,
        ..embedding(
            "amazon.nova-2-multimodal-embeddings-v1:0",
            "Amazon Nova Multimodal Embeddings",
            "Amazon",
        )
    },
    embedding("cohere.embed-english-v3", "Embed English", "Cohere"),
    embedding(
        "cohere.embed-multilingual-v3",
        "Embed Multilingual",
        "Cohere",
    ),
    Model {
        input: TEXT_IMAGE,
        access: Access::Both,
        profiles: US_GLOBAL,
        ..embedding("cohere.embed-v4:0", "Embed v4", "Cohere")
    },
    Model {
        input: TEXT_IMAGE_VIDEO,
        access: Access::ProfileOnly,
        profiles: US,
        ..embedding(
            "twelvelabs.marengo-embed-2-7-v1:0",
            "Marengo Embed v2.7",
            "TwelveLabs",
        )
    },
    Model {
        input: TEXT_IMAGE_VIDEO,
        access: Access::Both,
        profiles: US,
        ..embedding(
            "twelvelabs.marengo-embed-3-0-v1:0",
            "Marengo Embed 3.0",
            "TwelveLabs",
        )
    },
    open("cohere.rerank-v3-5:0", "Rerank 3.5", "Cohere"),
    open("amazon.rerank-v1:0", "Rerank 1.0", "Amazon"),
];

/// Finds a model by its id without geographic prefix.
pub(crate) fn find(id: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == id)
}
