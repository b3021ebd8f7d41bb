//! Bedrock's errors: what the client hears, and whether to try again. Both are decided here, once
//! for each error (the project's contract, table D.3).

mod classes;
mod overflow;
mod words;

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Deserialize;

use super::envelope::Envelope;
use crate::bounded;
use crate::error::{ApiError, ErrorKind};
use crate::json_error::without_values;
use crate::models::RefusedField;
use classes::classify;
pub use words::FailedModel;

/// The code of what is no answer.
const BAD_RESPONSE: &str = "BadResponse";

/// Where the call may go next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// The same target may do better in a moment.
    Retry,
    /// The same, but the call has probably been billed: once more, and no more.
    RetryOnce,
    /// The credentials were refused: fetch them afresh, and try once more.
    RefreshCredentials,
    /// The same call fails again.
    Never,
}

/// A call that failed.
#[derive(Debug, Clone)]
pub struct UpstreamError {
    /// What the client hears.
    pub api_error: ApiError,
    /// Where the call may go next.
    pub advice: RetryAdvice,
    /// How long Bedrock asks to wait.
    pub wait: Option<Duration>,
    /// AWS's name of the error, or the gateway's own for what never reached AWS.
    pub code: String,
    /// AWS's words, which can quote the request: [`UpstreamError::log_detail`] is for the log.
    pub detail: String,
    /// The field that the model does not take, where that is why: without it the call may succeed.
    pub refused_field: Option<RefusedField>,
    /// Whether it is the reasoning of before that is refused: without it the call may succeed.
    pub refuses_reasoning: bool,
    /// The share of the conversation, of a thousand, that would have fitted, where it was too long
    /// and Bedrock says by how much.
    pub fitting_share: Option<u16>,
    /// What Bedrock answered, for clients of its own API; nothing where it did not answer.
    pub response: Option<Box<Response<Bytes>>>,
}

/// An error answer as it came.
#[derive(Debug, Clone, Default)]
pub(super) struct ErrorResponse<'a> {
    pub(super) status: u16,
    /// `x-amzn-errortype`, whole.
    pub(super) error_type: Option<&'a str>,
    pub(super) wait: Option<Duration>,
    pub(super) body: &'a [u8],
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

impl UpstreamError {
    /// Reads an HTTP error.
    pub(super) fn from_response(response: &ErrorResponse<'_>) -> Self {
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

    /// Reads the exception frame `exception_type` of a stream.
    pub(super) fn from_exception(exception_type: &str, payload: &[u8]) -> Self {
        let body: AwsErrorFields = serde_json::from_slice(payload).unwrap_or_default();
        let code = capitalized(exception_type);
        let message = body.message.unwrap_or_default();
        classify(&code, &message, 0, body.original_status_code)
    }

    /// Reads an error in OpenAI's form, which came with `status`, or with none in a stream.
    pub(super) fn of_envelope(envelope: &Envelope, status: u16) -> Self {
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

    /// AWS's id of the request, for its support.
    pub fn upstream_request_id(&self) -> Option<&str> {
        let id = self.response.as_ref()?.headers().get("x-amzn-requestid")?;
        id.to_str().ok()
    }

    /// What the operator reads in the log. Where AWS finds fault with the request, it may quote it;
    /// its words go to the client alone.
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
            None => words,
        }
    }

    /// The failure in words that name its model.
    #[must_use]
    pub fn of_model(self, model: FailedModel<'_>) -> Self {
        Self {
            api_error: words::of_model(self.api_error, &self.detail, model),
            ..self
        }
    }

    /// Whether the model takes no calls by its own id, though by that of an inference profile.
    pub fn needs_profile(&self) -> bool {
        self.api_error.code == Some("model_not_found") && words::is_profile_only(&self.detail)
    }

    /// Bedrock did not answer in time.
    pub(super) fn timeout(what: &str) -> Self {
        let api_error = ApiError::new(
            ErrorKind::GatewayTimeout,
            format!("the model did not answer in time: {what}"),
        );
        Self::new(
            api_error.code("upstream_timeout"),
            RetryAdvice::RetryOnce,
            "Timeout",
            what,
        )
    }

