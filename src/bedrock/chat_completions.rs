//! OpenAI's chat completions as AWS serves them itself, at `bedrock-runtime` and at
//! `bedrock-mantle`. The SDK for Rust has no operation for them; addresses and signatures are those
//! of openai-python 3.52 (`openai.providers.bedrock`).

use bytes::Bytes;
use http::Method;

use super::client::Bedrock;
use super::signing::SIGNING_NAME;
use super::sse::ChunkDecoder;
use super::stream::EventStream;
use super::transport::Outgoing;
use super::upstream_error::UpstreamError;
use crate::models::{ModelId, OpenAiEndpoint};

const PATH: &str = "/openai/v1/chat/completions";

/// The name that requests to `bedrock-mantle` are signed for.
const MANTLE_SIGNING_NAME: &str = "bedrock-mantle";

/// Where a surface is, and what its requests are signed for.
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
    /// The whole answer of a surface to `body`, a chat request to `model` in OpenAI's form, with retries.
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

    /// The chunks of a surface's answer to `body`, a request to `model`, once the first one has arrived, with retries
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
                "bedrock-mantle has no address for FIPS; set `[aws] mantle_endpoint`, or another \
                 `surface` for the model",
            )
        })?;
        Ok(UpstreamEndpoint {
            url: format!("{endpoint}{PATH}"),
            signing_name,
        })
    }
}
