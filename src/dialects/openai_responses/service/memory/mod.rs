//! Stored responses in the memory of the process, bounded in bytes and in the time since their last
//! use. Using a response, its items or a successor of it keeps it; the least recently used ones make
//! room.

mod jobs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::store::{ResponseLink, StoredItem, StoredResponse};
use jobs::MemoryJob;

/// The overhead of a response and of an item: ids, maps and allocations.
const ENTRY_BYTES: usize = 512;

/// Follows all ids in the order of bytes.
const AFTER_ALL_IDS: &str = "~";

/// Responses by owner and id.
#[derive(Debug)]
pub(super) struct ResponseMemory {
    max_bytes: usize,
    ttl: Duration,
    // One lock: a request takes it for as long as moving pointers takes, at its start if it refers
    // to a response, and at its end.
    inner: Mutex<MemoryInner>,
}

/// The owner and the id of a response.
type ResponseKey = (Arc<str>, Arc<str>);

/// The owner and the id of an item, the id of its response, and the position there.
type ItemKey = (Arc<str>, Arc<str>, Arc<str>, usize);

#[derive(Debug)]
struct MemoryInner {
    responses: LruCache<ResponseKey, MemoryEntry>,
    items: BTreeSet<ItemKey>,
    /// The owners of the responses in the background that have not ended, by id.
    jobs: BTreeMap<Arc<str>, Arc<str>>,
    bytes: usize,
}

#[derive(Debug)]
struct MemoryEntry {
    response: Arc<StoredResponse>,
    /// `None` for a response that was not generated in the background.
    job: Option<MemoryJob>,
    bytes: usize,
    used_at: Instant,
}

impl ResponseMemory {
    /// A store of `max_bytes` whose responses expire `ttl` after their last use.
    pub(super) fn new(max_bytes: usize, ttl: Duration) -> Self {
        Self {
            max_bytes,
            ttl,
            inner: Mutex::new(MemoryInner {
                // Limited in bytes.
                responses: LruCache::unbounded(),
                items: BTreeSet::new(),
                jobs: BTreeMap::new(),
                bytes: 0,
            }),
        }
    }

    /// Stores a response; `false` if it is larger than the memory.
    pub(super) fn add(&self, response: StoredResponse) -> bool {
        let bytes = bytes_of(&response);
        if bytes > self.max_bytes {
            return false;
        }
        let mut inner = self.inner.lock();
        inner.make_room(self.max_bytes - bytes, self.ttl);
        inner.insert(response, bytes);
        true
    }

    /// The response `id` of `owner`.
    pub(super) fn response(&self, owner: &str, id: &str) -> Option<Arc<StoredResponse>> {
        self.inner.lock().used(owner, id, self.ttl)
    }

    /// A response and those that it continues, the newest first, at most `limit`. It ends early if
    /// one of them is unknown.
    pub(super) fn chain(&self, owner: &str, id: &str, limit: u32) -> Vec<Arc<StoredResponse>> {
        let mut inner = self.inner.lock();
        let mut chain: Vec<Arc<StoredResponse>> = Vec::new();
        let mut next: Option<Arc<str>> = Some(id.into());
        while let Some(id) = next
            && chain.len() < limit as usize
        {
            let Some(response) = inner.used(owner, &id, self.ttl) else {
                break;
            };
            next = response.previous_id.clone();
            chain.push(response);
        }
        chain
    }

    /// The item `id` of `owner` in the newest response with it.
    pub(super) fn item(&self, owner: &str, id: &str) -> Option<StoredItem> {
        let mut inner = self.inner.lock();
        let (owner, id): (Arc<str>, Arc<str>) = (owner.into(), id.into());
        let first = (Arc::clone(&owner), Arc::clone(&id), "".into(), 0);
        let last = (owner, id, AFTER_ALL_IDS.into(), 0);
        let places = inner.items.range(first..last).rev();
        let places: Vec<ItemKey> = places.cloned().collect();
        places
            .into_iter()
            .find_map(|(owner, _, response, position)| {
                let response = inner.used(&owner, &response, self.ttl)?;
                response.items.get(position).cloned()
            })
    }

    /// Deletes a response; `false` if there is none.
    pub(super) fn remove(&self, owner: &str, id: &str) -> bool {
        let mut inner = self.inner.lock();
        let is_known = inner.used(owner, id, self.ttl).is_some();
        let removed = inner.responses.pop(&(owner.into(), id.into()));
        if let Some(entry) = removed {
            inner.forget(&entry);
        }
        is_known
    }

    /// Frees the memory of expired responses.
    pub(super) fn remove_expired(&self) {
        self.inner.lock().make_room(self.max_bytes, self.ttl);
    }
}

