//! `POST /v1/responses`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::UPGRADE;

use super::{ResponsesRequest, service};
use crate::config::ResponsesSettings;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::{ChatCall, Gateway};
use crate::http::HttpContext;
use crate::reply::Reply;
use crate::wire::ParsedBody;

/// Creates a response, streaming or not.
pub async fn create(
    State(context): State<Arc<HttpContext>>,
    State(gateway): State<Arc<Gateway>>,
    State(settings): State<ResponsesSettings>,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply<Response>, ApiError> {
    let reply = service::create(&gateway, settings, call).await?;
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
            "responses are created with POST and are not stored",
        )
        .code(ErrorCode::MethodNotAllowed),
    }
}
