//! `POST /v1/responses/input_tokens` and `POST /v1/chat/completions/input_tokens`

use std::sync::Arc;

use axum::extract::State;

use super::service;
use crate::dialects::openai_chat::ChatRequest;
use crate::dialects::openai_responses::{ResponsesRequest, StoredResponses};
use crate::error::ApiError;
use crate::gateway::{ChatCall, Gateway};
use crate::reply::Reply;
use crate::wire::ParsedBody;

/// Counts the tokens of a request to the Responses API.
pub async fn of_response(
    State(gateway): State<Arc<Gateway>>,
    State(stored): State<StoredResponses>,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply, ApiError> {
    service::of_response(&gateway, &stored, call).await
}

/// Counts the tokens of a chat request.
pub async fn of_chat(
    State(gateway): State<Arc<Gateway>>,
    call: ChatCall<ParsedBody<ChatRequest>>,
) -> Result<Reply, ApiError> {
    service::of_chat(&gateway, call).await
}
