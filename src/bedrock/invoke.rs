//! InvokeModel: a request and an answer in the model's own words.

use bytes::Bytes;
use http::HeaderMap;

use super::client::{Bedrock, ModelCall};
use super::upstream_error::UpstreamError;

/// The answer of a model in its own words, and what Bedrock's headers say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeResponse {
    /// The JSON of the answer.
    pub body: Bytes,
    /// `x-amzn-bedrock-input-token-count`, where it is there: also of models that do not count in
    /// their answers (recordings' FINDINGS, 31).
    pub input_tokens: Option<u64>,
    /// `x-amzn-bedrock-output-token-count`, where it is there.
    pub output_tokens: Option<u64>,
}

impl Bedrock {
    /// The answer of a model to a body of its own form, with retries.
    pub async fn invoke(&self, call: ModelCall) -> Result<InvokeResponse, UpstreamError> {
        let target = Some(call.model.as_str());
        self.with_backoff(target, || self.invoke_once(&call)).await
    }

    async fn invoke_once(&self, call: &ModelCall) -> Result<InvokeResponse, UpstreamError> {
        let response = self.post(call, "invoke", self.response_timeout()).await?;
        Ok(InvokeResponse {
            input_tokens: count(response.headers(), "x-amzn-bedrock-input-token-count"),
            output_tokens: count(response.headers(), "x-amzn-bedrock-output-token-count"),
            body: response.into_body(),
        })
    }
}

fn count(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
