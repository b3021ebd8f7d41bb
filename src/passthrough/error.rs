//! Errors in AWS's format: a status, the error's name in `x-amzn-errortype`, and `{"message":
//! ...}`, from which AWS's SDKs build their exceptions.

use std::borrow::Cow;

use serde::Serialize;

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// An error in the format of Bedrock's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The AWS exception name.
    pub name: &'a str,
    /// The message.
    pub message: Cow<'a, str>,
}

#[derive(Serialize)]
struct AwsErrorBody<'a> {
    message: &'a str,
}

impl AwsError<'_> {
    /// The header that contains the name.
    pub const NAME_HEADER: &'static str = "x-amzn-errortype";

    /// The JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        let body = AwsErrorBody {
            message: &self.message,
        };
        // Serializing a string cannot fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The name as an event of a stream, which supports fewer exceptions (botocore 1.44.5,
    /// bedrock-runtime, `ConverseStreamOutput`).
    pub fn stream_exception(&self) -> &'static str {
        match self.name {
            "ServiceUnavailableException" => "serviceUnavailableException",
            "ThrottlingException" => "throttlingException",
            "ValidationException" => "validationException",
            "ModelTimeoutException" | "ModelErrorException" => "modelStreamErrorException",
            _ => "internalServerException",
        }
    }
}

impl<'a> From<&'a ApiError> for AwsError<'a> {
    fn from(error: &'a ApiError) -> Self {
        let (status, name) = name(error);
        Self {
            status,
            name,
            message: error.message.as_text(),
        }
    }
}

/// The corresponding status and exception of bedrock-runtime (botocore 1.44.5). Exceptions about
/// credentials are not listed in any service model.
fn name(error: &ApiError) -> (u16, &'static str) {
    match error.kind {
        ErrorKind::Authentication => match error.code {
            Some(ErrorCode::IncompleteSignature) => (400, "IncompleteSignatureException"),
            Some(ErrorCode::InvalidSignature) => (403, "InvalidSignatureException"),
            _ => (403, "UnrecognizedClientException"),
        },
        ErrorKind::InvalidRequest
        | ErrorKind::UnsupportedMediaType
        | ErrorKind::UpgradeRequired
        | ErrorKind::RangeNotSatisfiable => (400, "ValidationException"),
        ErrorKind::Permission => (403, "AccessDeniedException"),
        ErrorKind::NotFound => match error.code {
            Some(ErrorCode::UnknownUrl) => (404, "UnknownOperationException"),
            // Bedrock returns this for unknown model ids (recording conv-other-err400-1eeb06dc).
            Some(ErrorCode::ModelNotFound) => (400, "ValidationException"),
            _ => (404, "ResourceNotFoundException"),
        },
        ErrorKind::MethodNotAllowed => (405, "UnknownOperationException"),
        ErrorKind::RequestTimeout => (408, "RequestTimeoutException"),
        ErrorKind::Conflict => (400, "ConflictException"),
        ErrorKind::TooLarge => (413, "RequestEntityTooLargeException"),
        ErrorKind::RateLimited | ErrorKind::TokenRateLimited => (429, "ThrottlingException"),
        ErrorKind::QuotaExhausted => (400, "ServiceQuotaExceededException"),
        ErrorKind::Internal | ErrorKind::BadGateway => (500, "InternalServerException"),
        ErrorKind::Unavailable => (503, "ServiceUnavailableException"),
        ErrorKind::GatewayTimeout => (408, "ModelTimeoutException"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_returned_as_the_exception_sdks_expect() {
        let exception = |kind, code| {
            let mut error = ApiError::new(kind, "no");
            error.code = code;
            name(&error)
        };
        for (kind, code, expected) in [
            (
                ErrorKind::Authentication,
                Some(ErrorCode::InvalidApiKey),
                (403, "UnrecognizedClientException"),
            ),
            (
                ErrorKind::Authentication,
                Some(ErrorCode::InvalidSignature),
                (403, "InvalidSignatureException"),
            ),
            (
                ErrorKind::InvalidRequest,
                None,
                (400, "ValidationException"),
            ),
            (ErrorKind::RateLimited, None, (429, "ThrottlingException")),
            (
                ErrorKind::QuotaExhausted,
                None,
                (400, "ServiceQuotaExceededException"),
            ),
            (
                ErrorKind::GatewayTimeout,
                None,
                (408, "ModelTimeoutException"),
            ),
            (
                ErrorKind::NotFound,
                Some(ErrorCode::UnknownUrl),
                (404, "UnknownOperationException"),
            ),
        ] {
            assert_eq!(exception(kind, code), expected);
        }
    }

    #[test]
    fn the_error_body_is_always_a_message() {
        let error = ApiError::new(ErrorKind::InvalidRequest, "say \"please\"\n");
        let json = AwsError::from(&error).to_json();
        assert_eq!(json, br#"{"message":"say \"please\"\n"}"#);
    }
}
