//! `/v1/batches`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;

use super::bodiless::{query, respond_without_body};
use super::respond_with_body;
use crate::dialects::wire::page::{ListPage, PageQuery, PageRules};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::identity::Caller;
use crate::openai::batches::{Batch, CreateBatch};
use crate::pipeline::{Batches, CallerRequest};
use crate::reply::{Adjustments, Reply};
use crate::server::App;
use crate::usage::Ledger;

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
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let work = async |call: CallerRequest<CreateBatch>| {
        let mut adjustments = Adjustments::default();
        let batches = served(&app)?;
        let new = call.request.read(&mut adjustments)?;
        let batch = batches.create(&call.caller, new).await?;
        reply(&batch, adjustments)
    };
    respond_with_body(&app, ledger, &headers, body, work).await
}

/// The caller's batches, newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Response {
    let work = async |caller: Caller| {
        let mut adjustments = Adjustments::default();
        let query = PageQuery::read(query(&uri), RULES, &mut adjustments)?;
        let (batches, has_more) = served(&app)?.list(&caller, &query).await?;
        let page = ListPage::new(batches, has_more, |batch: &Batch| &batch.id);
        reply(&page, adjustments)
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Retrieves a batch.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let work = async |caller: Caller| {
        let batch = served(&app)?.find(&caller, &id).await?;
        reply(&batch, Adjustments::default())
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Cancels a batch.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let work = async |caller: Caller| {
        let batch = served(&app)?.cancel(&caller, &id).await?;
        reply(&batch, Adjustments::default())
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Files and batches, or an error if they are disabled.
pub(super) fn served(app: &App) -> Result<&Batches, ApiError> {
    app.batches.as_ref().ok_or_else(|| {
        let message = "files and batches are disabled on this gateway; the operator enables them \
        with `[batches] enabled = true` and `[s3] bucket`";
        ApiError::new(ErrorKind::NotFound, message).code(ErrorCode::NotEnabled)
    })
}

fn reply<T: Serialize>(value: &T, adjustments: Adjustments) -> Result<Reply, ApiError> {
    Ok(Reply::json(value)?.adjusted(adjustments))
}
