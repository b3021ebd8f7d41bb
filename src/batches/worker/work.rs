use std::sync::Arc;

use tokio::sync::watch;

use crate::batches::BatchService;
use crate::batches::document::BatchDocument;
use crate::batches::wire::{BatchError, BatchStatus, ResultIds};
use crate::bedrock::{ObjectLocation, RetryAdvice, UpstreamError};
use crate::converse::json::describe;
use crate::endpoints::files::service::now;
use crate::error::{ApiError, ErrorCode};
use crate::identity::Caller;
use crate::store::StoreError;

/// A batch that this process works on under a lease.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) shared: Arc<BatchService>,
    pub(super) id: String,
    pub(super) caller: Caller,
    pub(super) document: BatchDocument,
    /// When the batch was cancelled, in Unix seconds; `None` if it was not.
    pub(super) cancelling: watch::Receiver<Option<i64>>,
    /// Whether the process is shutting down.
    pub(super) closing: watch::Receiver<bool>,
}

/// Why work on a batch stops before the batch has ended.
#[derive(Debug)]
pub(super) enum Stop {
    /// The next poll tries again; the text is for the log.
    Later(String),
    /// Another process holds the lease.
    Lost,
    /// The batch fails with this error.
    Never(BatchError),
}

/// The next step of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// None: the batch has ended.
    Done,
    /// Continue immediately.
    More,
    /// Poll again after a while.
    Poll,
}

impl Work {
    /// Stores the current state.
    pub(super) async fn save(&self) -> Result<(), Stop> {
        let document = serde_json::to_string(&self.document).map_err(StoreError::from)?;
        let is_open = !is_over(self.document.batch.status);
        let owner = &self.shared.owner;
        let saved = self
            .shared
            .store
            .save_batch(&self.id, owner, &document, is_open);
        match saved.await? {
            true => Ok(()),
            false => Err(Stop::Lost),
        }
    }

    /// Whether the batch was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelling.borrow().is_some()
    }

    /// Whether the completion window has expired.
    pub(super) fn is_expired(&self) -> bool {
        self.document
            .batch
            .expires_at
            .is_some_and(|end| end <= now())
    }

    /// Whether no new request may start here.
    pub(super) fn is_halted(&self) -> bool {
        *self.closing.borrow() || self.is_cancelled() || self.is_expired()
    }

    /// Marks the batch as in progress.
    pub(super) fn note_progress(&mut self) {
        let batch = &mut self.document.batch;
        if batch.in_progress_at.is_none() {
            batch.in_progress_at = Some(now());
            batch.status = BatchStatus::InProgress;
        }
    }

    /// The folder of part `number`.
    pub(super) fn folder(&self, number: usize) -> ObjectLocation {
        self.shared.folder.join(&self.id).join(&number.to_string())
    }

    /// The ids in the result of line `line`; always the same for the same line.
    pub(super) fn ids(&self, line: usize) -> LineIds {
        let batch = self.id.trim_start_matches("batch_");
        LineIds {
            id: format!("batch_req_{batch}{line:06}"),
            request_id: format!("req_{batch}{line:06}"),
        }
    }
}

#[derive(Debug)]
pub(super) struct LineIds {
    pub(super) id: String,
    pub(super) request_id: String,
}

impl LineIds {
    pub(super) fn of<'a>(&'a self, custom_id: &'a str) -> ResultIds<'a> {
        ResultIds {
            id: &self.id,
            custom_id,
            request_id: &self.request_id,
        }
    }
}

/// Whether a batch with this status has ended.
pub(super) fn is_over(status: BatchStatus) -> bool {
    match status {
        BatchStatus::Failed
        | BatchStatus::Completed
        | BatchStatus::Expired
        | BatchStatus::Cancelled => true,
        BatchStatus::Validating
        | BatchStatus::InProgress
        | BatchStatus::Finalizing
        | BatchStatus::Cancelling => false,
    }
}

/// Converts an API error into an error of a batch.
pub(super) fn batch_error(error: ApiError, line: Option<u64>) -> BatchError {
    BatchError {
        code: error
            .code
            .map_or("invalid_request", ErrorCode::as_str)
            .to_owned(),
        line,
        message: error.message.to_string(),
        param: error.parameter.map(|parameter| parameter.to_string()),
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<UpstreamError> for Stop {
    fn from(error: UpstreamError) -> Self {
        match error.advice {
            RetryAdvice::Retry | RetryAdvice::RetryOnce | RetryAdvice::RefreshCredentials => {
                Self::Later(error.log_detail())
            }
            RetryAdvice::Never => {
                let upstream_error = error.log_detail();
                let UpstreamError {
                    api_error, code, ..
                } = error;
                tracing::error!(code, upstream_error, "a batch cannot continue");
                Self::Never(batch_error(api_error, None))
            }
        }
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Later(describe(&error))
    }
}
