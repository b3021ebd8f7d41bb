//! Turns replies into responses.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::error::{ApiError, RateState};
use crate::reply::Reply;
use crate::usage::usd;

const ADJUSTMENTS: HeaderName = HeaderName::from_static("x-outcrop-adjustments");
const COST: HeaderName = HeaderName::from_static("x-outcrop-cost-usd");
const SAVED: HeaderName = HeaderName::from_static("x-outcrop-cache-saved-usd");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

/// The maximum length of a short header value: of a number, an amount or a duration.
const MAX_SHORT: usize = 64;

/// The error, which the server writes in the format of the path.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// A body of a reply.
pub trait ReplyBody {
    /// The response with this body, before the headers of the reply.
    fn into_response(self) -> Response;
}

/// JSON.
impl ReplyBody for Bytes {
    fn into_response(self) -> Response {
        json_response(200, self)
    }
}

impl ReplyBody for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<B: ReplyBody> IntoResponse for Reply<B> {
    fn into_response(self) -> Response {
        let Self {
            body,
            adjustments,
            rate,
            cost,
        } = self;
        let mut response = body.into_response();
        let headers = response.headers_mut();
        if let Some(cost) = cost {
            insert(headers, COST, usd(cost.total()));
            // No header if the cache was not used.
            if let Some(saved) = cost.saved.filter(|saved| saved.picodollars() != 0) {
                insert(headers, SAVED, saved);
            }
        }
        if let Some(adjustments) = adjustments.header_value() {
            insert_text(headers, ADJUSTMENTS, &adjustments);
        }
        if let Some(rate) = &rate {
            add_rate(headers, rate);
        }
        response
    }
}

/// A response of server-sent events.
pub fn events_response(events: Body) -> Response {
    let mut response = Response::new(events);
    let headers = response.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(CONTENT_TYPE, event_stream);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx and others do not buffer events with this header.
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

/// A response of JSON.
pub(crate) fn json_response(status: u16, json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    let status = StatusCode::from_u16(status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// Adds the headers about the rate limit.
pub(crate) fn add_rate(headers: &mut HeaderMap, rate: &RateState) {
    insert(headers, LIMIT, rate.limit);
    insert(headers, REMAINING, rate.remaining);
    insert(headers, RESET, openai_duration(rate.reset));
}

/// Adds a header with a number or another short text, which is written without a string of its own.
pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: impl fmt::Display) {
    let mut buffer = [0; MAX_SHORT];
    let mut rest = buffer.as_mut_slice();
    let written = write!(rest, "{value}");
    let length = MAX_SHORT - rest.len();
    let text = buffer.get(..length).filter(|_| written.is_ok());
    if let Some(Ok(value)) = text.map(HeaderValue::from_bytes) {
        headers.insert(name, value);
    }
}

fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

/// A duration in OpenAI's format: `20ms`, `1s`, `6m0s`.
fn openai_duration(duration: Duration) -> impl fmt::Display {
    fmt::from_fn(move |formatter| {
        if duration < Duration::from_secs(1) {
            return write!(formatter, "{}ms", duration.as_millis());
        }
        let seconds = duration.as_secs_f64().ceil() as u64;
        match seconds / 60 {
            0 => write!(formatter, "{seconds}s"),
            minutes => write!(formatter, "{minutes}m{}s", seconds % 60),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_openais_format() {
        for (milliseconds, text) in [(0, "0ms"), (20, "20ms"), (1001, "2s"), (360_000, "6m0s")] {
            let duration = openai_duration(Duration::from_millis(milliseconds));
            assert_eq!(duration.to_string(), text);
        }
    }
}
