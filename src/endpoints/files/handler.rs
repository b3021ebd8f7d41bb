//! `/v1/files`

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Uri};

use crate::endpoints::files::service::{Files, NewFile, enabled};
use crate::endpoints::files::wire::{FileDeleted, FileForm, FileObject};
use crate::error::ApiError;
use crate::http::{FormLimits, HttpContext, MultipartForm, OpenPart, query};
use crate::identity::Caller;
use crate::reply::{Adjustments, Reply};
use crate::resources::body_memory::BodyPermit;
use crate::store::StoredFile;
use crate::usage::Ledger;
use crate::wire::form;
use crate::wire::page::{ListPage, PageQuery, PageRules};

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
    State(context): State<Arc<HttpContext>>,
    State(files): State<Option<Arc<Files>>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Reply, ApiError> {
    let files = enabled(&files)?;
    let limits = FormLimits {
        body: files.max_size.saturating_add(FORM_OVERHEAD),
        part: FORM_OVERHEAD,
        parts: 16,
        timeout: context.settings.body_timeout,
    };
    let mut form = MultipartForm::open(&headers, body, limits)?;
    let mut file = None;
    let mut memory = context.bodies.permit();
    let read = read_parts(&mut form, (files, &mut memory), &ledger, &mut file).await;
    let mut adjustments = Adjustments::default();
    let life = read.and_then(|texts| {
        let (texts, _): (FileForm, _) = form::read(texts)?;
        texts.life(&mut adjustments)
    });
    match (life, file) {
        (Ok(life), Some((file, filename))) => {
            let kept = files.keep(file, &caller, filename, life, &ledger);
            Ok(Reply::json(&object(&kept.await?))?.adjusted(adjustments))
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

/// Lists the caller's files.
pub async fn list(
    State(files): State<Option<Arc<Files>>>,
    caller: Caller,
    uri: Uri,
) -> Result<Reply, ApiError> {
    let mut adjustments = Adjustments::default();
    let query = PageQuery::read(query(&uri), RULES, &mut adjustments)?;
    let (files, has_more) = enabled(&files)?.list(&caller, &query).await?;
    let objects = files.iter().map(object).collect();
    let page = ListPage::new(objects, has_more, |file: &FileObject<'_>| file.id);
    Ok(Reply::json(&page)?.adjusted(adjustments))
}

/// Retrieves the metadata of a file.
pub async fn retrieve(
    State(files): State<Option<Arc<Files>>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    let file = enabled(&files)?.find(&caller, &id).await?;
    Reply::json(&object(&file))
}

/// Retrieves the content of a file.
pub async fn content(
    State(context): State<Arc<HttpContext>>,
    State(files): State<Option<Arc<Files>>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let content = enabled(&files)?.content(&caller, &id, &ledger).await?;
    let media_type = content.content_type.as_deref();
    let media_type = media_type.and_then(|text| text.parse().ok());
    let default = HeaderValue::from_static("application/octet-stream");
    Ok(context.content_response(content, media_type.unwrap_or(default), ledger))
}

/// Deletes a file.
pub async fn delete(
    State(files): State<Option<Arc<Files>>>,
    Extension(ledger): Extension<Arc<Ledger>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Reply, ApiError> {
    enabled(&files)?.delete(&caller, &id, &ledger).await?;
    Reply::json(&FileDeleted::new(&id))
}

/// Reads all parts: writes the file to `file`, and returns the text fields.
async fn read_parts(
    form: &mut MultipartForm,
    (files, memory): (&Files, &mut BodyPermit),
    ledger: &Ledger,
    file: &mut Option<(NewFile, String)>,
) -> Result<Vec<form::FormPart>, ApiError> {
    let mut texts = Vec::new();
    while let Some(part) = form.next().await? {
        let filename = part.file_name.clone();
        match filename {
            Some(filename) if part.name == "file" && file.is_none() => {
                let (new, _) = file.insert((files.begin(), filename));
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
