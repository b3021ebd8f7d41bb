//! `POST /v1/explain`

use std::sync::Arc;

use axum::extract::State;

use super::service::{ExplainReader, explain_chat};
use crate::dialects::openai_chat::ChatRequest;
use crate::error::ApiError;
use crate::gateway::{ChatCall, Gateway};
use crate::reply::Reply;
use crate::wire::ParsedBody;

/// Returns the Bedrock request of a chat request without sending it.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    call: ChatCall<ParsedBody<ChatRequest>>,
) -> Result<Reply, ApiError> {
    let explanation = explain_chat(&gateway, call, ExplainReader::Caller).await?;
    Ok(Reply::new(explanation))
}
