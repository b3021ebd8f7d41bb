//! `POST /v1/embeddings`

use std::sync::Arc;

use axum::extract::State;

use crate::config::EmbeddingSettings;
use crate::endpoints::embeddings::{EmbeddingsRequest, service};
use crate::error::ApiError;
use crate::gateway::CallerRequest;
use crate::gateway::Gateway;
use crate::reply::Reply;

/// Creates an embedding for each input.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    State(settings): State<EmbeddingSettings>,
    call: CallerRequest<EmbeddingsRequest>,
) -> Result<Reply, ApiError> {
    service::embeddings(&gateway, settings, call).await
}
