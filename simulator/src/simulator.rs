//! The simulator as its users hold it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::cache::PromptCache;
use crate::calls::Calls;
use crate::clock::Clock;
use crate::fixed::Fixed;
use crate::journal::{Journal, Received};
use crate::options::Options;
use crate::script::Script;
use crate::scripts::Scripts;
use crate::server;
use crate::signatures::Seals;

/// A running simulator. Dropped, it closes its port and every connection.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    simulation: Arc<Simulation>,
    server: JoinHandle<()>,
}

/// What all calls share.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) options: Options,
    pub(crate) scripts: Scripts,
    pub(crate) journal: Journal,
    pub(crate) calls: Calls,
    pub(crate) fixed: Option<Fixed>,
    pub(crate) clock: Clock,
    pub(crate) cache: PromptCache,
    pub(crate) seals: Seals,
}

impl Simulation {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            scripts: Scripts::default(),
            journal: Journal::new(options.journal),
            calls: Calls::default(),
            fixed: options
                .fixed_answer
                .map(|fixed| Fixed::new(fixed, options.word_delay)),
            clock: Clock::default(),
            cache: PromptCache::default(),
            seals: Seals::default(),
            options,
        }
    }

    pub(crate) fn clear(&self) {
        self.scripts.clear();
        self.journal.clear();
        self.calls.clear();
        self.cache.clear();
        self.seals.clear();
    }
}

impl Simulator {
    /// Opens the port and serves it on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the address cannot be listened on.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let simulation = Arc::new(Simulation::new(options));
        let server = tokio::spawn(server::serve(listener, simulation.clone()));
        Ok(Self {
            address,
            simulation,
            server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its endpoint URL, for the data plane, the control plane and STS alike.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Queues a script.
    pub fn push(&self, script: Script) {
        self.simulation.scripts.push(script);
    }

    /// The requests received, oldest first; as many as the journal holds.
    pub fn requests(&self) -> Vec<Received> {
        self.simulation.journal.entries()
    }

    /// Forgets scripts, received requests, counts, cached prompts and what scripts signed; calls
    /// under way go on.
    pub fn clear(&self) {
        self.simulation.clear();
    }

    /// Lets this much time pass at once for what ages: cached prompts.
    pub fn advance(&self, time: Duration) {
        self.simulation.clock.advance(time);
    }

    /// How many calls are under way: received in part or whole, and not answered to the last byte.
    pub fn open_calls(&self) -> usize {
        self.simulation.calls.counts().open
    }

    /// How many calls were left by their client before the last byte.
    pub fn abandoned(&self) -> usize {
        self.simulation.calls.counts().abandoned
    }

    /// How many calls have come in, answered or not.
    pub fn received(&self) -> usize {
        self.simulation.calls.counts().received
    }

    /// Waits until [`abandoned`](Self::abandoned) is `count` or more.
    pub async fn abandoned_at_least(&self, count: usize) {
        self.simulation
            .calls
            .wait(|counts| counts.abandoned >= count)
            .await;
    }

    /// Waits until [`received`](Self::received) is `count` or more.
    pub async fn received_at_least(&self, count: usize) {
        self.simulation
            .calls
            .wait(|counts| counts.received >= count)
            .await;
    }

    /// Waits until no call is under way.
    pub async fn idle(&self) {
        self.simulation.calls.wait(|counts| counts.open == 0).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
