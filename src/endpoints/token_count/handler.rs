//! `POST /v1/responses/input_tokens` and `POST /v1/chat/completions/input_tokens`

use std::sync::Arc;

use axum::extract::State;
use http::HeaderMap;

use crate::dialects::openai_responses::ResponsesRequest;
use crate::error::ApiError;
use crate::gateway::ChatCall;
use crate::gateway::request::CallerRequest;
use crate::http::header_options;
use crate::reply::Reply;
use crate::server::App;

/// Counts the tokens of a request to the Responses API.
pub async fn of_response(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    call: CallerRequest<ResponsesRequest>,
) -> Result<Reply, ApiError> {
    let options = header_options(&headers)?;
    app.gateway.response_input_tokens(call, options).await
}

/// Counts the tokens of a chat request.
pub async fn of_chat(State(app): State<Arc<App>>, call: ChatCall) -> Result<Reply, ApiError> {
    app.gateway.chat_input_tokens(call).await
}
