//! Bedrock's errors: the client's error and the retry advice. Both are decided here, once for each
//! error (the project's contract, table D.3).

mod classes;
mod envelope;
mod overflow;
mod refused;
pub(super) mod scrub;
mod words;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use serde::Deserialize;

use crate::converse::json::without_values;
use crate::error::bounded;
use crate::error::{ApiError, ErrorCode, ErrorKind, Field};
use crate::models::RefusedField;
use classes::classify;
use envelope::Envelope;
pub use words::FailedModel;

/// The error code of a response that could not be parsed.
const BAD_RESPONSE: &str = "BadResponse";

/// Whether and how a failed call may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// A retry to the same target may succeed.
    Retry,
    /// A retry may succeed, but the call has probably been billed: retry once at most.
    RetryOnce,
    /// AWS rejected the credentials: refresh them, and retry once.
    RefreshCredentials,
    /// A retry would fail the same way.
    Never,
}

/// A failed call to Bedrock or another AWS service.
#[derive(Debug, Clone)]
pub struct UpstreamError {
    /// The client's error.
    pub api_error: ApiError,
    /// Whether and how the call may be retried.
    pub advice: RetryAdvice,
    /// The retry delay that Bedrock requests.
    pub wait: Option<Duration>,
    /// AWS's error code, or the gateway's own if there was no response.
    pub code: String,
    /// AWS's message, which can quote the request: use [`UpstreamError::log_detail`] for the log.
    pub detail: String,
    /// The field that the model refused: without it the call may succeed.
    pub refused_field: Option<RefusedField>,
    /// Whether the model refused earlier reasoning: without it the call may succeed.
    pub refuses_reasoning: bool,
    /// The share of the conversation that fits, in thousandths, if it was too long and Bedrock
    /// reports the numbers.
    pub fitting_share: Option<u16>,
    /// Bedrock's error response, for clients of its own API; `None` if there was none.
    pub response: Option<Box<Response<Bytes>>>,
}

/// The raw error response.
#[derive(Debug, Clone, Default)]
pub(in crate::bedrock) struct ErrorResponse<'a> {
    pub(in crate::bedrock) status: u16,
    /// `x-amzn-errortype`, unparsed.
    pub(in crate::bedrock) error_type: Option<&'a str>,
    pub(in crate::bedrock) wait: Option<Duration>,
    pub(in crate::bedrock) body: &'a [u8],
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AwsErrorFields {
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "__type", alias = "code")]
    code: Option<String>,
    #[serde(rename = "originalStatusCode")]
    original_status_code: Option<u16>,
}

/// AWS's id of a request, in the headers of its response.
pub(in crate::bedrock) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amzn-requestid")?.to_str().ok()
}

impl UpstreamError {
    /// Parses an HTTP error.
    pub(in crate::bedrock) fn from_response(response: &ErrorResponse<'_>) -> Self {
        if let Some(envelope) = Envelope::read(response.body) {
            let mut error = Self::of_envelope(&envelope, response.status);
            error.wait = error.wait.or(response.wait);
            return error;
        }
        let body: AwsErrorFields = serde_json::from_slice(response.body).unwrap_or_default();
        let code_name = response.error_type.map(str::to_owned).or(body.code);
        let code = code_name
            .as_deref()
            .map(short_code)
            .filter(|code| !code.is_empty())
            .unwrap_or_else(|| code_of_status(response.status));
        let message = body.message.unwrap_or_default();
        let mut error = classify(code, &message, response.status, body.original_status_code);
        if error.wait.is_none() {
            error.wait = response.wait;
        }
        error
    }

    /// Parses the exception frame `exception_type` of a stream.
    pub(in crate::bedrock) fn from_exception(exception_type: &str, payload: &[u8]) -> Self {
        let body: AwsErrorFields = serde_json::from_slice(payload).unwrap_or_default();
        let code = capitalized(exception_type);
        let message = body.message.unwrap_or_default();
        classify(&code, &message, 0, body.original_status_code)
    }

    /// Parses an error in OpenAI's format, with its `status`; errors in a stream have the status 0.
    pub(in crate::bedrock) fn of_envelope(envelope: &Envelope, status: u16) -> Self {
        let status = match status {
            200..=299 => 0,
            status => status,
        };
        let code_name = envelope.aws_code(status).map(capitalized);
        let code = code_name.unwrap_or_else(|| code_of_status(status).to_owned());
        let mut error = classify(&code, &envelope.message, status, None);
        envelope.complete(&mut error);
        error
    }

