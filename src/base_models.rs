//! What the models are based on whose ids do not say it: stated by the operator, or asked of
//! Bedrock and kept, also while Bedrock does not answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::bedrock::{BaseModel, Bedrock, RetryAdvice, UpstreamError};
use crate::models::ModelId;

/// How long a request waits for the first answer about its model.
const FIRST_LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// How soon Bedrock is asked again where it refused to tell.
const RETRY_AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// How soon Bedrock is asked again where the failure may pass.
const RETRY_AFTER_ERROR: Duration = Duration::from_secs(5);

/// Models that are remembered at the most: their names come from clients.
const MAX_MODELS: usize = 1024;

/// Questions under way at the most: the control plane is throttled hard.
const MAX_CONCURRENT_LOOKUPS: usize = 8;

/// The bases of models. Clones share what is known.
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

/// What is known of one model; whoever waits for it is told of a change.
type BaseModelEntry = watch::Sender<Knowledge>;

#[derive(Debug)]
struct Knowledge {
    /// The latest answer, which outlives the failures after it.
    base: Option<BaseModel>,
    state: LookupState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LookupState {
    /// Nobody has asked.
    New,
    /// The first question is under way.
    FirstLookup,
    /// There was an answer or a failure; from then on it is time to ask again.
    Settled(Instant),
    /// Another question is under way.
    Refreshing,
}

impl BaseModels {
    /// Bases as `stated` by the operator, and as `bedrock` tells them, asked again after `refresh`.
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

    /// What `model` is based on; nothing where it cannot be found out, of which the log tells.
    ///
    /// Answers at once where the operator or the id says it. Else the first request for a model
    /// waits for Bedrock, though not long, and later ones get what is known.
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
    /// What is known of `model`, from now on at the latest.
    fn entry(&self, model: &ModelId) -> Arc<BaseModelEntry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(model) {
            return entry.clone();
        }
        if entries.len() >= MAX_MODELS {
            let least_valuable = entries
                .iter()
                .min_by_key(|(_, entry)| entry.borrow().worth())
                .map(|(model, _)| model.clone());
            entries.retain(|model, _| Some(model) != least_valuable.as_ref());
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

    /// Notes that a question begins, and says whether one is due.
    fn begin_when_due(&mut self) -> bool {
        let next = match self.state {
            LookupState::New => LookupState::FirstLookup,
            LookupState::Settled(again) if again <= Instant::now() => LookupState::Refreshing,
            _ => return false,
        };
        self.state = next;
        true
    }

    /// Entries of least worth are forgotten first: those without an answer, so that names made up
    /// by a client do not drive out models that there are, and of them those that are being asked
    /// about last; then the oldest.
    fn worth(&self) -> (bool, bool, Option<Instant>) {
        let again = match self.state {
            LookupState::Settled(again) => Some(again),
            LookupState::New | LookupState::FirstLookup | LookupState::Refreshing => None,
        };
        (self.base.is_some(), again.is_none(), again)
    }
}

/// Asks Bedrock, apart from the request that wanted to know: when its client leaves, the others
/// still get the answer.
async fn look_up(inner: Arc<BaseModelCache>, model: ModelId, entry: Arc<BaseModelEntry>) {
    let result = {
        // The semaphore is never closed.
        let _permit = inner.lookups.acquire().await;
        inner.bedrock.base_model(&model).await
    };
    let wait = match &result {
        // Models that were asked about together are not asked about together for ever.
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
        "what this model is based on could not be found out; allow the action that the detail \
         names (bedrock:GetInferenceProfile for application profiles; deploy/iam/README.md has \
         all), or state it in outcrop.toml: `[base_models] \"{model}\" = \"<foundation model id>\"`"
    );
}
