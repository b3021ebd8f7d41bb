//! The layers of every request, outermost last, each with its reason.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use tower_http::catch_panic::CatchPanicLayer;

use super::listener::ClientAddress;
use super::respond::ErrorFormat;
use crate::error::ApiError;
use crate::resources::ids::request_id;
use crate::server::App;
use crate::server::clients::browser::{BrowserPolicy, web_pages};
use crate::server::connection::entry;
use crate::usage::{Ledger, RequestHead, UsageReaders};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
const SDK_REQUEST: HeaderName = HeaderName::from_static("amz-sdk-request");
pub(super) const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
pub(super) const VERSION: HeaderName = HeaderName::from_static("openai-version");

/// Adds the layers to `routes`.
pub(super) fn layers(routes: Router, app: &App) -> Router {
    let browsers = BrowserPolicy::new(
        &app.http.settings.cors_origins,
        app.http.callers.have_keys(),
    );
    routes
        // Innermost: a panic becomes a 500 of that request, and the server keeps running.
        .layer(CatchPanicLayer::custom(panicked))
        // Before any handler: refuses requests of web pages, and adds CORS headers, to the 500
        // above too.
        .layer(from_fn_with_state(browsers, web_pages))
        // Outermost: every response, the 500 above too, has its id and its log line.
        .layer(from_fn_with_state(app.usage_readers.clone(), record))
}

/// Adds an id and a ledger to the request, and the common headers to the response.
async fn record(State(readers): State<UsageReaders>, mut request: Request, next: Next) -> Response {
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        // Frequent probes get no log line, and are never refused.
        return next.run(request).await;
    }
    let id = request_id();
    let address = request.extensions().get::<ClientAddress>();
    let head = RequestHead {
        request_id: id.clone(),
        client_request_id: client_request_id(request.headers()),
        method: Some(request.method().clone()),
        path: request.uri().path().to_owned(),
        client_address: address.map(|ClientAddress(address)| *address),
        client_retries: client_retries(request.headers()),
    };
    let ledger = Arc::new(Ledger::open(head, &readers));
    request.extensions_mut().insert(Arc::clone(&ledger));
    let mut response = match entry::refusal(&request) {
        Some(error) => {
            ledger.failed(&error);
            ErrorFormat::of(request.uri().path()).response(&error)
        }
        None => next.run(request).await,
    };
    ledger.responded(response.status().as_u16());
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, value);
    }
    let milliseconds = ledger.elapsed().as_millis() as u64;
    headers.insert(PROCESSING_MS, HeaderValue::from(milliseconds));
    headers.insert(VERSION, HeaderValue::from_static("2020-10-01"));
    response
}

/// Reports the matched route to the ledger, for records that must not contain the ids in paths.
pub(super) fn note_route(request: Request) -> Request {
    let extensions = request.extensions();
    let ledger = extensions.get::<Arc<Ledger>>();
    if let (Some(ledger), Some(route)) = (ledger, extensions.get::<MatchedPath>()) {
        ledger.routed(route.as_str().to_owned());
    }
    request
}

/// The client's own request id if it is short and printable: it is logged.
fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CLIENT_REQUEST_ID)?.to_str().ok()?;
    let fits = value.len() <= 512 && value.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| value.to_owned())
}

/// The client's retry count. OpenAI's and Anthropic's SDKs send it in `x-stainless-retry-count`,
/// from 0; AWS's SDKs in `amz-sdk-request: attempt=1; max=3`, from 1.
fn client_retries(headers: &HeaderMap) -> u32 {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let stainless = || text(RETRY_COUNT)?.trim().parse().ok();
    let amazon = || {
        let mut members = text(SDK_REQUEST)?.split(';');
        let attempt = members.find_map(|member| member.trim().strip_prefix("attempt="))?;
        attempt.parse::<u32>().ok()?.checked_sub(1)
    };
    stainless().or_else(amazon).unwrap_or_default()
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let message = crate::error::bounded::logged(message);
    tracing::error!(message, "internal error: the handler of a request panicked");
    ErrorFormat::OpenAi.response(&ApiError::internal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sdk_retry_headers_are_parsed() {
        for (name, value, retries) in [
            ("x-stainless-retry-count", "0", 0),
            ("x-stainless-retry-count", "2", 2),
            ("x-stainless-retry-count", "many", 0),
            ("amz-sdk-request", "attempt=1", 0),
            ("amz-sdk-request", "attempt=3; max=5", 2),
            (
                "amz-sdk-request",
                "ttl=20260101T000000Z; attempt=2; max=3",
                1,
            ),
            ("amz-sdk-request", "attempt=0", 0),
            ("other", "1", 0),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(client_retries(&headers), retries, "{name}: {value}");
        }
    }
}
