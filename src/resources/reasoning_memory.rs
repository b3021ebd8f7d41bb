//! A cache of signed reasoning, for clients that keep only OpenAI's fields: if a client returns a
//! tool call without the reasoning before it, the gateway adds it. The entry also contains what
//! OpenAI's fields lack: the position of the reasoning, and what the gateway had added to the
//! prompt.
//!
//! Limited in bytes and in time; the least recently used entries are evicted first, so that
//! conversations in progress keep theirs. Nothing is written to disk.

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::converse::remembered::RememberedTurn;

/// The overhead of an entry: ids and map.
const ENTRY_BYTES: usize = 256;

/// Assistant turns, by caller and tool call id, or by a key of their reasoning.
#[derive(Debug)]
pub struct ReasoningMemory {
    max_bytes: usize,
    ttl: Duration,
    inner: Mutex<MemoryInner>,
}

#[derive(Debug)]
struct MemoryInner {
    turns: LruCache<MemoryKey, MemoryEntry>,
    bytes: usize,
}

/// Entries are separate for each caller, even with the same id.
type MemoryKey = (Arc<str>, Arc<str>);

#[derive(Debug)]
struct MemoryEntry {
    /// The model family: others do not accept the reasoning.
    family: Arc<str>,
    turn: Arc<RememberedTurn>,
    bytes: usize,
    since: Instant,
}

impl ReasoningMemory {
    /// Creates a cache of `max_bytes` (0 for none) whose entries expire after `ttl`.
    pub fn new(max_bytes: usize, ttl: Duration) -> Self {
        Self {
            max_bytes,
            ttl,
            inner: Mutex::new(MemoryInner {
                // Limited in bytes.
                turns: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// Stores the turn of a response to `caller` under `keys`.
    pub fn remember(&self, caller: &str, family: &str, keys: Vec<String>, turn: RememberedTurn) {
        let bytes = turn.bytes() / keys.len().max(1) + ENTRY_BYTES;
        if bytes.saturating_mul(keys.len()) > self.max_bytes {
            return;
        }
        let turn = Arc::new(turn);
        let family: Arc<str> = family.into();
        let caller: Arc<str> = caller.into();
        let mut inner = self.inner();
        for key in keys {
            let key = (Arc::clone(&caller), Arc::from(key));
            let entry = MemoryEntry {
                family: Arc::clone(&family),
                turn: Arc::clone(&turn),
                bytes,
                since: Instant::now(),
            };
            inner.insert(key, entry);
        }
        inner.evict(self.max_bytes, self.ttl);
    }

    /// The turn of `caller` under `key`, if a model of `family` wrote it.
    pub fn recall(&self, caller: &str, family: &str, key: &str) -> Option<Arc<RememberedTurn>> {
        if self.max_bytes == 0 {
            return None;
        }
        let key: MemoryKey = (caller.into(), key.into());
        let mut inner = self.inner();
        let entry = inner.turns.get(&key)?;
        let fresh = entry.since.elapsed() < self.ttl;
        (fresh && &*entry.family == family).then(|| Arc::clone(&entry.turn))
    }

    fn inner(&self) -> MutexGuard<'_, MemoryInner> {
        self.inner.lock()
    }
}

impl MemoryInner {
    fn insert(&mut self, key: MemoryKey, entry: MemoryEntry) {
        self.bytes += entry.bytes;
        if let Some(old) = self.turns.put(key, entry) {
            self.bytes -= old.bytes;
        }
    }

    /// Evicts entries that were not used for the longest time, until the rest fits and is not
    /// expired.
    fn evict(&mut self, max_bytes: usize, ttl: Duration) {
        while let Some((_, entry)) = self.turns.peek_lru() {
            if self.bytes <= max_bytes && entry.since.elapsed() < ttl {
                return;
            }
            if let Some((_, old)) = self.turns.pop_lru() {
                self.bytes -= old.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::content::ReasoningBlock;

    const HOUR: Duration = Duration::from_secs(3600);

    fn redacted(length: usize) -> RememberedTurn {
        RememberedTurn {
            reasoning: vec![ReasoningBlock::RedactedContent("x".repeat(length))],
            ..RememberedTurn::default()
        }
    }

    fn remember(memory: &ReasoningMemory, call: &str, length: usize) {
        memory.remember("a", "Claude", vec![call.to_owned()], redacted(length));
    }

    fn knows(memory: &ReasoningMemory, caller: &str, family: &str, call: &str) -> bool {
        memory.recall(caller, family, call).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn reasoning_is_returned_only_to_its_caller_and_model_family() {
        let memory = ReasoningMemory::new(1 << 20, HOUR);
        remember(&memory, "call", 10);
        assert!(knows(&memory, "a", "Claude", "call"));
        assert!(!knows(&memory, "b", "Claude", "call"));
        assert!(!knows(&memory, "a", "Nova", "call"));
        assert!(!knows(&memory, "a", "Claude", "other"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_recently_used_entry_is_evicted_and_memory_is_bounded() {
        let memory = ReasoningMemory::new(4 * (100 + ENTRY_BYTES), HOUR);
        for number in 0..1000 {
            remember(&memory, &format!("call-{number}"), 100);
            // The same call does not count twice.
            remember(&memory, "again", 100);
        }
        assert!(knows(&memory, "a", "Claude", "again"));
        assert!(knows(&memory, "a", "Claude", "call-999"));
        assert!(!knows(&memory, "a", "Claude", "call-990"));
        let inner = memory.inner();
        assert!(inner.bytes <= memory.max_bytes && inner.turns.len() <= 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_conversation_in_progress_keeps_its_reasoning() {
        let memory = ReasoningMemory::new(4 * (100 + ENTRY_BYTES), HOUR);
        remember(&memory, "in progress", 100);
        for number in 0..1000 {
            remember(&memory, &format!("call-{number}"), 100);
            assert!(knows(&memory, "a", "Claude", "in progress"), "{number}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reasoning_expires_and_is_not_stored_when_disabled() {
        let memory = ReasoningMemory::new(1 << 20, HOUR);
        remember(&memory, "call", 10);
        tokio::time::advance(HOUR).await;
        assert!(!knows(&memory, "a", "Claude", "call"));
        remember(&memory, "next", 10);
        assert_eq!(memory.inner().turns.len(), 1);
        let off = ReasoningMemory::new(0, HOUR);
        remember(&off, "call", 10);
        assert!(!knows(&off, "a", "Claude", "call"));
    }
}
