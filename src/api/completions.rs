//! `POST /v1/completions`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::chat_completions::respond_with_body;
use crate::record::Record;
use crate::server::App;

/// Creates a completion, streaming or not.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let complete = |call| app.pipeline.complete(call);
    respond_with_body(&app, &record, &headers, body, complete).await
}
