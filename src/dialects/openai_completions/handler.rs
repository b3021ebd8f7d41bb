//! `POST /v1/completions`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::dialects::openai_completions::CompletionRequest;
use crate::error::ApiError;
use crate::gateway::ChatCall;
use crate::reply::Reply;
use crate::server::App;

/// Creates a completion, streaming or not.
pub async fn create(
    State(app): State<Arc<App>>,
    call: ChatCall<CompletionRequest>,
) -> Result<Reply<Response>, ApiError> {
    let reply = app.gateway.complete(call).await?;
    Ok(reply.map(|body| app.chat_response(body)))
}
