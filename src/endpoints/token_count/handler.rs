//! `POST /v1/responses/input_tokens` and `POST /v1/chat/completions/input_tokens`

use std::sync::Arc;

use axum::extract::State;

use super::service;
use crate::config::ResponsesSettings;
use crate::dialects::openai_chat::ChatRequest;
use crate::dialects::openai_responses::service::StoredResponses;
use crate::dialects::openai_responses::{ResponseState, ResponsesRequest};
use crate::error::ApiError;
use crate::gateway::{ChatCall, Gateway};
use crate::reply::Reply;
use crate::wire::ParsedBody;

/// Counts the tokens of a request to the Responses API.
pub async fn of_response(
    State(gateway): State<Arc<Gateway>>,
    State(settings): State<ResponsesSettings>,
    State(state): State<Arc<ResponseState>>,
    call: ChatCall<ParsedBody<ResponsesRequest>>,
) -> Result<Reply, ApiError> {
    let (state, settings) = (&state, &settings);
    service::of_response(&gateway, StoredResponses { state, settings }, call).await
}

/// Counts the tokens of a chat request.
pub async fn of_chat(
    State(gateway): State<Arc<Gateway>>,
    call: ChatCall<ParsedBody<ChatRequest>>,
) -> Result<Reply, ApiError> {
    service::of_chat(&gateway, call).await
}
