//! Answers and refusals as HTTP responses.

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
use crate::adjustments::Adjustments;
use crate::error::{ApiError, ErrorKind};
use crate::limits::{RateState, Refusal};
use crate::openai::error::ErrorBody;
use crate::pipeline::{Cost, ResponseStream};
use crate::record::usd;

const ADJUSTMENTS: HeaderName = HeaderName::from_static("x-outcrop-adjustments");
const COST: HeaderName = HeaderName::from_static("x-outcrop-cost-usd");
const SAVED: HeaderName = HeaderName::from_static("x-outcrop-cache-saved-usd");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

/// What the head of an answer tells beside the answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notes<'a> {
    /// What was changed in the request.
    pub adjustments: Option<&'a Adjustments>,
    /// Where the rate stands.
    pub rate: Option<RateState>,
    /// What the answer has cost.
    pub cost: Option<Cost>,
}

/// A whole answer.
pub fn reply_json(json: Bytes, notes: &Notes<'_>) -> Response {
    let mut response = json_response(StatusCode::OK, json);
    add_notes(response.headers_mut(), notes);
    response
}

/// A streamed answer.
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

/// An answer of server-sent events.
pub fn reply_events(events: Body, notes: &Notes<'_>) -> Response {
    let mut response = Response::new(events);
    let headers = response.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(CONTENT_TYPE, event_stream);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that follow this header pass each event on at once.
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    add_notes(headers, notes);
    response
}

/// A refusal.
pub fn refuse(refusal: Refusal) -> Response {
    let mut response = error_response(&refusal.error);
    let notes = Notes {
        rate: refusal.rate,
        ..Notes::default()
    };
    add_notes(response.headers_mut(), &notes);
    response
}

/// A fault in OpenAI's shape, with its status and what its headers say of trying again.
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

/// Says when to come back, and whether that is by another connection.
pub(super) fn add_retry(headers: &mut HeaderMap, error: &ApiError) {
    if let Some(wait) = error.retry_after {
        // A client that comes back a little early is refused again, so fractions are rounded up.
        let seconds = wait.as_secs_f64().ceil() as u64;
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        // OpenAI's SDKs read this one first. Whole seconds alone would gather clients again.
        let milliseconds = wait.as_secs_f64() * 1000.0;
        headers.insert(
            RETRY_AFTER_MS,
            HeaderValue::from(milliseconds.ceil() as u64),
        );
    }
    if error.kind == ErrorKind::TooLarge {
        // The rest of the body is not read, so nothing can follow it on this connection.
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
        // Nothing is said of a saving where the cache was not used.
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

/// A duration as OpenAI writes it: `20ms`, `1s`, `6m0s`.
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
