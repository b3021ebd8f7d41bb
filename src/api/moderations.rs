//! `POST /v1/moderations`

use std::sync::Arc;

use axum::extract::State;

use crate::error::ApiError;
use crate::openai::moderations::ModerationRequest;
use crate::pipeline::CallerRequest;
use crate::reply::Reply;
use crate::server::App;

/// Classifies content as harmful or not.
pub async fn create(
    State(app): State<Arc<App>>,
    call: CallerRequest<ModerationRequest>,
) -> Result<Reply, ApiError> {
    app.pipeline.moderate(call).await
}
