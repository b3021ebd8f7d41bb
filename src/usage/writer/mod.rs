//! Writes records to the store, in batches and off the request path. While the store is not
//! available, they wait in the spool.

mod row;
mod task;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use super::lost::LostRecords;
use super::readers::UsageReader;
use super::record::UsageRecord;
use crate::store::{Spool, Store, StoredUsage};
pub use row::day_of;
use task::WriterTask;

/// The maximum number of records that wait for the task, about 20 MB: more than arrive during the
/// longest write.
const CAPACITY: usize = 16_384;

/// How records are written.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Until this file exists, records are not stored; `None` to create the store with the first one.
    pub wait_for_file: Option<PathBuf>,
    /// The time zone of days.
    pub time_zone: TimeZone,
    /// Where records wait while the store is not available.
    pub spool: Spool,
}

/// The writer of records. Clones share it.
#[derive(Clone)]
pub struct UsageWriter {
    sender: mpsc::Sender<WriterEntry>,
    time_zone: TimeZone,
    spool: Spool,
    lost: Arc<LostRecords>,
    unwritten_since: Arc<AtomicI64>,
}

enum WriterEntry {
    Record(Box<StoredUsage>),
    /// All earlier records are in the store, or in the spool, when this is sent.
    Marker(oneshot::Sender<()>),
}

impl UsageWriter {
    /// A writer to `store`, with a task on the current runtime.
    pub fn start(store: Arc<Store>, settings: WriterSettings) -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let lost = Arc::<LostRecords>::default();
        let unwritten_since = Arc::<AtomicI64>::default();
        let WriterSettings {
            wait_for_file,
            time_zone,
            spool,
        } = settings;
        let (task_lost, task_since) = (Arc::clone(&lost), Arc::clone(&unwritten_since));
        let task = WriterTask::new(store, spool.clone(), wait_for_file, task_lost, task_since);
        tokio::spawn(task.run(receiver));
        Self {
            sender,
            time_zone,
            spool,
            lost,
            unwritten_since,
        }
    }

    /// The reader that gives records to the writer.
    pub fn reader(&self) -> UsageReader {
        let (sender, zone) = (self.sender.clone(), self.time_zone.clone());
        let lost = Arc::clone(&self.lost);
        Box::new(move |record: &UsageRecord| {
            let Some(row) = row::stored(record, &zone) else {
                return;
            };
            let cost = row.cost.unwrap_or_default();
            if sender.try_send(WriterEntry::Record(Box::new(row))).is_err() {
                lost.add(1, cost);
            }
        })
    }

    /// Waits until all records that were read before are in the store, or in the spool.
    pub async fn drained(&self) {
        let (marker, reached) = oneshot::channel();
        if self.sender.send(WriterEntry::Marker(marker)).await.is_ok() {
            // An error means that the runtime of the task ends.
            let _ = reached.await;
        }
    }

    /// The number of records that were lost, since the start of the process: neither the store nor
    /// the spool had room.
    pub fn lost(&self) -> u64 {
        self.lost.count()
    }

    /// The number of records that wait for the task.
    pub fn waiting(&self) -> usize {
        let free = self.sender.capacity();
        self.sender.max_capacity().saturating_sub(free)
    }

    /// The size of the records in the spool, in bytes.
    pub fn spool_bytes(&self) -> u64 {
        self.spool.bytes()
    }

    /// How long the oldest record has been waiting for the store.
    pub fn lag(&self, now: SystemTime) -> Duration {
        let now = unix_milliseconds(now);
        match self.unwritten_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(now.saturating_sub(since).unsigned_abs()),
        }
    }
}

fn unix_milliseconds(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for UsageWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "UsageWriter({} bytes in the spool)",
            self.spool_bytes()
        )
    }
}
