//! `GET /v1/models` and `GET /v1/models/{id}`

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;

use crate::catalog::Catalog;
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::http::query;
use crate::identity::Caller;
use crate::models::ModelType;
use crate::reply::Reply;
use crate::wire::unknown_word;

/// Lists all models, or those of `?type=`.
pub async fn list(
    State(catalog): State<Arc<Catalog>>,
    _caller: Caller,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let model_type = query(&uri).find(|(name, _)| name == "type");
    let model_type = model_type.map(|(_, word)| {
        let parsed = ModelType::parse(&word);
        let words = || ModelType::ALL.map(ModelType::as_str);
        parsed.ok_or_else(|| unknown_word("type", &word, "a model type", words()))
    });
    Ok(Reply::new(catalog.list(model_type.transpose()?).await))
}

/// Retrieves a model. Ids have colons, and ARNs have slashes.
pub async fn retrieve(
    State(catalog): State<Arc<Catalog>>,
    State(gateway): State<Arc<Gateway>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    let model = catalog.model(&id).await;
    Ok(Reply::new(model.ok_or_else(|| gateway.unknown_model(&id))?))
}
