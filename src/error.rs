//! Errors for clients. Each API renders them in its own format.

pub mod bounded;
mod code;
mod field;
mod naming;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use code::ErrorCode;
pub use field::{
    BreakpointField, CachePolicyField, CallField, Field, FormatField, GuardrailField, MediaField,
    MediaKind, MessageField, OutputField, PartField, PartPosition, Position, ThinkingField,
    ToolChoiceField, ToolField, ToolKind,
};
pub use naming::{FieldNames, Parameter, Sentence};

/// The maximum retry delay.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The kinds of errors, each with an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is invalid: 400.
    InvalidRequest,
    /// The API key is missing or unknown: 401.
    Authentication,
    /// The caller or the gateway's role lacks a permission: 403.
    Permission,
    /// The route or model does not exist: 404.
    NotFound,
    /// The route does not support the method: 405.
    MethodNotAllowed,
    /// The body did not arrive in time: 408.
    RequestTimeout,
    /// Another operation is in progress: 409.
    Conflict,
    /// The body exceeds the maximum of the gateway or of Bedrock: 413.
    TooLarge,
    /// The content type is not supported: 415.
    UnsupportedMediaType,
    /// The range is outside of the file: 416.
    RangeNotSatisfiable,
    /// The client asks for another protocol: 426.
    UpgradeRequired,
    /// Too many requests; retries help: 429.
    RateLimited,
    /// Too many tokens; retries help: 429.
    TokenRateLimited,
    /// A quota is exhausted; retries do not help: 429.
    QuotaExhausted,
    /// An internal error of the gateway: 500.
    Internal,
    /// Bedrock failed or is unreachable: 502.
    BadGateway,
    /// Temporarily unavailable: 503.
    Unavailable,
    /// Bedrock did not respond in time: 504.
    GatewayTimeout,
}

impl ErrorKind {
    /// Whether messages of this kind can quote the request and are therefore not logged. Other
    /// messages contain the gateway's own text only.
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
            | Self::UpgradeRequired
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

    /// The HTTP status.
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
            Self::UpgradeRequired => 426,
            Self::RateLimited | Self::TokenRateLimited | Self::QuotaExhausted => 429,
            Self::Internal => 500,
            Self::BadGateway => 502,
            Self::Unavailable => 503,
            Self::GatewayTimeout => 504,
        }
    }
}

/// An error for a client. It contains no accounts, roles, hosts or credentials of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The kind.
    pub kind: ErrorKind,
    /// The message, with the remedy.
    pub message: Sentence,
    /// The wrong field of the request.
    pub parameter: Option<Parameter>,
    /// The code.
    pub code: Option<ErrorCode>,
    /// The retry delay.
    pub retry_after: Option<Duration>,
    /// Whether retries can help; `None` if the status says enough.
    pub should_retry: Option<bool>,
}

impl ApiError {
    /// An error with a message, in which text in backticks is cut to 64 characters.
    pub fn new(kind: ErrorKind, message: impl Into<Sentence>) -> Self {
        Self {
            kind,
            message: message.into().map_text(bounded::message),
            parameter: None,
            code: None,
            retry_after: None,
            should_retry: None,
        }
    }

    /// An invalid value of a field.
    pub fn invalid(parameter: impl Into<Parameter>, message: impl Into<Sentence>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code(ErrorCode::InvalidValue)
    }

    /// A field without a counterpart in Bedrock that must not be ignored.
    pub fn unsupported(parameter: impl Into<Parameter>, message: impl Into<Sentence>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code(ErrorCode::UnsupportedParameter)
    }

    /// An unsupported value of a supported field.
    pub fn unsupported_value(
        parameter: impl Into<Parameter>,
        message: impl Into<Sentence>,
    ) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code(ErrorCode::UnsupportedValue)
    }

    /// A missing required field.
    pub fn missing(parameter: impl Into<Parameter>, message: impl Into<Sentence>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
            .parameter(parameter)
            .code(ErrorCode::MissingRequiredParameter)
    }

    /// A missing required `field` of the object at `path`.
    pub fn missing_field(path: &str, field: &str) -> Self {
        Self::missing_value(format!("{path}.{field}"))
    }

    /// A missing required field, without a hint what to send.
    pub fn missing_value(parameter: impl Into<Parameter>) -> Self {
        let parameter = parameter.into();
        let message = Sentence::about(&parameter, " is missing");
        Self::missing(parameter, message)
    }

    /// An internal error without details, which are in the log line.
    pub fn internal() -> Self {
        Self::new(
            ErrorKind::Internal,
            "internal error of the gateway; the operator finds details in the log under the \
            request id",
        )
        .code(ErrorCode::InternalError)
    }

    /// Sets the field.
    #[must_use]
    pub fn parameter(mut self, parameter: impl Into<Parameter>) -> Self {
        self.parameter = Some(parameter.into().bounded());
        self
    }

    /// The error of an object that is the member `name` of the client's.
    #[must_use]
    pub fn within(self, name: &str) -> Self {
        Self {
            parameter: self.parameter.map(|parameter| parameter.within(name)),
            ..self
        }
    }

    /// The path of the wrong field.
    pub fn path(&self) -> Option<Cow<'_, str>> {
        self.parameter.as_ref().map(Parameter::path)
    }

    /// The error in the words of a dialect.
    #[must_use]
    pub fn named(self, names: &dyn FieldNames) -> Self {
        Self {
            parameter: self.parameter.map(|parameter| parameter.named(names)),
            message: self.message.named(names),
            ..self
        }
    }

    /// Sets the code.
    #[must_use]
    pub fn code(mut self, code: ErrorCode) -> Self {
        self.code = Some(code);
        self
    }

    /// Sets the retry delay, at most a minute, since clients do not follow longer ones.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait.min(MAX_RETRY_AFTER));
        self
    }

    /// Sets whether retries can help.
    #[must_use]
    pub fn should_retry(mut self, should_retry: bool) -> Self {
        self.should_retry = Some(should_retry);
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(formatter)
    }
}

impl std::error::Error for ApiError {}
