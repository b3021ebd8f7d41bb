//! The settled records of a gateway.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use outcrop::telemetry::log_request;
use outcrop::usage::{UsageQueue, UsageReaders, UsageRecord};

/// Collects the records of a gateway, which are also logged.
#[derive(Debug, Clone)]
pub struct Records {
    settled: Arc<Mutex<Vec<UsageRecord>>>,
    /// The queue of the gateway, which is read on the thread of the test.
    pub queue: UsageQueue,
}

impl Records {
    pub fn start() -> Self {
        let settled = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&settled);
        let collect = move |record: &UsageRecord| collected.lock().unwrap().push(record.clone());
        let readers = UsageReaders::new(vec![Box::new(log_request), Box::new(collect)]);
        let queue = UsageQueue::start(readers, Duration::ZERO);
        Self { settled, queue }
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
