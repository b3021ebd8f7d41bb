//! `GET /v1/models` and `GET /v1/models/{id}`

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;

use super::{authenticate, respond};
use crate::fault::{Fault, FaultKind};
use crate::pipeline::Answer;
use crate::record::Record;
use crate::server::App;

/// All models.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        authenticate(&app, &headers, &record)?;
        Ok(json(app.catalog.list().await))
    };
    respond(&record, answer.await)
}

/// One model. Ids have colons, and ARNs have slashes.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let answer = async {
        authenticate(&app, &headers, &record)?;
        let model = app.catalog.model(&id).await;
        Ok(json(model.ok_or_else(|| not_there(&id))?))
    };
    respond(&record, answer.await)
}

fn json(body: bytes::Bytes) -> Answer {
    Answer {
        body,
        ..Answer::default()
    }
}

fn not_there(id: &str) -> Fault {
    let message = format!("the model `{id}` does not exist; /v1/models lists those that do");
    Fault::new(FaultKind::NotFound, message)
        .parameter("model")
        .code("model_not_found")
}
