//! `POST /v1/completions`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::{CompletionRequest, service};
use crate::error::ApiError;
use crate::gateway::ChatCall;
use crate::reply::Reply;
use crate::server::App;
use crate::wire::ParsedBody;

/// Creates a completion, streaming or not.
pub async fn create(
    State(app): State<Arc<App>>,
    call: ChatCall<ParsedBody<CompletionRequest>>,
) -> Result<Reply<Response>, ApiError> {
    let reply = service::create(&app.gateway, call).await?;
    Ok(reply.map(|body| app.chat_response(body)))
}
