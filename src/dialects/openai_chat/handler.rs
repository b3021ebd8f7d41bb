//! `POST /v1/chat/completions`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::error::ApiError;
use crate::gateway::ChatCall;
use crate::reply::Reply;
use crate::server::App;

/// Creates a chat completion, streaming or not.
pub async fn create(
    State(app): State<Arc<App>>,
    call: ChatCall,
) -> Result<Reply<Response>, ApiError> {
    let reply = app.gateway.chat(call).await?;
    Ok(reply.map(|body| app.chat_response(body)))
}
