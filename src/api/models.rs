//! `GET /v1/models` and `GET /v1/models/{id}`

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;

use super::authenticate;
use crate::catalog::CatalogEntry;
use crate::fault::{Fault, FaultKind};
use crate::openai::models::{ModelList, ModelObject};
use crate::record::{Ending, Record};
use crate::server::{App, Notes, answer_json, refuse};

/// All models.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
) -> Response {
    if let Err(fault) = authenticate(&app, &headers, &record) {
        return refuse(fault.into());
    }
    let models = app.catalog.models().await;
    let created = app.catalog.created();
    let objects = models.iter().map(|entry| object(entry, created));
    answer(
        &record,
        serde_json::to_vec(&ModelList::new(objects.collect())),
    )
}

/// One model. Ids have colons, and ARNs have slashes.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(record): Extension<Arc<Record>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if let Err(fault) = authenticate(&app, &headers, &record) {
        return refuse(fault.into());
    }
    let models = app.catalog.models().await;
    match models.iter().find(|entry| entry.name == id) {
        Some(entry) => answer(
            &record,
            serde_json::to_vec(&object(entry, app.catalog.created())),
        ),
        None => {
            let message =
                format!("the model `{id}` does not exist; /v1/models lists those that do");
            let fault = Fault::new(FaultKind::NotFound, message)
                .parameter("model")
                .code("model_not_found");
            refuse(fault.into())
        }
    }
}

fn object(entry: &CatalogEntry, created: u64) -> ModelObject<'_> {
    ModelObject::new(&entry.name, created, &entry.owner)
}

fn answer(record: &Record, json: serde_json::Result<Vec<u8>>) -> Response {
    match json {
        Ok(json) => {
            record.entries().ending = Ending::Answered;
            answer_json(json.into(), &Notes::default())
        }
        Err(_) => refuse(Fault::internal().into()),
    }
}
