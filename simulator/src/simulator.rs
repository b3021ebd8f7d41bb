//! The public handle of a simulator.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::journal::JournalEntry;
use crate::options::{JobEnd, Options};
use crate::script::Script;
use crate::server;
use crate::simulation::Simulation;

/// A running simulator. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    simulation: Simulation,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Opens the port and serves it on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let simulation = Simulation::new(options);
        let server = tokio::spawn(server::serve(listener, simulation.clone()));
        Ok(Self {
            address,
            simulation,
            server,
        })
    }

    /// The listen address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL of the data plane, the control plane, STS and S3.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a script to the end of the queue.
    pub fn push(&self, script: Script) {
        self.simulation.traffic.scripts.push(script);
    }

    /// The journal of received requests, oldest first.
    pub fn requests(&self) -> Vec<JournalEntry> {
        self.simulation.traffic.journal.entries()
    }

    /// Resets scripts, the journal, counters, cached prompts, seals of scripts, S3 objects, video
    /// jobs, batch jobs and the clock. Calls in flight continue.
    pub fn clear(&self) {
        self.simulation.clear();
    }

    /// Advances the clock, which ages cached prompts, presigned URLs and video jobs.
    pub fn advance(&self, time: Duration) {
        self.simulation.clock.advance(time);
    }

    /// The content of an S3 object; `None` if it does not exist.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.simulation.storage.content(bucket, key)
    }

    /// Writes an S3 object; `false` if the bucket does not exist or the store is full.
    pub fn put_object(
        &self,
        bucket: &str,
        key: &str,
        content_type: &str,
        content: impl Into<Bytes>,
    ) -> bool {
        self.simulation
            .storage
            .put(bucket, key, content_type, content.into())
    }

    /// The keys of a bucket with this prefix, in order.
    pub fn object_keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        self.simulation.storage.keys(bucket, prefix)
    }

    /// Queues the outcome of the next batch job that ends.
    pub fn end_next_job(&self, end: JobEnd) {
        self.simulation.batches.set_next_end(end);
    }

    /// Keeps batch jobs in progress, or releases them.
    pub fn hold_jobs(&self, hold: bool) {
        self.simulation.batches.hold(hold);
    }

    /// Number of calls in flight: received at least in part, response not sent completely.
    pub fn open_calls(&self) -> usize {
        self.simulation.traffic.calls.counts().open
    }

    /// Number of calls whose client disconnected before the last byte of the response.
    pub fn abandoned(&self) -> usize {
        self.simulation.traffic.calls.counts().abandoned
    }

    /// Number of calls received, whether a response was sent or not.
    pub fn received(&self) -> usize {
        self.simulation.traffic.calls.counts().received
    }

    /// Waits until [`abandoned`](Self::abandoned) is `count` or more.
    pub async fn wait_for_abandoned(&self, count: usize) {
        self.simulation
            .traffic
            .calls
            .wait(|counts| counts.abandoned >= count)
            .await;
    }

    /// Waits until [`received`](Self::received) is `count` or more.
    pub async fn wait_for_received(&self, count: usize) {
        self.simulation
            .traffic
            .calls
            .wait(|counts| counts.received >= count)
            .await;
    }

    /// Waits until no call is in flight.
    pub async fn idle(&self) {
        self.simulation
            .traffic
            .calls
            .wait(|counts| counts.open == 0)
            .await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
