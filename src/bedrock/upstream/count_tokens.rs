//! CountTokens: the number of input tokens of a request, without running the model.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bedrock::client::{Bedrock, ModelCall};
use crate::bedrock::destination::models::ModelOperation;
use crate::bedrock::errors::UpstreamError;

/// The timeout of a count.
const LIMIT: Duration = Duration::from_secs(30);

/// The counted fields of a Converse request (botocore 1.44.5, bedrock-runtime,
/// `ConverseTokensRequest`). CountTokens rejects other fields; they do not affect the count.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CountTokensInput<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    system: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tool_config: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Request<'a> {
    input: CountTokensBody<'a>,
}

#[derive(Serialize)]
struct CountTokensBody<'a> {
    converse: CountTokensInput<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CountTokensResponse {
    input_tokens: u64,
}

impl Bedrock {
    /// The number of input tokens of the Converse request in `call`, with retries.
    ///
    /// Bedrock counts by foundation model id and rejects profiles of every kind (recording
    /// `counttokens-claude-err400-c168bd9e`; pydantic/pydantic-ai#4001, of 2026-01-14), so the
    /// geography is removed. A model whose id does not contain its foundation model has to be
    /// resolved first ([`Bedrock::base_model`]). Only some Claude models support counting (AWS's
    /// user guide, "Monitor your token usage by counting tokens"); others are rejected with a
    /// ValidationException. Such an error means that there is no count, and is not for the client.
    pub async fn count_tokens(&self, call: ModelCall) -> Result<u64, UpstreamError> {
        let call = ModelCall::new(call.model.foundation(), request_body(&call.body)?);
        // Counting has its own quotas.
        self.with_backoff(None, || self.count_tokens_once(&call))
            .await
    }

    async fn count_tokens_once(&self, call: &ModelCall) -> Result<u64, UpstreamError> {
        let response = self.post(call, ModelOperation::CountTokens, LIMIT).await?;
        let response: CountTokensResponse = serde_json::from_slice(response.body())
            .map_err(|error| UpstreamError::bad_response(error.to_string()))?;
        Ok(response.input_tokens)
    }
}

/// The CountTokens body for a Converse body, with unchanged values.
fn request_body(converse: &[u8]) -> Result<Bytes, UpstreamError> {
    let internal = |error: serde_json::Error| UpstreamError::internal(error.to_string());
    let converse: CountTokensInput<'_> = serde_json::from_slice(converse).map_err(internal)?;
    let request = Request {
        input: CountTokensBody { converse },
    };
    serde_json::to_vec(&request)
        .map(Bytes::from)
        .map_err(internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_tokens_sends_only_the_counted_fields_unchanged() {
        let converse = concat!(
            r#"{"messages":[{"role":"user","content":[{"text":"\u00e9 /"}]}],"#,
            r#""inferenceConfig":{"maxTokens":1},"guardrailConfig":{"trace":"enabled"},"#,
            r#""additionalModelRequestFields":{"z":0.70,"a":1}}"#
        );
        let body = request_body(converse.as_bytes()).expect("a body");
        let expected = concat!(
            r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"\u00e9 /"}]}],"#,
            r#""additionalModelRequestFields":{"z":0.70,"a":1}}}}"#
        );
        assert_eq!(body, expected);
    }
}
