//! The handlers: one file for each endpoint.

pub mod batches;
pub mod bedrock;
mod bodiless;
pub mod chat_completions;
pub mod completions;
pub mod embeddings;
pub mod files;
pub mod health;
mod hints;
pub mod home;
pub mod images;
pub mod input_tokens;
pub mod models;
pub mod moderations;
pub mod rerank;
pub mod unknown;
pub mod videos;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::identity::{Caller, masked};
use crate::pipeline::CallerRequest;
use crate::reply::Reply;
use crate::server::{
    App, HeldBody, Notes, ShutdownPhase, discard, read_json, refuse, reply_json, restarting,
};
use crate::usage::{Ledger, RequestOutcome};

/// Handles a request with a JSON body: authenticates the caller, reads the body and runs `work`. A
/// shutdown cancels the request.
async fn respond_with_body<T, Work>(
    app: &App,
    ledger: Arc<Ledger>,
    headers: &HeaderMap,
    body: Body,
    work: impl FnOnce(CallerRequest<T>) -> Work,
) -> Response
where
    T: DeserializeOwned,
    Work: Future<Output = Result<Reply, ApiError>>,
{
    let noted = Arc::clone(&ledger);
    let reply = until_shutdown(app, async {
        let caller = match authenticate(app, headers, &ledger) {
            Ok(caller) => caller,
            Err(error) => {
                discard(body).await;
                return Err(error);
            }
        };
        // The bytes of the body are dropped before the work starts.
        let (request, HeldBody { permit, .. }) = read_json(app, headers, body).await?;
        work(CallerRequest {
            caller,
            request,
            memory: permit,
            ledger,
        })
        .await
    });
    respond(&noted, reply.await)
}

/// The result of `work`, or an error if the shutdown cancels it.
async fn until_shutdown<T>(
    app: &App,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    // Boxed: the future is large, and every caller would contain it.
    let work = Box::pin(work);
    tokio::select! {
        reply = work => reply,
        () = app.shutdown.reached(ShutdownPhase::Ending) => Err(restarting()),
    }
}

/// The response of a handler.
fn respond(ledger: &Ledger, reply: Result<Reply, ApiError>) -> Response {
    match reply {
        Err(error) => {
            ledger.note_error(&error);
            refuse(&error)
        }
        Ok(Reply {
            body,
            adjustments,
            rate,
            cost,
        }) => {
            ledger.entries().outcome = RequestOutcome::Completed;
            let notes = Notes {
                adjustments: Some(&adjustments),
                rate,
                cost,
            };
            reply_json(body, &notes)
        }
    }
}

/// Identifies the caller by the API key of the request.
fn authenticate(app: &App, headers: &HeaderMap, ledger: &Ledger) -> Result<Caller, ApiError> {
    let key = key(headers)?;
    let caller = app.callers.identify(key).inspect_err(|_| {
        ledger.entries().rejected_key = key.map(masked);
    })?;
    ledger.entries().caller = Some(caller.name().to_owned());
    Ok(caller)
}

/// The API key of a request: `Authorization: Bearer`, Azure's `api-key` or Anthropic's `x-api-key`.
/// Two different keys are refused, since a proxy in front may have checked the other one.
fn key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
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

/// A boolean header; `None` if it is absent.
fn flag(headers: &HeaderMap, name: &str) -> Result<Option<bool>, ApiError> {
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
