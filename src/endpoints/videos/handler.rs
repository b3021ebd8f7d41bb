//! `/v1/videos`

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{ACCEPT_RANGES, RANGE};
use http::{HeaderMap, HeaderValue, Uri};

use crate::endpoints::videos::service::{Videos, enabled};
use crate::endpoints::videos::{VideoRequest, check_variant};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::http::{FormRequest, HttpContext, query};
use crate::identity::Caller;
use crate::reply::{Adjustments, Reply};
use crate::usage::Ledger;
use crate::wire::page::{PageQuery, PageRules};

/// The query parameters of lists of videos, as in OpenAI's API.
const RULES: PageRules = PageRules {
    default: 20,
    max: 100,
    has_order: true,
    has_purpose: false,
};

/// Creates a video job.
pub async fn create(
    State(gateway): State<Arc<Gateway>>,
    State(videos): State<Option<Arc<Videos>>>,
    FormRequest(call): FormRequest<VideoRequest>,
) -> Result<Reply, ApiError> {
    enabled(&videos)?.create(&gateway, call).await
}

/// Lists the caller's videos.
pub async fn list(
    State(videos): State<Option<Arc<Videos>>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let mut adjustments = Adjustments::default();
    let page = PageQuery::read(query(&uri), RULES, &mut adjustments)?;
    let videos = enabled(&videos)?.list(&caller, &page, &ledger);
    Ok(videos.await?.adjusted(adjustments))
}

/// Retrieves the status of a video.
pub async fn retrieve(
    State(videos): State<Option<Arc<Videos>>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    enabled(&videos)?.retrieve(&caller, &id, &ledger).await
}

/// Deletes a finished video.
pub async fn delete(
    State(videos): State<Option<Arc<Videos>>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    enabled(&videos)?.delete(&caller, &id, &ledger).await
}

/// Retrieves the content of a video, or a range of it.
pub async fn content(
    State(context): State<Arc<HttpContext>>,
    State(videos): State<Option<Arc<Videos>>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check_variant(query(&uri))?;
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let content = enabled(&videos)?.content(&caller, &id, range, &ledger);
    let mp4 = HeaderValue::from_static("video/mp4");
    let mut response = context.content_response(content.await?, mp4, ledger);
    let bytes = HeaderValue::from_static("bytes");
    response.headers_mut().insert(ACCEPT_RANGES, bytes);
    Ok(response)
}
