//! Base models of ids that do not contain one: configured, or looked up in Bedrock and cached, also
//! while Bedrock fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::learned::LearnedModels;
use super::lookup::Lookup;
use crate::bedrock::{BaseModel, Bedrock, RetryAdvice, UpstreamError};
use crate::models::ModelId;

/// How long a request waits for the first lookup of its model.
const FIRST_LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The delay after a refused lookup.
const RETRY_AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// The delay after a temporary failure.
const RETRY_AFTER_ERROR: Duration = Duration::from_secs(5);

/// The maximum number of concurrent lookups: the rate limits of the control plane are low.
const MAX_CONCURRENT_LOOKUPS: usize = 8;

/// The base models. Clones share the cache.
#[derive(Debug, Clone)]
pub struct BaseModels {
    inner: Arc<BaseModelsInner>,
}

#[derive(Debug)]
struct BaseModelsInner {
    bedrock: Bedrock,
    stated: BTreeMap<String, ModelId>,
    refresh: Duration,
    learned: LearnedModels,
    lookups: Arc<Semaphore>,
}

impl BaseModels {
    /// The `stated` base models; others are looked up in `bedrock`, again after `refresh`, and kept
    /// in `learned`.
    pub fn new(
        bedrock: Bedrock,
        stated: BTreeMap<String, ModelId>,
        refresh: Duration,
        learned: LearnedModels,
    ) -> Self {
        Self {
            inner: Arc::new(BaseModelsInner {
                bedrock,
                stated,
                refresh,
                learned,
                lookups: Arc::new(Semaphore::new(MAX_CONCURRENT_LOOKUPS)),
            }),
        }
    }

    /// The same with other settings.
    pub(super) fn reconfigured(
        &self,
        stated: BTreeMap<String, ModelId>,
        refresh: Duration,
        learned: LearnedModels,
    ) -> Self {
        Self {
            inner: Arc::new(BaseModelsInner {
                bedrock: self.inner.bedrock.clone(),
                stated,
                refresh,
                learned,
                lookups: Arc::clone(&self.inner.lookups),
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
        let lookup = self.inner.lookup(model);
        if lookup.begin_when_due() {
            tokio::spawn(look_up(self.inner.clone(), model.clone(), lookup.clone()));
        }
        lookup.result(FIRST_LOOKUP_TIMEOUT).await
    }
}

impl BaseModelsInner {
    fn lookup(&self, model: &ModelId) -> Lookup {
        let known = self.learned.read(model, |known| known.base.clone());
        known.unwrap_or_else(|| {
            self.learned.update(model, |known| {
                known.base.get_or_insert_with(Lookup::default).clone()
            })
        })
    }
}

/// Looks up the base model in a task of its own: if the requesting client disconnects, others still
/// get the result.
async fn look_up(inner: Arc<BaseModelsInner>, model: ModelId, lookup: Lookup) {
    let result = {
        // The semaphore is never closed.
        let _permit = inner.lookups.acquire().await;
        inner.bedrock.base_model(&model).await
    };
    let wait = match &result {
        // Jitter, so that models looked up together do not stay in step.
        Ok(_) => inner.refresh.mul_f64(0.9 + 0.1 * fastrand::f64()),
        Err(error) => {
            warn(&model, error, lookup.has_succeeded());
            match error.advice {
                RetryAdvice::Retry | RetryAdvice::RetryOnce => RETRY_AFTER_ERROR,
                RetryAdvice::Never | RetryAdvice::RefreshCredentials => RETRY_AFTER_REFUSAL,
            }
        }
    };
    lookup.settle(result.ok(), wait);
    if lookup.has_succeeded() {
        // It may have been evicted meanwhile, among the names of which nothing is known.
        inner
            .learned
            .update(&model, |known| known.base = Some(lookup));
    }
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
