//! `POST /v1/rerank`, and `/v2/rerank` for Cohere's clients.

use std::sync::Arc;

use axum::extract::State;

use crate::endpoints::rerank::{RerankRequest, service};
use crate::error::ApiError;
use crate::gateway::CallerRequest;
use crate::gateway::Gateway;
use crate::reply::Reply;

/// Ranks documents by their relevance to a query.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    call: CallerRequest<RerankRequest>,
) -> Result<Reply, ApiError> {
    service::rerank(&gateway, call).await
}
