//! The runtimes that serve connections, one per core, so that a request never changes threads.
//!
//! A request has two tasks: the connection of its client and that to Bedrock. In one runtime with
//! several threads they wake each other across threads, which takes a quarter of the processor
//! time. Limits, caches, the ledger and credentials are shared by all cores; requests with long
//! work move to the runtime of the process, which has several threads.

use std::io;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::resources::relocation::relocatable;

/// How long the end of the runtimes may take.
const MAX_STOP: Duration = Duration::from_secs(1);

/// The runtimes that serve connections. They stop when this is dropped.
#[derive(Debug)]
pub struct Cores {
    cores: Vec<Core>,
    /// The threads of `cores`; none for [`Cores::current`].
    threads: Vec<CoreThread>,
}

/// One of the runtimes, with its load.
#[derive(Debug, Clone)]
pub(super) struct Core {
    runtime: Handle,
    /// The runtime for requests with long work, if it is another one.
    shared: Option<Handle>,
    load: Arc<Load>,
}

/// What a core serves. It has cache lines of its own, which no other core writes to.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Load {
    requests: AtomicUsize,
    /// The requests whose response is a stream that has begun.
    streams: AtomicUsize,
    connections: AtomicUsize,
}

/// What all cores serve at the moment.
#[derive(Debug, Clone)]
pub struct ServerLoad(Arc<[Arc<Load>]>);

/// A request of a core, until it is dropped.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    load: Arc<Load>,
    is_stream: bool,
}

/// A connection of a core, until it is dropped.
#[derive(Debug)]
struct ActiveConnection(Arc<Load>);

/// The thread of a core.
#[derive(Debug)]
struct CoreThread {
    /// The runtime ends when this is dropped.
    _running: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Cores {
    /// Starts `count` runtimes. Requests with long work move to the current runtime.
    pub fn start(count: NonZero<usize>) -> io::Result<Self> {
        let (mut cores, mut threads) = (Vec::new(), Vec::new());
        for index in 0..count.get() {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            cores.push(Core {
                shared: Some(Handle::current()),
                ..Core::of(runtime.handle())
            });
            threads.push(CoreThread::start(index, runtime)?);
        }
        Ok(Self { cores, threads })
    }

    /// The current runtime as the only core.
    pub fn current() -> Self {
        Self {
            cores: vec![Core::of(&Handle::current())],
            threads: Vec::new(),
        }
    }

    /// What the cores serve.
    pub fn load(&self) -> ServerLoad {
        let loads = self.cores.iter().map(|core| Arc::clone(&core.load));
        ServerLoad(loads.collect())
    }

    /// Serves a connection on the core with the least to do. The kernel's distribution between
    /// several listeners (`SO_REUSEPORT`) is random: two busy connections often share a core.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        serve: impl FnOnce(Core) -> F + Send + 'static,
    ) {
        let Some(core) = self.cores.iter().min_by_key(|core| core.load.rank()) else {
            return;
        };
        let connection = ActiveConnection::new(&core.load);
        let served = core.clone();
        core.runtime.spawn(async move {
            // A future from outside would be in the task twice: as it was moved in, and awaited.
            serve(served).await;
            drop(connection);
        });
    }

    /// Stops the runtimes, and cancels what they still serve.
    pub async fn stop(self) {
        let threads = self.threads.into_iter();
        // Dropping `_running` ends the thread.
        let threads: Vec<_> = threads.map(|core| core.thread).collect();
        let joined = tokio::task::spawn_blocking(|| {
            for thread in threads {
                // A panic has been reported.
                let _ = thread.join();
            }
        });
        if tokio::time::timeout(MAX_STOP, joined).await.is_err() {
            tracing::warn!("the threads of the server did not end in time");
        }
    }
}

impl CoreThread {
    fn start(index: usize, runtime: Runtime) -> io::Result<Self> {
        let (running, stopped) = oneshot::channel::<()>();
        let run = move || {
            let _ = runtime.block_on(stopped);
            // Cancels the tasks, and does not wait for blocking ones.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name(format!("core-{index}"));
        Ok(Self {
            _running: running,
            thread: thread.spawn(run)?,
        })
    }
}

impl Core {
    fn of(runtime: &Handle) -> Self {
        Self {
            runtime: runtime.clone(),
            shared: None,
            load: Arc::default(),
        }
    }

    /// Runs a request here, until it has long work.
    pub(super) async fn run<F>(&self, request: Pin<Box<F>>) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        match &self.shared {
            Some(shared) => relocatable(request, shared).await,
            None => request.await,
        }
    }

