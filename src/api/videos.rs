//! `/v1/videos`: films by models that take minutes for them.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::bodiless::{answered_without_body, query};
use super::{authenticate, respond, until_ending};
use crate::adjustments::Adjustments;
use crate::body_memory::BodyPermit;
use crate::fault::ApiError;
use crate::identity::Caller;
use crate::limits::Refusal;
use crate::openai::form;
use crate::openai::page::{PageQuery, PageRules};
use crate::openai::videos::check_variant;
use crate::pipeline::{CallerRequest, Reply, VideoContent, VideoRequestWithFiles};
use crate::record::{Record, RequestOutcome};
use crate::server::{
    App, FormLimits, ShutdownPhase, discard, is_form, read_form, read_json, restarting,
};

type RecordExtension = Extension<Arc<Record>>;

/// What lists of videos take, as with OpenAI.
const RULES: PageRules = PageRules {
    usual: 20,
    most: 100,
    has_order: true,
    has_purpose: false,
};

/// Orders a video: a form, as SDKs send it, or JSON.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(record): RecordExtension,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let noted = Arc::clone(&record);
    let answer = async {
        let caller = match authenticate(&app, &headers, &record) {
            Ok(caller) => caller,
            Err(fault) => {
                discard(body).await;
                return Err(fault.into());
            }
        };
        let (request, memory) = read(&app, &headers, body).await?;
        let asked = CallerRequest {
            caller,
            request,
            memory,
            record,
        };
        app.pipeline.create_video(asked).await
    };
    let answer = until_ending(&app, answer).await;
    respond(&noted, answer)
}

/// The caller's videos.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(record): RecordExtension,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Response {
    let noted = Arc::clone(&record);
    let work = async |caller: Caller| {
        let mut adjustments = Adjustments::default();
        let page = PageQuery::read(query(&uri), RULES, &mut adjustments)?;
        let body = app.pipeline.list_videos(&caller, &page, &noted).await?;
        Ok(Reply {
            body,
            adjustments,
            ..Reply::default()
        })
    };
    answered_without_body(&app, record, &headers, body, work).await
}

/// One video.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(record): RecordExtension,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let noted = Arc::clone(&record);
    let work = async |caller: Caller| {
        let video = app.pipeline.retrieve_video(&caller, &id, &noted).await;
        whole(video)
    };
    answered_without_body(&app, record, &headers, body, work).await
}

/// Deletes a video that is made.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(record): RecordExtension,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let noted = Arc::clone(&record);
    let work = async |caller: Caller| {
        let deleted = app.pipeline.delete_video(&caller, &id, &noted).await;
        whole(deleted)
    };
    answered_without_body(&app, record, &headers, body, work).await
}

/// The film itself, whole or in part.
pub async fn content(
    State(app): State<Arc<App>>,
    Extension(record): RecordExtension,
    headers: HeaderMap,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let film = async |caller: Caller| {
        check_variant(query(&uri))?;
        app.pipeline
            .video_content(&caller, &id, range, &record)
            .await
    };
    let film = match authenticate(&app, &headers, &record) {
        Ok(caller) => film(caller).await,
        Err(fault) => Err(fault),
    };
    match film {
        Ok(film) => stream(film, app, record),
        Err(fault) => respond(&record, Err(fault.into())),
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

fn whole(json: Result<Bytes, ApiError>) -> Result<Reply, Refusal> {
    Ok(Reply {
        body: json?,
        ..Reply::default()
    })
}

/// A film as it comes from S3. One that breaks off ends the connection, so that the client, who
/// knows its length, knows that it is not whole.
fn stream(film: VideoContent, app: Arc<App>, record: Arc<Record>) -> Response {
    let VideoContent { length, .. } = film;
    let range = film.range.clone().map(HeaderValue::try_from);
    let mut film = film;
    let body = Body::from_stream(async_stream::stream! {
        let ending = app.shutdown.reached(ShutdownPhase::Ending);
        tokio::pin!(ending);
        loop {
            let next = tokio::select! {
                next = film.next(&record) => next,
                () = &mut ending => Err(restarting()),
            };
            match next {
                Ok(Some(bytes)) => yield Ok(bytes),
                Ok(None) => break,
                Err(fault) => {
                    record.note_fault(&fault);
                    record.entries().ending = RequestOutcome::Broken;
                    yield Err(fault);
                    return;
                }
            }
        }
        record.entries().ending = RequestOutcome::Answered;
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
