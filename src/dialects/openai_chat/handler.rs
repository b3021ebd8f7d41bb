//! `POST /v1/chat/completions`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::{ChatRequest, service};
use crate::error::ApiError;
use crate::gateway::{ChatCall, Gateway};
use crate::http::HttpContext;
use crate::reply::Reply;
use crate::wire::ParsedBody;

/// Creates a chat completion, streaming or not.
pub async fn create(
    State(context): State<Arc<HttpContext>>,
    State(gateway): State<Arc<Gateway>>,
    call: ChatCall<ParsedBody<ChatRequest>>,
) -> Result<Reply<Response>, ApiError> {
    let reply = service::create(&gateway, call).await?;
    Ok(reply.map(|body| context.chat_response(body)))
}
