//! Errors of the chat-completions upstreams: OpenAI's error envelope with AWS's status codes.

use serde::Deserialize;

use super::refused::upstream_field;
use crate::error::{ErrorCode, ErrorKind, Field, Parameter};

use super::UpstreamError;

/// The fields of an error in OpenAI's envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bedrock) struct Envelope {
    pub(in crate::bedrock) message: String,
    kind: String,
    code: String,
    param: Option<String>,
}

/// An object that contains the envelope, with any of its fields missing.
#[derive(Deserialize)]
struct ErrorEnvelope {
    error: Option<ErrorField>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorField {
    Object(ErrorFields),
    Text(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorFields {
    message: Option<String>,
    r#type: Option<String>,
    code: Option<ErrorCodeValue>,
    param: Option<String>,
}

/// A code; some servers send a status number instead of a name.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorCodeValue {
    Text(String),
    Number(u64),
}

/// OpenAI error codes that are forwarded to the client unchanged.
const CODES: &[ErrorCode] = &[
    ErrorCode::ContextLengthExceeded,
    ErrorCode::ContentPolicyViolation,
    ErrorCode::InvalidImageFormat,
    ErrorCode::InvalidImageUrl,
    ErrorCode::InvalidJsonSchema,
    ErrorCode::InvalidValue,
    ErrorCode::MissingRequiredParameter,
    ErrorCode::UnknownParameter,
    ErrorCode::UnsupportedParameter,
    ErrorCode::UnsupportedValue,
];

impl Envelope {
    /// The envelope in `body`; `None` if there is none.
    pub(in crate::bedrock) fn read(body: &[u8]) -> Option<Self> {
        let wrapped: ErrorEnvelope = serde_json::from_slice(body).ok()?;
        let object = match wrapped.error? {
            ErrorField::Object(object) => object,
            ErrorField::Text(message) => ErrorFields {
                message: Some(message),
                ..ErrorFields::default()
            },
        };
        let code = match object.code {
            Some(ErrorCodeValue::Text(text)) => text,
            Some(ErrorCodeValue::Number(status)) => status.to_string(),
            None => String::new(),
        };
        Some(Self {
            message: object.message.unwrap_or_default(),
            kind: object.r#type.unwrap_or_default(),
            code,
            param: object.param.filter(|param| !param.is_empty()),
        })
    }

    /// AWS's name for the error; `None` if it follows from the status.
    pub(in crate::bedrock) fn aws_code(&self, status: u16) -> Option<&str> {
        let names = [self.code.as_str(), self.kind.as_str()];
        let named = names.into_iter().find(|name| name.ends_with("Exception"));
        if named.is_some() {
            return named;
        }
        Some(match self.code.as_str() {
            "context_length_exceeded" => "ValidationException",
            "insufficient_quota" => "ServiceQuotaExceededException",
            "rate_limit_exceeded" | "429" => "ThrottlingException",
            "model_not_found" | "404" => "ResourceNotFoundException",
            "invalid_api_key" | "401" => "UnrecognizedClientException",
            "service_unavailable" | "503" => "ServiceUnavailableException",
            "400" => "ValidationException",
            // Errors in a stream have no status, so the error type decides.
            _ if status == 0 => match self.kind.as_str() {
                "invalid_request_error" => "ValidationException",
                "rate_limit_error" | "requests" | "tokens" | "too_many_requests" => {
                    "ThrottlingException"
                }
                "permission_error" => "AccessDeniedException",
                "authentication_error" => "UnrecognizedClientException",
                "overloaded_error" => "ServiceUnavailableException",
                _ => "InternalServerException",
            },
            _ => return None,
        })
    }

    /// Adds the other fields of the envelope to `error`, which was built from its message.
    pub(in crate::bedrock) fn complete(&self, error: &mut UpstreamError) {
        if error.api_error.kind != ErrorKind::InvalidRequest {
            return;
        }
        let api_error = &mut error.api_error;
        let code = CODES.iter().find(|code| code.as_str() == self.code);
        api_error.code = code.copied().or(api_error.code);
        let param = self.param.clone().map(Parameter::Path);
        api_error.parameter = param.or(api_error.parameter.take());
        if api_error.code == Some(ErrorCode::ContextLengthExceeded) {
            api_error.parameter = Some(Field::Messages.into());
        }
        let unsupported = [
            "unsupported_parameter",
            "unsupported_value",
            "unknown_parameter",
        ];
        error.refused_field = match unsupported.contains(&self.code.as_str()) {
            true => self.param.as_deref().and_then(upstream_field),
            false => None,
        };
    }
}

impl UpstreamError {
    /// The error in `data`, received in place of a chunk or a response; `None` if it contains no
    /// error.
    pub(in crate::bedrock) fn from_chunk(data: &[u8]) -> Option<Self> {
        let envelope = Envelope::read(data)?;
        Some(Self::of_envelope(&envelope, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ErrorResponse, RetryAdvice};
    use super::*;
    use crate::models::RefusedField;

    fn error(status: u16, body: &str) -> UpstreamError {
        UpstreamError::from_response(&ErrorResponse {
            status,
            body: body.as_bytes(),
            ..ErrorResponse::default()
        })
    }

    #[test]
    fn openai_error_envelopes_are_classified_by_the_same_table() {
        for (status, body, kind, code, advice) in [
            (
                400,
                r#"{"error":{"message":"m","type":"invalid_request_error","code":null,"param":null}}"#,
                ErrorKind::InvalidRequest,
                Some("invalid_value"),
                RetryAdvice::Never,
            ),
            (
                400,
                r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
                ErrorKind::InvalidRequest,
                Some("context_length_exceeded"),
                RetryAdvice::Never,
            ),
            (
                429,
                r#"{"error":{"message":"m","type":"requests","code":"rate_limit_exceeded"}}"#,
                ErrorKind::RateLimited,
                Some("rate_limit_exceeded"),
                RetryAdvice::Retry,
            ),
            (
                429,
                r#"{"error":{"message":"m","type":"x","code":"insufficient_quota"}}"#,
                ErrorKind::QuotaExhausted,
                Some("insufficient_quota"),
                RetryAdvice::Never,
            ),
            (
                401,
                r#"{"error":{"message":"m","code":"invalid_api_key"}}"#,
                ErrorKind::Internal,
                Some("upstream_auth_failed"),
                RetryAdvice::RefreshCredentials,
            ),
            (
                403,
                r#"{"error":{"message":"not authorized","type":"permission_error"}}"#,
                ErrorKind::Permission,
                Some("model_access_denied"),
                RetryAdvice::Never,
            ),
            (
                404,
                r#"{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}"#,
                ErrorKind::NotFound,
                Some("model_not_found"),
                RetryAdvice::Never,
            ),
            (
                503,
                r#"{"error":"overloaded"}"#,
                ErrorKind::Unavailable,
                Some("service_unavailable"),
                RetryAdvice::Retry,
            ),
            (
                200,
                r#"{"error":{"message":"m","code":503}}"#,
                ErrorKind::Unavailable,
                Some("service_unavailable"),
                RetryAdvice::Retry,
            ),
        ] {
            let error = error(status, body);
            assert_eq!(error.api_error.kind, kind, "{body}");
            assert_eq!(error.api_error.code.map(ErrorCode::as_str), code, "{body}");
            assert_eq!(error.advice, advice, "{body}");
        }
    }

    #[test]
    fn in_a_stream_the_error_type_determines_the_code() {
        for (kind, code) in [
            ("invalid_request_error", "ValidationException"),
            ("rate_limit_error", "ThrottlingException"),
            ("server_error", "InternalServerException"),
            ("throttlingException", "throttlingException"),
        ] {
            let data = format!(r#"{{"error":{{"message":"m","type":"{kind}"}}}}"#);
            let error = UpstreamError::from_chunk(data.as_bytes()).expect("a failure");
            assert!(error.code.eq_ignore_ascii_case(code), "{}", error.code);
        }
        assert!(UpstreamError::from_chunk(br#"{"choices":[],"error":null}"#).is_none());
    }

    #[test]
    fn an_optional_field_that_was_rejected_is_named() {
        let body = |param: &str| {
            format!(
                r#"{{"error":{{"message":"m","code":"unsupported_parameter","param":"{param}"}}}}"#
            )
        };
        let refused_field_of = |param: &str| error(400, &body(param)).refused_field;
        assert_eq!(
            refused_field_of("seed"),
            Some(RefusedField::UpstreamField("seed"))
        );
        assert_eq!(refused_field_of("tools"), None);
        let api_error = error(400, &body("tools")).api_error;
        assert_eq!(api_error.path().as_deref(), Some("tools"));
        assert_eq!(api_error.code, Some(ErrorCode::UnsupportedParameter));
    }

    #[test]
    fn the_message_does_not_reveal_the_operator() {
        let body = r#"{"error":{"message":"arn:aws:iam::123456789012:role/x may not","type":"invalid_request_error"}}"#;
        assert_eq!(error(400, body).api_error.to_string(), "[arn] may not");
    }
}
