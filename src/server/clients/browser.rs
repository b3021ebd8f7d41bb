//! Requests of web pages.
//!
//! Without keys, every request that reaches the port may spend money, and a browser sends requests
//! for any page it shows: from a form or script of a foreign page, or under a foreign name that
//! resolves to loopback (DNS rebinding). A page cannot forge `Host`, `Origin` or `Sec-Fetch-Site`.
//! With keys, the key decides, and CORS limits the pages that may send one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderName, ORIGIN,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Uri};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::config::{AllowedOrigin, is_loopback_host};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::server::middleware::{PROCESSING_MS, REQUEST_ID, VERSION};
use crate::usage::Ledger;

/// How long browsers cache a preflight; Chromium limits it to two hours.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

/// The origins and hosts that may call.
#[derive(Debug, Clone)]
pub(crate) struct BrowserPolicy {
    origins: Arc<[AllowedOrigin]>,
    has_keys: bool,
    cors: CorsLayer,
}

impl BrowserPolicy {
    /// Creates the policy; `has_keys` tells whether requests need a key.
    pub(crate) fn new(origins: &[AllowedOrigin], has_keys: bool) -> Self {
        let origins: Arc<[AllowedOrigin]> = origins.into();
        let allowed = Arc::clone(&origins);
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, _| {
                is_allowed(&allowed, origin)
            }))
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            // SDKs send many headers (`authorization`, `x-stainless-*`, ...). None of them makes a
            // request more dangerous than its key.
            .allow_headers(AllowHeaders::mirror_request())
            .max_age(PREFLIGHT_MAX_AGE);
        Self {
            origins,
            has_keys,
            cors,
        }
    }

    /// Refuses requests of web pages that may not call a gateway without keys.
    pub(crate) fn check(&self, request: &Request) -> Result<(), ApiError> {
        if self.has_keys {
            return Ok(());
        }
        let headers = request.headers();
        check_host(request.uri(), headers)?;
        let mut origins = headers.get_all(ORIGIN).iter().peekable();
        if origins.peek().is_none() {
            return check_site(headers);
        }
        match origins.find(|origin| !is_allowed(&self.origins, origin)) {
            Some(origin) => Err(foreign_origin(origin)),
            None => Ok(()),
        }
    }
    /// Whether the request comes from a web page, so that its response needs CORS headers.
    pub(crate) fn concerns(request: &Request) -> bool {
        request.headers().contains_key(ORIGIN)
    }

    /// Serves a request of a web page with `serve`: handles preflights and adds the CORS headers.
    pub(crate) async fn with_cors<Served: Future<Output = Response>>(
        &self,
        request: Request,
        ledger: &Ledger,
        serve: impl Fn(Request) -> Served,
    ) -> Response {
        let is_preflight = request.method() == Method::OPTIONS
            && request
                .headers()
                .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight {
            ledger.completed();
        }
        let serve = service_fn(|request| serve(request).map(Ok::<_, Infallible>));
        match self.cors.layer(serve).oneshot(request).await {
            Ok(mut response) => {
                if !is_preflight {
                    expose_headers(response.headers_mut());
                }
                response
            }
            Err(never) => match never {},
        }
    }
}

/// Exposes all headers of the response, and those that outer layers add: scripts can read exposed
/// headers only.
fn expose_headers(headers: &mut HeaderMap) {
    let added_later = [REQUEST_ID, PROCESSING_MS, VERSION];
    let names: Vec<&str> = headers
        .keys()
        .chain(&added_later)
        .map(HeaderName::as_str)
        .filter(|name| !name.starts_with("access-control-"))
        .collect();
    if let Ok(names) = HeaderValue::try_from(names.join(", ")) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, names);
    }
}

fn is_allowed(origins: &[AllowedOrigin], origin: &HeaderValue) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    origins.iter().any(|allowed| allowed.allows(origin))
}

/// Refuses a request whose host is not a loopback address. HTTP/1.0 requests may have no `Host`;
/// browsers always send one.
fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let named = uri.authority().map(Authority::as_str);
    let headers = headers.get_all(HOST).iter();
    let mut hosts = named
        .into_iter()
        .chain(headers.map(|host| host.to_str().unwrap_or("?")));
    let is_loopback = |host: &str| {
        let authority = host.parse::<Authority>();
        authority.is_ok_and(|authority| !host.contains('@') && is_loopback_host(authority.host()))
    };
    match hosts.find(|host| !is_loopback(host)) {
        None => Ok(()),
        Some(host) => Err(ApiError::new(
            ErrorKind::Permission,
            format!(
                "the host `{host}` is not a loopback address; without API keys the gateway serves \
                only localhost, 127.0.0.1 and [::1]: use one of them in the base URL, or set \
                OUTCROP_API_KEYS or `[keys]`"
            ),
        )
        .code(ErrorCode::HostNotAllowed)
        .should_retry(false)),
    }
}

/// A page can load a URL without an `Origin` header, as an image or through a link.
fn check_site(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    match sites.any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site")) {
        false => Ok(()),
        true => Err(ApiError::new(
            ErrorKind::Permission,
            "the request comes from a web page of another site (`Sec-Fetch-Site: cross-site`), \
            which a gateway without API keys refuses; set OUTCROP_API_KEYS or `[keys]`",
        )
        .code(ErrorCode::OriginNotAllowed)
        .should_retry(false)),
    }
}

fn foreign_origin(origin: &HeaderValue) -> ApiError {
    let origin = origin.to_str().unwrap_or("?");
    ApiError::new(
        ErrorKind::Permission,
        format!(
            "web pages of the origin `{origin}` may not call this gateway, which has no API keys: \
            add the origin to `[server] cors_origins`, or set OUTCROP_API_KEYS or `[keys]`"
        ),
    )
    .code(ErrorCode::OriginNotAllowed)
    .should_retry(false)
}
