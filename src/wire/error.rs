//! Errors in OpenAI's format: `{"error": {"message", "type", "param", "code"}}`.

use std::borrow::Cow;

use serde::Serialize;

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The body of an error response, and of the event that ends a broken stream.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    error: ErrorObject<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorObject<'a> {
    message: Cow<'a, str>,
    r#type: &'static str,
    param: Option<Cow<'a, str>>,
    code: Option<ErrorCode>,
}

impl<'a> From<&'a ApiError> for ErrorBody<'a> {
    fn from(error: &'a ApiError) -> Self {
        Self {
            error: ErrorObject {
                message: error.message.as_text(),
                r#type: error_type(error),
                param: error.path(),
                code: error.code,
            },
        }
    }
}

/// The `type`; clients check the status first, then `code`.
fn error_type(error: &ApiError) -> &'static str {
    match error.kind {
        ErrorKind::Authentication
        | ErrorKind::InvalidRequest
        | ErrorKind::NotFound
        | ErrorKind::MethodNotAllowed
        | ErrorKind::RequestTimeout
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::UnsupportedMediaType
        | ErrorKind::UpgradeRequired
        | ErrorKind::RangeNotSatisfiable => "invalid_request_error",
        ErrorKind::Permission => "permission_error",
        ErrorKind::RateLimited => "requests",
        ErrorKind::TokenRateLimited => "tokens",
        ErrorKind::QuotaExhausted => "insufficient_quota",
        ErrorKind::Internal
        | ErrorKind::BadGateway
        | ErrorKind::Unavailable
        | ErrorKind::GatewayTimeout => "server_error",
    }
}
