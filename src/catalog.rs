//! Which models there are: what the configuration names, and what the region and the account
//! have, asked for in the background and kept while Bedrock does not answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::bedrock::{Bedrock, Failure, FoundationModel, InferenceProfile};
use crate::config::{CatalogSettings, ModelEntry, Shown};
use crate::models::ModelId;

/// How long the first request waits for the first listing.
const FIRST_LISTING: Duration = Duration::from_secs(5);

/// How soon after a failure Bedrock is asked again.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// A model as `/v1/models` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEntry {
    /// The name to ask for it by.
    pub name: String,
    /// Who made it.
    pub owner: String,
}

/// The models that there are.
#[derive(Debug)]
pub struct Catalog {
    configured: Vec<CatalogEntry>,
    listed: watch::Receiver<Option<Arc<Vec<CatalogEntry>>>>,
    created: u64,
    refresher: Option<tokio::task::JoinHandle<()>>,
}

impl Catalog {
    /// Starts asking Bedrock in the background, unless only configured names are shown.
    pub fn start(
        bedrock: Bedrock,
        names: &BTreeMap<String, ModelEntry>,
        settings: &CatalogSettings,
    ) -> Self {
        let (sender, listed) = watch::channel(None);
        let refresher = match settings.show {
            Shown::All => Some(tokio::spawn(refresh(bedrock, sender, settings.refresh))),
            Shown::Configured => {
                sender.send_replace(Some(Arc::default()));
                None
            }
        };
        let configured = names.iter().map(|(name, entry)| CatalogEntry {
            name: name.clone(),
            owner: owner(entry.target.foundation_id()),
        });
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            configured: configured.collect(),
            listed,
            created: now.map(|now| now.as_secs()).unwrap_or_default(),
            refresher,
        }
    }

    /// When the gateway learned of the models: Unix seconds. Bedrock says it of few of them.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// All models, the configured ones first, each name once.
    pub async fn models(&self) -> Vec<CatalogEntry> {
        let mut listed = self.listed.clone();
        let first = listed.wait_for(Option::is_some);
        // Bedrock may not allow it, or not answer; what is configured is shown all the same.
        let known = match tokio::time::timeout(FIRST_LISTING, first).await {
            Ok(Ok(known)) => known.clone().unwrap_or_default(),
            _ => Arc::default(),
        };
        let mut models = self.configured.clone();
        let is_configured =
            |entry: &&CatalogEntry| !self.configured.iter().any(|other| other.name == entry.name);
        models.extend(known.iter().filter(is_configured).cloned());
        models
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        if let Some(refresher) = &self.refresher {
            refresher.abort();
        }
    }
}

async fn refresh(
    bedrock: Bedrock,
    listed: watch::Sender<Option<Arc<Vec<CatalogEntry>>>>,
    every: Duration,
) {
    loop {
        let wait = match list(&bedrock).await {
            Ok(models) => {
                tracing::debug!(models = models.len(), "models listed");
                listed.send_replace(Some(Arc::new(models)));
                // Gateways that were started together do not ask together for ever.
                every.mul_f64(0.9 + 0.2 * fastrand::f64())
            }
            Err(failure) => {
                tracing::warn!(
                    code = failure.code,
                    detail = failure.detail,
                    "the models could not be listed; allow bedrock:ListFoundationModels and \
                     bedrock:ListInferenceProfiles, or set `[catalog] show = \"configured\"`"
                );
                listed.send_if_modified(|known| {
                    let first = known.is_none();
                    known.get_or_insert_default();
                    first
                });
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// The models that answer by their own id, and the profiles, which answer for the others.
async fn list(bedrock: &Bedrock) -> Result<Vec<CatalogEntry>, Failure> {
    let foundation = bedrock.foundation_models().await?;
    // A role may list models and not profiles; half a list is better than none.
    let profiles = bedrock.inference_profiles().await.unwrap_or_default();
    let mut models: Vec<CatalogEntry> = foundation
        .iter()
        .filter(|model| model.is_on_demand())
        .map(entry_of_model)
        .chain(profiles.iter().map(entry_of_profile))
        .collect();
    models.sort_by(|a, b| a.name.cmp(&b.name));
    models.dedup_by(|a, b| a.name == b.name);
    Ok(models)
}

fn entry_of_model(model: &FoundationModel) -> CatalogEntry {
    let provider = model.provider_name.as_deref().map(str::to_lowercase);
    CatalogEntry {
        name: model.model_id.clone(),
        owner: provider.unwrap_or_else(|| owner(&model.model_id)),
    }
}

/// A system's profile goes by its id; an application's id says nothing, so it goes by its ARN.
fn entry_of_profile(profile: &InferenceProfile) -> CatalogEntry {
    let is_application = profile.r#type.as_deref() == Some("APPLICATION");
    let arn = profile.inference_profile_arn.as_ref();
    let name = match arn.filter(|_| is_application) {
        Some(arn) => arn,
        None => &profile.inference_profile_id,
    };
    let owner = ModelId::parse(name).map(|id| owner(id.foundation_id()));
    CatalogEntry {
        name: name.clone(),
        owner: owner.unwrap_or_default(),
    }
}

/// `amazon` of `amazon.nova-lite-v1:0`.
fn owner(foundation_id: &str) -> String {
    match foundation_id.split_once('.') {
        Some((provider, _)) => provider.to_owned(),
        None => "bedrock".to_owned(),
    }
}
