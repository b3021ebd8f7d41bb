//! `/v1/files`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Uri};

use super::authenticate;
use super::batches::served;
use super::bodiless::{query, respond_without_body};
use crate::bedrock::S3Object;
use crate::body_memory::BodyPermit;
use crate::dialects::wire::form;
use crate::dialects::wire::page::{ListPage, PageQuery, PageRules};
use crate::error::ApiError;
use crate::identity::Caller;
use crate::openai::files::{FileDeleted, FileForm, FileObject};
use crate::pipeline::{Batches, NewFile};
use crate::reply::Adjustments;
use crate::reply::Reply;
use crate::server::{
    App, FormLimits, MultipartForm, Notes, OpenPart, ShutdownPhase, discard, refuse, reply_json,
    restarting,
};
use crate::store::StoredFile;
use crate::usage::{Ledger, RequestOutcome};

/// The query parameters of lists of files, as in OpenAI's API.
const RULES: PageRules = PageRules {
    default: 10_000,
    max: 10_000,
    has_order: true,
    has_purpose: true,
};

/// The size of a form without its file.
const FORM_OVERHEAD: usize = 64 << 10;

/// Uploads a file.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let uploaded = Box::pin(upload(&app, &ledger, &headers, body));
    let uploaded = tokio::select! {
        uploaded = uploaded => uploaded,
        () = app.shutdown.reached(ShutdownPhase::Ending) => Err(restarting()),
    };
    match uploaded {
        Ok((file, adjustments)) => {
            ledger.entries().outcome = RequestOutcome::Completed;
            let notes = Notes {
                adjustments: Some(&adjustments),
                ..Notes::default()
            };
            reply_json(json(&object(&file)), &notes)
        }
        Err(error) => {
            ledger.note_error(&error);
            refuse(&error)
        }
    }
}

/// Lists the caller's files.
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
        let (files, has_more) = served(&app)?.files().list(&caller, &query).await?;
        let objects = files.iter().map(object).collect();
        let page = ListPage::new(objects, has_more, |file: &FileObject<'_>| file.id);
        Ok(Reply::json(&page)?.adjusted(adjustments))
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Retrieves the metadata of a file.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let work = async |caller: Caller| {
        let file = served(&app)?.files().find(&caller, &id).await?;
        Reply::json(&object(&file))
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Retrieves the content of a file, streamed from S3.
pub async fn content(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    discard(body).await;
    let opened = async {
        let caller = authenticate(&app, &headers, &ledger)?;
        served(&app)?.files().content(&caller, &id, &ledger).await
    };
    match opened.await {
        Ok((_, object)) => {
            ledger.entries().outcome = RequestOutcome::Completed;
            reply_object(object)
        }
        Err(error) => {
            ledger.note_error(&error);
            refuse(&error)
        }
    }
}

/// Deletes a file.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    let noted = Arc::clone(&ledger);
    let work = async |caller: Caller| {
        served(&app)?.files().delete(&caller, &id, &noted).await?;
        Reply::json(&FileDeleted::new(&id))
    };
    respond_without_body(&app, ledger, &headers, body, work).await
}

/// Reads the form and streams its file to S3.
async fn upload(
    app: &App,
    ledger: &Ledger,
    headers: &HeaderMap,
    body: Body,
) -> Result<(StoredFile, Adjustments), ApiError> {
    let admitted = authenticate(app, headers, ledger).and_then(|caller| Ok((caller, served(app)?)));
    let (caller, batches) = match admitted {
        Ok(admitted) => admitted,
        Err(error) => {
            discard(body).await;
            return Err(error);
        }
    };
    let limits = FormLimits {
        body: batches.max_file_size().saturating_add(FORM_OVERHEAD),
        part: FORM_OVERHEAD,
        parts: 16,
        timeout: app.settings.body_timeout,
    };
    let mut form = MultipartForm::open(headers, body, limits)?;
    let mut file = None;
    let mut memory = app.bodies.permit();
    let read = read_parts(&mut form, (batches, &mut memory), ledger, &mut file).await;
    let mut adjustments = Adjustments::default();
    let life = read.and_then(|texts| {
        let (texts, _): (FileForm, _) = form::read(texts)?;
        texts.life(&mut adjustments)
    });
    match (life, file) {
        (Ok(life), Some((file, filename))) => {
            let kept = batches.files().keep(file, &caller, filename, life, ledger);
            Ok((kept.await?, adjustments))
        }
        (Ok(_), None) => Err(ApiError::missing("file", "`file` is missing")),
        (Err(error), file) => {
            if let Some((file, _)) = file {
                file.abandon().await;
            }
            Err(error)
        }
    }
}

/// Reads all parts: writes the file to `file`, and returns the text fields.
async fn read_parts(
    form: &mut MultipartForm,
    (batches, memory): (&Batches, &mut BodyPermit),
    ledger: &Ledger,
    file: &mut Option<(NewFile, String)>,
) -> Result<Vec<form::FormPart>, ApiError> {
    let mut texts = Vec::new();
    while let Some(part) = form.next().await? {
        let filename = part.file_name.clone();
        match filename {
            Some(filename) if part.name == "file" && file.is_none() => {
                let (new, _) = file.insert((batches.files().begin(), filename));
                write(part, new, memory, ledger).await?;
            }
            Some(_) => {
                let name = part.name.clone();
                let message = format!("the form has another file, `{name}`; send only `file`");
                return Err(ApiError::unsupported(name, message));
            }
            None => texts.push(part.read_all().await?),
        }
    }
    Ok(texts)
}

/// Writes the file as it arrives. Memory is reserved for the part of it that is buffered.
async fn write(
    mut part: OpenPart<'_>,
    file: &mut NewFile,
    memory: &mut BodyPermit,
    ledger: &Ledger,
) -> Result<(), ApiError> {
    while let Some(bytes) = part.chunk().await? {
        memory.admit_buffer(file.held_with(bytes.len())).await?;
        file.write(&bytes, ledger).await?;
    }
    Ok(())
}

/// Streams an object. An error of S3 closes the connection.
fn reply_object(object: S3Object) -> Response {
    let media_type = object
        .content_type
        .as_deref()
        .and_then(|text| text.parse().ok());
    let length = object.length;
    let chunks = stream::try_unfold(object, async |mut object| {
        let bytes = object.next().await.map_err(|error| error.api_error)?;
        Ok::<_, ApiError>(bytes.map(|bytes| (bytes, object)))
    });
    let body = Body::from_stream(chunks);
    let mut response = Response::new(body);
    let default = HeaderValue::from_static("application/octet-stream");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type.unwrap_or(default));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn object(file: &StoredFile) -> FileObject<'_> {
    FileObject {
        id: &file.id,
        object: "file",
        bytes: file.bytes,
        created_at: file.created_at,
        expires_at: file.expires_at,
        filename: &file.filename,
        purpose: &file.purpose,
        status: "processed",
        status_details: None,
    }
}

fn json<T: serde::Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}
