//! `/v1/batches`

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;

use crate::batches::Batches;
use crate::batches::wire::{Batch, CreateBatch};
use crate::endpoints::files::service::enabled;
use crate::error::ApiError;
use crate::gateway::CallerRequest;
use crate::http::query;
use crate::identity::Caller;
use crate::reply::{Adjustments, Reply};
use crate::wire::page::{ListPage, PageQuery, PageRules};

/// The query parameters of lists of batches, as in OpenAI's API.
const RULES: PageRules = PageRules {
    default: 20,
    max: 100,
    has_order: false,
    has_purpose: false,
};

/// Creates a batch.
pub async fn create(
    State(batches): State<Option<Arc<Batches>>>,
    call: CallerRequest<CreateBatch>,
) -> Result<Reply, ApiError> {
    let mut adjustments = Adjustments::default();
    let batches = enabled(&batches)?;
    let new = call.request.read(&mut adjustments)?;
    let batch = batches.create(&call.caller, new).await?;
    Ok(Reply::json(&batch)?.adjusted(adjustments))
}

/// The caller's batches, newest first.
pub async fn list(
    State(batches): State<Option<Arc<Batches>>>,
    caller: Caller,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let mut adjustments = Adjustments::default();
    let query = PageQuery::read(query(&uri), RULES, &mut adjustments)?;
    let (batches, has_more) = enabled(&batches)?.list(&caller, &query).await?;
    let page = ListPage::new(batches, has_more, |batch: &Batch| &batch.id);
    Ok(Reply::json(&page)?.adjusted(adjustments))
}

/// Retrieves a batch.
pub async fn retrieve(
    State(batches): State<Option<Arc<Batches>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    Reply::json(&enabled(&batches)?.find(&caller, &id).await?)
}

/// Cancels a batch.
pub async fn cancel(
    State(batches): State<Option<Arc<Batches>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    Reply::json(&enabled(&batches)?.cancel(&caller, &id).await?)
}
