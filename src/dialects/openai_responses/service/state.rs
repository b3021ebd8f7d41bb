//! The store of responses, with the same operations in memory and on disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, broadcast};

use super::jobs::Change;
use super::memory::{ResponseMemory, link};
use crate::config::{ResponseStorage, ResponsesSettings};
use crate::gateway::unix_seconds;
use crate::store::{ResponseLink, Store, StoreError, StoredItem, StoredResponse};

/// The maximum number of responses in a chain.
pub(super) const MAX_DEPTH: u32 = 1000;

/// The maximum length of the items of a chain, in bytes.
pub(super) const MAX_CHAIN_BYTES: usize = 32 << 20;

/// Changes that a slow reader has not received. If it misses some, it looks for them.
const MAX_UNREAD_CHANGES: usize = 256;

/// The time between removals of expired responses.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Expired responses that are removed from disk at a time.
const SWEEP_SLICE: u32 = 100;

/// The time between slices, in which others can write.
const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// The stored responses of all callers. The operations with `now`, in Unix seconds, find only what
/// has not expired then.
#[derive(Debug)]
pub struct ResponseState {
    pub(super) storage: Storage,
    /// Wakes the worker when a response is queued.
    pub(super) queued: Notify,
    /// Changes of responses in the background.
    pub(super) changes: broadcast::Sender<Change>,
}

#[derive(Debug)]
pub(super) enum Storage {
    Off,
    Memory(ResponseMemory),
    Disk(Arc<Store>),
}

/// What a request continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chain {
    /// The items of the response and of those before it, the oldest first.
    Items(Vec<StoredItem>),
    /// There is no response with this id that can be continued.
    Missing(Arc<str>),
    /// The response has not ended yet.
    Unfinished,
    /// It exceeds [`MAX_DEPTH`] or [`MAX_CHAIN_BYTES`].
    TooLong,
}

/// A stored response without the conversation before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retrieved {
    /// The object without its output.
    pub(super) document: Arc<str>,
    /// The items of its request, and then its output.
    pub(super) items: Vec<StoredItem>,
}

