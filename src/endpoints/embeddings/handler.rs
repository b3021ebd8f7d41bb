//! `POST /v1/embeddings`

use std::sync::Arc;

use axum::extract::State;

use crate::endpoints::embeddings::EmbeddingsRequest;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::request::CallerRequest;
use crate::reply::Reply;

/// Creates an embedding for each input.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    call: CallerRequest<EmbeddingsRequest>,
) -> Result<Reply, ApiError> {
    gateway.embeddings(call).await
}
