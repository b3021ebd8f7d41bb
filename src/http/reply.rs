//! Turns replies into responses.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::error::ApiError;
use crate::limits::{RateLimits, RateState};
use crate::reply::Reply;
use crate::usage::usd;

const ADJUSTMENTS: HeaderName = HeaderName::from_static("x-outcrop-adjustments");
const COST: HeaderName = HeaderName::from_static("x-outcrop-cost-usd");
const BUDGET_LEFT: HeaderName = HeaderName::from_static("x-outcrop-budget-remaining-usd");
const SAVED: HeaderName = HeaderName::from_static("x-outcrop-cache-saved-usd");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The headers of a rate limit: all of it, what is left, and when all of it is available again.
type RateHeaders = [HeaderName; 3];

const OF_REQUESTS: RateHeaders = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const OF_TOKENS: RateHeaders = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

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

/// Adds the headers about limits.
pub(crate) fn add_rates(headers: &mut HeaderMap, rates: RateLimits) {
    let RateLimits {
        requests,
        tokens,
        budget_left,
    } = rates;
    if let Some(left) = budget_left {
        insert(headers, BUDGET_LEFT, left);
    }
    for (names, state) in [(OF_REQUESTS, requests), (OF_TOKENS, tokens)] {
        let Some(RateState {
            limit,
            remaining,
            reset,
        }) = state
        else {
            continue;
        };
        let [limit_name, remaining_name, reset_name] = names;
        insert(headers, limit_name, limit);
        insert(headers, remaining_name, remaining);
        insert(headers, reset_name, openai_duration(reset));
    }
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

/// A duration in OpenAI's format, which is Go's: `20ms`, `1.5s`, `6m0s`, `1h2m3s`.
fn openai_duration(duration: Duration) -> impl fmt::Display {
    fmt::from_fn(move |formatter| {
        // Rounded up, so that a client that waits this long does not come too early.
        let milliseconds = duration.as_nanos().div_ceil(1_000_000);
        if milliseconds < 1000 {
            return write!(formatter, "{milliseconds}ms");
        }
        let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
        let (minutes, hours) = (seconds / 60, seconds / 3600);
        if hours > 0 {
            write!(formatter, "{hours}h")?;
        }
        if minutes > 0 {
            write!(formatter, "{}m", minutes % 60)?;
        }
        write!(formatter, "{}", seconds % 60)?;
        if rest > 0 {
            let decimals = format!("{rest:03}");
            write!(formatter, ".{}", decimals.trim_end_matches('0'))?;
        }
        formatter.write_str("s")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_openais_format() {
        for (microseconds, text) in [
            (0, "0ms"),
            (1, "1ms"),
            (120_000, "120ms"),
            (1_000_000, "1s"),
            (1_020_001, "1.021s"),
            (1_500_000, "1.5s"),
            (360_000_000, "6m0s"),
            (3_723_000_000, "1h2m3s"),
        ] {
            let duration = Duration::from_micros(microseconds);
            assert_eq!(openai_duration(duration).to_string(), text);
        }
    }
}
