//! Builds HTTP responses.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::Notify;

use super::App;
use super::connection::Probe;
use super::sse::body;
use crate::error::{ApiError, ErrorKind, RateState};

use crate::openai::error::ErrorBody;
use crate::pipeline::ResponseStream;
use crate::reply::Adjustments;
use crate::usage::{Cost, usd};

const ADJUSTMENTS: HeaderName = HeaderName::from_static("x-outcrop-adjustments");
const COST: HeaderName = HeaderName::from_static("x-outcrop-cost-usd");
const SAVED: HeaderName = HeaderName::from_static("x-outcrop-cache-saved-usd");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

/// Data for the response headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notes<'a> {
    /// The adjustments of the request.
    pub adjustments: Option<&'a Adjustments>,
    /// The state of the rate limit.
    pub rate: Option<RateState>,
    /// The cost of the response.
    pub cost: Option<Cost>,
}

/// A non-streaming JSON response.
pub fn reply_json(json: Bytes, notes: &Notes<'_>) -> Response {
    let mut response = json_response(StatusCode::OK, json);
    add_notes(response.headers_mut(), notes);
    response
}

/// A streaming response with keepalives.
pub fn reply_stream<S: ResponseStream + Send + 'static>(
    app: &App,
    stream: S,
    notes: &Notes<'_>,
) -> Response {
    let probe = Arc::new(Notify::new());
    let (keepalive, shutdown) = (app.settings.keepalive, app.shutdown.clone());
    let body = body(stream, keepalive, shutdown, Arc::clone(&probe));
    let mut response = reply_events(body, notes);
    response.extensions_mut().insert(Probe(probe));
    response
}

/// A response of server-sent events.
pub fn reply_events(events: Body, notes: &Notes<'_>) -> Response {
    let mut response = Response::new(events);
    let headers = response.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(CONTENT_TYPE, event_stream);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx and others do not buffer events with this header.
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    add_notes(headers, notes);
    response
}

/// An error response.
pub fn refuse(error: &ApiError) -> Response {
    let mut response = error_response(error);
    let notes = Notes {
        rate: error.rate.as_deref().copied(),
        ..Notes::default()
    };
    add_notes(response.headers_mut(), &notes);
    response
}

/// An error response in OpenAI's format, with the headers about retries.
pub(super) fn error_response(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.kind.status());
    let json = serde_json::to_vec(&ErrorBody::from(error)).unwrap_or_default();
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_response(status, json.into());
    let headers = response.headers_mut();
    add_retry(headers, error);
    if let Some(should_retry) = error.should_retry {
        let value = if should_retry { "true" } else { "false" };
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(value));
    }
    if error.kind == ErrorKind::Authentication {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn json_response(status: StatusCode, json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// Adds the headers about retries, and closes the connection after an oversized body.
pub(super) fn add_retry(headers: &mut HeaderMap, error: &ApiError) {
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

pub(super) fn add_notes(headers: &mut HeaderMap, notes: &Notes<'_>) {
    let Notes {
        adjustments,
        rate,
        cost,
    } = *notes;
    if let Some(Cost { total, saved }) = cost {
        insert_text(headers, COST, &usd(total));
        // No header if the cache was not used.
        if let Some(saved) = saved.filter(|saved| saved.picodollars() != 0) {
            insert_text(headers, SAVED, &saved.to_string());
        }
    }
    let noted = adjustments
        .and_then(Adjustments::header_value)
        .map(HeaderValue::try_from);
    if let Some(Ok(value)) = noted {
        headers.insert(ADJUSTMENTS, value);
    }
    if let Some(rate) = rate {
        headers.insert(LIMIT, HeaderValue::from(rate.limit));
        headers.insert(REMAINING, HeaderValue::from(rate.remaining));
        if let Ok(value) = HeaderValue::try_from(openai_duration(rate.reset)) {
            headers.insert(RESET, value);
        }
    }
}

fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

/// A duration in OpenAI's format: `20ms`, `1s`, `6m0s`.
fn openai_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return format!("{}ms", duration.as_millis());
    }
    let seconds = duration.as_secs_f64().ceil() as u64;
    match seconds / 60 {
        0 => format!("{seconds}s"),
        minutes => format!("{minutes}m{}s", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_openais_format() {
        for (milliseconds, text) in [(0, "0ms"), (20, "20ms"), (1001, "2s"), (360_000, "6m0s")] {
            assert_eq!(openai_duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        let error = ApiError::new(ErrorKind::RateLimited, "").retry_after(Duration::from_millis(1));
        let response = error_response(&error);
        assert_eq!(
            response.headers().get(RETRY_AFTER),
            Some(&HeaderValue::from(1))
        );
    }
}