impl MemoryInner {
    fn insert(&mut self, response: StoredResponse, bytes: usize) {
        let response = Arc::new(response);
        let key = (Arc::clone(&response.owner), Arc::clone(&response.id));
        self.items.extend(item_keys(&response));
        self.bytes += bytes;
        let entry = MemoryEntry {
            response,
            job: None,
            bytes,
            used_at: Instant::now(),
        };
        if let Some(old) = self.responses.put(key, entry) {
            self.bytes -= old.bytes;
        }
    }

    /// The response `id`, which is now the most recently used one.
    fn used(&mut self, owner: &str, id: &str, ttl: Duration) -> Option<Arc<StoredResponse>> {
        let key: ResponseKey = (owner.into(), id.into());
        let entry = self.responses.peek(&key)?;
        if entry.used_at.elapsed() >= ttl {
            return None;
        }
        let entry = self.responses.get_mut(&key)?;
        entry.used_at = Instant::now();
        Some(Arc::clone(&entry.response))
    }

    /// Evicts responses until the rest has at most `max_bytes` and is not expired.
    fn make_room(&mut self, max_bytes: usize, ttl: Duration) {
        while let Some((_, entry)) = self.responses.peek_lru() {
            if self.bytes <= max_bytes && entry.used_at.elapsed() < ttl {
                return;
            }
            if let Some((_, entry)) = self.responses.pop_lru() {
                self.forget(&entry);
            }
        }
    }

    fn forget(&mut self, entry: &MemoryEntry) {
        self.bytes -= entry.bytes;
        self.jobs.remove(&entry.response.id);
        for key in item_keys(&entry.response) {
            self.items.remove(&key);
        }
    }
}

/// A response as a link of a chain.
pub(super) fn link(response: &StoredResponse) -> ResponseLink {
    ResponseLink {
        id: Arc::clone(&response.id),
        previous_id: response.previous_id.clone(),
        status: Arc::clone(&response.status),
        bytes: response.item_bytes(),
    }
}

fn item_keys(response: &StoredResponse) -> impl Iterator<Item = ItemKey> {
    let items = response.items.iter().enumerate();
    items.map(|(position, item)| {
        let (owner, id) = (Arc::clone(&response.owner), Arc::clone(&item.id));
        (owner, id, Arc::clone(&response.id), position)
    })
}

fn bytes_of(response: &StoredResponse) -> usize {
    let texts = response.document.len() + response.item_bytes();
    texts + ENTRY_BYTES * (1 + response.items.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::openai_responses::service::state::tests::{item, response};

    const HOUR: Duration = Duration::from_secs(3600);

    fn memory(responses: usize) -> ResponseMemory {
        ResponseMemory::new(responses * bytes_of(&response("a", "0", None)), HOUR)
    }

    #[tokio::test(start_paused = true)]
    async fn responses_expire_after_their_last_use() {
        let memory = memory(10);
        assert!(memory.add(response("a", "1", None)));
        assert!(memory.add(response("a", "2", Some("1"))));
        assert!(memory.add(response("a", "3", None)));
        tokio::time::advance(HOUR / 2).await;
        // The chain uses both; the third expires.
        assert_eq!(memory.chain("a", "2", 10).len(), 2);
        tokio::time::advance(HOUR / 2).await;
        assert!(memory.response("a", "3").is_none());
        assert!(memory.item("a", "msg_3").is_none());
        assert!(!memory.remove("a", "3"));
        assert!(memory.item("a", "msg_1").is_some());
        memory.remove_expired();
        assert_eq!(memory.inner.lock().responses.len(), 2);
        tokio::time::advance(HOUR).await;
        memory.remove_expired();
        let inner = memory.inner.lock();
        assert_eq!(
            (inner.bytes, inner.items.len(), inner.responses.len()),
            (0, 0, 0)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_recently_used_response_makes_room_and_bytes_are_bounded() {
        let memory = memory(4);
        assert!(memory.add(response("a", "used", None)));
        for number in 0..1000 {
            assert!(memory.add(response("a", &number.to_string(), None)));
            assert!(memory.response("a", "used").is_some(), "{number}");
            let inner = memory.inner.lock();
            assert!(inner.bytes <= memory.max_bytes && inner.responses.len() <= 4);
            assert_eq!(inner.items.len(), 2 * inner.responses.len());
        }
        assert!(memory.response("a", "999").is_some());
        assert!(memory.response("a", "990").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_larger_than_the_memory_is_not_stored() {
        let memory = memory(1);
        let mut large = response("a", "1", None);
        assert!(memory.add(large.clone()));
        large.id = "2".into();
        large.items.push(item("msg_x", &"x".repeat(10_000)));
        assert!(!memory.add(large));
        assert!(memory.response("a", "1").is_some());
    }
}
