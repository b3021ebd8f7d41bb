//! The worker: takes open batches, advances each as far as possible, and polls again.

mod calls;
mod charge;
mod collect;
mod finish;
mod input;
mod jobs;
mod requests;
mod validate;
mod work;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinSet};
use tokio::time::Instant;

use crate::batches::BatchService;
use crate::batches::document::{BatchDocument, PartRoute};
use crate::endpoints::files::service::now;

use crate::store::{Lease, StoreError, StoredBatch};
use work::{Next, Stop, Work, is_over};

/// Batches that this process works on concurrently. Most of them wait for something.
const MAX_ACTIVE_BATCHES: usize = 32;

/// The maximum number of open batches per poll.
const MAX_LISTED_BATCHES: u32 = 1000;

/// How long a lease lasts without renewal, in seconds.
const LEASE: i64 = 60;

/// How often a lease is renewed.
const RENEWAL: Duration = Duration::from_secs(15);

#[derive(Debug)]
struct WorkerState {
    shared: Arc<BatchService>,
    tasks: JoinSet<Next>,
    active: HashMap<task::Id, String>,
    /// Batches that are not polled before the given time.
    resting: HashMap<String, Instant>,
    closing: watch::Sender<bool>,
}

/// Works until `closing` ends, then waits for the batches in hand to be released.
pub(super) async fn run(
    shared: Arc<BatchService>,
    mut wake_ups: mpsc::Receiver<String>,
    closing: impl Future<Output = ()>,
) {
    let interval = shared.settings.poll_interval;
    let mut worker = WorkerState {
        shared,
        tasks: JoinSet::new(),
        active: HashMap::new(),
        resting: HashMap::new(),
        closing: watch::Sender::new(false),
    };
    tokio::pin!(closing);
    let mut next_poll = Instant::now();
    loop {
        tokio::select! {
            () = &mut closing => break,
            () = tokio::time::sleep_until(next_poll) => {
                next_poll = Instant::now() + interval;
                worker.shared.files.remove_expired().await;
                worker.start_all().await;
            }
            Some(id) = wake_ups.recv() => {
                worker.resting.remove(&id);
                worker.start(id);
            }
            Some(ended) = worker.tasks.join_next_with_id() => {
                let (task, next) = ended.unwrap_or_else(|error| {
                    tracing::error!(%error, "a bug of the gateway ended the work on a batch");
                    (error.id(), Next::Poll)
                });
                worker.release(task, next, interval);
            }
        }
    }
    worker.closing.send_replace(true);
    while worker.tasks.join_next().await.is_some() {}
}

impl WorkerState {
    /// Takes the open batches that no process works on.
    async fn start_all(&mut self) {
        let time = Instant::now();
        self.resting.retain(|_, until| *until > time);
        let owner = &self.shared.owner;
        match self
            .shared
            .store
            .free_batches(owner, now(), MAX_LISTED_BATCHES)
            .await
        {
            Ok(free) => free.into_iter().for_each(|id| self.start(id)),
            Err(error) => tracing::error!(%error, "open batches could not be listed"),
        }
    }

    fn start(&mut self, id: String) {
        let is_active = self.active.values().any(|other| *other == id);
        if is_active || self.resting.contains_key(&id) || self.tasks.len() >= MAX_ACTIVE_BATCHES {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let closing = self.closing.subscribe();
        let batch = id.clone();
        let task = self.tasks.spawn(async move {
            let next = work_under_lease(shared, &batch, closing).await;
            next.unwrap_or_else(|error| {
                tracing::error!(%error, batch, "the lease of a batch could not be acquired");
                Next::Poll
            })
        });
        self.active.insert(task.id(), id);
    }

    fn release(&mut self, task: task::Id, next: Next, interval: Duration) {
        let Some(id) = self.active.remove(&task) else {
            return;
        };
        match next {
            Next::Done => {}
            Next::More => self.start(id),
            Next::Poll => {
                self.resting.insert(id, Instant::now() + interval);
            }
        }
    }
}

/// Works on a batch as long as this process holds its lease.
async fn work_under_lease(
    shared: Arc<BatchService>,
    id: &str,
    closing: watch::Receiver<bool>,
) -> Result<Next, StoreError> {
    let Some(stored) = shared.store.lease_batch(id, lease(&shared.owner)).await? else {
        return Ok(Next::Poll);
    };
    let StoredBatch {
        caller,
        document,
        cancelling_at,
        ..
    } = stored;
    let document: BatchDocument = serde_json::from_str(&document)?;
    let callers = Arc::clone(&shared.current.load().callers);
    let caller = match &document.grant {
        Some(grant) => callers.of_token(&caller, grant),
        None => callers.of_id(&caller),
    };
    let cancelling = watch::Sender::new(cancelling_at);
    let mut work = Work {
        shared: Arc::clone(&shared),
        id: id.to_owned(),
        caller,
        document,
        cancelling: cancelling.subscribe(),
        closing,
    };
    let next = tokio::select! {
        next = advance(&mut work) => next,
        () = renew(&shared, id, &cancelling) => {
            tracing::warn!(batch = id, "another process has acquired the lease of the batch");
            return Ok(Next::Poll);
        }
    };
    shared.store.release_batch(id, &shared.owner).await?;
    Ok(next)
}

/// Renews the lease, and forwards the cancellation of the batch. Returns when the lease is lost.
async fn renew(shared: &BatchService, id: &str, cancelling: &watch::Sender<Option<i64>>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RENEWAL) => {}
            () = shared.cancelled.notified() => {}
        }
        match shared.store.lease_batch(id, lease(&shared.owner)).await {
            Ok(Some(stored)) => {
                cancelling.send_replace(stored.cancelling_at);
            }
            Ok(None) => return,
            // The lease is still valid for a while.
            Err(error) => tracing::warn!(%error, batch = id, "a lease could not be renewed"),
        }
    }
}

fn lease(owner: &str) -> Lease<'_> {
    let now = now();
    Lease {
        owner,
        now,
        until: now.saturating_add(LEASE),
    }
}

async fn advance(work: &mut Work) -> Next {
    let stop = match run_steps(work).await {
        Ok(next) => return next,
        Err(stop) => stop,
    };
    match stop {
        Stop::Later(reason) => {
            tracing::warn!(
                batch = work.id,
                reason,
                "work on a batch was interrupted; it continues at a later poll"
            );
            Next::Poll
        }
        Stop::Lost => Next::Poll,
        Stop::Never(error) => match finish::fail(work, vec![error]).await {
            Ok(()) => Next::Done,
            Err(_) => Next::Poll,
        },
    }
}

/// Runs the steps of a batch, starting from its stored state.
async fn run_steps(work: &mut Work) -> Result<Next, Stop> {
    if work.document.parts.is_empty() && !work.is_cancelled() {
        work.validate().await?;
        if is_over(work.document.batch.status) {
            return Ok(Next::Done);
        }
    }
    work.create_jobs().await?;
    if work.run_calls().await? == Next::More {
        return Ok(Next::More);
    }
    work.poll_jobs().await?;
    if work.document.parts.iter().all(|part| part.is_done()) {
        finish::finish(work).await?;
        return Ok(Next::Done);
    }
    let waits = |route: &PartRoute| matches!(route, PartRoute::Job(job) if !job.collected);
    match work.document.parts.iter().any(|part| waits(&part.route)) {
        true => Ok(Next::Poll),
        false => Ok(Next::More),
    }
}
