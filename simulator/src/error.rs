//! Refusals in the shape AWS gives them.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::reply::Reply;

const BEDROCK: &str = "http://internal.amazon.com/coral/com.amazon.bedrock/";
const CORAL: &str = "http://internal.amazon.com/coral/com.amazon.coral.service/";

/// An error answer: `x-amzn-errortype` names it, the body carries the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Who refuses: Bedrock itself, or the layer in front of it that checks credentials.
    tail: &'static str,
    /// Bearer tokens are checked by yet another layer, which writes `Message`.
    message_key: &'static str,
}

impl AwsError {
    /// An error of Bedrock itself.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            tail: BEDROCK,
            message_key: "message",
        }
    }

    /// The answer to a request Bedrock does not accept.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    /// What the model behind Bedrock objects to; Bedrock puts a sentence in front.
    pub(crate) fn by_model(message: impl AsRef<str>) -> Self {
        Self::validation(format!(
            "The model returned the following errors: {}",
            message.as_ref()
        ))
    }

    /// An error of the layer that checks credentials.
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

    /// The refusal of a bearer token.
    pub(crate) fn of_bearer_token(message: impl Into<String>) -> Self {
        Self {
            message_key: "Message",
            ..Self::of_credentials(StatusCode::FORBIDDEN, "AccessDeniedException", message)
        }
    }

    /// For the author of a script that does not fit the call it has met.
    pub(crate) fn script_misfit(reason: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "SimulatorScriptException",
            format!("the script does not fit this call: {reason}"),
        )
    }

    /// The whole answer.
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
