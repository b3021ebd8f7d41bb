//! What surrounds the routes, from the outside to the inside, each with its reason. Plain functions,
//! since every layer of axum boxes a clone of what is inside, its future and often the body.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::respond::{ErrorFormat, respond};
use super::service::HttpService;
use super::{App, router};
use crate::config::ServerSettings;
use crate::error::ApiError;
use crate::http::reply::insert;
use crate::resources::ids::request_id;
use crate::server::clients::browser::BrowserPolicy;
use crate::server::connection::entry::{self, Peer};
use crate::usage::{Ledger, RequestHead};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");
const SDK_REQUEST: HeaderName = HeaderName::from_static("amz-sdk-request");
pub(super) const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
pub(super) const VERSION: HeaderName = HeaderName::from_static("openai-version");

/// The routes with what surrounds them, of the current application. Clones share it.
#[derive(Debug, Clone)]
pub struct Router(Arc<ArcSwap<Surroundings>>);

#[derive(Debug)]
struct Surroundings {
    app: Arc<App>,
    routes: axum::Router,
    browsers: BrowserPolicy,
}

impl Router {
    /// The router of an application.
    pub fn new(app: Arc<App>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Surroundings::of(app))))
    }

    /// The current application.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.0.load().app)
    }

    /// Serves new requests with another application. Those in progress keep theirs.
    pub fn replace(&self, app: Arc<App>) {
        self.0.store(Arc::new(Surroundings::of(app)));
    }
}

impl HttpService for Router {
    async fn serve(&self, mut request: Request, peer: Peer) -> Response {
        // One application for the whole request.
        let surroundings = self.0.load_full();
        if matches!(request.uri().path(), "/healthz" | "/readyz") {
            // Frequent probes get no log line, and are never refused: they use any host name and
            // cost nothing.
            return surroundings.guarded(request, None).await;
        }
        // Outermost: every response, that to a panic too, has its id and its log line, and the
        // common headers.
        let id = request_id();
        let ledger = surroundings.open_ledger(&mut request, peer, id.clone());
        let guarded = |request| surroundings.guarded(request, Some(&ledger));
        let mut response = match surroundings.check(&request, peer) {
            Err(error) => {
                ledger.failed(&error);
                ErrorFormat::of(request.uri().path()).response(&error)
            }
            // Adds CORS headers, to the response to a panic too.
            Ok(()) if BrowserPolicy::concerns(&request) => {
                let served = surroundings.browsers.with_cors(request, &ledger, guarded);
                Box::pin(served).await
            }
            Ok(()) => guarded(request).await,
        };
        ledger.responded(response.status().as_u16());
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::try_from(id) {
            headers.insert(REQUEST_ID, value);
        }
        insert(headers, PROCESSING_MS, ledger.elapsed().as_millis());
        headers.insert(VERSION, HeaderValue::from_static("2020-10-01"));
        response
    }

    fn settings(&self) -> Option<Arc<ServerSettings>> {
        Some(Arc::clone(&self.0.load().app.http.settings))
    }
}

impl Surroundings {
    fn of(app: Arc<App>) -> Self {
        Self {
            browsers: BrowserPolicy::new(
                &app.http.settings.cors_origins,
                app.http.callers.have_keys(),
            ),
            routes: router::routes(Arc::clone(&app)),
            app,
        }
    }

    /// Opens the ledger of a request, which handlers find in its extensions.
    fn open_ledger(&self, request: &mut Request, peer: Peer, request_id: String) -> Arc<Ledger> {
        let head = RequestHead {
            request_id,
            client_request_id: client_request_id(request.headers()),
            method: Some(request.method().clone()),
            path: request.uri().path().to_owned(),
            client_address: peer.address,
            client_retries: client_retries(request.headers()),
        };
        let ledger = Arc::new(Ledger::open(head, &self.app.usage_queue));
        request.extensions_mut().insert(Arc::clone(&ledger));
        ledger
    }

    /// Before any handler: refuses requests, also those of web pages.
    fn check(&self, request: &Request, peer: Peer) -> Result<(), ApiError> {
        entry::check(request, peer)?;
        self.browsers.check(request)
    }

    /// Innermost: a panic becomes a 500 of that request, and the server keeps running.
    async fn guarded(&self, request: Request, ledger: Option<&Ledger>) -> Response {
        let responded = respond(&self.app.http.shutdown, &self.routes, request, ledger);
        let responded = AssertUnwindSafe(responded).catch_unwind().await;
        responded.unwrap_or_else(|panic| panicked(&*panic))
    }
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

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let message = crate::error::bounded::logged(message);
    tracing::error!(
        message = &*message,
        "internal error: the handler of a request panicked"
    );
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
