//! Errors after the start of a stream, in the words that clients act on.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The delay for clients if Bedrock does not state one.
const DEFAULT_WAIT: Duration = Duration::from_secs(2);

/// The `error` of a failed response. SDKs parse all members but `param` as strings.
#[derive(Debug, Serialize)]
pub(super) struct FailureObject<'a> {
    code: &'static str,
    message: Cow<'a, str>,
    r#type: &'static str,
    param: Option<Cow<'a, str>>,
}

impl<'a> From<&'a ApiError> for FailureObject<'a> {
    fn from(error: &'a ApiError) -> Self {
        let code = code(error);
        let message = error.message.as_text();
        Self {
            code,
            message: match code {
                // Codex waits as long as the message says.
                "rate_limit_exceeded" => {
                    let wait = error.retry_after.unwrap_or(DEFAULT_WAIT);
                    let seconds = wait.as_secs_f64().ceil().max(1.0);
                    format!("{message}; try again in {seconds}s").into()
                }
                _ => message,
            },
            r#type: match code {
                "server_error" => "server_error",
                "rate_limit_exceeded" => "rate_limit_error",
                "insufficient_quota" => "insufficient_quota",
                _ => "invalid_request_error",
            },
            param: error.path(),
        }
    }
}

/// The code by which Codex and other agents decide to wait, to retry, to compact or to stop.
fn code(error: &ApiError) -> &'static str {
    if error.code == Some(ErrorCode::ContextLengthExceeded) {
        return "context_length_exceeded";
    }
    match error.kind {
        ErrorKind::RateLimited | ErrorKind::TokenRateLimited => "rate_limit_exceeded",
        ErrorKind::QuotaExhausted => "insufficient_quota",
        ErrorKind::InvalidRequest
        | ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::MethodNotAllowed
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType
        | ErrorKind::UpgradeRequired
        | ErrorKind::RangeNotSatisfiable => "invalid_prompt",
        ErrorKind::RequestTimeout
        | ErrorKind::Internal
        | ErrorKind::BadGateway
        | ErrorKind::Unavailable
        | ErrorKind::GatewayTimeout => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(error: ApiError) -> (String, String) {
        let object = FailureObject::from(&error);
        (object.code.to_owned(), object.message.into_owned())
    }

    #[test]
    fn a_throttled_response_says_when_to_retry() {
        let error = ApiError::new(ErrorKind::RateLimited, "too many requests");
        let (code, message) = failure(error.clone());
        assert_eq!(code, "rate_limit_exceeded");
        assert_eq!(message, "too many requests; try again in 2s");
        let (_, message) = failure(error.retry_after(Duration::from_millis(6500)));
        assert_eq!(message, "too many requests; try again in 7s");
    }

    #[test]
    fn codes_tell_what_a_retry_helps() {
        let of = |kind| failure(ApiError::new(kind, "no")).0;
        assert_eq!(of(ErrorKind::QuotaExhausted), "insufficient_quota");
        assert_eq!(of(ErrorKind::BadGateway), "server_error");
        assert_eq!(of(ErrorKind::InvalidRequest), "invalid_prompt");
        let error = ApiError::new(ErrorKind::InvalidRequest, "too long");
        let error = error.code(ErrorCode::ContextLengthExceeded);
        assert_eq!(failure(error).0, "context_length_exceeded");
    }
}
