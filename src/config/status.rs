use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

/// Which configuration is in use, for the log, metrics and the admin API. Clones share it.
#[derive(Debug, Clone)]
pub struct ConfigStatus(Arc<ArcSwap<ConfigState>>);

/// The configuration in use, and the last attempt to replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigState {
    /// The number of the configuration: 1 at the start, one more after each reload that succeeded.
    pub generation: u64,
    /// When it was applied.
    pub applied_at: SystemTime,
    /// When it was last read; later than `applied_at` if that failed.
    pub checked_at: SystemTime,
    /// All mistakes of the last attempt; `None` if it succeeded.
    pub error: Option<Arc<str>>,
    /// The changed settings that apply after a restart only.
    pub pending_restart: Vec<&'static str>,
}

impl Default for ConfigStatus {
    fn default() -> Self {
        let now = SystemTime::now();
        Self(Arc::new(ArcSwap::from_pointee(ConfigState {
            generation: 1,
            applied_at: now,
            checked_at: now,
            error: None,
            pending_restart: Vec::new(),
        })))
    }
}

impl ConfigStatus {
    /// The current state.
    pub fn state(&self) -> Arc<ConfigState> {
        self.0.load_full()
    }

    /// Another configuration has been applied; returns its number.
    pub fn applied(&self, pending_restart: Vec<&'static str>) -> u64 {
        let now = SystemTime::now();
        let generation = self.state().generation + 1;
        self.0.store(Arc::new(ConfigState {
            generation,
            applied_at: now,
            checked_at: now,
            error: None,
            pending_restart,
        }));
        generation
    }

    /// A configuration with mistakes has been refused.
    pub fn refused(&self, error: &str) {
        self.0.store(Arc::new(ConfigState {
            checked_at: SystemTime::now(),
            error: Some(error.into()),
            ..ConfigState::clone(&self.state())
        }));
    }
}
