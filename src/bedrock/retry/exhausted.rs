//! Targets that failed through all attempts of a call. Until a call succeeds, each further call has
//! one attempt: a client that retries without sending the retry header would otherwise multiply the
//! gateway's attempts.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// How long a target stays exhausted after its last failure. Bedrock's quotas are per minute, and
/// clients ignore a longer `retry-after`.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The maximum number of targets: clients choose their names.
const MAX_TARGETS: usize = 1024;

/// The exhausted targets, with the time of their last failure.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct ExhaustedTargets {
    failed_at: Mutex<HashMap<Box<str>, Instant>>,
}

impl ExhaustedTargets {
    /// Whether `target` has failed through all attempts, and not succeeded since.
    pub(in crate::bedrock) fn contains(&self, target: &str) -> bool {
        let failed_at = self.failed_at().get(target).copied();
        failed_at.is_some_and(is_recent)
    }

    /// Records that `target` has failed through all attempts.
    pub(in crate::bedrock) fn insert(&self, target: &str) {
        let mut failed_at = self.failed_at();
        if let Some(failed_at) = failed_at.get_mut(target) {
            *failed_at = Instant::now();
            return;
        }
        if failed_at.len() >= MAX_TARGETS {
            failed_at.retain(|_, failed_at| is_recent(*failed_at));
        }
        // A target beyond the maximum keeps its attempts; the retry budget still limits them.
        if failed_at.len() < MAX_TARGETS {
            failed_at.insert(target.into(), Instant::now());
        }
    }

    /// Records a success of `target`.
    pub(in crate::bedrock) fn remove(&self, target: &str) {
        self.failed_at().remove(target);
    }

    fn failed_at(&self) -> MutexGuard<'_, HashMap<Box<str>, Instant>> {
        self.failed_at.lock()
    }
}

fn is_recent(failed_at: Instant) -> bool {
    failed_at.elapsed() < MAX_AGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_target_is_exhausted_until_it_succeeds_or_a_minute_is_over() {
        let targets = ExhaustedTargets::default();
        targets.insert("one");
        targets.insert("other");
        assert!(targets.contains("one") && targets.contains("other"));
        assert!(!targets.contains("third"));
        targets.remove("one");
        assert!(!targets.contains("one") && targets.contains("other"));
        tokio::time::advance(MAX_AGE / 2).await;
        targets.insert("other");
        tokio::time::advance(MAX_AGE / 2).await;
        assert!(targets.contains("other"), "it has failed again meanwhile");
        tokio::time::advance(MAX_AGE).await;
        assert!(!targets.contains("other"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded_and_old_targets_make_room() {
        let targets = ExhaustedTargets::default();
        for name in 0..2 * MAX_TARGETS {
            targets.insert(&format!("made-up-{name}"));
        }
        assert_eq!(targets.failed_at().len(), MAX_TARGETS);
        tokio::time::advance(MAX_AGE).await;
        targets.insert("new");
        assert!(targets.contains("new"));
        assert_eq!(targets.failed_at().len(), 1);
    }
}
