//! The client's error messages. They begin in OpenAI's words, which clients match; the gateway's
//! own information follows.

use super::overflow;
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The model of a failed call.
#[derive(Debug, Clone, Copy, Default)]
pub struct FailedModel<'a> {
    /// Its name in the client's request.
    pub name: Option<&'a str>,
    /// The maximum of input and output tokens together.
    pub context_window: Option<u32>,
}

/// `api_error` in words that name its model. `detail` is Bedrock's message.
pub(super) fn of_model(api_error: ApiError, detail: &str, model: FailedModel<'_>) -> ApiError {
    let message = match (api_error.code, api_error.kind) {
        (Some(ErrorCode::ContextLengthExceeded), _) => {
            overflow::with_window(&api_error.message.as_text(), model.context_window)
        }
        (Some(ErrorCode::ModelNotFound), _) => not_found(model.name, detail),
        (Some(ErrorCode::ModelAccessDenied), _) => access_denied(model.name),
        (Some(ErrorCode::RateLimitExceeded), kind) => {
            let wait = api_error
                .retry_after
                .map_or(1.0, |wait| wait.as_secs_f64().ceil().max(1.0));
            rate_limited(model.name, kind, wait)
        }
        _ => return api_error,
    };
    ApiError {
        message: message.into(),
        ..api_error
    }
}

pub(super) fn not_found(name: Option<&str>, detail: &str) -> String {
    let detail = detail.to_lowercase();
    let reason = if detail.contains("end of its life") {
        " It has reached its end of life on Bedrock."
    } else if is_profile_only(&detail) {
        " Bedrock serves it only through an inference profile, whose id is the model's id with \
         `us.`, `eu.`, `global.` or another geography before it."
    } else {
        ""
    };
    format!(
        "The model{} does not exist or you do not have access to it.{reason}",
        subject(name)
    )
}

/// Whether the message says that a model cannot be called by its own id.
pub(super) fn is_profile_only(detail: &str) -> bool {
    detail.to_lowercase().contains("on-demand throughput isn")
}

pub(super) fn access_denied(name: Option<&str>) -> String {
    format!(
        "You do not have access to the model{}: the gateway is not authorized to use it. The \
         gateway's operator must request access to it or allow it in the gateway's role.",
        subject(name)
    )
}

pub(super) fn rate_limited(name: Option<&str>, kind: ErrorKind, seconds: f64) -> String {
    let unit = match kind {
        ErrorKind::TokenRateLimited => "tokens per min (TPM)",
        _ => "requests per min (RPM)",
    };
    let model = match name {
        Some(_) => subject(name),
        None => " this model".to_owned(),
    };
    format!(
        "Rate limit reached for{model} on {unit}: Bedrock throttles it for this gateway. Please \
         try again in {seconds}s."
    )
}

/// The name in backticks after a space; empty if it is unknown.
fn subject(name: Option<&str>) -> String {
    const MAX_QUOTED: usize = 64;
    let Some(name) = name else {
        return String::new();
    };
    match name.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!(" `{}…`", name.get(..end).unwrap_or_default()),
        None => format!(" `{name}`"),
    }
}
