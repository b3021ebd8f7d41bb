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

/// Lists the models that the caller may call, or those of `?type=`.
pub async fn list(
    State(catalog): State<Arc<Catalog>>,
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let model_type = query(&uri).find(|(name, _)| name == "type");
    let model_type = model_type.map(|(_, word)| {
        let parsed = ModelType::parse(&word);
        let words = || ModelType::ALL.map(ModelType::as_str);
        parsed.ok_or_else(|| unknown_word("type", &word, "a model type", words()))
    });
    let model_type = model_type.transpose()?;
    Ok(Reply::new(match caller.has_allowed_models() {
        false => catalog.list(model_type).await,
        true => {
            let is_allowed = |name: &str| gateway.allows(&caller, name);
            catalog.list_of(model_type, is_allowed).await
        }
    }))
}

/// Retrieves a model. Ids have colons, and ARNs have slashes.
pub async fn retrieve(
    State(catalog): State<Arc<Catalog>>,
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    let model = catalog.model(&id).await;
    let model = model.ok_or_else(|| gateway.unknown_model(&id))?;
    gateway.check_allowed(&caller, &id)?;
    Ok(Reply::new(model))
}
