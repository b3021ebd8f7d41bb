use serde::{Deserialize, Serialize};

use crate::converse::media::RemoteAddress;
use crate::dialects::openai_chat::{self, ChatRequest};
use crate::dialects::openai_responses::{self, ResponsesRequest};
use crate::error::ApiError;
use crate::models::Endpoint;
use crate::wire::{json_body, refuse};

/// The endpoint of a batch, as its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum BatchEndpoint {
    /// Chat completions.
    ChatCompletions,
    /// Responses.
    Responses,
}

/// A request of a batch, in the format of the batch's endpoint.
#[derive(Debug)]
pub enum BatchRequest {
    /// A chat request.
    Chat(Box<ChatRequest>),
    /// A Responses request.
    Responses(Box<ResponsesRequest>),
}

impl BatchEndpoint {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ChatCompletions, Self::Responses];

    /// The endpoint with this path.
    pub fn of(path: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.path() == path)
    }

    /// The endpoint that serves the same requests one by one.
    pub fn endpoint(self) -> Endpoint {
        match self {
            Self::ChatCompletions => Endpoint::ChatCompletions,
            Self::Responses => Endpoint::Responses,
        }
    }

    /// The endpoint's path.
    pub fn path(self) -> &'static str {
        self.endpoint().path()
    }
}

impl TryFrom<String> for BatchEndpoint {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        Self::of(&path).ok_or_else(|| format!("unknown endpoint {path}"))
    }
}

impl From<BatchEndpoint> for &'static str {
    fn from(endpoint: BatchEndpoint) -> Self {
        endpoint.path()
    }
}

impl BatchRequest {
    /// Parses a request to `endpoint`.
    ///
    /// # Errors
    ///
    /// If the body is not such a request.
    pub fn parse(endpoint: BatchEndpoint, body: &[u8]) -> Result<Self, ApiError> {
        Ok(match endpoint {
            BatchEndpoint::ChatCompletions => Self::Chat(json_body::parse(body)?),
            BatchEndpoint::Responses => Self::Responses(json_body::parse(body)?),
        })
    }

    /// The client's name of the model.
    ///
    /// # Errors
    ///
    /// If it is missing.
    pub fn model_name(&self) -> Result<String, ApiError> {
        match self {
            Self::Chat(request) => openai_chat::model_name(request),
            Self::Responses(request) => openai_responses::model_name(request),
        }
    }

    /// The files at URLs.
    pub fn remote_addresses(&self) -> Vec<RemoteAddress> {
        match self {
            Self::Chat(request) => openai_chat::remote_addresses(request),
            Self::Responses(request) => openai_responses::remote_addresses(request),
        }
    }

    /// Rejects options that batches do not support.
    ///
    /// # Errors
    ///
    /// The error names the option.
    pub fn check(&self) -> Result<(), ApiError> {
        match self {
            Self::Chat(request) => {
                if request.n.is_some_and(|n| n != 1) {
                    let message = "`n` must be 1 in a batch; write a line for each choice";
                    return Err(ApiError::unsupported_value("n", message));
                }
                check_delivery(
                    request.stream,
                    request.service_tier.as_deref(),
                    request.performance_config.is_some(),
                )
            }
            Self::Responses(request) => {
                check_state(request)?;
                check_delivery(
                    request.stream,
                    request.service_tier.as_deref(),
                    request.performance_config.is_some(),
                )
            }
        }
    }
}

/// Rejects ways in which batches do not deliver responses.
fn check_delivery(
    stream: Option<bool>,
    tier: Option<&str>,
    has_latency_mode: bool,
) -> Result<(), ApiError> {
    if stream == Some(true) {
        let message = "`stream` cannot be `true` in a batch; batch responses are not streamed";
        return Err(ApiError::unsupported_value("stream", message));
    }
    let tier = tier.unwrap_or("auto");
    if !matches!(tier, "auto" | "default") {
        let message =
            format!("`service_tier` is `{tier}`; batches have their own tier, so omit it");
        return Err(ApiError::unsupported_value("service_tier", message));
    }
    if has_latency_mode {
        let message = "batches do not support latency modes; omit `performanceConfig`";
        return Err(ApiError::unsupported("performanceConfig", message));
    }
    Ok(())
}

/// Rejects what needs stored responses: the requests of a batch are sent in any order.
fn check_state(request: &ResponsesRequest) -> Result<(), ApiError> {
    let in_input = "a batch keeps no responses; send the complete conversation in `input`";
    if request.previous_response_id.is_some() {
        let message = format!("`previous_response_id` is not supported: {in_input}");
        return Err(ApiError::unsupported("previous_response_id", message));
    }
    if request.background == Some(true) {
        let message = "`background` cannot be `true` in a batch, which runs in the background";
        return Err(ApiError::unsupported_value("background", message));
    }
    refuse("conversation", request.conversation.clone(), in_input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_batch_requests_are_rejected_by_field() {
        use BatchEndpoint::{ChatCompletions, Responses};
        for (endpoint, body, parameter) in [
            (ChatCompletions, r#"{"stream":true}"#, Some("stream")),
            (ChatCompletions, r#"{"n":2}"#, Some("n")),
            (
                ChatCompletions,
                r#"{"service_tier":"flex"}"#,
                Some("service_tier"),
            ),
            (
                ChatCompletions,
                r#"{"performanceConfig":{"latency":"optimized"}}"#,
                Some("performanceConfig"),
            ),
            (
                ChatCompletions,
                r#"{"stream":false,"n":1,"service_tier":"auto"}"#,
                None,
            ),
            (Responses, r#"{"stream":true}"#, Some("stream")),
            (Responses, r#"{"background":true}"#, Some("background")),
            (
                Responses,
                r#"{"service_tier":"priority"}"#,
                Some("service_tier"),
            ),
            (
                Responses,
                r#"{"previous_response_id":"resp_1"}"#,
                Some("previous_response_id"),
            ),
            (
                Responses,
                r#"{"conversation":"conv_1"}"#,
                Some("conversation"),
            ),
            (
                Responses,
                r#"{"stream":false,"background":false,"store":true}"#,
                None,
            ),
        ] {
            let request = BatchRequest::parse(endpoint, body.as_bytes()).expect("a request");
            let refused = request.check().err();
            let path = refused.as_ref().and_then(ApiError::path);
            assert_eq!(path.as_deref(), parameter, "{body}");
        }
    }

    #[test]
    fn an_endpoint_is_stored_as_its_path() {
        for endpoint in BatchEndpoint::ALL {
            let json = serde_json::to_string(&endpoint).expect("JSON");
            assert_eq!(json, format!("\"{}\"", endpoint.path()));
            let read: BatchEndpoint = serde_json::from_str(&json).expect("an endpoint");
            assert_eq!(read, endpoint);
        }
        assert!(serde_json::from_str::<BatchEndpoint>("\"/v1/embeddings\"").is_err());
    }
}