    /// AWS's request id, for AWS Support.
    pub fn upstream_request_id(&self) -> Option<&str> {
        request_id(self.response.as_ref()?.headers())
    }

    /// The detail for the operator's log. Messages about invalid requests may quote the request, so
    /// only the client receives them.
    pub fn log_detail(&self) -> String {
        let quotes_request = self.api_error.kind == ErrorKind::InvalidRequest
            || QUOTING_ERRORS.contains(&self.code.as_str());
        let words = match quotes_request {
            true => "",
            false => self.detail.as_str(),
        };
        let words = bounded::logged(words);
        match self.upstream_request_id() {
            Some(id) => format!("{words} (AWS request {id})")
                .trim_start()
                .to_owned(),
            None => words.into_owned(),
        }
    }

    /// Rewords the error to name its model.
    #[must_use]
    pub fn of_model(self, model: FailedModel<'_>) -> Self {
        Self {
            api_error: words::of_model(self.api_error, &self.detail, model),
            ..self
        }
    }

    /// Whether the model must be called by an inference profile instead of its own id.
    pub fn needs_profile(&self) -> bool {
        self.api_error.code == Some(ErrorCode::ModelNotFound)
            && words::is_profile_only(&self.detail)
    }

    /// Bedrock did not respond in time.
    pub(in crate::bedrock) fn timeout(what: &str) -> Self {
        let api_error = ApiError::new(
            ErrorKind::GatewayTimeout,
            format!("the model did not respond in time: {what}"),
        );
        Self::new(
            api_error.code(ErrorCode::UpstreamTimeout),
            RetryAdvice::RetryOnce,
            "Timeout",
            what,
        )
    }

