//! `POST /v1/embeddings`

use std::sync::Arc;

use axum::extract::State;

use crate::endpoints::embeddings::EmbeddingsRequest;
use crate::error::ApiError;
use crate::gateway::request::CallerRequest;
use crate::reply::Reply;
use crate::server::App;

/// Creates an embedding for each input.
pub async fn create(
    State(app): State<Arc<App>>,
    call: CallerRequest<EmbeddingsRequest>,
) -> Result<Reply, ApiError> {
    app.gateway.embeddings(call).await
}
