//! `POST /v1/rerank`, and `/v2/rerank` for Cohere's clients.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::respond_with_body;
use crate::server::App;
use crate::usage::Ledger;

/// Ranks documents by their relevance to a query.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let work = |call| app.pipeline.rerank(call);
    respond_with_body(&app, ledger, &headers, body, work).await
}
