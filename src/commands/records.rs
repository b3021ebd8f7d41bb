//! What reads the records of requests.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::limits::LimitRegistry;
use crate::store::{Spool, Store};
use crate::telemetry;
use crate::usage::{
    Retention, StoredSpend, UsageQueue, UsageReader, UsageReaders, UsageWriter, WriterSettings,
    delete_old,
};

/// How long the readers pause: the maximum delay of log lines, besides that of the log itself.
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// How long the readers may take at the end of the process.
const MAX_DRAIN: Duration = Duration::from_secs(5);

/// The queue of records, and its readers that finish their work at the end of the process.
#[derive(Debug, Clone)]
pub(super) struct RecordReaders {
    pub(super) queue: UsageQueue,
    /// `None` if usage is not stored.
    pub(super) writer: Option<UsageWriter>,
}

impl RecordReaders {
    /// Starts the readers of a configuration, with `metrics`.
    pub(super) fn start(config: &Config, metrics: Option<UsageReader>) -> Self {
        let writer = writer(config);
        let mut readers: Vec<UsageReader> = vec![Box::new(telemetry::log_request)];
        readers.extend(writer.as_ref().map(UsageWriter::reader));
        readers.extend(metrics);
        Self {
            queue: UsageQueue::start(UsageReaders::new(readers), QUEUE_PAUSE),
            writer,
        }
    }

    /// Budgets count what is stored.
    pub(super) fn seed(&self, limits: &Arc<LimitRegistry>, config: &Config) {
        if self.writer.is_some() {
            let zone = config.budgets.time_zone.clone();
            limits.seed_from(Arc::new(StoredSpend::new(&config.store.path, zone)));
        }
    }

    /// Waits until the records of all requests that have ended have been logged and stored.
    pub(super) async fn drain(&self) {
        let drained = async {
            self.queue.drained().await;
            if let Some(writer) = &self.writer {
                writer.drained().await;
            }
        };
        if tokio::time::timeout(MAX_DRAIN, drained).await.is_err() {
            let waiting = self.queue.waiting();
            tracing::error!(
                waiting,
                "the last usage records were not read and stored in time"
            );
        }
    }
}

/// Starts the writer, and deletes old usage.
fn writer(config: &Config) -> Option<UsageWriter> {
    let (usage, path) = (&config.usage, &config.store.path);
    if usage.enabled == Some(false) {
        return None;
    }
    // Connections of their own: the writer does not wait for other work on the store.
    let store = Arc::new(Store::at(path));
    let settings = WriterSettings {
        wait_for_file: usage.enabled.is_none().then(|| path.clone()),
        time_zone: config.budgets.time_zone.clone(),
        spool: Spool::at(&usage.spool_folder(path), usage.spool_size as u64),
    };
    let retention = Retention {
        records: usage.record_retention_days,
        hourly: usage.hourly_retention_days,
        daily: usage.daily_retention_days,
    };
    let (cleaned, path) = (Arc::clone(&store), path.clone());
    tokio::spawn(async move { delete_old(&cleaned, &path, retention).await });
    Some(UsageWriter::start(store, settings))
}
