//! Responses that are generated in the background. A request stores its response as queued; a worker
//! of some process leases it, generates it, and stores its events as they come. Clients poll the
//! response, or follow its events.

mod create;
mod follow;
mod job;
mod record;
mod run;

pub(crate) use create::{cancel, enqueue};
pub(crate) use follow::FollowStream;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::state::{ResponseState, now};
use crate::config::{Config, ResponsesSettings};
use crate::gateway::Gateway;
use crate::identity::Callers;
use crate::resources::body_memory::BodyMemory;
use crate::resources::ids::stored_id;
use crate::store::Lease;
use crate::usage::UsageQueue;
use run::Run;

/// How often a worker looks for responses that other processes have queued or left.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// How long a lease lasts without renewal, in seconds.
const LEASE: i64 = 60;

/// How often a lease is renewed.
const RENEWAL: Duration = Duration::from_secs(15);

/// The worker of this process.
#[derive(Debug)]
pub struct BackgroundResponses {
    shared: Arc<Worker>,
    ended: watch::Receiver<bool>,
}

/// What the responses in the background share.
#[derive(Debug)]
struct Worker {
    state: Arc<ResponseState>,
    /// What a reload of the configuration replaces.
    current: ArcSwap<WorkerContext>,
    /// The name of this process in leases.
    name: String,
    /// The memory of all requests; these use what others leave free.
    memory: BodyMemory,
    usage_queue: UsageQueue,
}

/// What responses need of the rest of the application.
#[derive(Debug)]
struct WorkerContext {
    gateway: Arc<Gateway>,
    callers: Arc<Callers>,
    settings: ResponsesSettings,
}

impl BackgroundResponses {
    /// Starts the worker. It begins no response after `closing`, and ends those in progress with an
    /// error at `ending`.
    pub fn start(
        config: &Config,
        state: &Arc<ResponseState>,
        (gateway, callers): (&Arc<Gateway>, &Arc<Callers>),
        (memory, usage_queue): (&BodyMemory, &UsageQueue),
        closing: impl Future<Output = ()> + Send + 'static,
        ending: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Worker {
            state: Arc::clone(state),
            current: ArcSwap::from_pointee(WorkerContext::new(config, gateway, callers)),
            name: stored_id("worker-"),
            memory: memory.clone(),
            usage_queue: usage_queue.clone(),
        });
        let (ended_sender, ended) = watch::channel(!state.is_enabled());
        if state.is_enabled() {
            let worker = Arc::clone(&shared);
            tokio::spawn(async move {
                worker.work(closing, ending).await;
                ended_sender.send_replace(true);
            });
        }
        Self { shared, ended }
    }

    /// Generates further responses with the gateway of another configuration.
    pub fn reconfigure(&self, config: &Config, gateway: &Arc<Gateway>, callers: &Arc<Callers>) {
        let context = WorkerContext::new(config, gateway, callers);
        self.shared.current.store(Arc::new(context));
    }

    /// Waits until the worker has ended.
    pub async fn stopped(&self) {
        let mut ended = self.ended.clone();
        // An error means that the worker has ended, too.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

impl WorkerContext {
    fn new(config: &Config, gateway: &Arc<Gateway>, callers: &Arc<Callers>) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            callers: Arc::clone(callers),
            settings: config.responses,
        }
    }
}

impl Worker {
    async fn work(
        self: Arc<Self>,
        closing: impl Future<Output = ()>,
        ending: impl Future<Output = ()> + Send + 'static,
    ) {
        let ends = watch::Sender::new(false);
        let is_ending = ends.subscribe();
        let ending = tokio::spawn(async move {
            ending.await;
            ends.send_replace(true);
        });
        tokio::pin!(closing);
        let mut runs = JoinSet::new();
        loop {
            self.start_free(&mut runs, &is_ending).await;
            tokio::select! {
                () = &mut closing => break,
                () = self.state.queued.notified() => {}
                Some(ended) = runs.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a bug of the gateway ended a response in the background");
                    }
                }
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
        while runs.join_next().await.is_some() {}
        ending.abort();
    }

    /// Starts responses that no worker generates, as many as there is room for.
    async fn start_free(
        self: &Arc<Self>,
        runs: &mut JoinSet<()>,
        is_ending: &watch::Receiver<bool>,
    ) {
        let max = self.current.load().settings.max_background_responses;
        let room = max.saturating_sub(runs.len());
        if room == 0 {
            return;
        }
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let free = match self.state.free_jobs(now(), limit).await {
            Ok(free) => free,
            Err(error) => {
                tracing::error!(%error, "queued responses could not be listed");
                return;
            }
        };
        for id in free {
            match self.state.lease_job(&id, self.lease()).await {
                Ok(Some(job)) => {
                    let run = Run::new(Arc::clone(self), id, job, is_ending.clone());
                    runs.spawn(run.run());
                }
                // Another process was faster.
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, response = id, "a queued response could not be leased");
                }
            }
        }
    }

    fn lease(&self) -> Lease<'_> {
        let now = now();
        Lease {
            owner: &self.name,
            now,
            until: now.saturating_add(LEASE),
        }
    }
}
