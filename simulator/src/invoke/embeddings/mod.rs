//! Embedding and reranking models: strict request schemas and deterministic responses.
//!
//! Request bodies follow the user guide's pages of parameters; recordings show text embeddings of
//! Titan, Cohere and Nova (`inv-titan-374a5324`, `inv-cohere-07d9ebe2`, `inv-nova-f9d51d6a`) and
//! Cohere's reranking (`inv-cohere-0f6e9927`).

mod cohere;
mod marengo;
mod nova;
mod output;
mod rerank;
mod schema;
mod titan;

use serde_json::Value;

use crate::error::AwsError;

use output::EmbeddingOutput;

/// An embedding or reranking model.
pub(super) struct EmbeddingModel {
    /// Prefixes of its model ids.
    stems: &'static [&'static str],
    /// Validates the request body.
    check: fn(&Value) -> Result<(), AwsError>,
    response: fn(&Value) -> EmbeddingOutput,
}

const MODELS: &[EmbeddingModel] = &[
    EmbeddingModel {
        stems: &["amazon.titan-embed-text-v1", "amazon.titan-embed-g1-text"],
        check: titan::check_first,
        response: titan::respond_first,
    },
    EmbeddingModel {
        stems: &["amazon.titan-embed-text-v2"],
        check: titan::check_second,
        response: titan::respond_second,
    },
    EmbeddingModel {
        stems: &["amazon.titan-embed-image"],
        check: titan::check_multimodal,
        response: titan::respond_multimodal,
    },
    EmbeddingModel {
        stems: &["cohere.embed-english-v3", "cohere.embed-multilingual-v3"],
        check: cohere::check_third,
        response: cohere::respond_third,
    },
    EmbeddingModel {
        stems: &["cohere.embed-v4"],
        check: cohere::check_fourth,
        response: cohere::respond_fourth,
    },
    EmbeddingModel {
        stems: &["amazon.nova-2-multimodal-embeddings"],
        check: nova::check,
        response: nova::response,
    },
    EmbeddingModel {
        stems: &["twelvelabs.marengo-embed-2"],
        check: marengo::check_second,
        response: marengo::respond_second,
    },
    EmbeddingModel {
        stems: &["twelvelabs.marengo-embed-3"],
        check: marengo::check_third,
        response: marengo::respond_third,
    },
    EmbeddingModel {
        stems: &["cohere.rerank"],
        check: rerank::check_cohere,
        response: rerank::response,
    },
    EmbeddingModel {
        stems: &["amazon.rerank"],
        check: rerank::check_amazon,
        response: rerank::response,
    },
];

impl EmbeddingModel {
    /// The embedding model of a bare id; `None` for all other models.
    pub(super) fn of(id: &str) -> Option<&'static Self> {
        let is_of = |model: &&Self| model.stems.iter().any(|stem| id.starts_with(stem));
        MODELS.iter().find(is_of)
    }

    /// Rejects bodies that Bedrock rejects.
    pub(super) fn check(&self, request: &Value) -> Result<(), AwsError> {
        (self.check)(request)
    }

    pub(super) fn response(&self, request: &Value) -> EmbeddingOutput {
        (self.response)(request)
    }
}
