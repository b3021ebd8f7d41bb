//! `GET /v1/usage` and `GET /v1/key`

use std::sync::Arc;

use axum::extract::State;
use http::Uri;

use super::service::UsageService;
use super::types::KeyInfo;
use crate::error::ApiError;
use crate::http::query;
use crate::identity::Caller;
use crate::reply::Reply;

/// The usage of the caller, by day and model.
pub async fn usage(
    State(usage): State<Arc<UsageService>>,
    caller: Caller,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let day = |name: &str| query(&uri).find(|(key, _)| key == name);
    let (from, to) = (day("from"), day("to"));
    let text = |pair: Option<(String, String)>| pair.map(|(_, value)| value);
    usage.of_caller(&caller, text(from), text(to)).await
}

/// What the caller may use.
pub async fn key(caller: Caller) -> Result<Reply, ApiError> {
    Reply::json(&KeyInfo::of(&caller))
}
