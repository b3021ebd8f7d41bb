//! The state of the lookup of a base model.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::bedrock::BaseModel;

/// The lookups of one model; waiting requests are notified of changes. Clones share the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookup {
    state: watch::Sender<LookupState>,
}

#[derive(Debug, Default)]
struct LookupState {
    /// The latest result, kept on later failures.
    base: Option<BaseModel>,
    progress: LookupProgress,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum LookupProgress {
    /// Not looked up yet.
    #[default]
    New,
    /// The first lookup is in progress.
    First,
    /// A lookup has succeeded or failed; the next one is due at this time.
    Settled(Instant),
    /// A further lookup is in progress.
    Refreshing,
}

impl Lookup {
    /// Records the start of a lookup; `false` if none is due.
    pub(super) fn begin_when_due(&self) -> bool {
        self.state.send_if_modified(|state| {
            state.progress = match state.progress {
                LookupProgress::New => LookupProgress::First,
                LookupProgress::Settled(again) if again <= Instant::now() => {
                    LookupProgress::Refreshing
                }
                _ => return false,
            };
            true
        })
    }

    /// Records the end of a lookup, with its result if it succeeded. The next one is due after
    /// `wait`.
    pub(super) fn settle(&self, base: Option<BaseModel>, wait: Duration) {
        self.state.send_modify(|state| {
            state.base = base.or(state.base.take());
            state.progress = LookupProgress::Settled(Instant::now() + wait);
        });
    }

    /// The result, once the first lookup has ended; `None` if it takes longer than `timeout`.
    pub(super) async fn result(&self, timeout: Duration) -> Option<BaseModel> {
        let mut changes = self.state.subscribe();
        let settled = changes.wait_for(|state| state.progress != LookupProgress::First);
        match tokio::time::timeout(timeout, settled).await {
            Ok(Ok(state)) => state.base.clone(),
            _ => None,
        }
    }

    /// Whether a lookup has succeeded.
    pub(super) fn has_succeeded(&self) -> bool {
        self.state.borrow().base.is_some()
    }

    #[cfg(test)]
    pub(super) fn is(&self, other: &Self) -> bool {
        self.state.same_channel(&other.state)
    }
}
