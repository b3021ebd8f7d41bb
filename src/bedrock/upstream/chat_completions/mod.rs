//! The chat-completions upstreams: OpenAI's API as AWS serves it at `bedrock-runtime` and at
//! `bedrock-mantle`. The AWS SDK for Rust has no operation for it; endpoints and signatures follow
//! openai-python 3.52 (`openai.providers.bedrock`).

pub(in crate::bedrock) mod sse;

use bytes::Bytes;
use http::Method;

use self::sse::ChunkDecoder;
use crate::bedrock::auth::signing::SIGNING_NAME;
use crate::bedrock::client::Bedrock;
use crate::bedrock::errors::UpstreamError;
use crate::bedrock::transport::Outgoing;
use crate::bedrock::transport::stream::EventStream;
use crate::models::{ModelId, OpenAiEndpoint};

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
    /// The complete response to `body`, a chat request in OpenAI's format, with retries.
    pub async fn chat_completion(
        &self,
        upstream: OpenAiEndpoint,
        model: &ModelId,
        body: Bytes,
    ) -> Result<Bytes, UpstreamError> {
        let upstream_endpoint = self.upstream_endpoint(upstream)?;
        let send = || async {
            let outgoing = upstream_endpoint.outgoing(body.clone());
            let response = self.fetch(outgoing, self.response_timeout()).await?;
            match UpstreamError::from_chunk(response.body()) {
                Some(error) => Err(error),
                None => Ok(response.into_body()),
            }
        };
        self.with_backoff(Some(model.as_str()), send).await
    }

    /// The chunks of the response to `body`. Returns once the first chunk has arrived, with retries
    /// until then.
    pub async fn chat_completion_stream(
        &self,
        upstream: OpenAiEndpoint,
        model: &ModelId,
        body: Bytes,
    ) -> Result<EventStream<ChunkDecoder>, UpstreamError> {
        let upstream_endpoint = self.upstream_endpoint(upstream)?;
        let send = || {
            self.open(Outgoing {
                accept: "text/event-stream",
                ..upstream_endpoint.outgoing(body.clone())
            })
        };
        self.with_backoff(Some(model.as_str()), send).await
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
