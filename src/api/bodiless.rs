//! Requests without a body: lists, retrievals, deletions, cancellations.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Uri};
use url::form_urlencoded;

use super::{authenticate, respond, until_shutdown};
use crate::error::ApiError;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::server::{App, discard};
use crate::usage::Ledger;

/// Handles a request without a body: authenticates the caller and runs `work`. A body is ignored.
pub(super) async fn respond_without_body<Work>(
    app: &App,
    ledger: Arc<Ledger>,
    headers: &HeaderMap,
    body: Body,
    work: impl FnOnce(Caller) -> Work,
) -> Response
where
    Work: Future<Output = Result<Reply, ApiError>>,
{
    discard(body).await;
    let reply = async {
        let caller = authenticate(app, headers, &ledger)?;
        work(caller).await
    };
    let reply = until_shutdown(app, reply).await;
    respond(&ledger, reply)
}

/// The query parameters of a URI.
pub(super) fn query(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned()
}
