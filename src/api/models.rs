//! `GET /v1/models` and `GET /v1/models/{id}`

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Uri};

use super::bodiless::query;
use super::{authenticate, respond};
use crate::error::ApiError;
use crate::models::ModelType;
use crate::reply::Reply;
use crate::server::App;
use crate::usage::Ledger;

/// Lists all models, or those of `?type=`.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let reply = async {
        authenticate(&app, &headers, &ledger)?;
        let model_type = query(&uri).find(|(name, _)| name == "type");
        let model_type = model_type.map(|(_, word)| {
            let parsed = ModelType::parse(&word);
            parsed.ok_or_else(|| unknown_type(&word))
        });
        Ok(json(app.catalog.list(model_type.transpose()?).await))
    };
    respond(&ledger, reply.await)
}

/// Retrieves a model. Ids have colons, and ARNs have slashes.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let reply = async {
        authenticate(&app, &headers, &ledger)?;
        let model = app.catalog.model(&id).await;
        Ok(json(model.ok_or_else(|| app.pipeline.unknown_model(&id))?))
    };
    respond(&ledger, reply.await)
}

fn unknown_type(word: &str) -> ApiError {
    let words = ModelType::ALL.map(|kind| format!("`{}`", kind.as_str()));
    let word: String = word.chars().take(64).collect();
    ApiError::invalid(
        "type",
        format!(
            "`{word}` is not a model type; use one of {}",
            words.join(", ")
        ),
    )
}

fn json(body: bytes::Bytes) -> Reply {
    Reply::new(body)
}
