//! The settled records of a gateway.

use std::sync::{Arc, Mutex};

use outcrop::telemetry::log_request;
use outcrop::usage::{UsageReaders, UsageRecord};

/// Collects the records of a gateway, which are also logged.
#[derive(Debug, Clone, Default)]
pub struct Records(Arc<Mutex<Vec<UsageRecord>>>);

impl Records {
    pub fn readers(&self) -> UsageReaders {
        let settled = Arc::clone(&self.0);
        let collect = move |record: &UsageRecord| settled.lock().unwrap().push(record.clone());
        UsageReaders::new(vec![Box::new(log_request), Box::new(collect)])
    }

    /// Waits for `count` records, and removes all.
    pub async fn take(&self, count: usize) -> Vec<UsageRecord> {
        while self.0.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
