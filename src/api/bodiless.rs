//! Requests that have nothing but an address: lists, look-ups, deletions, orders.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Uri};
use url::form_urlencoded;

use super::{authenticate, respond, until_shutdown};
use crate::identity::Caller;
use crate::limits::Refusal;
use crate::pipeline::Reply;
use crate::record::Record;
use crate::server::{App, discard};

/// Answers a request without a body: who is calling, and what `work` makes of it. A body that comes
/// all the same is passed over.
pub(super) async fn respond_without_body<Work>(
    app: &App,
    record: Arc<Record>,
    headers: &HeaderMap,
    body: Body,
    work: impl FnOnce(Caller) -> Work,
) -> Response
where
    Work: Future<Output = Result<Reply, Refusal>>,
{
    discard(body).await;
    let reply = async {
        let caller = authenticate(app, headers, &record)?;
        work(caller).await
    };
    let reply = until_shutdown(app, reply).await;
    respond(&record, reply)
}

/// The pairs of an address's query.
pub(super) fn query(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned()
}
