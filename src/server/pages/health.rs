//! `GET /healthz` and `GET /readyz`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::bedrock::Bedrock;
use crate::http::{HttpContext, ShutdownPhase};

/// Whether the process is alive.
pub async fn alive() -> (StatusCode, &'static str) {
    (StatusCode::OK, "ok\n")
}

/// Whether requests should be sent here: the gateway has AWS credentials and is not shutting down.
/// Bedrock is not called.
pub async fn ready(
    State(context): State<Arc<HttpContext>>,
    State(bedrock): State<Bedrock>,
) -> (StatusCode, &'static str) {
    if context.shutdown.phase() > ShutdownPhase::Serving {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match bedrock.credentials().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready: no AWS credentials");
            (StatusCode::SERVICE_UNAVAILABLE, "no AWS credentials\n")
        }
    }
}
