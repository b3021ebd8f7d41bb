//! Verified tokens by their digest, so that the signature of a token is verified once.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;

use crate::config::KeyDigest;

/// The number of sets, and of tokens in each. More tokens than these in five minutes are verified
/// again.
const SETS: usize = 4096;
const WAYS: usize = 4;

/// How long a verified token is not verified again.
const MAX_AGE: Duration = Duration::from_secs(300);

/// A time that no slot is ranked by.
const NEVER: SystemTime = SystemTime::UNIX_EPOCH;

/// A bounded cache without locks: a token has its place in one small set, and takes that of the
/// one that ends first.
#[derive(Debug)]
pub(super) struct TokenCache<V> {
    slots: Box<[ArcSwapOption<CachedToken<V>>]>,
}

#[derive(Debug)]
struct CachedToken<V> {
    digest: KeyDigest,
    until: SystemTime,
    value: V,
}

impl<V: Clone> TokenCache<V> {
    /// An empty cache.
    pub(super) fn new() -> Self {
        Self {
            slots: std::iter::repeat_with(ArcSwapOption::empty)
                .take(SETS * WAYS)
                .collect(),
        }
    }

    /// The value of a token.
    pub(super) fn get(&self, digest: &KeyDigest, now: SystemTime) -> Option<V> {
        self.set(digest).iter().find_map(|slot| {
            let slot = slot.load();
            let token = slot.as_ref()?;
            (token.digest == *digest && now < token.until).then(|| token.value.clone())
        })
    }

    /// Keeps the value of a token that ends at `expires_at` and was verified at `now`.
    pub(super) fn insert(
        &self,
        digest: KeyDigest,
        value: V,
        expires_at: SystemTime,
        now: SystemTime,
    ) {
        let until = expires_at.min(now + MAX_AGE);
        let rank = |slot: &&ArcSwapOption<CachedToken<V>>| {
            let token = slot.load();
            // First an older entry of the token, then a free slot, then the one that ends first.
            match token.as_ref() {
                Some(token) if token.digest == digest => (0, NEVER),
                None => (1, NEVER),
                Some(other) => (2, other.until),
            }
        };
        let slot = self.set(&digest).iter().min_by_key(rank);
        if let Some(slot) = slot {
            slot.store(Some(Arc::new(CachedToken {
                digest,
                until,
                value,
            })));
        }
    }

    fn set(&self, digest: &KeyDigest) -> &[ArcSwapOption<CachedToken<V>>] {
        let first = (digest.prefix() as usize % SETS) * WAYS;
        self.slots.get(first..first + WAYS).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn digest(number: usize) -> KeyDigest {
        KeyDigest::of(&number.to_string())
    }

    #[test]
    fn a_token_is_known_until_it_expires_or_five_minutes_have_passed() {
        let cache = TokenCache::new();
        let seconds = |seconds| NOW + Duration::from_secs(seconds);
        cache.insert(digest(1), "short", seconds(10), NOW);
        cache.insert(digest(2), "long", seconds(3600), NOW);
        assert_eq!(cache.get(&digest(1), seconds(9)), Some("short"));
        assert_eq!(cache.get(&digest(1), seconds(10)), None);
        assert_eq!(cache.get(&digest(2), seconds(299)), Some("long"));
        assert_eq!(cache.get(&digest(2), seconds(300)), None);
        assert_eq!(cache.get(&digest(3), NOW), None);
    }

    #[test]
    fn the_number_of_tokens_is_bounded_and_a_token_has_one_entry() {
        let cache = TokenCache::new();
        let later = NOW + Duration::from_secs(60);
        for number in 0..4 * SETS * WAYS {
            cache.insert(digest(number), number, later, NOW);
        }
        let last = 4 * SETS * WAYS - 1;
        assert_eq!(cache.get(&digest(last), NOW), Some(last));
        cache.insert(digest(last), 0, later, NOW);
        assert_eq!(cache.get(&digest(last), NOW), Some(0));
        let entries = cache.set(&digest(last)).iter();
        let own = entries.filter(|slot| {
            let slot = slot.load();
            slot.as_ref()
                .is_some_and(|token| token.digest == digest(last))
        });
        assert_eq!(own.count(), 1);
    }
}
