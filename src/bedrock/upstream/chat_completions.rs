//! The chat-completions upstreams: OpenAI's API as AWS serves it at `bedrock-runtime` and at
//! `bedrock-mantle`. The AWS SDK for Rust has no operation for it; endpoints and signatures follow
//! openai-python 3.52 (`openai.providers.bedrock`).

use bytes::Bytes;
use http::Method;

use crate::bedrock::auth::signing::SIGNING_NAME;
use crate::bedrock::client::{Bedrock, ModelCall};
use crate::bedrock::errors::UpstreamError;
use crate::bedrock::transport::Outgoing;
use crate::bedrock::transport::decoder::ModelDecoder;
use crate::bedrock::transport::sse::ChatCompletionDecoder;
use crate::bedrock::transport::stream::EventStream;
use crate::converse::event::Event;
use crate::converse::upstream::chat_completions::ChatCompletionEvents;
use crate::models::OpenAiEndpoint;

const PATH: &str = "/openai/v1/chat/completions";

/// The signing name of `bedrock-mantle`.
const MANTLE_SIGNING_NAME: &str = "bedrock-mantle";

/// The endpoint of a chat-completions upstream.
struct UpstreamEndpoint {
    url: String,
    signing_name: &'static str,
}

impl UpstreamEndpoint {
    fn outgoing(&self, body: Bytes) -> Outgoing<'_> {
        Outgoing {
            signing_name: self.signing_name,
            ..Outgoing::json(Method::POST, &self.url, body)
        }
    }
}

impl Bedrock {
    /// The events of a complete response. `call` has a request in the chat-completions format.
    pub async fn chat_completion(
        &self,
        endpoint: OpenAiEndpoint,
        call: ModelCall,
    ) -> Result<Vec<Event>, UpstreamError> {
        let upstream_endpoint = self.upstream_endpoint(endpoint)?;
        let send = || async {
            let outgoing = upstream_endpoint.outgoing(call.body.clone());
            let response = self.fetch(outgoing, self.response_timeout()).await?;
            if let Some(error) = UpstreamError::from_chunk(response.body()) {
                return Err(error);
            }
            ChatCompletionEvents::of_response(response.body())
                .map_err(|error| UpstreamError::unreadable(error.to_string()))
        };
        self.with_backoff(Some(call.model.as_str()), send).await
    }

    /// The event stream of a response. Returns once the first event has arrived, with retries until
    /// then. `call` has a request in the chat-completions format.
    pub async fn chat_completion_stream(
        &self,
        endpoint: OpenAiEndpoint,
        call: ModelCall,
    ) -> Result<EventStream, UpstreamError> {
        let upstream_endpoint = self.upstream_endpoint(endpoint)?;
        let send = || {
            let outgoing = Outgoing {
                accept: "text/event-stream",
                ..upstream_endpoint.outgoing(call.body.clone())
            };
            let decoder = ChatCompletionDecoder::default();
            self.open(outgoing, ModelDecoder::ChatCompletions(decoder))
        };
        self.with_backoff(Some(call.model.as_str()), send).await
    }

    fn upstream_endpoint(
        &self,
        upstream: OpenAiEndpoint,
    ) -> Result<UpstreamEndpoint, UpstreamError> {
        let (endpoint, signing_name) = match upstream {
            OpenAiEndpoint::Runtime => (Some(self.runtime_endpoint()), SIGNING_NAME),
            OpenAiEndpoint::Mantle => (self.mantle_endpoint(), MANTLE_SIGNING_NAME),
        };
        let endpoint = endpoint.ok_or_else(|| {
            UpstreamError::internal(
                "bedrock-mantle has no FIPS endpoint; set `[aws] mantle_endpoint`, or another \
                 `upstream` for the model",
            )
        })?;
        Ok(UpstreamEndpoint {
            url: format!("{endpoint}{PATH}"),
            signing_name,
        })
    }
}
