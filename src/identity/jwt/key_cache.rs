//! The keys of one identity provider: loaded off the request path, and kept while it is away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use jsonwebtoken::Algorithm;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::TokenError;
use super::keys::KeySet;

/// How long keys are used before they are loaded again, in the background.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// How long keys are used while they cannot be loaded.
const MAX_STALE: Duration = Duration::from_secs(24 * 3600);

/// The minimum interval between two loads. Clients can send any key id.
const MIN_INTERVAL: Duration = Duration::from_secs(10);

/// How long a request waits for keys.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Loads the keys of a provider, within a time limit of its own.
pub(super) trait KeySource: fmt::Debug + Send + Sync {
    /// Loads the keys; the error is for the log.
    fn load(&self) -> BoxFuture<'_, Result<KeySet, String>>;
}

/// The keys of a provider. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct KeyCache(Arc<CachedKeys>);

#[derive(Debug)]
struct CachedKeys {
    source: Box<dyn KeySource>,
    /// The name of the provider, for the log.
    name: String,
    keys: ArcSwapOption<LoadedKeys>,
    loads: Mutex<Loads>,
    /// The runtime of the process: a request's own may end with its core.
    runtime: Handle,
}

/// Keys with the time at which they were loaded.
#[derive(Debug)]
pub(super) struct LoadedKeys {
    pub(super) set: KeySet,
    at: Instant,
}

/// The last load, and the one in progress.
#[derive(Debug, Default)]
struct Loads {
    last: Option<LastLoad>,
    /// Closed when the load ends.
    active: Option<watch::Receiver<()>>,
}

#[derive(Debug, Clone, Copy)]
struct LastLoad {
    began: Instant,
    has_failed: bool,
}

/// Whether keys are being loaded.
enum Load {
    /// A load is in progress.
    Active(watch::Receiver<()>),
    /// The last one was too recent.
    TooSoon,
}

impl KeyCache {
    /// A cache of the keys of `source`, without any. It must be created in a runtime that lives as
    /// long as the process.
    pub(super) fn new(name: &str, source: Box<dyn KeySource>) -> Self {
        Self(Arc::new(CachedKeys {
            source,
            name: name.to_owned(),
            keys: ArcSwapOption::empty(),
            loads: Mutex::default(),
            runtime: Handle::current(),
        }))
    }

    /// Starts loading the keys, so that the first request need not wait.
    pub(super) fn preload(&self) {
        self.load();
    }

    /// The keys with the one that `kid` names. If it is not known, the keys are loaded, unless
    /// they were loaded recently.
    pub(super) async fn with_key(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<LoadedKeys>, TokenError> {
        let has_key = |keys: &Arc<LoadedKeys>| keys.set.find(kid, algorithm).is_some();
        let known = self.usable();
        if let Some(keys) = known.filter(has_key) {
            if keys.at.elapsed() >= MAX_AGE {
                self.load();
            }
            return Ok(keys);
        }
        if let Load::Active(mut ended) = self.load() {
            // An error means that the load has ended.
            let waited = tokio::time::timeout(MAX_WAIT, ended.changed()).await;
            if waited.is_err() {
                return Err(TokenError::NoKeys(MIN_INTERVAL));
            }
        }
        match self.usable().filter(has_key) {
            Some(keys) => Ok(keys),
            None => Err(self.missing()),
        }
    }

    /// The keys, unless they are too old.
    fn usable(&self) -> Option<Arc<LoadedKeys>> {
        let keys = self.0.keys.load_full();
        keys.filter(|keys| keys.at.elapsed() < MAX_STALE)
    }

    /// Starts a load, or joins the one in progress.
    fn load(&self) -> Load {
        let mut loads = self.0.loads.lock();
        if let Some(active) = &loads.active
            && active.has_changed().is_ok()
        {
            return Load::Active(active.clone());
        }
        let now = Instant::now();
        if let Some(last) = loads.last
            && now.duration_since(last.began) < MIN_INTERVAL
        {
            return Load::TooSoon;
        }
        // If the load panics, it counts as failed.
        loads.last = Some(LastLoad {
            began: now,
            has_failed: true,
        });
        let (running, ended) = watch::channel(());
        loads.active = Some(ended.clone());
        let cache = self.clone();
        self.0.runtime.spawn(async move {
            cache.replace().await;
            drop(running);
        });
        Load::Active(ended)
    }

    async fn replace(&self) {
        let CachedKeys { source, name, .. } = &*self.0;
        match source.load().await {
            Ok(set) => {
                let at = Instant::now();
                self.0.keys.store(Some(Arc::new(LoadedKeys { set, at })));
                if let Some(last) = &mut self.0.loads.lock().last {
                    last.has_failed = false;
                }
                tracing::debug!(issuer = name, "keys of an identity provider loaded");
            }
            Err(error) => tracing::warn!(
                issuer = name,
                error,
                "cannot load the keys of an identity provider; known keys stay in use for a day"
            ),
        }
    }

    /// Why there is no such key: after a failed load, it may exist.
    fn missing(&self) -> TokenError {
        match self.0.loads.lock().last {
            Some(last) if !last.has_failed => TokenError::UnknownKey,
            Some(last) => {
                let wait = MIN_INTERVAL.saturating_sub(last.began.elapsed());
                TokenError::NoKeys(wait.max(Duration::from_secs(1)))
            }
            None => TokenError::NoKeys(MIN_INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests;
