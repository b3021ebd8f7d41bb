//! Batches: requests in a file, processed in the background.
//!
//! A batch is validated line by line and split by model. Each part runs as a Bedrock batch job if
//! it is large enough, and otherwise as individual calls within the limits. Results are stored line
//! by line until the output files are written. A worker does all of this; HTTP requests only read
//! and change the stored state.

pub mod handler;
pub mod wire;

mod document;
mod worker;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, mpsc, watch};

use crate::batches::wire::{Batch, BatchStatus, NewBatch, RequestCounts};
use crate::bedrock::{ObjectLocation, S3};
use crate::config::{BatchSettings, Config, ResponsesSettings};
use crate::converse::JsonText;
use crate::endpoints::files::service::{Files, now, split_page};
use crate::endpoints::files::wire::BATCH;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::Gateway;
use crate::identity::{Caller, Callers, TokenGrant};
use crate::resources::body_memory::BodyMemory;
use crate::resources::ids::stored_id;
use crate::store::{Store, StoreError, StoredBatch};
use crate::usage::UsageQueue;
use crate::wire::page::PageQuery;
use document::{BatchDocument, PartRoute};

/// The completion window; OpenAI supports no other.
const WINDOW_SECONDS: i64 = 24 * 3600;

/// Queued wake-ups of the worker. If the queue is full, the worker finds the batch at its next
/// poll.
const WAKE_UPS: usize = 256;

/// Input files that are indexed concurrently.
const MAX_CONCURRENT_INPUTS: usize = 4;

/// The batches of all callers, their files, and the worker.
#[derive(Debug)]
pub struct Batches {
    shared: Arc<BatchService>,
    wake_up: mpsc::Sender<String>,
    ended: watch::Receiver<bool>,
}

/// State shared by requests and the worker.
#[derive(Debug)]
struct BatchService {
    settings: BatchSettings,
    store: Arc<Store>,
    files: Arc<Files>,
    s3: S3,
    /// The folder of the jobs' files.
    folder: ObjectLocation,
    /// What a reload of the configuration replaces.
    current: ArcSwap<BatchContext>,
    /// The name of this process in leases.
    owner: String,
    /// Wakes the tasks that work on a batch when a batch is cancelled.
    cancelled: Notify,
    /// Limits the concurrent calls for batches.
    calls: Semaphore,
    /// Limits the concurrent reads of input files.
    inputs: Semaphore,
    /// The memory of all requests; batches use what other requests leave free.
    memory: BodyMemory,
    /// The queue of what requests used and cost.
    usage_queue: UsageQueue,
}

/// What the requests of batches need of the rest of the application.
#[derive(Debug)]
struct BatchContext {
    gateway: Arc<Gateway>,
    responses: ResponsesSettings,
    /// The owners of batches.
    callers: Arc<Callers>,
    /// The maximum body size, in bytes.
    max_body: usize,
}

impl Batches {
    /// Starts files and batches as configured, with a worker that stops when `closing` does; `None`
    /// if they are disabled.
    pub fn start(
        config: &Config,
        gateway: &Arc<Gateway>,
        store: &Arc<Store>,
        memory: &BodyMemory,
        callers: &Arc<Callers>,
        usage_queue: &UsageQueue,
        closing: impl Future<Output = ()> + Send + 'static,
    ) -> Option<Self> {
        let settings = config.batches.clone();
        let bucket = config.s3.bucket.clone().filter(|_| settings.enabled)?;
        let root = ObjectLocation {
            bucket,
            key: config.s3.prefix.clone(),
        };
        let s3 = S3::new(gateway.bedrock(), config.s3.path_style);
        let shared = Arc::new(BatchService {
            files: Arc::new(Files::new(
                Arc::clone(store),
                s3.clone(),
                root.join("files"),
                settings.max_file_size,
            )),
            folder: root.join("batches"),
            calls: Semaphore::new(settings.max_concurrent_requests),
            inputs: Semaphore::new(MAX_CONCURRENT_INPUTS),
            cancelled: Notify::new(),
            owner: stored_id("worker-"),
            current: ArcSwap::from_pointee(BatchContext::new(config, gateway, callers)),
            memory: memory.clone(),
            usage_queue: usage_queue.clone(),
            settings,
            store: Arc::clone(store),
            s3,
        });
        let (wake_up, wake_ups) = mpsc::channel(WAKE_UPS);
        let (ended_sender, ended) = watch::channel(false);
        let worker = worker::run(Arc::clone(&shared), wake_ups, closing);
        tokio::spawn(async move {
            worker.await;
            ended_sender.send_replace(true);
        });
        Some(Self {
            shared,
            wake_up,
            ended,
        })
    }

    /// Sends further requests to the gateway of another configuration. The settings of `[batches]`
    /// stay.
    pub fn reconfigure(&self, config: &Config, gateway: &Arc<Gateway>, callers: &Arc<Callers>) {
        let context = BatchContext::new(config, gateway, callers);
        self.shared.current.store(Arc::new(context));
    }

