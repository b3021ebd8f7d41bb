//! Runs handlers and writes their responses: replies, and errors in the format of the API.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::Notify;
use tower::Service;

use super::shutdown::{ShutdownPhase, restarting};
use super::sse;
use crate::converse::dialect::StreamWriter;
use crate::endpoints::images::service::ImageBody;
use crate::error::{ApiError, ErrorKind, RateState};
use crate::gateway::ChatBody;
use crate::gateway::stream::ResponseStream;
use crate::passthrough::AwsError;
use crate::reply::Reply;
use crate::server::App;
use crate::server::clients::paths;
use crate::server::connection::Probe;
use crate::usage::{Ledger, usd};
use crate::wire::error::ErrorBody;

const ADJUSTMENTS: HeaderName = HeaderName::from_static("x-outcrop-adjustments");
const COST: HeaderName = HeaderName::from_static("x-outcrop-cost-usd");
const SAVED: HeaderName = HeaderName::from_static("x-outcrop-cache-saved-usd");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");
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
pub(crate) async fn respond(
    app: Arc<App>,
    mut routes: Router,
    request: Request,
) -> Result<Response, Infallible> {
    let format = ErrorFormat::of(request.uri().path());
    let ledger = request.extensions().get::<Arc<Ledger>>().cloned();
    let handled = routes.call(paths::as_served(request));
    let Some(ledger) = ledger else {
        // Probes have no ledger and no shutdown: they report it.
        return handled.await;
    };
    let mut response = tokio::select! {
        biased;
        handled = handled => handled?,
        () = app.shutdown.reached(ShutdownPhase::Ending) => restarting().into_response(),
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        ledger.failed(&error);
        response = format.response(&error);
    }
    // The body of a stream has no exact size, and records its own end.
    if response.body().size_hint().exact().is_some() {
        ledger.completed();
    }
    Ok(response)
}

/// The format of errors.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ErrorFormat {
    /// OpenAI's.
    OpenAi,
    /// That of Bedrock's own API.
    Aws,
}

impl ErrorFormat {
    /// The format of the API that `path` belongs to.
    pub(crate) fn of(path: &str) -> Self {
        match OF_BEDROCK.iter().any(|prefix| path.starts_with(prefix)) {
            true => Self::Aws,
            false => Self::OpenAi,
        }
    }

    /// An error response, with the headers about retries and the rate limit.
    pub(crate) fn response(self, error: &ApiError) -> Response {
        let mut response = match self {
            Self::OpenAi => openai_error(error),
            Self::Aws => bedrock_error(error),
        };
        let headers = response.headers_mut();
        add_retry(headers, error);
        if let Some(rate) = &error.rate {
            add_rate(headers, rate);
        }
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

/// `respond` writes the error, in the format of the path.
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

impl ReplyBody for ImageBody {
    fn into_response(self) -> Response {
        match self {
            Self::Json(json) => ReplyBody::into_response(json),
            Self::Events(events) => events_response(Body::from(events)),
        }
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
            insert_text(headers, COST, &usd(cost.total()));
            // No header if the cache was not used.
            if let Some(saved) = cost.saved.filter(|saved| saved.picodollars() != 0) {
                insert_text(headers, SAVED, &saved.to_string());
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

impl App {
    /// The response to a chat request: JSON, or events with keepalives.
    pub fn chat_response<W: StreamWriter + 'static>(&self, body: ChatBody<W>) -> Response {
        match body {
            ChatBody::Complete(json) => ReplyBody::into_response(json),
            ChatBody::Stream(stream) => self.stream_response(*stream),
        }
    }

    fn stream_response<S: ResponseStream + Send + 'static>(&self, stream: S) -> Response {
        let probe = Arc::new(Notify::new());
        let (keepalive, shutdown) = (self.settings.keepalive, self.shutdown.clone());
        let body = sse::body(stream, keepalive, shutdown, Arc::clone(&probe));
        let mut response = events_response(body);
        response.extensions_mut().insert(Probe(probe));
        response
    }
}

/// A response of server-sent events.
fn events_response(events: Body) -> Response {
    let mut response = Response::new(events);
    let headers = response.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(CONTENT_TYPE, event_stream);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx and others do not buffer events with this header.
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

fn json_response(status: u16, json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    let status = StatusCode::from_u16(status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
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

fn add_rate(headers: &mut HeaderMap, rate: &RateState) {
    headers.insert(LIMIT, HeaderValue::from(rate.limit));
    headers.insert(REMAINING, HeaderValue::from(rate.remaining));
    insert_text(headers, RESET, &openai_duration(rate.reset));
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
        let response = ErrorFormat::OpenAi.response(&error);
        assert_eq!(
            response.headers().get(RETRY_AFTER),
            Some(&HeaderValue::from(1))
        );
    }
}
