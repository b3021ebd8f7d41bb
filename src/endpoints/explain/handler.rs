//! `POST /v1/explain`

use std::sync::Arc;

use axum::extract::State;

use crate::endpoints::explain::service::ExplainReader;
use crate::error::ApiError;
use crate::gateway::ChatCall;
use crate::reply::Reply;
use crate::server::App;

/// Returns the Bedrock request of a chat request without sending it.
pub async fn create(State(app): State<Arc<App>>, call: ChatCall) -> Result<Reply, ApiError> {
    let explanation = app.gateway.explain(call, ExplainReader::Caller).await?;
    Ok(Reply::new(explanation))
}
