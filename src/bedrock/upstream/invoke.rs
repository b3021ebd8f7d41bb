//! InvokeModel: requests and responses in the model's own format.

use bytes::Bytes;
use http::HeaderMap;

use crate::bedrock::client::{Bedrock, ModelCall};
use crate::bedrock::destination::models::ModelOperation;
use crate::bedrock::errors::UpstreamError;

/// A response in the model's own format, with the token counts in Bedrock's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeResponse {
    /// The JSON body.
    pub body: Bytes,
    /// `x-amzn-bedrock-input-token-count`, if present; models that do not count in their responses
    /// have it, too (recordings' FINDINGS, 31).
    pub input_tokens: Option<u64>,
    /// `x-amzn-bedrock-output-token-count`, if present.
    pub output_tokens: Option<u64>,
}

impl Bedrock {
    /// The response of a model to a body in its own format, with retries.
    pub async fn invoke(&self, call: ModelCall) -> Result<InvokeResponse, UpstreamError> {
        let target = Some(call.model.as_str());
        self.with_backoff(target, || self.invoke_once(&call)).await
    }

    async fn invoke_once(&self, call: &ModelCall) -> Result<InvokeResponse, UpstreamError> {
        let response = self
            .post(call, ModelOperation::Invoke, self.response_timeout())
            .await?;
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
