//! The destinations of calls to models.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use super::endpoint::Endpoints;
use super::{Destination, SIGNING_NAME, path_segment};
use crate::bedrock::errors::UpstreamError;
use crate::models::{ModelId, OpenAiEndpoint};

/// The path of chat completions at both of its endpoints.
const CHAT_COMPLETIONS: &str = "/openai/v1/chat/completions";

/// The service name in signatures of requests to `bedrock-mantle`.
const MANTLE_SIGNING_NAME: &str = "bedrock-mantle";

/// The maximum number of remembered destinations.
const MAX_DESTINATIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// An operation that runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::bedrock) enum ModelOperation {
    Converse,
    ConverseStream,
    Invoke,
    CountTokens,
    ChatCompletions(OpenAiEndpoint),
}

/// The destinations of calls to models, each of which is computed once while it is in use.
#[derive(Debug)]
pub(in crate::bedrock) struct ModelDestinations {
    recent: Mutex<LruCache<(ModelId, ModelOperation), Arc<Destination>>>,
}

impl ModelDestinations {
    pub(in crate::bedrock) fn new() -> Self {
        Self {
            recent: Mutex::new(LruCache::sparse(MAX_DESTINATIONS)),
        }
    }

    /// The destination of an operation of `model`.
    pub(in crate::bedrock) fn of(
        &self,
        model: &ModelId,
        operation: ModelOperation,
        endpoints: &Endpoints,
    ) -> Result<Arc<Destination>, UpstreamError> {
        let call = (model.clone(), operation);
        if let Some(destination) = self.recent.lock().get(&call) {
            return Ok(Arc::clone(destination));
        }
        let destination = Arc::new(destination(model, operation, endpoints)?);
        self.recent.lock().put(call, Arc::clone(&destination));
        Ok(destination)
    }
}

fn destination(
    model: &ModelId,
    operation: ModelOperation,
    endpoints: &Endpoints,
) -> Result<Destination, UpstreamError> {
    let operation = match operation {
        ModelOperation::Converse => "converse",
        ModelOperation::ConverseStream => "converse-stream",
        ModelOperation::Invoke => "invoke",
        ModelOperation::CountTokens => "count-tokens",
        ModelOperation::ChatCompletions(endpoint) => return chat_completions(endpoint, endpoints),
    };
    let (runtime, model) = (&endpoints.runtime, path_segment(model));
    let url = format!("{runtime}/model/{model}/{operation}");
    Destination::parse(&url, SIGNING_NAME)
}

/// The AWS SDK for Rust has no operation for chat completions; endpoints and signatures follow
/// openai-python 3.52 (`openai.providers.bedrock`).
fn chat_completions(
    endpoint: OpenAiEndpoint,
    endpoints: &Endpoints,
) -> Result<Destination, UpstreamError> {
    let (endpoint, service) = match endpoint {
        OpenAiEndpoint::Runtime => (Some(&endpoints.runtime), SIGNING_NAME),
        OpenAiEndpoint::Mantle => (endpoints.mantle.as_ref(), MANTLE_SIGNING_NAME),
    };
    let endpoint = endpoint.ok_or_else(|| {
        UpstreamError::internal(
            "bedrock-mantle has no FIPS endpoint; set `[aws] mantle_endpoint`, or another \
             `upstream` for the model",
        )
    })?;
    Destination::parse(&format!("{endpoint}{CHAT_COMPLETIONS}"), service)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints {
            runtime: "https://runtime.example".to_owned(),
            control: "https://control.example".to_owned(),
            mantle: Some("http://mantle.example:8080".to_owned()),
        }
    }

    fn model(id: &str) -> ModelId {
        ModelId::parse(id).expect("a model id")
    }

    #[test]
    fn every_operation_has_its_url_and_service() {
        let arn =
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0";
        let encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F\
                       eu.amazon.nova-lite-v1%3A0";
        let runtime =
            |operation: &str| format!("https://runtime.example/model/{encoded}/{operation}");
        let chat_completions = ModelOperation::ChatCompletions;
        for (operation, url, host, service) in [
            (
                ModelOperation::Converse,
                runtime("converse"),
                "runtime.example",
                "bedrock",
            ),
            (
                ModelOperation::ConverseStream,
                runtime("converse-stream"),
                "runtime.example",
                "bedrock",
            ),
            (
                ModelOperation::Invoke,
                runtime("invoke"),
                "runtime.example",
                "bedrock",
            ),
            (
                ModelOperation::CountTokens,
                runtime("count-tokens"),
                "runtime.example",
                "bedrock",
            ),
            (
                chat_completions(OpenAiEndpoint::Runtime),
                "https://runtime.example/openai/v1/chat/completions".to_owned(),
                "runtime.example",
                "bedrock",
            ),
            (
                chat_completions(OpenAiEndpoint::Mantle),
                "http://mantle.example:8080/openai/v1/chat/completions".to_owned(),
                "mantle.example:8080",
                "bedrock-mantle",
            ),
        ] {
            let destination = ModelDestinations::new().of(&model(arn), operation, &endpoints());
            let destination = destination.expect("a destination");
            assert_eq!(destination.uri.to_string(), url);
            assert_eq!(destination.host, host);
            assert_eq!(destination.service, service);
        }
    }

    #[test]
    fn a_destination_is_computed_once_and_the_memory_is_bounded() {
        let destinations = ModelDestinations::new();
        let of = |id: &str, operation| {
            let destination = destinations.of(&model(id), operation, &endpoints());
            destination.expect("a destination")
        };
        let first = of("one", ModelOperation::Converse);
        assert!(Arc::ptr_eq(&first, &of("one", ModelOperation::Converse)));
        assert_ne!(first.uri, of("one", ModelOperation::Invoke).uri);
        for number in 0..2 * MAX_DESTINATIONS.get() {
            of(&format!("model-{number}"), ModelOperation::Converse);
        }
        assert_eq!(destinations.recent.lock().len(), MAX_DESTINATIONS.get());
        assert!(!Arc::ptr_eq(&first, &of("one", ModelOperation::Converse)));
    }

    #[test]
    fn a_default_port_is_not_part_of_the_host() {
        for (url, host) in [
            ("https://a.example:443/", "a.example"),
            ("http://a.example:80", "a.example"),
            ("https://a.example:80", "a.example:80"),
            ("http://[::1]:443", "[::1]:443"),
        ] {
            let destination = Destination::parse(url, SIGNING_NAME).expect("a destination");
            assert_eq!(destination.host, host);
        }
        assert!(Destination::parse("/path", SIGNING_NAME).is_err());
    }
}
