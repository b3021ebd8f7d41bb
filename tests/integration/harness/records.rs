//! The settled records of a gateway.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use outcrop::telemetry::log_request;
use outcrop::usage::{UsageQueue, UsageReader, UsageReaders, UsageRecord, UsageWriter};

/// Collects the records of a gateway, which are also logged.
#[derive(Debug, Clone)]
pub struct Records {
    settled: Arc<Mutex<Vec<UsageRecord>>>,
    /// The queue of the gateway, which is read on the thread of the test.
    pub queue: UsageQueue,
    /// The writer of the store, if it is enabled.
    writer: Option<UsageWriter>,
}

impl Records {
    pub fn start(writer: Option<UsageWriter>) -> Self {
        let settled = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&settled);
        let collect = move |record: &UsageRecord| collected.lock().unwrap().push(record.clone());
        let mut readers: Vec<UsageReader> = vec![Box::new(log_request), Box::new(collect)];
        readers.extend(writer.as_ref().map(UsageWriter::reader));
        let queue = UsageQueue::start(UsageReaders::new(readers), Duration::ZERO);
        Self {
            settled,
            queue,
            writer,
        }
    }

    /// Waits until all settled records are stored.
    pub async fn stored(&self) {
        self.queue.drained().await;
        self.writer.as_ref().unwrap().drained().await;
    }

    /// Waits for `count` records, and removes all.
    pub async fn take(&self, count: usize) -> Vec<UsageRecord> {
        self.queue.drained().await;
        while self.settled.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
        std::mem::take(&mut self.settled.lock().unwrap())
    }
}
