//! `/v1/responses`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::UPGRADE;
use http::{HeaderMap, Uri};

use super::service::{self, ResponsesBody, Retrieval, StoredResponses};
use super::{ResponseState, ResponsesRequest};
use crate::config::ResponsesSettings;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::{ChatCall, Gateway};
use crate::http::{HttpContext, ReplyBody, events_response, query};
use crate::identity::Caller;
use crate::reply::Reply;
use crate::usage::Ledger;
use crate::wire::ParsedBody;

/// Creates a response, streaming or not.
pub async fn create(
    State(context): State<Arc<HttpContext>>,
    State(gateway): State<Arc<Gateway>>,
    State(settings): State<ResponsesSettings>,
    State(state): State<Arc<ResponseState>>,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<Response>, ApiError> {
    let (state, settings) = (&state, &settings);
    let reply = service::create(&gateway, StoredResponses { state, settings }, call).await?;
    Ok(reply.map(|body| match body {
        ResponsesBody::Complete(json) => ReplyBody::into_response(json),
        ResponsesBody::Stream(stream) => context.events(*stream),
        ResponsesBody::Followed(stream) => context.events(*stream),
    }))
}

/// Retrieves a stored response, or the events of its stream.
pub async fn retrieve(
    State(context): State<Arc<HttpContext>>,
    State(settings): State<ResponsesSettings>,
    State(state): State<Arc<ResponseState>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let (state, settings) = (&state, &settings);
    let stored = StoredResponses { state, settings };
    let retrieval = service::retrieve(stored, &caller, &id, query(&uri), &ledger).await?;
    Ok(match retrieval {
        Retrieval::Object(reply) => reply.into_response(),
        Retrieval::Events(events) => events_response(Body::from(events)),
        Retrieval::Followed(stream) => context.events(*stream),
    })
}

/// Deletes a stored response.
pub async fn delete(
    State(settings): State<ResponsesSettings>,
    State(state): State<Arc<ResponseState>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    let (state, settings) = (&state, &settings);
    service::delete(StoredResponses { state, settings }, &caller, &id).await
}

/// Cancels a response in the background.
pub async fn cancel(
    State(settings): State<ResponsesSettings>,
    State(state): State<Arc<ResponseState>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    let (state, settings) = (&state, &settings);
    service::cancel(StoredResponses { state, settings }, &caller, &id).await
}

/// Lists the items of a stored response's input.
pub async fn input_items(
    State(settings): State<ResponsesSettings>,
    State(state): State<Arc<ResponseState>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let (state, settings) = (&state, &settings);
    let stored = StoredResponses { state, settings };
    service::input_items(stored, &caller, &id, query(&uri)).await
}

/// Replaces a conversation by its summary.
pub async fn compact(
    State(context): State<Arc<HttpContext>>,
    State(gateway): State<Arc<Gateway>>,
    State(settings): State<ResponsesSettings>,
    State(state): State<Arc<ResponseState>>,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<Response>, ApiError> {
    let (state, settings) = (&state, &settings);
    let reply = service::compact(&gateway, StoredResponses { state, settings }, call).await?;
    Ok(reply.map(|body| context.chat_response(body)))
}

/// Refuses a WebSocket, so that clients use HTTP at once; after another error Codex tries again.
pub async fn upgrade(headers: HeaderMap) -> ApiError {
    match headers.contains_key(UPGRADE) {
        true => ApiError::new(
            ErrorKind::UpgradeRequired,
            "WebSockets are not served; use POST /v1/responses with `stream: true`",
        ),
        false => ApiError::new(
            ErrorKind::MethodNotAllowed,
            "responses are not listed; create one with POST, and retrieve it by its id",
        )
        .code(ErrorCode::MethodNotAllowed),
    }
}
