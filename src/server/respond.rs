//! Runs handlers, and writes their errors in the format of the API.

use std::convert::Infallible;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tower::Service;

use super::clients::paths;
use crate::error::{ApiError, ErrorKind};
use crate::http::reply::{add_rates, json_response};
use crate::http::{Shutdown, ShutdownPhase, restarting};
use crate::passthrough::AwsError;
use crate::usage::Ledger;
use crate::wire::error::ErrorBody;

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const AWS_ERROR: HeaderName = HeaderName::from_static(AwsError::NAME_HEADER);

/// Paths of Bedrock's own API.
const OF_BEDROCK: &[&str] = &[
    "/model/",
    "/guardrail/",
    "/guardrail-checks/",
    "/async-invoke",
];

/// Handles a request: every handler is cancelled by the shutdown, its error is logged and written
/// in the format of the path, and a response that is complete is logged as such.
pub(super) async fn respond(
    shutdown: &Shutdown,
    routes: &Router,
    request: Request,
    ledger: Option<&Ledger>,
) -> Response {
    let format = ErrorFormat::of(request.uri().path());
    // Rewrites paths before routing, and after the log has recorded them.
    let handled = routes.clone().call(paths::as_served(request));
    let Some(ledger) = ledger else {
        // Probes have no ledger and no shutdown: they report it.
        return infallible(handled.await);
    };
    let mut response = tokio::select! {
        biased;
        handled = handled => infallible(handled),
        () = shutdown.reached(ShutdownPhase::Ending) => restarting().into_response(),
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        ledger.failed(&error);
        response = format.response(&error);
    }
    add_rates(response.headers_mut(), ledger.rates());
    // The body of a stream has no exact size, and records its own end.
    if response.body().size_hint().exact().is_some() {
        ledger.completed();
    }
    response
}

fn infallible<T>(Ok(value): Result<T, Infallible>) -> T {
    value
}

/// The format of errors.
#[derive(Debug, Clone, Copy)]
pub(super) enum ErrorFormat {
    /// OpenAI's.
    OpenAi,
    /// That of Bedrock's own API.
    Aws,
}

impl ErrorFormat {
    /// The format of the API that `path` belongs to.
    pub(super) fn of(path: &str) -> Self {
        match OF_BEDROCK.iter().any(|prefix| path.starts_with(prefix)) {
            true => Self::Aws,
            false => Self::OpenAi,
        }
    }

    /// An error response, with the headers about retries.
    pub(super) fn response(self, error: &ApiError) -> Response {
        let mut response = match self {
            Self::OpenAi => openai_error(error),
            Self::Aws => bedrock_error(error),
        };
        let headers = response.headers_mut();
        add_retry(headers, error);
        response
    }
}

fn openai_error(error: &ApiError) -> Response {
    let json = serde_json::to_vec(&ErrorBody::from(error)).unwrap_or_default();
    let mut response = json_response(error.kind.status(), json.into());
    let headers = response.headers_mut();
    if let Some(should_retry) = error.should_retry {
        let value = if should_retry { "true" } else { "false" };
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(value));
    }
    if error.kind == ErrorKind::Authentication {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn bedrock_error(error: &ApiError) -> Response {
    let error = AwsError::from(error);
    let mut response = json_response(error.status, error.to_json().into());
    if let Ok(name) = HeaderValue::try_from(error.name) {
        response.headers_mut().insert(AWS_ERROR, name);
    }
    response
}

/// Adds the headers about retries, and closes the connection after an oversized body.
fn add_retry(headers: &mut HeaderMap, error: &ApiError) {
    if let Some(wait) = error.retry_after {
        // A client that retries slightly early is refused again, so seconds are rounded up.
        let seconds = wait.as_secs_f64().ceil() as u64;
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        // OpenAI's SDKs prefer this header. With whole seconds alone, clients would retry at the
        // same time.
        let milliseconds = wait.as_secs_f64() * 1000.0;
        headers.insert(
            RETRY_AFTER_MS,
            HeaderValue::from(milliseconds.ceil() as u64),
        );
    }
    if error.kind == ErrorKind::TooLarge {
        // The rest of the body is not read, so the connection cannot be reused.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        let error = ApiError::new(ErrorKind::RateLimited, "").retry_after(Duration::from_millis(1));
        let response = ErrorFormat::OpenAi.response(&error);
        assert_eq!(
            response.headers().get(RETRY_AFTER),
            Some(&HeaderValue::from(1))
        );
    }
}
