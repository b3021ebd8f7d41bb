//! The queue between requests and the readers of their records.
//!
//! A request ends with one push into this queue. Everything else reads it in a task of its own: the
//! log line, the store, metrics.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::cost::Cost;
use super::lost::LostRecords;
use super::readers::UsageReaders;
use super::record::UsageRecord;
use crate::models::Usd;

/// The maximum number of waiting records, about 50 MB.
const CAPACITY: usize = 65_536;

/// The maximum number of records that are read without a break for other tasks.
const MAX_BATCH: usize = 256;

const DROPPED: &str = "usage records dropped: their readers are too slow; these requests are in no \
                       log, no metric and no budget";

/// The queue of settled records. Clones share it.
#[derive(Clone)]
pub struct UsageQueue {
    sender: mpsc::Sender<QueueEntry>,
    dropped: Arc<LostRecords>,
}

// A record is moved into the queue: a box for each would cost more than the unused space of a marker.
#[allow(clippy::large_enum_variant)]
enum QueueEntry {
    Record(UsageRecord),
    /// All earlier records have been read when this is sent.
    Marker(oneshot::Sender<()>),
}

impl UsageQueue {
    /// A queue whose records go to `readers`, in a task on the current runtime.
    ///
    /// The task waits for `pause` after it has read all records, so that a busy gateway wakes it once
    /// per pause and not for every request: to wake a task of another thread takes longer than
    /// everything else in a push.
    pub fn start(readers: UsageReaders, pause: Duration) -> Self {
        Self::with_capacity(CAPACITY, readers, pause)
    }

    fn with_capacity(capacity: usize, readers: UsageReaders, pause: Duration) -> Self {
        let (sender, receiver) = mpsc::channel(capacity);
        let dropped = Arc::<LostRecords>::default();
        tokio::spawn(read_all(receiver, readers, Arc::clone(&dropped), pause));
        Self { sender, dropped }
    }

    /// Pushes a record, or counts it as dropped if the queue is full.
    pub(super) fn push(&self, record: UsageRecord) {
        let Err(error) = self.sender.try_send(QueueEntry::Record(record)) else {
            return;
        };
        if let QueueEntry::Record(record) = error.into_inner() {
            let cost = record
                .cost
                .and_then(Cost::total)
                .map_or(0, Usd::nanodollars);
            self.dropped.add(1, cost);
        }
    }

    /// Waits until all records that were pushed before have been read.
    pub async fn drained(&self) {
        let (marker, reached) = oneshot::channel();
        if self.sender.send(QueueEntry::Marker(marker)).await.is_ok() {
            // An error means that the runtime of the task ends.
            let _ = reached.await;
        }
    }

    /// The number of waiting records.
    pub fn waiting(&self) -> usize {
        let free = self.sender.capacity();
        self.sender.max_capacity().saturating_sub(free)
    }

    /// The number of dropped records, since the start of the process.
    pub fn dropped(&self) -> u64 {
        self.dropped.count()
    }
}

/// Gives each record to the readers.
async fn read_all(
    mut receiver: mpsc::Receiver<QueueEntry>,
    readers: UsageReaders,
    dropped: Arc<LostRecords>,
    pause: Duration,
) {
    let mut batch = Vec::new();
    let mut reported = 0;
    while receiver.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let has_more = batch.len() == MAX_BATCH;
        for entry in batch.drain(..) {
            match entry {
                QueueEntry::Record(record) => read(&readers, &record),
                QueueEntry::Marker(marker) => {
                    // An error: nobody waits any more.
                    let _ = marker.send(());
                }
            }
        }
        reported = dropped.report(reported, DROPPED);
        match has_more {
            true => tokio::task::yield_now().await,
            false if pause.is_zero() => {}
            false => tokio::time::sleep(pause).await,
        }
    }
}

/// A reader that panics must not end the log, and the records of all later requests.
fn read(readers: &UsageReaders, record: &UsageRecord) {
    if catch_unwind(AssertUnwindSafe(|| readers.read(record))).is_err() {
        tracing::error!(
            request_id = record.head.request_id,
            "internal error: a reader of usage records panicked"
        );
    }
}

impl fmt::Debug for UsageQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UsageQueue({} waiting)", self.waiting())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use parking_lot::Mutex;

    use super::*;
    use crate::models::CostBreakdown;
    use crate::usage::{Ledger, RequestHead};

    const PAUSE: Duration = Duration::from_secs(1);

    fn head(id: &str) -> RequestHead {
        RequestHead {
            request_id: id.to_owned(),
            ..RequestHead::default()
        }
    }

    /// Readers that collect the ids of requests, and panic at `panic`.
    fn collecting(ids: &Arc<Mutex<Vec<String>>>) -> UsageReaders {
        let ids = Arc::clone(ids);
        UsageReaders::new(vec![Box::new(move |record: &UsageRecord| {
            assert_ne!(record.head.request_id, "panic");
            ids.lock().push(record.head.request_id.clone());
        })])
    }

    #[tokio::test(start_paused = true)]
    async fn records_are_read_in_order_also_after_a_panic() {
        let ids = Arc::default();
        let queue = UsageQueue::start(collecting(&ids), PAUSE);
        for id in ["a", "panic", "b"] {
            drop(Ledger::open(head(id), &queue));
        }
        queue.drained().await;
        assert_eq!(*ids.lock(), ["a", "b"]);
        assert_eq!((queue.waiting(), queue.dropped()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_follows_when_all_records_have_been_read() {
        let ids = Arc::default();
        let queue = UsageQueue::start(collecting(&ids), PAUSE);
        drop(Ledger::open(head("a"), &queue));
        queue.drained().await;
        drop(Ledger::open(head("b"), &queue));
        tokio::time::sleep(PAUSE / 2).await;
        assert_eq!(*ids.lock(), ["a"]);
        tokio::time::sleep(PAUSE).await;
        assert_eq!(*ids.lock(), ["a", "b"]);
    }

    #[tokio::test]
    async fn a_full_queue_drops_records_and_counts_their_cost() {
        let ids = Arc::default();
        let queue = UsageQueue::with_capacity(2, collecting(&ids), Duration::ZERO);
        // The task does not run before this one waits.
        for _ in 0..5 {
            let mut record = UsageRecord::new(head("a"), SystemTime::UNIX_EPOCH);
            let output = Usd::from_nanodollars(7);
            record.cost = Some(Cost::uncached(Some(CostBreakdown {
                output,
                ..CostBreakdown::default()
            })));
            queue.push(record);
        }
        assert_eq!((queue.waiting(), queue.dropped()), (2, 3));
        assert_eq!(queue.dropped.nanodollars(), 21);
        queue.drained().await;
        assert_eq!(*ids.lock(), ["a", "a"]);
    }
}
