//! Classifies Bedrock's errors by their codes: the client's error, and the retry advice.

use std::time::Duration;

use super::overflow::{self, is_overflow};
use super::refused::{fitting_share, refused_field, refuses_reasoning};
use super::scrub::scrub;
use super::words::{self, is_profile_only};
use super::{RetryAdvice, UpstreamError};
use crate::error::{ApiError, ErrorCode, ErrorKind, Field};

/// Builds the error for `code` with this message.
pub(super) fn classify(
    code: &str,
    message: &str,
    status: u16,
    original_status: Option<u16>,
) -> UpstreamError {
    let (api_error, advice, wait) = match code {
        "ValidationException" | "SerializationException" => {
            (validation(message), RetryAdvice::Never, None)
        }
        "AccessDeniedException" if is_about_credentials(message) => credentials_refused(),
        "AccessDeniedException" => (access_denied(), RetryAdvice::Never, None),
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId" => credentials_refused(),
        "ResourceNotFoundException" => (model_not_found(message), RetryAdvice::Never, None),
        "ThrottlingException" | "TooManyRequestsException" => throttled(message),
        "ServiceQuotaExceededException" => (quota_exceeded(), RetryAdvice::Never, None),
        "ModelNotReadyException" => (
            ApiError::new(
                ErrorKind::Unavailable,
                "the model is being loaded; try again soon",
            )
            .code(ErrorCode::ModelNotReady)
            .retry_after(Duration::from_secs(5)),
            RetryAdvice::Retry,
            None,
        ),
        "ModelTimeoutException" => (
            ApiError::new(
                ErrorKind::GatewayTimeout,
                "the model did not respond in time",
            )
            .code(ErrorCode::UpstreamTimeout),
            RetryAdvice::RetryOnce,
            None,
        ),
        "ModelErrorException" => model_error(message, original_status),
        "ModelStreamErrorException" => (
            ApiError::new(
                ErrorKind::BadGateway,
                "the model failed while it was generating the response",
            )
            .code(ErrorCode::ModelStreamError),
            RetryAdvice::Retry,
            None,
        ),
        "InternalServerException" if is_about_image(message) => {
            (validation(message), RetryAdvice::Never, None)
        }
        "InternalServerException" | "InternalFailure" => (
            ApiError::new(ErrorKind::Internal, "the model's service failed; try again")
                .code(ErrorCode::UpstreamError),
            RetryAdvice::Retry,
            None,
        ),
        "ServiceUnavailableException" => (
            ApiError::new(
                ErrorKind::Unavailable,
                "the model's service is overloaded; try again in a moment",
            )
            .code(ErrorCode::ServiceUnavailable)
            .retry_after(Duration::from_secs(1)),
            RetryAdvice::Retry,
            None,
        ),
        "ConflictException" => (
            ApiError::new(ErrorKind::Conflict, scrub(message))
                .code(ErrorCode::Conflict)
                .should_retry(false),
            RetryAdvice::Never,
            None,
        ),
        "RequestEntityTooLarge" | "RequestEntityTooLargeException" => {
            (too_large(), RetryAdvice::Never, None)
        }
        _ => by_status(status, message),
    };
    UpstreamError {
        api_error,
        advice,
        wait,
        code: code.to_owned(),
        detail: message.to_owned(),
        refused_field: match advice {
            RetryAdvice::Never if matches!(status, 0 | 400 | 403) => refused_field(message),
            _ => None,
        },
        refuses_reasoning: code == "ValidationException" && refuses_reasoning(message),
        fitting_share: fitting_share(message),
        response: None,
    }
}

/// Shortens an invalid enum value. Bedrock puts other values in quotes, which every message
/// shortens, but writes `#/path: VALUE is not a valid enum value`.
fn without_long_enum_value(message: &str) -> String {
    const END: &str = " is not a valid enum value";
    const MAX_VALUE_LENGTH: usize = 64;
    let parts = || {
        let (pointer, _) = message
            .find("#/")
            .and_then(|at| message.split_at_checked(at))?;
        let rest = message.get(pointer.len()..)?;
        let value = pointer.len() + rest.find(": ")? + 2;
        let end = message.rfind(END).filter(|end| *end > value)?;
        let (cut, _) = message
            .get(value..end)?
            .char_indices()
            .nth(MAX_VALUE_LENGTH)?;
        Some((message.get(..value + cut)?, message.get(end..)?))
    };
    match parts() {
        Some((before, after)) => format!("{before}…{after}"),
        None => message.to_owned(),
    }
}

