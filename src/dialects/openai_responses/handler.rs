//! `/v1/responses`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::UPGRADE;
use http::{HeaderMap, Uri};

use super::service::{self, ResponsesBody, Retrieval};
use super::{ResponsesRequest, StoredResponses};
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
    State(stored): State<StoredResponses>,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<Response>, ApiError> {
    let reply = service::create(&gateway, &stored, call).await?;
    Ok(reply.map(|body| match body {
        ResponsesBody::Complete(json) => ReplyBody::into_response(json),
        ResponsesBody::Stream(stream) => context.events(*stream),
        ResponsesBody::Followed(stream) => context.events(*stream),
    }))
}

/// Retrieves a stored response, or the events of its stream.
pub async fn retrieve(
    State(context): State<Arc<HttpContext>>,
    State(stored): State<StoredResponses>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let retrieval = service::retrieve(&stored, &caller, &id, query(&uri), &ledger).await?;
    Ok(match retrieval {
        Retrieval::Object(reply) => reply.into_response(),
        Retrieval::Events(events) => events_response(Body::from(events)),
        Retrieval::Followed(stream) => context.events(*stream),
    })
}

/// Deletes a stored response.
pub async fn delete(
    State(stored): State<StoredResponses>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    service::delete(&stored, &caller, &id).await
}

/// Cancels a response in the background.
pub async fn cancel(
    State(stored): State<StoredResponses>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    service::cancel(&stored, &caller, &id).await
}

/// Lists the items of a stored response's input.
pub async fn input_items(
    State(stored): State<StoredResponses>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Reply, ApiError> {
    service::input_items(&stored, &caller, &id, query(&uri)).await
}

/// Replaces a conversation by its summary.
pub async fn compact(
    State(context): State<Arc<HttpContext>>,
    State(gateway): State<Arc<Gateway>>,
    State(stored): State<StoredResponses>,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<Response>, ApiError> {
    let reply = service::compact(&gateway, &stored, call).await?;
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
