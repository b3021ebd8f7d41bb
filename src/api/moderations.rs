//! `POST /v1/moderations`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::respond_with_body;
use crate::record::Record;
use crate::server::App;

/// Classifies content as harmful or not.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let moderate = |call| app.pipeline.moderate(call);
    respond_with_body(&app, record, &headers, body, moderate).await
}
