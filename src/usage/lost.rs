use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::models::Usd;

/// Records that were lost since the start of the process.
#[derive(Debug, Default)]
pub(super) struct LostRecords {
    count: AtomicU64,
    nanodollars: AtomicI64,
}

impl LostRecords {
    pub(super) fn add(&self, count: u64, nanodollars: i64) {
        self.nanodollars.fetch_add(nanodollars, Ordering::Relaxed);
        self.count.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn nanodollars(&self) -> i64 {
        self.nanodollars.load(Ordering::Relaxed)
    }

    /// Logs the records that were lost since `reported` of them had been; returns their number now.
    pub(super) fn report(&self, reported: u64, message: &'static str) -> u64 {
        let count = self.count();
        if count > reported {
            tracing::error!(
                records = count - reported,
                records_since_start = count,
                cost_usd_since_start = %Usd::from_nanodollars(self.nanodollars()),
                "{message}"
            );
        }
        count
    }
}
