//! The task of the writer: it collects records, writes them, and falls back to the spool.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::{WriterEntry, unix_milliseconds};
use crate::store::{Spool, SpoolLoss, Store, StoredUsage};
use crate::usage::lost::LostRecords;

/// The maximum number of records in a transaction.
const MAX_BATCH: usize = 500;

/// The maximum time that a record waits for others: what a crash may lose, besides a transaction.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// How long a transaction may take before its records go to the spool. Other processes can have the
/// file locked.
const MAX_WRITE: Duration = Duration::from_secs(2);

/// The time between attempts while the store is not available.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The time between notes of when keys were used last.
const KEYS_INTERVAL: Duration = Duration::from_secs(60);

const LOST: &str = "usage records lost: neither the store nor the spool had room";

pub(super) struct WriterTask {
    store: Arc<Store>,
    spool: Spool,
    /// Until this file exists, records are not stored.
    wait_for_file: Option<PathBuf>,
    lost: Arc<LostRecords>,
    reported: u64,
    /// When the oldest unwritten record arrived, in Unix milliseconds; 0 if there is none.
    unwritten_since: Arc<AtomicI64>,
    batch: Vec<StoredUsage>,
    /// When the batch is written.
    due: Instant,
    /// When stored keys were used last, in Unix seconds, unless it is noted.
    used_keys: BTreeMap<String, i64>,
    /// When that is noted.
    keys_due: Instant,
    /// Whether the spool may have records.
    has_spooled: bool,
    /// Whether the last transaction failed.
    is_away: bool,
    /// When the store is tried again.
    retry_at: Instant,
}

impl WriterTask {
    pub(super) fn new(
        store: Arc<Store>,
        spool: Spool,
        wait_for_file: Option<PathBuf>,
        lost: Arc<LostRecords>,
        unwritten_since: Arc<AtomicI64>,
    ) -> Self {
        Self {
            store,
            spool,
            wait_for_file,
            lost,
            reported: 0,
            unwritten_since,
            batch: Vec::new(),
            due: Instant::now(),
            used_keys: BTreeMap::new(),
            keys_due: Instant::now(),
            // An earlier process may have left some.
            has_spooled: true,
            is_away: false,
            retry_at: Instant::now(),
        }
    }

    pub(super) async fn run(mut self, mut receiver: mpsc::Receiver<WriterEntry>) {
        if self.is_enabled() {
            // Creates the file, or reports at the start that it cannot be used.
            self.store(&[]).await;
        }
        let mut arrived = Vec::new();
        loop {
            tokio::select! {
                // Together: to wait for each record would set all timers again for each.
                count = receiver.recv_many(&mut arrived, MAX_BATCH) => {
                    if count == 0 {
                        return self.write().await;
                    }
                    for entry in arrived.drain(..) {
                        match entry {
                            WriterEntry::Record(record) => self.take(*record).await,
                            WriterEntry::Marker(marker) => self.reach(marker).await,
                        }
                    }
                }
                () = sleep_until(self.due), if !self.batch.is_empty() => self.write().await,
                () = sleep_until(self.retry_at), if self.has_spooled => self.replay().await,
                () = sleep_until(self.keys_due), if !self.used_keys.is_empty() => {
                    self.note_used_keys().await;
                }
            }
            self.reported = self.lost.report(self.reported, LOST);
        }
    }

    async fn take(&mut self, record: StoredUsage) {
        if self.batch.is_empty() {
            self.due = Instant::now() + MAX_WAIT;
            self.note_unwritten();
        }
        if let Some(key) = &record.key_id {
            if self.used_keys.is_empty() {
                self.keys_due = Instant::now() + KEYS_INTERVAL;
            }
            let used = self.used_keys.entry(key.clone()).or_default();
            *used = record.at.div_euclid(1000).max(*used);
        }
        self.batch.push(record);
        if self.batch.len() >= MAX_BATCH {
            self.write().await;
        }
    }

