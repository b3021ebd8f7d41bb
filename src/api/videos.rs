//! `/v1/videos`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::bodiless::{query, respond_without_body};
use super::{authenticate, respond, until_shutdown};
use crate::body_memory::BodyPermit;
use crate::dialects::wire::form;
use crate::dialects::wire::page::{PageQuery, PageRules};
use crate::error::ApiError;
use crate::identity::Caller;
use crate::openai::videos::check_variant;
use crate::pipeline::{CallerRequest, VideoContent, VideoRequestWithFiles};
use crate::reply::Adjustments;
use crate::reply::Reply;
use crate::server::{
    App, FormLimits, ShutdownPhase, discard, is_form, read_form, read_json, restarting,
};
use crate::usage::{Ledger, RequestOutcome};

type LedgerExtension = Extension<Arc<Ledger>>;

/// The query parameters of lists of videos, as in OpenAI's API.
const RULES: PageRules = PageRules {
    default: 20,
    max: 100,
    has_order: true,
    has_purpose: false,
};

/// Creates a video job; the request is a form, as SDKs send it, or JSON.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(ledger): LedgerExtension,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let noted = Arc::clone(&ledger);
    let reply = async {
        let caller = match authenticate(&app, &headers, &ledger) {
            Ok(caller) => caller,
            Err(error) => {
                discard(body).await;
                return Err(error);
            }
        };
        let (request, memory) = read(&app, &headers, body).await?;
        let call = CallerRequest {
            caller,
            request,
            memory,
            ledger,
        };
        app.pipeline.create_video(call).await
    };
    let reply = until_shutdown(&app, reply).await;
    respond(&noted, reply)
}

/// Lists the caller's videos.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(ledger): LedgerExtension,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Response {
    let noted = Arc::clone(&ledger);
    let work = async |caller: Caller| {
        let mut adjustments = Adjustments::default();
        let page = PageQuery::read(query(&uri), RULES, &mut adjustments)?;
        let body = app.pipeline.list_videos(&caller, &page, &noted).await?;
        Ok(Reply::new(body).adjusted(adjustments))
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Retrieves the status of a video.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(ledger): LedgerExtension,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let noted = Arc::clone(&ledger);
    let work = async |caller: Caller| {
        let video = app.pipeline.retrieve_video(&caller, &id, &noted).await;
        json_reply(video)
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Deletes a finished video.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(ledger): LedgerExtension,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let noted = Arc::clone(&ledger);
    let work = async |caller: Caller| {
        let deleted = app.pipeline.delete_video(&caller, &id, &noted).await;
        json_reply(deleted)
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Retrieves the content of a video, or a range of it.
pub async fn content(
    State(app): State<Arc<App>>,
    Extension(ledger): LedgerExtension,
    headers: HeaderMap,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let content = async |caller: Caller| {
        check_variant(query(&uri))?;
        app.pipeline
            .video_content(&caller, &id, range, &ledger)
            .await
    };
    let content = match authenticate(&app, &headers, &ledger) {
        Ok(caller) => content(caller).await,
        Err(error) => Err(error),
    };
    match content {
        Ok(content) => stream(content, app, ledger),
        Err(error) => respond(&ledger, Err(error)),
    }
}

async fn read(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<(VideoRequestWithFiles, BodyPermit), ApiError> {
    if !is_form(headers) {
        let (request, held) = read_json(app, headers, body).await?;
        return Ok(((request, Vec::new()), held.permit));
    }
    let mut memory = app.bodies.permit();
    let limits = FormLimits::of(&app.settings);
    let parts = read_form(headers, body, limits, &mut memory).await?;
    Ok((form::read(parts)?, memory))
}

fn json_reply(json: Result<Bytes, ApiError>) -> Result<Reply, ApiError> {
    Ok(Reply::new(json?))
}

/// Streams a video from S3. An error of S3 closes the connection before the declared length is
/// sent, so that the client notices.
fn stream(content: VideoContent, app: Arc<App>, ledger: Arc<Ledger>) -> Response {
    let VideoContent { length, .. } = content;
    let range = content.range.clone().map(HeaderValue::try_from);
    let mut content = content;
    let body = Body::from_stream(async_stream::stream! {
        let ending = app.shutdown.reached(ShutdownPhase::Ending);
        tokio::pin!(ending);
        loop {
            let next = tokio::select! {
                next = content.next(&ledger) => next,
                () = &mut ending => Err(restarting()),
            };
            match next {
                Ok(Some(bytes)) => yield Ok(bytes),
                Ok(None) => break,
                Err(error) => {
                    ledger.note_error(&error);
                    ledger.entries().outcome = RequestOutcome::Broken;
                    yield Err(error);
                    return;
                }
            }
        }
        ledger.entries().outcome = RequestOutcome::Completed;
    });
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(Ok(range)) = range {
        headers.insert(CONTENT_RANGE, range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}
