//! `POST /v1/moderations`

use std::sync::Arc;

use axum::extract::State;

use crate::endpoints::moderations::ModerationRequest;
use crate::error::ApiError;
use crate::gateway::request::CallerRequest;
use crate::reply::Reply;
use crate::server::App;

/// Classifies content as harmful or not.
pub async fn create(
    State(app): State<Arc<App>>,
    call: CallerRequest<ModerationRequest>,
) -> Result<Reply, ApiError> {
    app.gateway.moderate(call).await
}