/// Classifies a ValidationException by its message.
fn validation(message: &str) -> ApiError {
    let lower = message.to_lowercase();
    let has = |words: &str| lower.contains(words);
    let text = if message.is_empty() {
        "the model rejected the request as invalid".to_owned()
    } else {
        scrub(&without_long_enum_value(message))
    };
    let api_error = ApiError::new(ErrorKind::InvalidRequest, text);
    if has("model identifier is invalid") || is_profile_only(message) {
        return model_not_found(message);
    }
    if is_overflow(message) {
        let message = overflow::message(&scrub(message));
        return ApiError {
            message: message.into(),
            ..api_error
        }
        .code(ErrorCode::ContextLengthExceeded)
        .parameter(Field::Messages);
    }
    if is_about_image(message) {
        return api_error
            .code(ErrorCode::InvalidImage)
            .parameter(Field::Messages);
    }
    if has("blocked by our content filter") || has("responsible ai policy") {
        let message = format!(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. \
             {}",
            api_error.message
        );
        return ApiError {
            message: message.into(),
            ..api_error
        }
        .code(ErrorCode::ContentPolicyViolation);
    }
    if has("is deprecated for this model") || has("cannot both be specified") {
        return api_error.code(ErrorCode::UnsupportedParameter);
    }
    api_error.code(ErrorCode::InvalidValue)
}

fn is_about_image(message: &str) -> bool {
    let lower = message.to_lowercase();
    [
        "could not process image",
        "image format",
        "image dimensions",
        "image exceeds",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

/// Without an error code, only the message distinguishes an invalid signature from a missing
/// permission.
fn is_about_credentials(message: &str) -> bool {
    let lower = message.to_lowercase();
    [
        "security token",
        "signature expired",
        "request signature",
        "authentication token",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

fn model_not_found(message: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, words::not_found(None, message))
        .code(ErrorCode::ModelNotFound)
        .parameter(Field::Model)
}

fn access_denied() -> ApiError {
    ApiError::new(ErrorKind::Permission, words::access_denied(None))
        .code(ErrorCode::ModelAccessDenied)
        .parameter(Field::Model)
        .should_retry(false)
}

fn credentials_refused() -> (ApiError, RetryAdvice, Option<Duration>) {
    let api_error = ApiError::new(
        ErrorKind::Internal,
        "AWS rejected the gateway's credentials; its operator must renew them",
    )
    .code(ErrorCode::UpstreamAuthFailed)
    .should_retry(false);
    (api_error, RetryAdvice::RefreshCredentials, None)
}

fn throttled(message: &str) -> (ApiError, RetryAdvice, Option<Duration>) {
    let lower = message.to_lowercase();
    if lower.contains("per day") {
        return (quota_exceeded(), RetryAdvice::Never, None);
    }
    let kind = match lower.contains("token") {
        true => ErrorKind::TokenRateLimited,
        false => ErrorKind::RateLimited,
    };
    let wait = Duration::from_secs(2);
    let api_error = ApiError::new(kind, words::rate_limited(None, kind, wait.as_secs_f64()))
        .code(ErrorCode::RateLimitExceeded)
        .retry_after(wait);
    (api_error, RetryAdvice::Retry, None)
}

fn quota_exceeded() -> ApiError {
    ApiError::new(
        ErrorKind::QuotaExhausted,
        "You exceeded your current quota, please check your plan and billing details. The \
         gateway's Bedrock quota for this model is used up.",
    )
    .code(ErrorCode::InsufficientQuota)
    .should_retry(false)
}

fn too_large() -> ApiError {
    ApiError::new(
        ErrorKind::TooLarge,
        "the request is larger than Bedrock's limit",
    )
    .code(ErrorCode::RequestTooLarge)
}

fn model_error(
    message: &str,
    original_status: Option<u16>,
) -> (ApiError, RetryAdvice, Option<Duration>) {
    match original_status {
        Some(400 | 413 | 422) => {
            let api_error = ApiError::new(ErrorKind::InvalidRequest, scrub(message));
            (
                api_error.code(ErrorCode::ModelError),
                RetryAdvice::Never,
                None,
            )
        }
        Some(429) => throttled(message),
        _ => (
            ApiError::new(
                ErrorKind::BadGateway,
                "the model failed to process this request",
            )
            .code(ErrorCode::ModelError),
            RetryAdvice::Retry,
            None,
        ),
    }
}

fn by_status(status: u16, message: &str) -> (ApiError, RetryAdvice, Option<Duration>) {
    match status {
        429 => throttled(message),
        413 => (too_large(), RetryAdvice::Never, None),
        400..=499 => (validation(message), RetryAdvice::Never, None),
        _ => (
            ApiError::new(
                ErrorKind::BadGateway,
                "the model's service failed; try again",
            )
            .code(ErrorCode::UpstreamError),
            RetryAdvice::Retry,
            None,
        ),
    }
}
