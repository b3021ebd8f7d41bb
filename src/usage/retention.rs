//! Deletes old records and sums, in slices, so that the writer never waits for long.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::store::{Store, StoreError, UsageTable};

/// Rows that are deleted at a time.
const SLICE: u32 = 1_000;

/// The time between slices, in which others can write.
const PAUSE: Duration = Duration::from_millis(20);

/// The time between runs.
const INTERVAL: Duration = Duration::from_secs(3600);

const SECONDS_PER_DAY: i64 = 86_400;

/// How long usage is stored, in days; `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Records.
    pub records: Option<u32>,
    /// Sums by hour.
    pub hourly: Option<u32>,
    /// Sums by day.
    pub daily: Option<u32>,
}

/// Deletes what is older than `retention`, every hour, once the file `path` of the store exists.
/// Never ends.
pub async fn delete_old(store: &Store, path: &Path, retention: Retention) {
    loop {
        if path.exists() {
            match retention.apply(store, SystemTime::now()).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "old usage deleted"),
                Err(error) => tracing::error!(%error, "cannot delete old usage"),
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

impl Retention {
    /// Deletes what is older at `now`; returns the number of rows.
    async fn apply(self, store: &Store, now: SystemTime) -> Result<u64, StoreError> {
        let Self {
            records,
            hourly,
            daily,
        } = self;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let mut count = 0;
        for (table, days) in [
            (UsageTable::Records, records),
            (UsageTable::Hourly, hourly),
            (UsageTable::Daily, daily),
        ] {
            let Some(days) = days else {
                continue;
            };
            let before = now.saturating_sub(i64::from(days) * SECONDS_PER_DAY);
            loop {
                let deleted = store.remove_usage(table, before, SLICE).await?;
                if deleted == 0 {
                    break;
                }
                count += deleted;
                tokio::time::sleep(PAUSE).await;
            }
        }
        while store.shrink().await? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(count)
    }
}