    /// Checks that the store can be opened.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.shared.store.open().await
    }

    /// Waits until the worker has released all its batches.
    pub async fn stopped(&self) {
        let mut ended = self.ended.clone();
        // An error means that the worker has ended, too.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// The files of all callers.
    pub fn files(&self) -> &Arc<Files> {
        &self.shared.files
    }

    /// Creates a batch. Its requests are charged as they are sent; none is accepted if the caller's
    /// budget is used up already.
    pub async fn create(&self, caller: &Caller, new: NewBatch) -> Result<Batch, ApiError> {
        if let Some(limits) = &caller.profile().limits {
            limits.check_budgets(limits.now())?;
        }
        let file = self.shared.files.find(caller, &new.input_file_id).await;
        let file = file.map_err(|error| match error.kind {
            ErrorKind::NotFound => error.parameter("input_file_id"),
            _ => error,
        })?;
        if file.purpose != BATCH {
            let message = format!(
                "file `{}` has the purpose `{}`; upload a file with the purpose `{BATCH}`",
                file.id, file.purpose
            );
            return Err(ApiError::invalid("input_file_id", message));
        }
        let document = new_document(new, file.id, TokenGrant::of(caller))?;
        let stored = StoredBatch {
            id: document.batch.id.clone(),
            caller: caller.id().to_owned(),
            is_open: true,
            document: serde_json::to_string(&document).map_err(|_| ApiError::internal())?,
            cancelling_at: None,
        };
        self.shared.store.add_batch(&stored).await?;
        self.notify_worker(stored.id);
        Ok(document.batch)
    }

    /// A batch of the caller.
    pub async fn find(&self, caller: &Caller, id: &str) -> Result<Batch, ApiError> {
        let found = self.shared.store.batch(caller.id(), id).await?;
        match found {
            Some(stored) => self.view(&stored).await,
            None => Err(no_such_batch(id)),
        }
    }

    /// A page of the caller's batches, and whether there are more.
    pub async fn list(
        &self,
        caller: &Caller,
        query: &PageQuery,
    ) -> Result<(Vec<Batch>, bool), ApiError> {
        let limit = query.limit.saturating_add(1);
        let store = &self.shared.store;
        let stored = store
            .batches(caller.id(), query.after.as_deref(), limit)
            .await?;
        let (stored, has_more) = split_page(stored, query.limit);
        let mut batches = Vec::with_capacity(stored.len());
        for stored in &stored {
            batches.push(self.view(stored).await?);
        }
        Ok((batches, has_more))
    }

    /// Cancels a batch of the caller. A batch that has ended cannot be cancelled.
    pub async fn cancel(&self, caller: &Caller, id: &str) -> Result<Batch, ApiError> {
        self.shared
            .store
            .cancel_batch(caller.id(), id, now())
            .await?;
        let batch = self.find(caller, id).await?;
        match batch.status {
            BatchStatus::Cancelling => {
                self.shared.cancelled.notify_waiters();
                self.notify_worker(id.to_owned());
            }
            BatchStatus::Cancelled => {}
            _ => {
                let message = format!("batch `{id}` has ended and cannot be cancelled");
                let error = ApiError::new(ErrorKind::Conflict, message);
                return Err(error.code(ErrorCode::BatchOver).should_retry(false));
            }
        }
        Ok(batch)
    }

    /// The batch object that the client receives.
    async fn view(&self, stored: &StoredBatch) -> Result<Batch, ApiError> {
        let BatchDocument {
            mut batch, parts, ..
        } = serde_json::from_str(&stored.document).map_err(StoreError::from)?;
        if !stored.is_open {
            return Ok(batch);
        }
        let (completed, failed) = self.shared.store.count_results(&stored.id).await?;
        batch.request_counts.completed = completed;
        batch.request_counts.failed = failed;
        for part in &parts {
            if let PartRoute::Job(job) = &part.route
                && !job.collected
            {
                batch.request_counts.completed += job.succeeded;
                batch.request_counts.failed += job.failed;
            }
        }
        if stored.cancelling_at.is_some() {
            batch.cancelling_at = stored.cancelling_at;
            batch.status = BatchStatus::Cancelling;
        }
        Ok(batch)
    }

    fn notify_worker(&self, id: String) {
        // A busy worker finds the batch at its next poll.
        let _ = self.wake_up.try_send(id);
    }
}

impl BatchContext {
    fn new(config: &Config, gateway: &Arc<Gateway>, callers: &Arc<Callers>) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            responses: config.responses,
            callers: Arc::clone(callers),
            max_body: config.server.max_body,
        }
    }
}

impl BatchService {
    fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.current.load().gateway)
    }
}

/// The stored state of a new batch.
fn new_document(
    new: NewBatch,
    input_file_id: String,
    grant: Option<TokenGrant>,
) -> Result<BatchDocument, ApiError> {
    let NewBatch {
        input_file_id: _,
        endpoint,
        completion_window,
        metadata,
        output_life,
    } = new;
    let created_at = now();
    let metadata = metadata.as_ref().map(JsonText::of).transpose();
    let batch = Batch {
        id: stored_id("batch_"),
        object: "batch".to_owned(),
        endpoint,
        model: None,
        errors: None,
        input_file_id,
        completion_window,
        status: BatchStatus::Validating,
        output_file_id: None,
        error_file_id: None,
        created_at,
        in_progress_at: None,
        expires_at: Some(created_at.saturating_add(WINDOW_SECONDS)),
        finalizing_at: None,
        completed_at: None,
        failed_at: None,
        expired_at: None,
        cancelling_at: None,
        cancelled_at: None,
        request_counts: RequestCounts::default(),
        usage: None,
        metadata: metadata.map_err(|_| ApiError::internal())?,
    };
    Ok(BatchDocument {
        batch,
        output_life,
        grant,
        parts: Vec::new(),
    })
}

fn no_such_batch(id: &str) -> ApiError {
    let message = format!("no batch found with id `{id}`; GET /v1/batches lists your batches");
    ApiError::new(ErrorKind::NotFound, message)
        .parameter("batch_id")
        .code(ErrorCode::NotFound)
}
