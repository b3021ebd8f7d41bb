//! `POST /v1/moderations`

use std::sync::Arc;

use axum::extract::State;

use crate::endpoints::moderations::ModerationRequest;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::request::CallerRequest;
use crate::reply::Reply;

/// Classifies content as harmful or not.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    call: CallerRequest<ModerationRequest>,
) -> Result<Reply, ApiError> {
    gateway.moderate(call).await
}
