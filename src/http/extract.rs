//! Extractors: what handlers receive of a request, each with its checks.
//!
//! The caller is authenticated before the body is read.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::HttpContext;
use super::body::multipart::{FormLimits, is_form, read_form};
use super::body::{HeldBody, read_json};
use crate::config::Truncate;
use crate::converse::translation::GuardrailHeaders;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::CallerRequest;
use crate::gateway::ChatCall;
use crate::gateway::HeaderOptions;
use crate::identity::{Caller, masked};
use crate::usage::Ledger;
use crate::wire::ParsedBody;
use crate::wire::form::{self, FormPart};

/// A request in a form, as SDKs send it, or in JSON, with the files of the form.
#[derive(Debug)]
pub struct FormRequest<T>(pub CallerRequest<(T, Vec<FormPart>)>);

/// The caller, by the API key of the request.
impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Arc<HttpContext>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let context = Arc::<HttpContext>::from_ref(state);
        let (caller, _) = authenticated(parts, &context).await?;
        Ok(caller)
    }
}

/// A request with a JSON body. Its bytes are dropped before the work starts.
impl<S, T> FromRequest<S> for CallerRequest<T>
where
    S: Send + Sync,
    Arc<HttpContext>: FromRef<S>,
    T: DeserializeOwned + Send,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let context = Arc::<HttpContext>::from_ref(state);
        let (parts, body) = request.into_parts();
        let (caller, ledger) = authenticated(&parts, &context).await?;
        let read = read_json(&context, &parts.headers, body).await?;
        let (request, HeldBody { bytes, permit }) = read;
        ledger.body_read(bytes.len());
        Ok(Self {
            caller,
            request,
            memory: permit,
            ledger,
        })
    }
}

/// A chat request, which keeps its bytes, and the options in its headers.
impl<S, T> FromRequest<S> for ChatCall<ParsedBody<T>>
where
    S: Send + Sync,
    Arc<HttpContext>: FromRef<S>,
    T: Send,
    Box<T>: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let context = Arc::<HttpContext>::from_ref(state);
        let (parts, body) = request.into_parts();
        let (caller, ledger) = authenticated(&parts, &context).await?;
        let read = read_json(&context, &parts.headers, body).await?;
        let (request, HeldBody { bytes, permit }) = read;
        ledger.body_read(bytes.len());
        Ok(Self {
            caller,
            request: ParsedBody::new(request, bytes),
            permit: Some(permit),
            headers: header_options(&parts.headers)?,
            ledger,
        })
    }
}

impl<S, T> FromRequest<S> for FormRequest<T>
where
    S: Send + Sync,
    Arc<HttpContext>: FromRef<S>,
    T: DeserializeOwned + Send,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let context = Arc::<HttpContext>::from_ref(state);
        let (parts, body) = request.into_parts();
        let (caller, ledger) = authenticated(&parts, &context).await?;
        let (request, memory) = if is_form(&parts.headers) {
            let mut memory = context.bodies.permit();
            let limits = FormLimits::of(&context.settings);
            let fields = read_form(&parts.headers, body, limits, &mut memory).await?;
            // The size of a form is not recorded.
            ledger.body_read(0);
            (form::read(fields)?, memory)
        } else {
            let (request, held) = read_json(&context, &parts.headers, body).await?;
            ledger.body_read(held.bytes.len());
            ((request, Vec::new()), held.permit)
        };
        Ok(Self(CallerRequest {
            caller,
            request,
            memory,
            ledger,
        }))
    }
}

/// The caller of a request, and its ledger.
async fn authenticated(
    parts: &Parts,
    context: &HttpContext,
) -> Result<(Caller, Arc<Ledger>), ApiError> {
    // Every request but those of probes has a ledger.
    let ledger = parts.extensions.get::<Arc<Ledger>>();
    let ledger = ledger.cloned().ok_or_else(ApiError::internal)?;
    let key = key(&parts.headers)?;
    let caller = context.callers.identify(key).await.inspect_err(|_| {
        ledger.key_rejected(key.map(masked));
    })?;
    ledger.called_by(caller.principal(), caller.identity());
    Ok((caller, ledger))
}

/// The API key of a request: `Authorization: Bearer`, Azure's `api-key` or Anthropic's `x-api-key`.
/// Two different keys are refused, since a proxy in front may have checked the other one.
pub fn key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
        return Err(two_keys("two `Authorization` headers"));
    }
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(text_of)
        .and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
    let named = ["api-key", "x-api-key"]
        .into_iter()
        .flat_map(|name| headers.get_all(name));
    let mut keys = bearer.into_iter().chain(named.filter_map(text_of));
    let first = keys.next();
    match keys.all(|key| Some(key) == first) {
        true => Ok(first),
        false => Err(two_keys("two different API keys")),
    }
}

fn text_of(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn two_keys(found: &str) -> ApiError {
    let message = format!("the request has {found}; send one key as `Authorization: Bearer <key>`");
    ApiError::new(ErrorKind::InvalidRequest, message).code(ErrorCode::AmbiguousApiKey)
}

/// The query parameters of a URI.
pub fn query(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned()
}

/// The options in the headers of a request; `None` without such headers.
pub fn header_options(headers: &HeaderMap) -> Result<Option<Box<HeaderOptions>>, ApiError> {
    let is_ours = |name: &HeaderName| {
        let name = name.as_str();
        name.starts_with("x-outcrop-") || name.starts_with("x-amzn-bedrock-")
    };
    // Most requests have none of them.
    if !headers.keys().any(is_ours) {
        return Ok(None);
    }
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let truncate = text("x-outcrop-truncate").map(|word| {
        Truncate::parse(word).ok_or_else(|| {
            ApiError::invalid(
                "x-outcrop-truncate",
                format!(
                    "the header `x-outcrop-truncate` is `{word}`; it must be `refuse` or `oldest`"
                ),
            )
        })
    });
    let owned = |name: &str| text(name).map(str::to_owned);
    Ok(Some(Box::new(HeaderOptions {
        strict: flag(headers, "x-outcrop-strict")?.unwrap_or(false),
        truncate: truncate.transpose()?,
        cache: flag(headers, "x-outcrop-cache")?,
        guardrail: GuardrailHeaders {
            identifier: owned("x-amzn-bedrock-guardrailidentifier"),
            version: owned("x-amzn-bedrock-guardrailversion"),
            trace: owned("x-amzn-bedrock-trace"),
        },
        service_tier: owned("x-amzn-bedrock-service-tier"),
        latency: owned("x-amzn-bedrock-performanceconfig-latency"),
    })))
}

/// A boolean header; `None` if it is absent.
pub fn flag(headers: &HeaderMap, name: &str) -> Result<Option<bool>, ApiError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
    match value.as_str() {
        "true" | "on" | "1" => Ok(Some(true)),
        "false" | "off" | "0" => Ok(Some(false)),
        _ => Err(ApiError::invalid(
            name,
            format!("the header `{name}` is `{value}`; it must be `on` or `off`"),
        )),
    }
}
