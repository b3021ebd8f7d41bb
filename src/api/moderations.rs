//! `POST /v1/moderations`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::answered;
use crate::record::Record;
use crate::server::App;

/// Says what of a content is harmful.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let moderate = |asked| app.pipeline.moderate(asked);
    answered(&app, record, &headers, body, moderate).await
}
