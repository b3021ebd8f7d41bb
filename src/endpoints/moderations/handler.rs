//! `POST /v1/moderations`

use std::sync::Arc;

use axum::extract::State;

use crate::config::ModerationSettings;
use crate::endpoints::moderations::{ModerationRequest, service};
use crate::error::ApiError;
use crate::gateway::CallerRequest;
use crate::gateway::Gateway;
use crate::reply::Reply;

/// Classifies content as harmful or not.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    State(settings): State<Arc<ModerationSettings>>,
    call: CallerRequest<ModerationRequest>,
) -> Result<Reply, ApiError> {
    service::moderate(&gateway, &settings, call).await
}
