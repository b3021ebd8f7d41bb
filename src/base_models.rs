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
const FIRST_ANSWER: Duration = Duration::from_secs(3);

/// How soon Bedrock is asked again where it refused to tell.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// How soon Bedrock is asked again where the failure may pass.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Models that are remembered at the most: their names come from clients.
const MOST_MODELS: usize = 1024;

/// Questions under way at the most: the control plane is throttled hard.
const MOST_QUESTIONS: usize = 8;

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
    known: Mutex<HashMap<ModelId, Arc<BaseModelEntry>>>,
    questions: Semaphore,
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
    Asking,
    /// There was an answer or a failure; from then on it is time to ask again.
    Settled(Instant),
    /// Another question is under way.
    AskingAgain,
}

impl BaseModels {
    /// Bases as `stated` by the operator, and as `bedrock` tells them, asked again after `refresh`.
    pub fn new(bedrock: Bedrock, stated: BTreeMap<String, ModelId>, refresh: Duration) -> Self {
        Self {
            inner: Arc::new(BaseModelCache {
                bedrock,
                stated,
                refresh,
                known: Mutex::default(),
                questions: Semaphore::new(MOST_QUESTIONS),
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
        if model.says_its_foundation() {
            return Some(BaseModel::Foundation(model.foundation()));
        }
        let entry = self.inner.entry(model);
        if entry.send_if_modified(Knowledge::begin_when_due) {
            tokio::spawn(ask(self.inner.clone(), model.clone(), entry.clone()));
        }
        let mut changes = entry.subscribe();
        let settled = changes.wait_for(|knowledge| knowledge.state != LookupState::Asking);
        match tokio::time::timeout(FIRST_ANSWER, settled).await {
            Ok(Ok(knowledge)) => knowledge.base.clone(),
            _ => None,
        }
    }
}

impl BaseModelCache {
    /// What is known of `model`, from now on at the latest.
    fn entry(&self, model: &ModelId) -> Arc<BaseModelEntry> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(model) {
            return entry.clone();
        }
        if known.len() >= MOST_MODELS {
            let least = known
                .iter()
                .min_by_key(|(_, entry)| entry.borrow().worth())
                .map(|(model, _)| model.clone());
            known.retain(|model, _| Some(model) != least.as_ref());
        }
        let entry = Arc::new(BaseModelEntry::new(Knowledge::NOTHING));
        known.insert(model.clone(), entry.clone());
        entry
    }
}

impl Knowledge {
    const NOTHING: Self = Self {
        base: None,
        state: LookupState::New,
    };

    /// Notes that a question begins, and says whether one is due.
    fn begin_when_due(&mut self) -> bool {
        let asking = match self.state {
            LookupState::New => LookupState::Asking,
            LookupState::Settled(again) if again <= Instant::now() => LookupState::AskingAgain,
            _ => return false,
        };
        self.state = asking;
        true
    }

    /// Entries of least worth are forgotten first: those without an answer, so that names made up
    /// by a client do not drive out models that there are, and of them those that are being asked
    /// about last; then the oldest.
    fn worth(&self) -> (bool, bool, Option<Instant>) {
        let again = match self.state {
            LookupState::Settled(again) => Some(again),
            LookupState::New | LookupState::Asking | LookupState::AskingAgain => None,
        };
        (self.base.is_some(), again.is_none(), again)
    }
}

/// Asks Bedrock, apart from the request that wanted to know: when its client leaves, the others
/// still get the answer.
async fn ask(inner: Arc<BaseModelCache>, model: ModelId, entry: Arc<BaseModelEntry>) {
    let asked = {
        // The semaphore is never closed.
        let _permit = inner.questions.acquire().await;
        inner.bedrock.base_model(&model).await
    };
    let wait = match &asked {
        // Models that were asked about together are not asked about together for ever.
        Ok(_) => inner.refresh.mul_f64(0.9 + 0.1 * fastrand::f64()),
        Err(failure) => {
            let is_kept = entry.borrow().base.is_some();
            warn(&model, failure, is_kept);
            match failure.advice {
                RetryAdvice::Retry | RetryAdvice::RetryOnce => AFTER_FAILURE,
                RetryAdvice::Never | RetryAdvice::RefreshCredentials => AFTER_REFUSAL,
            }
        }
    };
    entry.send_modify(|knowledge| {
        if let Ok(base) = asked {
            knowledge.base = Some(base);
        }
        knowledge.state = LookupState::Settled(Instant::now() + wait);
    });
}

fn warn(model: &ModelId, failure: &UpstreamError, is_kept: bool) {
    tracing::warn!(
        model = model.as_str(),
        code = failure.code,
        detail = failure.log_detail(),
        kept = is_kept,
        "what this model is based on could not be found out; allow the action that the detail \
         names (bedrock:GetInferenceProfile for application profiles; deploy/iam/README.md has \
         all), or state it in outcrop.toml: `[base_models] \"{model}\" = \"<foundation model id>\"`"
    );
}
