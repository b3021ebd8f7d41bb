use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};

/// The longest time that a request waits.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Requests that may wait at a time; others do without.
const MAX_WAITING: usize = 64;

/// Requests with an unknown key wait here until the store has been read, since the key may be new.
#[derive(Debug)]
pub(in crate::identity) struct Refresh {
    is_running: AtomicBool,
    /// The number of reads that have begun.
    begun: AtomicU64,
    /// The number of reads that are complete.
    complete: watch::Sender<u64>,
    wanted: Notify,
    waiting: Semaphore,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            is_running: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            complete: watch::Sender::new(0),
            wanted: Notify::new(),
            waiting: Semaphore::new(MAX_WAITING),
        }
    }
}

impl Refresh {
    /// Waits for a read that begins now or later; `false` if there is none.
    pub(in crate::identity) async fn done(&self) -> bool {
        let Ok(_permit) = self.waiting.try_acquire() else {
            return false;
        };
        if !self.is_running.load(Ordering::Acquire) {
            return false;
        }
        let mut complete = self.complete.subscribe();
        let begun = self.begun.load(Ordering::Acquire);
        self.wanted.notify_one();
        let done = complete.wait_for(|complete| *complete > begun);
        matches!(tokio::time::timeout(MAX_WAIT, done).await, Ok(Ok(_)))
    }

    /// Declares that reads follow, which requests can wait for.
    pub(super) fn start(&self) {
        self.is_running.store(true, Ordering::Release);
    }

    /// A read begins.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }

    /// The read is complete.
    pub(super) fn end(&self) {
        self.complete.send_modify(|complete| *complete += 1);
    }

    /// Waits until a request waits.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }
}
