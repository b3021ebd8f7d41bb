//! The files of callers: content in S3, metadata in the store.

use std::sync::Arc;

use crate::bedrock::{ObjectLocation, S3, S3Object, S3Upload, UpstreamError};
use crate::endpoints::files::wire::BATCH;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::client_error;
use crate::gateway::unix_seconds;
use crate::identity::Caller;
use crate::resources::ids::stored_id;
use crate::store::{FilePage, Store, StoredFile};
use crate::usage::Ledger;
use crate::wire::page::PageQuery;

/// Expired files that are removed per run.
const EXPIRED_PER_RUN: u32 = 100;

/// The media type of batch files.
pub(crate) const JSON_LINES: &str = "application/jsonl";

/// The files of all callers; each caller sees only its own.
#[derive(Debug)]
pub struct Files {
    store: Arc<Store>,
    s3: S3,
    folder: ObjectLocation,
    /// The maximum size of a file, in bytes.
    pub(super) max_size: usize,
}

/// A file that is being uploaded.
#[derive(Debug)]
pub struct NewFile {
    id: String,
    upload: S3Upload,
}

impl Files {
    pub(crate) fn new(store: Arc<Store>, s3: S3, folder: ObjectLocation, max_size: usize) -> Self {
        Self {
            store,
            s3,
            folder,
            max_size,
        }
    }

    /// Starts an upload.
    pub fn begin(&self) -> NewFile {
        let id = stored_id("file-");
        let upload = self.s3.upload(self.object_location(&id), JSON_LINES);
        NewFile { id, upload }
    }

    /// Completes an uploaded file, and keeps it for `life` seconds.
    pub async fn keep(
        &self,
        file: NewFile,
        caller: &Caller,
        filename: String,
        life: i64,
        ledger: &Ledger,
    ) -> Result<StoredFile, ApiError> {
        let NewFile { id, upload } = file;
        let length = upload.length();
        let finished = upload.finish().await;
        finished.map_err(|error| client_error(error, ledger))?;
        let created_at = now();
        let file = StoredFile {
            caller: caller.id().to_owned(),
            purpose: BATCH.to_owned(),
            filename,
            bytes: i64::try_from(length).unwrap_or(i64::MAX),
            created_at,
            expires_at: Some(created_at.saturating_add(life)),
            id,
        };
        if let Err(error) = self.store.add_file(&file).await {
            // The store has no entry for the content, so nothing would ever remove it.
            self.forget_content(&file.id).await;
            return Err(error.into());
        }
        Ok(file)
    }

    /// A page of the caller's files, and whether there are more.
    pub async fn list(
        &self,
        caller: &Caller,
        query: &PageQuery,
    ) -> Result<(Vec<StoredFile>, bool), ApiError> {
        let page = FilePage {
            purpose: query.purpose.as_deref(),
            after: query.after.as_deref(),
            newest_first: query.newest_first,
            limit: query.limit.saturating_add(1),
        };
        let files = self.store.files(caller.id(), page, now()).await?;
        Ok(split_page(files, query.limit))
    }

    /// The metadata of a file of the caller.
    pub async fn find(&self, caller: &Caller, id: &str) -> Result<StoredFile, ApiError> {
        let found = self.store.file(caller.id(), id, now()).await?;
        found.ok_or_else(|| no_such_file(id))
    }

    /// The content of a file of the caller.
    pub async fn content(
        &self,
        caller: &Caller,
        id: &str,
        ledger: &Ledger,
    ) -> Result<S3Object, ApiError> {
        let file = self.find(caller, id).await?;
        let content = self.open(&file.id, None).await;
        content.map_err(|error| client_error(error, ledger))
    }

    /// Deletes a file of the caller.
    pub async fn delete(&self, caller: &Caller, id: &str, ledger: &Ledger) -> Result<(), ApiError> {
        let file = self.find(caller, id).await?;
        let deleted = self.s3.delete(&self.object_location(&file.id)).await;
        deleted.map_err(|error| client_error(error, ledger))?;
        self.store.remove_file(&file.id).await?;
        Ok(())
    }

    /// The content of the file `id`, or the byte range of a `Range` header value.
    pub(crate) async fn open(
        &self,
        id: &str,
        range: Option<&str>,
    ) -> Result<S3Object, UpstreamError> {
        self.s3.get(&self.object_location(id), range).await
    }

    /// The location of the content of the file `id`.
    pub(crate) fn object_location(&self, id: &str) -> ObjectLocation {
        self.folder.join(id)
    }

    /// Removes expired files.
    pub(crate) async fn remove_expired(&self) {
        let expired = match self.store.expired_files(now(), EXPIRED_PER_RUN).await {
            Ok(expired) => expired,
            Err(error) => {
                tracing::warn!(%error, "expired files could not be listed");
                return;
            }
        };
        for file in expired {
            if self.forget_content(&file.id).await
                && let Err(error) = self.store.remove_file(&file.id).await
            {
                tracing::warn!(%error, file = file.id, "an expired file could not be removed");
            }
        }
    }

    async fn forget_content(&self, id: &str) -> bool {
        match self.s3.delete(&self.object_location(id)).await {
            Ok(()) => true,
            Err(error) => {
                let upstream_error = error.log_detail();
                tracing::warn!(
                    file = id,
                    upstream_error,
                    "a file's content could not be deleted"
                );
                false
            }
        }
    }
}

impl NewFile {
    /// The maximum memory held while the next `length` bytes are written.
    pub fn held_with(&self, length: usize) -> usize {
        self.upload.held_with(length)
    }

    /// Writes the next bytes.
    pub async fn write(&mut self, bytes: &[u8], ledger: &Ledger) -> Result<(), ApiError> {
        let written = self.upload.write(bytes).await;
        written.map_err(|error| client_error(error, ledger))
    }

    /// Discards the upload.
    pub async fn abandon(self) {
        self.upload.abandon().await;
    }
}

/// Files or batches, or an error if they are disabled.
pub(crate) fn enabled<T>(service: &Option<Arc<T>>) -> Result<&T, ApiError> {
    service.as_deref().ok_or_else(|| {
        let message = "files and batches are disabled on this gateway; the operator enables them \
        with `[batches] enabled = true` and `[s3] bucket`";
        ApiError::new(ErrorKind::NotFound, message).code(ErrorCode::NotEnabled)
    })
}

/// The entries of a page, from a query for one more entry, and whether there are more.
pub(crate) fn split_page<T>(mut entries: Vec<T>, limit: u32) -> (Vec<T>, bool) {
    let limit = limit as usize;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    (entries, has_more)
}

/// The current time, in Unix seconds.
pub(crate) fn now() -> i64 {
    i64::try_from(unix_seconds()).unwrap_or(i64::MAX)
}

fn no_such_file(id: &str) -> ApiError {
    let message = format!("no file found with id `{id}`; GET /v1/files lists your files");
    ApiError::new(ErrorKind::NotFound, message)
        .parameter("id")
        .code(ErrorCode::NotFound)
}