impl ResponseState {
    /// The store that `settings` choose. Expired responses are removed until `closing` ends.
    pub fn start(
        settings: &ResponsesSettings,
        store: &Arc<Store>,
        closing: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<Self> {
        let state = Arc::new(Self::new(settings, store));
        if state.is_enabled() {
            let swept = Arc::clone(&state);
            tokio::spawn(async move {
                tokio::select! {
                    () = closing => {}
                    () = swept.sweep() => {}
                }
            });
        }
        state
    }

    fn new(settings: &ResponsesSettings, store: &Arc<Store>) -> Self {
        let storage = match settings.store {
            ResponseStorage::Off => Storage::Off,
            ResponseStorage::Memory => {
                let memory = ResponseMemory::new(settings.memory_size, settings.memory_ttl);
                Storage::Memory(memory)
            }
            ResponseStorage::Disk => Storage::Disk(Arc::clone(store)),
        };
        Self {
            storage,
            queued: Notify::new(),
            changes: broadcast::Sender::new(MAX_UNREAD_CHANGES),
        }
    }

    /// Whether responses are stored.
    pub(crate) fn is_enabled(&self) -> bool {
        !matches!(self.storage, Storage::Off)
    }

    /// Checks that the database can be opened, if responses are stored there.
    pub async fn ready(&self) -> Result<(), StoreError> {
        match &self.storage {
            Storage::Off | Storage::Memory(_) => Ok(()),
            Storage::Disk(store) => store.open().await,
        }
    }

    /// Stores a response; `false` if there is no room for it. When this returns, all requests find
    /// it.
    pub(super) async fn add(&self, response: StoredResponse) -> Result<bool, StoreError> {
        match &self.storage {
            Storage::Off => Ok(false),
            Storage::Memory(memory) => Ok(memory.add(response)),
            Storage::Disk(store) => store.add_response(&response).await.map(|()| true),
        }
    }

    /// The response `id` of `owner`.
    pub(super) async fn response(
        &self,
        owner: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<Retrieved>, StoreError> {
        match &self.storage {
            Storage::Off => Ok(None),
            Storage::Memory(memory) => Ok(memory.response(owner, id).map(|found| Retrieved {
                document: Arc::clone(&found.document),
                items: found.items.clone(),
            })),
            Storage::Disk(store) => {
                let Some(document) = store.response_document(owner, id, now).await? else {
                    return Ok(None);
                };
                let items = store.response_items(owner, id).await?;
                Ok(Some(Retrieved { document, items }))
            }
        }
    }

    /// What a request continues that names the response `id` of `owner`.
    pub(super) async fn chain(&self, owner: &str, id: &str, now: i64) -> Result<Chain, StoreError> {
        // One more than allowed, to find out.
        let limit = MAX_DEPTH + 1;
        match &self.storage {
            Storage::Off => Ok(Chain::Missing(id.into())),
            Storage::Memory(memory) => {
                let chain = memory.chain(owner, id, limit);
                let links: Vec<ResponseLink> = chain.iter().map(|found| link(found)).collect();
                Ok(refusal(id, &links).unwrap_or_else(|| {
                    let oldest_first = chain.iter().rev();
                    Chain::Items(oldest_first.flat_map(|found| found.items.clone()).collect())
                }))
            }
            Storage::Disk(store) => {
                let links = store.response_chain(owner, id, now, limit).await?;
                if let Some(refusal) = refusal(id, &links) {
                    return Ok(refusal);
                }
                let items = store.chain_items(owner, id, now, limit).await?;
                // A response may have been deleted since.
                let bytes = items.iter().map(|item| item.body.len()).sum::<usize>();
                Ok(match bytes == bytes_of(&links) {
                    true => Chain::Items(items),
                    false => Chain::Missing(id.into()),
                })
            }
        }
    }

    /// The item `id` of `owner`, of the newest response with it.
    pub(super) async fn item(
        &self,
        owner: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<StoredItem>, StoreError> {
        match &self.storage {
            Storage::Off => Ok(None),
            Storage::Memory(memory) => Ok(memory.item(owner, id)),
            Storage::Disk(store) => store.response_item(owner, id, now).await,
        }
    }

    /// Deletes the response `id` of `owner`; `false` if there is none.
    pub(super) async fn remove(&self, owner: &str, id: &str, now: i64) -> Result<bool, StoreError> {
        let removed = match &self.storage {
            Storage::Off => false,
            Storage::Memory(memory) => memory.remove(owner, id),
            Storage::Disk(store) => store.remove_response(owner, id, now).await?,
        };
        self.report(Change::Ended(id.into()));
        Ok(removed)
    }

    /// Removes expired responses from time to time. Never ends.
    async fn sweep(&self) {
        loop {
            match self.remove_expired(now()).await {
                Ok(0) => {}
                Ok(responses) => tracing::info!(responses, "expired responses deleted"),
                Err(error) => tracing::error!(%error, "cannot delete expired responses"),
            }
            tokio::time::sleep(SWEEP_INTERVAL).await;
        }
    }

    /// Removes what has expired; returns the number of responses that were deleted from disk.
    async fn remove_expired(&self, now: i64) -> Result<u64, StoreError> {
        let store = match &self.storage {
            Storage::Off => return Ok(0),
            Storage::Memory(memory) => {
                memory.remove_expired();
                return Ok(0);
            }
            Storage::Disk(store) => store,
        };
        let mut count = 0;
        loop {
            let deleted = store.remove_expired_responses(now, SWEEP_SLICE).await?;
            if deleted == 0 {
                break;
            }
            count += deleted;
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
        while count > 0 && store.shrink().await? {
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
        Ok(count)
    }
}

/// The current time, in Unix seconds.
pub(super) fn now() -> i64 {
    i64::try_from(unix_seconds()).unwrap_or(i64::MAX)
}

fn bytes_of(links: &[ResponseLink]) -> usize {
    links.iter().map(|link| link.bytes).sum()
}

/// Why the response `id` with its predecessors, `links`, cannot be continued; `None` if it can.
fn refusal(id: &str, links: &[ResponseLink]) -> Option<Chain> {
    let Some(newest) = links.first() else {
        return Some(Chain::Missing(id.into()));
    };
    match &*newest.status {
        "completed" | "incomplete" => {}
        "queued" | "in_progress" => return Some(Chain::Unfinished),
        _ => return Some(Chain::Missing(id.into())),
    }
    if links.len() > MAX_DEPTH as usize || bytes_of(links) > MAX_CHAIN_BYTES {
        return Some(Chain::TooLong);
    }
    let oldest = links.last()?;
    oldest.previous_id.clone().map(Chain::Missing)
}

#[cfg(test)]
pub(super) mod tests;
