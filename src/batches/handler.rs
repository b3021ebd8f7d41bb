//! `/v1/batches`

use std::sync::Arc;

use axum::extract::{Path, State};
use http::Uri;

use crate::batches::Batches;
use crate::batches::wire::{Batch, CreateBatch};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::request::CallerRequest;
use crate::http::query;
use crate::identity::Caller;
use crate::reply::{Adjustments, Reply};
use crate::server::App;
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
    State(app): State<Arc<App>>,
    call: CallerRequest<CreateBatch>,
) -> Result<Reply, ApiError> {
    let mut adjustments = Adjustments::default();
    let batches = served(&app)?;
    let new = call.request.read(&mut adjustments)?;
    let batch = batches.create(&call.caller, new).await?;
    Ok(Reply::json(&batch)?.adjusted(adjustments))
}

/// The caller's batches, newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let mut adjustments = Adjustments::default();
    let query = PageQuery::read(query(&uri), RULES, &mut adjustments)?;
    let (batches, has_more) = served(&app)?.list(&caller, &query).await?;
    let page = ListPage::new(batches, has_more, |batch: &Batch| &batch.id);
    Ok(Reply::json(&page)?.adjusted(adjustments))
}

/// Retrieves a batch.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    Reply::json(&served(&app)?.find(&caller, &id).await?)
}

/// Cancels a batch.
pub async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    Reply::json(&served(&app)?.cancel(&caller, &id).await?)
}

/// Files and batches, or an error if they are disabled.
pub(crate) fn served(app: &App) -> Result<&Batches, ApiError> {
    app.batches.as_ref().ok_or_else(|| {
        let message = "files and batches are disabled on this gateway; the operator enables them \
        with `[batches] enabled = true` and `[s3] bucket`";
        ApiError::new(ErrorKind::NotFound, message).code(ErrorCode::NotEnabled)
    })
}
