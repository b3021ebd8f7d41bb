//! Base models of ids that do not contain one: configured, or looked up in Bedrock and cached, also
//! while Bedrock fails.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::bedrock::{BaseModel, Bedrock, RetryAdvice, UpstreamError};
use crate::models::ModelId;

/// How long a request waits for the first lookup of its model.
const FIRST_LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The delay after a refused lookup.
const RETRY_AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// The delay after a temporary failure.
const RETRY_AFTER_ERROR: Duration = Duration::from_secs(5);

/// The maximum number of cached models: clients choose the names.
const MAX_MODELS: usize = 1024;

/// The maximum number of concurrent lookups: the rate limits of the control plane are low.
const MAX_CONCURRENT_LOOKUPS: usize = 8;

/// The base models. Clones share the cache.
#[derive(Debug, Clone)]
pub struct BaseModels {
    inner: Arc<BaseModelCache>,
}

#[derive(Debug)]
struct BaseModelCache {
    bedrock: Bedrock,
    stated: BTreeMap<String, ModelId>,
    refresh: Duration,
    entries: Mutex<HashMap<ModelId, Arc<BaseModelEntry>>>,
    lookups: Semaphore,
}

/// The cache entry of a model; waiting requests are notified of changes.
type BaseModelEntry = watch::Sender<Knowledge>;

#[derive(Debug)]
struct Knowledge {
    /// The latest result, kept on later failures.
    base: Option<BaseModel>,
    state: LookupState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LookupState {
    /// Not looked up yet.
    New,
    /// The first lookup is in progress.
    FirstLookup,
    /// A lookup has succeeded or failed; the next one is due at this time.
    Settled(Instant),
    /// A further lookup is in progress.
    Refreshing,
}

impl BaseModels {
    /// Creates the cache with `stated` base models; others are looked up in `bedrock`, again after
    /// `refresh`.
    pub fn new(bedrock: Bedrock, stated: BTreeMap<String, ModelId>, refresh: Duration) -> Self {
        Self {
            inner: Arc::new(BaseModelCache {
                bedrock,
                stated,
                refresh,
                entries: Mutex::default(),
                lookups: Semaphore::new(MAX_CONCURRENT_LOOKUPS),
            }),
        }
    }

    /// The base model of `model`; `None` if it cannot be determined, which is logged.
    ///
    /// Returns immediately if the base model is configured or part of the id. Otherwise the first
    /// request waits briefly for the lookup, and later ones use the cache.
    pub async fn of(&self, model: &ModelId) -> Option<BaseModel> {
        if let Some(stated) = self.inner.stated.get(model.as_str()) {
            return Some(BaseModel::Foundation(stated.foundation()));
        }
        if model.names_foundation_model() {
            return Some(BaseModel::Foundation(model.foundation()));
        }
        let entry = self.inner.entry(model);
        if entry.send_if_modified(Knowledge::begin_when_due) {
            tokio::spawn(look_up(self.inner.clone(), model.clone(), entry.clone()));
        }
        let mut changes = entry.subscribe();
        let settled = changes.wait_for(|knowledge| knowledge.state != LookupState::FirstLookup);
        match tokio::time::timeout(FIRST_LOOKUP_TIMEOUT, settled).await {
            Ok(Ok(knowledge)) => knowledge.base.clone(),
            _ => None,
        }
    }
}

impl BaseModelCache {
    /// The cache entry of `model`, created if missing.
    fn entry(&self, model: &ModelId) -> Arc<BaseModelEntry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(model) {
            return entry.clone();
        }
        if entries.len() >= MAX_MODELS {
            let evicted = entries
                .iter()
                .min_by_key(|(_, entry)| entry.borrow().worth())
                .map(|(model, _)| model.clone());
            entries.retain(|model, _| Some(model) != evicted.as_ref());
        }
        let entry = Arc::new(BaseModelEntry::new(Knowledge::UNKNOWN));
        entries.insert(model.clone(), entry.clone());
        entry
    }
}

impl Knowledge {
    const UNKNOWN: Self = Self {
        base: None,
        state: LookupState::New,
    };

    /// Records the start of a lookup; `false` if none is due.
    fn begin_when_due(&mut self) -> bool {
        let next = match self.state {
            LookupState::New => LookupState::FirstLookup,
            LookupState::Settled(again) if again <= Instant::now() => LookupState::Refreshing,
            _ => return false,
        };
        self.state = next;
        true
    }

    /// Evicts entries without a result first, so that made-up names do not evict existing models;
    /// those with a lookup in progress last; then the oldest.
    fn worth(&self) -> (bool, bool, Option<Instant>) {
        let again = match self.state {
            LookupState::Settled(again) => Some(again),
            LookupState::New | LookupState::FirstLookup | LookupState::Refreshing => None,
        };
        (self.base.is_some(), again.is_none(), again)
    }
}

/// Looks up the base model in a task of its own: if the requesting client disconnects, others still
/// get the result.
async fn look_up(inner: Arc<BaseModelCache>, model: ModelId, entry: Arc<BaseModelEntry>) {
    let result = {
        // The semaphore is never closed.
        let _permit = inner.lookups.acquire().await;
        inner.bedrock.base_model(&model).await
    };
    let wait = match &result {
        // Jitter, so that models looked up together do not stay in step.
        Ok(_) => inner.refresh.mul_f64(0.9 + 0.1 * fastrand::f64()),
        Err(error) => {
            let is_kept = entry.borrow().base.is_some();
            warn(&model, error, is_kept);
            match error.advice {
                RetryAdvice::Retry | RetryAdvice::RetryOnce => RETRY_AFTER_ERROR,
                RetryAdvice::Never | RetryAdvice::RefreshCredentials => RETRY_AFTER_REFUSAL,
            }
        }
    };
    entry.send_modify(|knowledge| {
        if let Ok(base) = result {
            knowledge.base = Some(base);
        }
        knowledge.state = LookupState::Settled(Instant::now() + wait);
    });
}

fn warn(model: &ModelId, error: &UpstreamError, is_kept: bool) {
    tracing::warn!(
        model = model.as_str(),
        code = error.code,
        upstream_error = error.log_detail(),
        kept = is_kept,
        "cannot determine the base model; allow the action in `upstream_error` (such as \
        bedrock:GetInferenceProfile for application profiles; see deploy/iam/README.md), or set \
        it in outcrop.toml: `[base_models] \"{model}\" = \"<foundation model id>\"`"
    );
}
