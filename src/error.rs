//! What a client may know of a failure. Each dialect renders it in its own shape.

use std::fmt;
use std::time::Duration;

use crate::bounded;

/// The longest wait that a client is asked for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The classes of failure, each with one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be served as it is written: 400.
    InvalidRequest,
    /// No key, or one that is not known: 401.
    Authentication,
    /// The caller, or the gateway's role, may not do this: 403.
    Permission,
    /// No such route or model: 404.
    NotFound,
    /// The route exists, the method does not: 405.
    MethodNotAllowed,
    /// The body did not arrive in time: 408.
    RequestTimeout,
    /// Another operation is under way: 409.
    Conflict,
    /// The body is larger than the gateway or Bedrock takes: 413.
    TooLarge,
    /// Not JSON: 415.
    UnsupportedMediaType,
    /// A file has no such part: 416.
    RangeNotSatisfiable,
    /// Too many requests; waiting helps: 429.
    RateLimited,
    /// Too many tokens; waiting helps: 429.
    TokenRateLimited,
    /// A quota is used up; waiting a moment does not help: 429.
    QuotaExhausted,
    /// A fault of the gateway: 500.
    Internal,
    /// Bedrock, or the way to it, failed: 502.
    BadGateway,
    /// Not now; soon: 503.
    Unavailable,
    /// Bedrock did not answer in time: 504.
    GatewayTimeout,
}

impl ErrorKind {
    /// Whether a message of the class can quote the request, so that it is for the client alone.
    /// The others are written by the gateway alone.
    pub fn quotes_request(self) -> bool {
        match self {
            Self::InvalidRequest
            | Self::Authentication
            | Self::Permission
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict
            | Self::TooLarge
            | Self::UnsupportedMediaType
            | Self::RangeNotSatisfiable => true,
            Self::RequestTimeout
            | Self::RateLimited
            | Self::TokenRateLimited
            | Self::QuotaExhausted
            | Self::Internal
            | Self::BadGateway
            | Self::Unavailable
            | Self::GatewayTimeout => false,
        }
    }

    /// The HTTP status of the class.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Authentication => 401,
            Self::Permission => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RangeNotSatisfiable => 416,
            Self::RateLimited | Self::TokenRateLimited | Self::QuotaExhausted => 429,
            Self::Internal => 500,
            Self::BadGateway => 502,
            Self::Unavailable => 503,
            Self::GatewayTimeout => 504,
        }
    }
}

/// A failure as the client is told of it: nothing in it names the operator's accounts, roles,
/// hosts or credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The class.
    pub kind: ErrorKind,
    /// A sentence in the client's vocabulary, with the remedy.
    pub message: String,
    /// The JSON path of the field at fault, in the client's spelling.
    pub parameter: Option<String>,
    /// A code that programs look for, such as `context_length_exceeded`.
    pub code: Option<&'static str>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// Whether the client's own retries can help; absent where the status says enough.
    pub should_retry: Option<bool>,
}

impl ApiError {
    /// A fault of `kind` with nothing but a message, which is bounded: what it quotes between
    /// backticks to 64 characters.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: bounded::message(message.into()),
            parameter: None,
            code: None,
            retry_after: None,
            should_retry: None,
        }
    }

    /// A request that cannot be served as written, and the field that is the reason.
    pub fn invalid(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code("invalid_value")
    }

    /// A field that Bedrock has no counterpart for, and whose absence would mislead the client.
    pub fn unsupported(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code("unsupported_parameter")
    }

    /// A field that is served, with a value that is not.
    pub fn unsupported_value(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code("unsupported_value")
    }

    /// A field that has to be there.
    pub fn missing(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code("missing_required_parameter")
    }

    /// The field `field` of the object at `path`, which has to be there.
    pub fn missing_field(path: &str, field: &str) -> Self {
        let parameter = format!("{path}.{field}");
        let message = format!("`{parameter}` is missing");
        Self::missing(parameter, message)
    }

    /// A fault of the gateway. The client is told no more than that; the log line has the rest.
    pub fn internal() -> Self {
        Self::new(
            ErrorKind::Internal,
            "the gateway failed on this request; the fault is not in the request, and the \
             operator finds it in the log under the request id",
        )
        .code("internal_error")
    }

    /// Names the field at fault.
    #[must_use]
    pub fn parameter(mut self, parameter: impl Into<String>) -> Self {
        self.parameter = Some(bounded::path(parameter.into()));
        self
    }

    /// Sets the code.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Says when to come back: in a minute at the latest, since clients do not follow a wish to wait
    /// for longer.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait.min(MAX_RETRY_AFTER));
        self
    }

    /// Says whether the client's own retries can help.
    #[must_use]
    pub fn should_retry(mut self, should_retry: bool) -> Self {
        self.should_retry = Some(should_retry);
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
