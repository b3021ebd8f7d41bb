//! Errors in AWS's format.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::reply::Reply;

const BEDROCK: &str = "http://internal.amazon.com/coral/com.amazon.bedrock/";
const CORAL: &str = "http://internal.amazon.com/coral/com.amazon.coral.service/";

/// An error response: `x-amzn-errortype` holds the code, the body the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Suffix of the error type: differs between Bedrock and the layer in front that authenticates.
    tail: &'static str,
    /// `Message` for bearer tokens, which yet another layer checks; else `message`.
    message_key: &'static str,
}

impl AwsError {
    /// An error from Bedrock itself.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            tail: BEDROCK,
            message_key: "message",
        }
    }

    /// A `ValidationException`.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    /// A `ValidationException` from the model; Bedrock prepends a fixed sentence.
    pub(crate) fn by_model(message: impl AsRef<str>) -> Self {
        Self::validation(format!(
            "The model returned the following errors: {}",
            message.as_ref()
        ))
    }

    /// An error of the layer that authenticates.
    pub(crate) fn of_credentials(
        status: StatusCode,
        code: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            tail: CORAL,
            ..Self::new(status, code, message)
        }
    }

    /// The error for an invalid bearer token.
    pub(crate) fn of_bearer_token(message: impl Into<String>) -> Self {
        Self {
            message_key: "Message",
            ..Self::of_credentials(StatusCode::FORBIDDEN, "AccessDeniedException", message)
        }
    }

    /// For the author of a script that does not fit the call.
    pub(crate) fn script_misfit(reason: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "SimulatorScriptException",
            format!("the script does not fit this call: {reason}"),
        )
    }

    pub(crate) fn reply(&self) -> Reply {
        let body = json!({ self.message_key: self.message });
        let error_type = format!("{}:{}", self.code, self.tail);
        let reply = Reply::json(self.status, Bytes::from(body.to_string()));
        match HeaderValue::try_from(error_type) {
            Ok(value) => reply.with_header("x-amzn-errortype", value),
            Err(_) => reply,
        }
    }
}
