//! The list of models: the aliases of the configuration, and the models of the region and the
//! account, loaded in the background and kept while Bedrock fails.

pub(super) mod wire;

mod describe;
mod directory;
mod listing;
mod rendered;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::bedrock::{BaseModel, Bedrock, Time};
use crate::catalog::{BaseModels, Tables};
use crate::config::{CatalogList, CatalogSettings, ModelEntry};
use crate::models::{ModelId, ModelType};
use describe::ModelSources;
pub use directory::Directory;
use listing::{Lister, Listing};
use rendered::CatalogJson;

/// How long the first request waits for the first listing.
const FIRST_LISTING: Duration = Duration::from_secs(5);

/// The list of models.
#[derive(Debug)]
pub struct Catalog {
    inner: Arc<CatalogInner>,
    refresher: tokio::task::JoinHandle<()>,
}

/// What the configuration says about the list.
#[derive(Debug, Clone)]
pub struct CatalogConfig {
    /// The aliases.
    pub names: BTreeMap<String, ModelEntry>,
    /// The settings of `[catalog]`.
    pub settings: CatalogSettings,
    /// The base models of aliases.
    pub bases: BaseModels,
    /// Capabilities and prices.
    pub tables: Tables,
}

#[derive(Debug)]
struct CatalogInner {
    region: String,
    began: Time,
    directory: Directory,
    sources: Mutex<Sources>,
    display: watch::Sender<Display>,
    /// Wakes the refresher after a change of the configuration.
    reconfigured: Notify,
}

/// The changing sources of the model objects.
#[derive(Debug)]
struct Sources {
    config: CatalogConfig,
    listing: Listing,
    bases: HashMap<ModelId, BaseModel>,
    /// Whether the first load has finished, successfully or not.
    is_settled: bool,
}

/// The current response.
#[derive(Debug, Default, Clone)]
struct Display {
    models: Arc<CatalogJson>,
    is_settled: bool,
}

impl Catalog {
    /// Starts loading the lists in the background, which also fills `directory`. If only aliases
    /// are listed, only their base models are looked up.
    pub fn start(bedrock: Bedrock, config: CatalogConfig, directory: Directory) -> Self {
        let inner = Arc::new(CatalogInner {
            region: bedrock.region().to_owned(),
            began: Time::now(),
            directory,
            sources: Mutex::new(Sources {
                is_settled: !config.is_loaded(),
                config,
                listing: Listing::default(),
                bases: HashMap::new(),
            }),
            display: watch::Sender::default(),
            reconfigured: Notify::new(),
        });
        inner.change(|_| ());
        let refresher = tokio::spawn(refresh(Arc::clone(&inner), bedrock));
        Self { inner, refresher }
    }

    /// Applies another configuration. What Bedrock has listed stays.
    pub fn reconfigure(&self, config: CatalogConfig) {
        let mut is_loaded = false;
        self.inner.change(|sources| {
            let old = std::mem::replace(&mut sources.config, config);
            let new = &sources.config;
            is_loaded = (&old.names, &old.settings) != (&new.names, &new.settings);
            if !new.lists_all() {
                sources.listing = Listing::default();
            }
        });
        if is_loaded {
            self.inner.reconfigured.notify_one();
        }
    }

    /// The JSON of all models, or of those of a type: chat models first and ARNs last; in each
    /// group the aliases first, each name once.
    pub async fn list(&self, model_type: Option<ModelType>) -> Bytes {
        self.models().await.list(model_type)
    }

    /// The same for the models whose names `is_listed` returns.
    pub async fn list_of(
        &self,
        model_type: Option<ModelType>,
        is_listed: impl Fn(&str) -> bool,
    ) -> Bytes {
        self.models().await.list_of(model_type, is_listed)
    }

    /// The JSON of one model, by its name.
    pub async fn model(&self, name: &str) -> Option<Bytes> {
        self.models().await.model(name)
    }

    async fn models(&self) -> Arc<CatalogJson> {
        let mut display = self.inner.display.subscribe();
        let settled = display.wait_for(|display| display.is_settled);
        // The aliases are listed even if Bedrock fails or the permission is missing.
        let _ = tokio::time::timeout(FIRST_LISTING, settled).await;
        Arc::clone(&self.inner.display.borrow().models)
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        self.refresher.abort();
    }
}

impl CatalogConfig {
    fn lists_all(&self) -> bool {
        self.settings.list == CatalogList::All
    }

    /// Whether something is loaded from Bedrock.
    fn is_loaded(&self) -> bool {
        let mut targets = self.names.values().map(|entry| &entry.target);
        self.lists_all() || targets.any(|target| !target.names_foundation_model())
    }

    /// Targets of aliases whose base model is neither in the id nor in the lists.
    fn unknown_targets(&self, listing: &Listing) -> Vec<ModelId> {
        let targets = self.names.values().map(|entry| &entry.target);
        let unknown = targets
            .filter(|target| !target.names_foundation_model() && listing.find(target).is_none());
        unknown.cloned().collect()
    }
}

impl CatalogInner {
    /// Changes the sources and rebuilds the model objects.
    fn change(&self, change: impl FnOnce(&mut Sources)) {
        let mut sources = self.sources.lock();
        change(&mut sources);
        let model_sources = ModelSources {
            names: &sources.config.names,
            listing: &sources.listing,
            bases: &sources.bases,
            tables: &sources.config.tables,
            region: &self.region,
            began: self.began,
            now: Time::now(),
        };
        let models = Arc::new(model_sources.rendered());
        self.directory.replace(models.names(), &sources.listing);
        tracing::debug!(models = models.count(), "list of models rebuilt");
        self.display.send_replace(Display {
            models,
            is_settled: sources.is_settled,
        });
    }
}

async fn refresh(inner: Arc<CatalogInner>, bedrock: Bedrock) {
    let mut lister = Lister::default();
    loop {
        let config = inner.sources.lock().config.clone();
        if !config.is_loaded() {
            inner.reconfigured.notified().await;
            continue;
        }
        let every = config.settings.refresh;
        let (listing, wait) = match config.lists_all() {
            true => lister.refresh(&bedrock, every).await,
            false => (Listing::default(), every),
        };
        let lookups = config.unknown_targets(&listing).into_iter().map(|target| {
            let bases = &config.bases;
            async move { Some((target.clone(), bases.of(&target).await?)) }
        });
        let found: Vec<_> = join_all(lookups).await;
        inner.change(|sources| {
            if sources.config.lists_all() {
                sources.listing = listing;
            }
            sources.bases = found.into_iter().flatten().collect();
            sources.is_settled = true;
        });
        // An error means that the time is over.
        let _ = tokio::time::timeout(wait, inner.reconfigured.notified()).await;
    }
}
