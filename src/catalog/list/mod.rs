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
use tokio::sync::watch;

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
    refresher: Option<tokio::task::JoinHandle<()>>,
}

#[derive(Debug)]
struct CatalogInner {
    names: BTreeMap<String, ModelEntry>,
    region: String,
    began: Time,
    directory: Directory,
    sources: Mutex<Sources>,
    display: watch::Sender<Display>,
}

/// The changing sources of the model objects.
#[derive(Debug)]
struct Sources {
    tables: Tables,
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
    pub fn start(
        bedrock: Bedrock,
        bases: BaseModels,
        names: &BTreeMap<String, ModelEntry>,
        settings: &CatalogSettings,
        tables: Tables,
        directory: Directory,
    ) -> Self {
        let has_unknown = names
            .values()
            .any(|entry| !entry.target.names_foundation_model());
        let inner = Arc::new(CatalogInner {
            names: names.clone(),
            region: bedrock.region().to_owned(),
            began: Time::now(),
            directory,
            sources: Mutex::new(Sources {
                tables,
                listing: Listing::default(),
                bases: HashMap::new(),
                is_settled: settings.list == CatalogList::Configured && !has_unknown,
            }),
            display: watch::Sender::default(),
        });
        inner.change(|_| ());
        let is_refreshed = settings.list == CatalogList::All || has_unknown;
        let refresher = is_refreshed.then(|| {
            let lister = (settings.list == CatalogList::All).then(Lister::default);
            let every = settings.refresh;
            tokio::spawn(refresh(Arc::clone(&inner), bedrock, bases, lister, every))
        });
        Self { inner, refresher }
    }

    /// The JSON of all models, or of those of a type: chat models first and ARNs last; in each
    /// group the aliases first, each name once.
    pub async fn list(&self, model_type: Option<ModelType>) -> Bytes {
        self.models().await.list(model_type)
    }

    /// The JSON of one model, by its name.
    pub async fn model(&self, name: &str) -> Option<Bytes> {
        self.models().await.model(name)
    }

    /// Replaces the tables of models.
    pub fn replace_tables(&self, tables: Tables) {
        self.inner.change(|sources| sources.tables = tables);
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
        if let Some(refresher) = &self.refresher {
            refresher.abort();
        }
    }
}

impl CatalogInner {
    /// Changes the sources and rebuilds the model objects.
    fn change(&self, change: impl FnOnce(&mut Sources)) {
        let mut sources = self.sources.lock();
        change(&mut sources);
        let model_sources = ModelSources {
            names: &self.names,
            listing: &sources.listing,
            bases: &sources.bases,
            tables: &sources.tables,
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

    /// Targets of aliases whose base model is neither in the id nor in the lists.
    fn unknown_targets(&self, listing: &Listing) -> Vec<ModelId> {
        let targets = self.names.values().map(|entry| &entry.target);
        let unknown = targets
            .filter(|target| !target.names_foundation_model() && listing.find(target).is_none());
        unknown.cloned().collect()
    }
}

async fn refresh(
    inner: Arc<CatalogInner>,
    bedrock: Bedrock,
    bases: BaseModels,
    mut lister: Option<Lister>,
    every: Duration,
) {
    loop {
        let (listing, wait) = match &mut lister {
            Some(lister) => lister.refresh(&bedrock, every).await,
            None => (Listing::default(), every),
        };
        let lookups = inner.unknown_targets(&listing).into_iter().map(|target| {
            let bases = &bases;
            async move { Some((target.clone(), bases.of(&target).await?)) }
        });
        let found: Vec<_> = join_all(lookups).await;
        inner.change(|sources| {
            sources.listing = listing;
            sources.bases = found.into_iter().flatten().collect();
            sources.is_settled = true;
        });
        tokio::time::sleep(wait).await;
    }
}