    /// The connection failed or was lost.
    pub fn connection(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            "the connection to the model failed or was lost",
        );
        Self::new(
            api_error.code(ErrorCode::UpstreamConnectionError),
            RetryAdvice::Retry,
            "Connection",
            detail,
        )
    }

    /// A response was cut off after it had started.
    pub(in crate::bedrock) fn interrupted(detail: impl Into<String>) -> Self {
        Self {
            advice: RetryAdvice::RetryOnce,
            ..Self::connection(detail)
        }
    }

    /// The certificate is not trusted, or the TLS versions do not match.
    pub(in crate::bedrock) fn untrusted(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            "the gateway cannot make a secure connection to the model's service; its operator must \
             correct the endpoint or the trusted certificates",
        );
        Self::new(
            api_error
                .code(ErrorCode::UpstreamConnectionError)
                .should_retry(false),
            RetryAdvice::Never,
            "Untrusted",
            detail,
        )
    }

    /// A status that Bedrock never sends: a redirect or a protocol switch comes from another
    /// server.
    pub(in crate::bedrock) fn unexpected_status(status: u16, location: Option<&str>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            format!(
                "the model's service returned HTTP status {status}, which the gateway does not \
                 follow; its operator must correct the endpoint"
            ),
        );
        let detail = match location {
            Some(location) => format!("status {status}, location `{location}`"),
            None => format!("status {status}"),
        };
        Self::new(
            api_error
                .code(ErrorCode::UpstreamBadResponse)
                .should_retry(false),
            RetryAdvice::Never,
            "UnexpectedStatus",
            detail,
        )
    }

    /// A response was corrupted in transit, or ended within an event.
    pub(in crate::bedrock) fn cut_off(detail: impl Into<String>) -> Self {
        Self {
            advice: RetryAdvice::RetryOnce,
            ..Self::bad_response(detail)
        }
    }

    /// The response could not be parsed; the request was free of charge, so a retry costs nothing.
    pub(in crate::bedrock) fn bad_response(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            "the model's response could not be parsed",
        );
        Self::new(
            api_error.code(ErrorCode::UpstreamBadResponse),
            RetryAdvice::Retry,
            BAD_RESPONSE,
            without_values(&detail.into()),
        )
    }

    /// The gateway has no credentials, or cannot use them.
    pub(in crate::bedrock) fn credentials(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::Internal,
            "the gateway has no valid AWS credentials; its operator must configure them",
        );
        Self::new(
            api_error
                .code(ErrorCode::UpstreamAuthFailed)
                .should_retry(false),
            RetryAdvice::Never,
            "Credentials",
            detail,
        )
    }

    /// An error of S3, which concerns the operator unless the object does not exist.
    pub(in crate::bedrock) fn of_storage(status: u16, code: &str, detail: String) -> Self {
        let (api_error, advice) = match (status, code) {
            (404, "NoSuchKey" | "NotFound" | "") => (
                ApiError::new(
                    ErrorKind::NotFound,
                    "the content of the file no longer exists",
                )
                .code(ErrorCode::NotFound),
                RetryAdvice::Never,
            ),
            (416, _) => (
                ApiError::new(
                    ErrorKind::RangeNotSatisfiable,
                    "the requested range is not within the file",
                ),
                RetryAdvice::Never,
            ),
            (500.., _) => (
                ApiError::new(
                    ErrorKind::BadGateway,
                    "the gateway's storage failed; try again",
                )
                .code(ErrorCode::StorageError),
                RetryAdvice::Retry,
            ),
            _ => (
                ApiError::new(
                    ErrorKind::Internal,
                    "the gateway's storage denied the request; its operator must correct the \
                     configuration",
                )
                .code(ErrorCode::StorageError)
                .should_retry(false),
                RetryAdvice::Never,
            ),
        };
        let code = match code {
            "" => "S3",
            code => code,
        };
        Self::new(api_error, advice, code, detail)
    }

    /// Rewords an error of a guardrail operation, which involves no model.
    pub(in crate::bedrock) fn of_guardrails(mut self) -> Self {
        let has = |words: &str| self.detail.to_lowercase().contains(words);
        let not_there = has("guardrail identifier or version");
        self.api_error = match self.code.as_str() {
            "AccessDeniedException" if self.api_error.kind == ErrorKind::Permission => ApiError::new(
                ErrorKind::Permission,
                "the gateway is not authorized to check content; its operator must allow it in the \
                 gateway's role",
            )
            .code(ErrorCode::AccessDenied)
            .should_retry(false),
            "ResourceNotFoundException" => guardrail_not_there(),
            "ValidationException" if not_there => guardrail_not_there(),
            "UnknownOperationException" => ApiError::new(
                ErrorKind::Internal,
                "Bedrock has no guardrail checks in the gateway's region; its operator must \
                 configure a guardrail instead",
            )
            .code(ErrorCode::UnsupportedRegion)
            .should_retry(false),
            _ if self.api_error.parameter.is_some() => self.api_error.parameter(Field::Messages),
            _ => self.api_error,
        };
        self
    }

    /// A complete response of Bedrock or S3 that could not be parsed. A retry would be billed
    /// again, and fail the same way.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        let error = Self::bad_response(detail);
        Self {
            api_error: error.api_error.should_retry(false),
            advice: RetryAdvice::Never,
            ..error
        }
    }

    /// Makes a malformed response final: it did not come from Bedrock, and is complete.
    pub(in crate::bedrock) fn of_foreign_body(self) -> Self {
        match self.code.as_str() {
            BAD_RESPONSE => Self::unreadable(self.detail),
            _ => self,
        }
    }

    /// A bug of the gateway.
    pub(in crate::bedrock) fn internal(detail: impl Into<String>) -> Self {
        Self::new(ApiError::internal(), RetryAdvice::Never, "Internal", detail)
    }

    fn new(
        api_error: ApiError,
        advice: RetryAdvice,
        code: &str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            api_error,
            advice,
            wait: None,
            code: code.to_owned(),
            detail: detail.into(),
            refused_field: None,
            refuses_reasoning: false,
            fitting_share: None,
            response: None,
        }
    }
}

/// The errors whose messages may quote the request or the model's output.
const QUOTING_ERRORS: [&str; 5] = [
    "ValidationException",
    "SerializationException",
    "ConflictException",
    "ModelErrorException",
    "ModelStreamErrorException",
];

/// Exceptions in a stream have lower camel case names: `throttlingException`.
fn capitalized(exception_type: &str) -> String {
    let mut letters = exception_type.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// `ValidationException` of `com.amazon.bedrock#ValidationException:http://...`.
fn short_code(error_type: &str) -> &str {
    let name = error_type.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim()
}

/// The error code for a status, for responses without one.
fn code_of_status(status: u16) -> &'static str {
    match status {
        401 => "UnrecognizedClientException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        409 => "ConflictException",
        413 => "RequestEntityTooLarge",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        400..=499 => "ValidationException",
        _ => "InternalServerException",
    }
}

/// The operator chose the guardrail, so the error names no field of the request.
fn guardrail_not_there() -> ApiError {
    ApiError::new(
        ErrorKind::Internal,
        "the guardrail for content checks does not exist; the gateway's operator must correct the \
         configuration",
    )
    .code(ErrorCode::GuardrailNotFound)
    .should_retry(false)
}
