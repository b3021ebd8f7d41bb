use std::sync::Arc;
use std::time::Duration;

use super::ring::KeyRing;
use super::stored::{Configuration, SnapshotBuilder};
use crate::identity::Callers;
use crate::store::{Store, StoreError};

/// The time between two looks at the store: a revoked key is refused within it.
const INTERVAL: Duration = Duration::from_millis(250);

/// The time between two looks if requests wait for one.
const MIN_INTERVAL: Duration = Duration::from_millis(25);

/// The longest time that a look may take which finds no change.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time that reading changes may take.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Keeps the callers up to date with teams and keys in the store, which other processes change, too.
#[derive(Debug)]
pub struct KeyFollower {
    keys: Arc<KeyRing>,
    store: Arc<Store>,
    /// What has been read; `None` before the first time.
    seen: Option<Seen>,
}

/// What has been read.
#[derive(Debug)]
struct Seen {
    revision: i64,
    /// For which configuration.
    configuration: Arc<Configuration>,
}

impl KeyFollower {
    /// Follows `store` for `callers`, and for those of later configurations.
    pub fn new(callers: &Callers, store: Arc<Store>) -> Self {
        Self {
            keys: Arc::clone(&callers.keys),
            store,
            seen: None,
        }
    }

    /// Looks for changes in a loop, for the life of the process.
    pub async fn run(mut self) {
        let keys = Arc::clone(&self.keys);
        keys.refresh.start();
        loop {
            // The callers know of the error.
            let _ = self.look().await;
            tokio::time::sleep(MIN_INTERVAL).await;
            let wanted = keys.refresh.wanted();
            let _ = tokio::time::timeout(INTERVAL - MIN_INTERVAL, wanted).await;
        }
    }

    /// Looks for changes once. A store whose file does not exist has no keys. While the store cannot
    /// be read, keys stay as they are.
    pub async fn look(&mut self) -> Result<(), StoreError> {
        self.keys.refresh.begin();
        let result = self.read().await;
        self.keys.store_is_read(result.as_ref().copied());
        self.keys.refresh.end();
        result
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        if !self.store.exists() {
            return Ok(());
        }
        let configuration = self.keys.configuration();
        // Keys of another configuration have other limits and guardrails.
        self.seen
            .take_if(|seen| !Arc::ptr_eq(&seen.configuration, &configuration));
        if let Some(seen) = &self.seen
            && within(TIMEOUT, self.store.identity_revision()).await? == seen.revision
        {
            return Ok(());
        }
        // An error leaves nothing to continue from.
        let since = self.seen.take().map(|seen| seen.revision);
        let organization = Arc::clone(self.keys.snapshot.load().organization());
        let mut builder = SnapshotBuilder::new(&configuration, organization);
        let read = self.store.read_identity(since, |row| builder.read(row));
        let changes = within(READ_TIMEOUT, read).await?;
        if self.keys.replace(&configuration, builder, changes.has_keys) {
            self.seen = Some(Seen {
                revision: changes.revision,
                configuration,
            });
        }
        Ok(())
    }
}

async fn within<T>(
    limit: Duration,
    query: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let result = tokio::time::timeout(limit, query).await;
    result.unwrap_or_else(|_| Err(StoreError::timed_out()))
}
