//! `POST /v1/completions`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::chat_completions::respond_with_body;
use crate::server::App;
use crate::usage::Ledger;

/// Creates a completion, streaming or not.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let complete = |call| app.pipeline.complete(call);
    respond_with_body(&app, &ledger, &headers, body, complete).await
}