    async fn reach(&mut self, marker: oneshot::Sender<()>) {
        self.write().await;
        self.note_used_keys().await;
        // An error: nobody waits any more.
        let _ = marker.send(());
    }

    /// Writes the batch to the store, or else to the spool.
    async fn write(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() || !self.is_enabled() {
            self.note_written();
            return;
        }
        let may_try = !self.is_away || Instant::now() >= self.retry_at;
        if may_try && self.store(&batch).await {
            self.note_written();
            return;
        }
        let (count, cost) = (batch.len() as u64, sum_of(&batch));
        self.has_spooled = true;
        match self.spool.append(batch).await {
            Ok(lost) => self.lose(lost),
            Err(error) => {
                tracing::error!(%error, "cannot write to the spool of usage records");
                self.lost.add(count, cost);
            }
        }
    }

    /// Notes in the store when keys were used last.
    async fn note_used_keys(&mut self) {
        self.keys_due = Instant::now() + KEYS_INTERVAL;
        if self.used_keys.is_empty() || self.is_away || !self.is_enabled() {
            return;
        }
        let used = self.used_keys.iter();
        let used: Vec<(&str, i64)> = used.map(|(key, at)| (key.as_str(), *at)).collect();
        // After an error, they are noted later.
        if let Ok(Ok(())) = timeout(MAX_WRITE, self.store.keys_used(&used)).await {
            self.used_keys.clear();
        }
    }

    /// Moves the oldest records of the spool to the store.
    async fn replay(&mut self) {
        if !self.is_enabled() {
            self.retry_at = Instant::now() + RETRY_DELAY;
            return;
        }
        match self.spool.oldest(MAX_BATCH).await {
            Ok(records) => {
                self.has_spooled = !records.is_empty();
                self.note_written();
                if records.is_empty() || self.store(&records).await {
                    self.pass_spooled().await;
                }
            }
            Err(error) => self.spool_failed(&error),
        }
    }

    /// The records that were read from the spool are stored.
    async fn pass_spooled(&mut self) {
        match self.spool.stored().await {
            Ok(unread) => self.lose(unread),
            Err(error) => self.spool_failed(&error),
        }
    }

    fn spool_failed(&mut self, error: &crate::store::StoreError) {
        tracing::error!(%error, "cannot read the spool of usage records");
        self.retry_at = Instant::now() + RETRY_DELAY;
    }

    /// Stores records; returns whether it succeeded.
    async fn store(&mut self, records: &[StoredUsage]) -> bool {
        let error = match timeout(MAX_WRITE, self.store.add_usage(records)).await {
            Ok(Ok(_)) => {
                if self.is_away {
                    tracing::info!("usage records can be stored again");
                }
                self.is_away = false;
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no result after {} s", MAX_WRITE.as_secs()),
        };
        if !self.is_away {
            tracing::error!(
                error,
                "usage records cannot be stored; they wait in the spool until they can"
            );
        }
        self.is_away = true;
        self.retry_at = Instant::now() + RETRY_DELAY;
        false
    }

    fn is_enabled(&mut self) -> bool {
        if self
            .wait_for_file
            .as_ref()
            .is_some_and(|file| file.exists())
        {
            self.wait_for_file = None;
        }
        self.wait_for_file.is_none()
    }

    fn lose(
        &self,
        SpoolLoss {
            records,
            nanodollars,
        }: SpoolLoss,
    ) {
        self.lost.add(records, nanodollars);
    }

    fn note_unwritten(&self) {
        let now = unix_milliseconds(SystemTime::now());
        let since = &self.unwritten_since;
        let _ = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn note_written(&self) {
        if self.batch.is_empty() && !self.has_spooled {
            self.unwritten_since.store(0, Ordering::Relaxed);
        }
    }
}

fn sum_of(records: &[StoredUsage]) -> i64 {
    let costs = records.iter().filter_map(|record| record.cost);
    costs.fold(0, i64::saturating_add)
}