    /// Counts a request.
    pub(super) fn begin_request(&self) -> ActiveRequest {
        self.load.requests.fetch_add(1, Ordering::Relaxed);
        ActiveRequest {
            load: Arc::clone(&self.load),
            is_stream: false,
        }
    }
}

impl ServerLoad {
    /// Requests whose response is not complete.
    pub fn requests(&self) -> usize {
        self.sum(|load| &load.requests)
    }

    /// Of these, the ones whose response is a stream that has begun.
    pub fn streams(&self) -> usize {
        self.sum(|load| &load.streams)
    }

    /// Connections, with and without a request.
    pub fn connections(&self) -> usize {
        self.sum(|load| &load.connections)
    }

    fn sum(&self, count: impl Fn(&Load) -> &AtomicUsize) -> usize {
        let counts = self.0.iter().map(|load| count(load));
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

impl Load {
    /// The order of cores for a new connection. Connections without a request cost nothing, but
    /// they will have one.
    fn rank(&self) -> (usize, usize) {
        (
            self.requests.load(Ordering::Relaxed),
            self.connections.load(Ordering::Relaxed),
        )
    }
}

impl ActiveRequest {
    /// The response is a stream, which begins.
    pub(super) fn begin_stream(&mut self) {
        if !self.is_stream {
            self.is_stream = true;
            self.load.streams.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.load.requests.fetch_sub(1, Ordering::Relaxed);
        if self.is_stream {
            self.load.streams.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl ActiveConnection {
    fn new(load: &Arc<Load>) -> Self {
        load.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(load))
    }
}

impl Drop for ActiveConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::runtime::Id;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;

    /// Cores whose connections report where they run, and last.
    struct Spawner {
        cores: Cores,
        report: UnboundedSender<(Id, Option<ActiveRequest>)>,
        reports: UnboundedReceiver<(Id, Option<ActiveRequest>)>,
    }

    impl Spawner {
        fn of(count: usize) -> Self {
            let count = NonZero::new(count).expect("a core");
            let (report, reports) = unbounded_channel();
            Self {
                cores: Cores::start(count).expect("runtimes"),
                report,
                reports,
            }
        }

        /// The core of a new connection, which begins a request if it is `busy`.
        async fn connect(&mut self, busy: bool) -> (Id, Option<ActiveRequest>) {
            let report = self.report.clone();
            self.cores.spawn(move |core| async move {
                let request = busy.then(|| core.begin_request());
                let _ = report.send((Handle::current().id(), request));
                pending().await
            });
            self.reports.recv().await.expect("a connection")
        }
    }

    #[tokio::test]
    async fn connections_are_spread_evenly() {
        for busy in [false, true] {
            let mut spawner = Spawner::of(4);
            let mut connections = Vec::new();
            for _ in 0..40 {
                connections.push(spawner.connect(busy).await);
            }
            for (first, _) in connections.iter().take(4) {
                let same = connections.iter().filter(|(id, _)| id == first);
                assert_eq!(same.count(), 10);
            }
            spawner.cores.stop().await;
        }
    }

    #[tokio::test]
    async fn a_busy_core_gets_no_connection_while_another_has_only_idle_ones() {
        let mut spawner = Spawner::of(2);
        let (busy, request) = spawner.connect(true).await;
        for _ in 0..10 {
            let (idle, _) = spawner.connect(false).await;
            assert_ne!(idle, busy);
        }
        drop(request);
        let (freed, _) = spawner.connect(false).await;
        assert_eq!(freed, busy);
    }

    #[tokio::test]
    async fn the_load_is_that_of_all_cores() {
        let mut spawner = Spawner::of(2);
        let load = spawner.cores.load();
        let (_, first) = spawner.connect(true).await;
        let (_, second) = spawner.connect(true).await;
        let mut first = first.expect("a request");
        first.begin_stream();
        let counts = || (load.requests(), load.streams(), load.connections());
        assert_eq!(counts(), (2, 1, 2));
        drop((first, second));
        assert_eq!(counts(), (0, 0, 2));
    }

    #[tokio::test]
    async fn connections_that_still_run_are_cancelled() {
        let mut spawner = Spawner::of(2);
        let (_, request) = spawner.connect(true).await;
        drop(request);
        spawner.cores.stop().await;
        drop(spawner.report);
        assert!(spawner.reports.recv().await.is_none(), "all were dropped");
    }
}
