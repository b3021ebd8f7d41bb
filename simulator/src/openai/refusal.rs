//! Errors in OpenAI's format, with AWS's status codes.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::play::Step;
use crate::reply::{Reply, ReplyBody};

/// An error in OpenAI's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) param: Option<String>,
}

impl Refusal {
    /// An invalid request; `param` names the field.
    pub(crate) fn of(
        param: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            kind: "invalid_request_error",
            code: Some(code),
            param: Some(param.into()),
        }
    }

    /// The error for an unknown model.
    pub(crate) fn no_model(model: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: Some("model_not_found"),
            ..Self::of(
                "model",
                "model_not_found",
                format!("The model '{model}' does not exist or you do not have access to it."),
            )
        }
    }

    pub(crate) fn reply(&self) -> Reply {
        Reply::json(self.status, Bytes::from(self.envelope().to_string()))
    }

    fn envelope(&self) -> Value {
        let Self {
            message,
            kind,
            code,
            param,
            ..
        } = self;
        json!({ "error": { "code": code, "message": message, "param": param, "type": kind } })
    }

    /// Converts an AWS error to OpenAI's terms.
    fn of_aws(status: StatusCode, aws_code: &str, message: &str) -> Self {
        let (kind, code) = match aws_code {
            "ThrottlingException" => ("rate_limit_error", Some("rate_limit_exceeded")),
            "ServiceQuotaExceededException" => ("insufficient_quota", Some("insufficient_quota")),
            "AccessDeniedException" => ("permission_error", None),
            "UnrecognizedClientException"
            | "ExpiredTokenException"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignatureException" => ("authentication_error", Some("invalid_api_key")),
            "ResourceNotFoundException" => ("invalid_request_error", Some("model_not_found")),
            "ServiceUnavailableException" => ("server_error", Some("service_unavailable")),
            "ValidationException" | "SerializationException" => ("invalid_request_error", None),
            _ => ("server_error", None),
        };
        Self {
            status,
            message: message.to_owned(),
            kind,
            code,
            param: None,
        }
    }
}

/// Converts an AWS error response to OpenAI's format.
pub(crate) fn in_envelope(mut reply: Reply) -> Reply {
    let Some(code) = reply.headers.remove("x-amzn-errortype") else {
        return reply;
    };
    let code = code.to_str().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    if let ReplyBody::Complete(body) = &reply.body {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = body.get("message").or(body.get("Message"));
        let message = message.and_then(Value::as_str).unwrap_or_default();
        let refusal = Refusal::of_aws(reply.status, code, message);
        let text = Bytes::from(refusal.envelope().to_string());
        reply.body = ReplyBody::Prepared([Step::Send(text)].into());
    }
    reply
}

/// The last event of a stream, in place of AWS's exception `name` (in lower camel case).
pub(crate) fn event(name: &str, payload: &[u8]) -> Bytes {
    let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
    let message = payload.get("message").and_then(Value::as_str);
    let mut code = name.to_owned();
    if let Some(first) = code.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let refusal = Refusal::of_aws(StatusCode::OK, &code, message.unwrap_or_default());
    Bytes::from(format!("data: {}\n\n", refusal.envelope()))
}
