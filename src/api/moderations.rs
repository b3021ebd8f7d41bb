//! `POST /v1/moderations`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::respond_with_body;
use crate::server::App;
use crate::usage::Ledger;

/// Classifies content as harmful or not.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let moderate = |call| app.pipeline.moderate(call);
    respond_with_body(&app, ledger, &headers, body, moderate).await
}