    /// The connection failed or broke.
    pub fn connection(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            "the connection to the model failed or broke off",
        );
        Self::new(
            api_error.code("upstream_connection_error"),
            RetryAdvice::Retry,
            "Connection",
            detail,
        )
    }

    /// A response broke off after it had begun.
    pub(super) fn broken_off(detail: impl Into<String>) -> Self {
        Self {
            advice: RetryAdvice::RetryOnce,
            ..Self::connection(detail)
        }
    }

    /// The other side is not who it should be, or does not speak TLS as the gateway does.
    pub(super) fn untrusted(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            "the gateway cannot make a secure connection to the model's service; its operator has \
             to correct the endpoint or the certificates that the gateway trusts",
        );
        Self::new(
            api_error
                .code("upstream_connection_error")
                .should_retry(false),
            RetryAdvice::Never,
            "Untrusted",
            detail,
        )
    }

    /// Bedrock answers requests and nothing else: whoever redirects, or wants to speak another
    /// protocol, is not Bedrock.
    pub(super) fn unexpected_status(status: u16, location: Option<&str>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            format!(
                "the model's service answered with HTTP status {status}, which the gateway does \
                 not follow; its operator has to correct the endpoint"
            ),
        );
        let detail = match location {
            Some(location) => format!("status {status}, location `{location}`"),
            None => format!("status {status}"),
        };
        Self::new(
            api_error.code("upstream_bad_response").should_retry(false),
            RetryAdvice::Never,
            "UnexpectedStatus",
            detail,
        )
    }

    /// A response was damaged on its way, or ended in the middle of one of its events.
    pub(super) fn cut_off(detail: impl Into<String>) -> Self {
        Self {
            advice: RetryAdvice::RetryOnce,
            ..Self::bad_response(detail)
        }
    }

    /// Bedrock answered something that is not an answer, to a request that costs nothing.
    pub(super) fn bad_response(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::BadGateway,
            "the model's answer could not be read",
        );
        Self::new(
            api_error.code("upstream_bad_response"),
            RetryAdvice::Retry,
            BAD_RESPONSE,
            without_values(&detail.into()),
        )
    }

    /// The gateway has no credentials, or no way to use them.
    pub(super) fn credentials(detail: impl Into<String>) -> Self {
        let api_error = ApiError::new(
            ErrorKind::Internal,
            "the gateway has no valid AWS credentials; its operator has to mend that",
        );
        Self::new(
            api_error.code("upstream_auth_failed").should_retry(false),
            RetryAdvice::Never,
            "Credentials",
            detail,
        )
    }

    /// S3 refused, which is the operator's affair save where there is no such object.
    pub(super) fn of_storage(status: u16, code: &str, detail: String) -> Self {
        let (api_error, advice) = match (status, code) {
            (404, "NoSuchKey" | "NotFound" | "") => (
                ApiError::new(ErrorKind::NotFound, "the file is not there any more")
                    .code("not_found"),
                RetryAdvice::Never,
            ),
            (416, _) => (
                ApiError::new(
                    ErrorKind::RangeNotSatisfiable,
                    "the file has no bytes in the range that was asked for",
                ),
                RetryAdvice::Never,
            ),
            (500.., _) => (
                ApiError::new(
                    ErrorKind::BadGateway,
                    "the gateway's storage failed; try again",
                )
                .code("storage_error"),
                RetryAdvice::Retry,
            ),
            _ => (
                ApiError::new(
                    ErrorKind::Internal,
                    "the gateway's storage refused it; its operator has to mend that",
                )
                .code("storage_error")
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

    /// The same of a guardrail, where there is no model to speak of.
    pub(super) fn of_guardrails(mut self) -> Self {
        let has = |words: &str| self.detail.to_lowercase().contains(words);
        let not_there = has("guardrail identifier or version");
        self.api_error = match self.code.as_str() {
            "AccessDeniedException" if self.api_error.kind == ErrorKind::Permission => ApiError::new(
                ErrorKind::Permission,
                "the gateway is not authorized to have content checked; its operator has to allow \
                 it in the gateway's role",
            )
            .code("access_denied")
            .should_retry(false),
            "ResourceNotFoundException" => guardrail_not_there(),
            "ValidationException" if not_there => guardrail_not_there(),
            "UnknownOperationException" => ApiError::new(
                ErrorKind::Internal,
                "Bedrock does not check content in the gateway's region; its operator has to set a \
                 guardrail for it",
            )
            .code("unsupported_region")
            .should_retry(false),
            _ if self.api_error.parameter.is_some() => self.api_error.parameter("input"),
            _ => self.api_error,
        };
        self
    }

    /// What Bedrock or S3 has written is complete and cannot be read. Another try would be billed
    /// like this one, and end no better.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        let error = Self::bad_response(detail);
        Self {
            api_error: error.api_error.should_retry(false),
            advice: RetryAdvice::Never,
            ..error
        }
    }

    /// The same of a response that is not what was asked for at all, which nothing has damaged.
    pub(super) fn of_foreign_body(self) -> Self {
        match self.code.as_str() {
            BAD_RESPONSE => Self::unreadable(self.detail),
            _ => self,
        }
    }

    /// A fault of the gateway's own.
    pub(super) fn internal(detail: impl Into<String>) -> Self {
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

/// The errors whose words are about what the request, or the model's own output, says.
const QUOTING_ERRORS: [&str; 5] = [
    "ValidationException",
    "SerializationException",
    "ConflictException",
    "ModelErrorException",
    "ModelStreamErrorException",
];

/// In a stream the names of exceptions begin with a small letter: `throttlingException`.
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

/// Some answers name no error; the status tells which it is.
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

/// The guardrail is the operator's choice, and no field of the request's.
fn guardrail_not_there() -> ApiError {
    ApiError::new(
        ErrorKind::Internal,
        "the guardrail that content is checked with is not there; the gateway's operator has to \
         mend that",
    )
    .code("guardrail_not_found")
    .should_retry(false)
}
