//! `POST /v1/rerank`, and `/v2/rerank` for Cohere's clients.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::respond_with_body;
use crate::record::Record;
use crate::server::App;

/// Ranks documents by their relevance to a query.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let work = |call| app.pipeline.rerank(call);
    respond_with_body(&app, record, &headers, body, work).await
}
