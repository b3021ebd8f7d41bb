use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::refresh::Refresh;
use super::snapshot::KeySnapshot;
use super::stored::{Configuration, SnapshotBuilder};
use crate::config::Config;
use crate::limits::LimitRegistry;
use crate::store::StoreError;

/// The keys of a gateway, which the configurations that it has had share.
#[derive(Debug)]
pub(in crate::identity) struct KeyRing {
    /// What requests look up.
    pub(in crate::identity) snapshot: ArcSwap<KeySnapshot>,
    /// What the current configuration states.
    configuration: ArcSwap<Configuration>,
    /// Held while configuration and snapshot are replaced, never by requests.
    replacing: Mutex<()>,
    /// Where requests wait for a look at the store.
    pub(in crate::identity) refresh: Refresh,
    /// Whether the store cannot be read, so that keys may exist that the snapshot does not have.
    is_store_away: AtomicBool,
}

impl KeyRing {
    /// The keys of a configuration.
    pub(in crate::identity) fn new(config: &Config, limits: &Arc<LimitRegistry>) -> Self {
        let configuration = Configuration::of(config, Arc::clone(limits));
        Self {
            snapshot: ArcSwap::new(Arc::clone(&configuration.keys)),
            configuration: ArcSwap::from_pointee(configuration),
            replacing: Mutex::default(),
            refresh: Refresh::default(),
            is_store_away: AtomicBool::new(false),
        }
    }

    /// Replaces the configuration. Keys of the store stay as they are until they are read again.
    pub(in crate::identity) fn reconfigure(&self, config: &Config) {
        let limits = Arc::clone(&self.configuration.load().limits);
        let configuration = Configuration::of(config, limits);
        let _replacing = self.replacing.lock();
        let snapshot = configuration
            .keys
            .with_stored_keys_of(&self.snapshot.load());
        self.configuration.store(Arc::new(configuration));
        self.snapshot.store(Arc::new(snapshot));
    }

    /// What the current configuration states.
    pub(super) fn configuration(&self) -> Arc<Configuration> {
        self.configuration.load_full()
    }

    /// Takes what was read of the store; `false` if the configuration has changed meanwhile.
    pub(super) fn replace(
        &self,
        configuration: &Arc<Configuration>,
        read: SnapshotBuilder<'_>,
        has_keys: bool,
    ) -> bool {
        let _replacing = self.replacing.lock();
        let is_current = Arc::ptr_eq(configuration, &self.configuration.load());
        if is_current {
            let snapshot = read.finish(&self.snapshot.load(), has_keys);
            self.snapshot.store(Arc::new(snapshot));
        }
        is_current
    }

    /// Whether keys may exist that the snapshot does not have.
    pub(in crate::identity) fn is_store_away(&self) -> bool {
        self.is_store_away.load(Ordering::Relaxed)
    }

    /// Notes whether the store can be read; each change is a line of the log.
    pub(super) fn store_is_read(&self, result: Result<(), &StoreError>) {
        let was_away = self.is_store_away.swap(result.is_err(), Ordering::Relaxed);
        match (was_away, result) {
            (false, Err(error)) => tracing::error!(
                %error,
                "cannot read keys from the store: known keys stay valid, and changes have no effect; \
                 see `[store] path`"
            ),
            (true, Ok(())) => tracing::info!("keys are read from the store again"),
            _ => {}
        }
    }
}
