//! From the client's name of a model to what is known of it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::model_info::{ModelInfo, ModelInfoCache};
use super::resolution::{Resolver, note_of};
use crate::adjustments::Adjustments;
use crate::base_models::BaseModels;
use crate::bedrock::{BaseModel, Bedrock};
use crate::catalog::Directory;
use crate::config::{ChatOverrides, Config, ModelEntry, Tables};
use crate::error::ApiError;
use crate::models::{Capabilities, ChatUpstream, Endpoint, ModelId, RefusedField};
use crate::providers::embeddings::Purpose;

/// Unknown models of which the log has told, at the most.
const MAX_UNKNOWN: usize = 1024;

/// The models that clients may ask for, and what is known of them.
#[derive(Debug)]
pub(super) struct Models {
    names: BTreeMap<String, ModelEntry>,
    tables: RwLock<Arc<Tables>>,
    bases: BaseModels,
    /// What the tables say, and what models were found to refuse.
    model_info: ModelInfoCache,
    reported_unknown: Mutex<HashSet<ModelId>>,
    resolver: Resolver,
    region: String,
}

/// A model that is asked.
#[derive(Debug)]
pub(super) struct ModelTarget {
    /// The model as Bedrock is asked for it.
    pub(super) model: ModelId,
    /// What is known of it.
    pub(super) model_info: Arc<ModelInfo>,
    /// How the operator wants its requests treated.
    pub(super) chat: ChatOverrides,
    /// What the operator says its vectors are for.
    pub(super) embedding_input_type: Option<Purpose>,
    /// Where its chat requests go.
    pub(super) upstream: ChatUpstream,
    /// What the client is told where the id is not the one that it wrote.
    pub(super) note: Option<String>,
    /// Whether the client wrote a name of the operator's.
    is_named: bool,
}

/// The entry that a name stands for.
struct Resolution {
    entry: ModelEntry,
    note: Option<String>,
    is_named: bool,
}

impl Models {
    pub(super) fn new(config: &Config, tables: Tables, bedrock: &Bedrock) -> Self {
        let bases = BaseModels::new(
            bedrock.clone(),
            config.base_models.clone(),
            config.catalog.refresh,
        );
        Self {
            names: config.models.clone(),
            tables: RwLock::new(Arc::new(tables)),
            bases,
            model_info: ModelInfoCache::default(),
            reported_unknown: Mutex::default(),
            resolver: Resolver::new(Directory::default(), bedrock.region().to_owned()),
            region: bedrock.region().to_owned(),
        }
    }

    /// Puts other tables in the place of these; what was learned of models is learned anew.
    pub(super) fn replace_tables(&self, tables: Tables) {
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tables);
        self.model_info.forget();
    }

    /// What models are based on.
    pub(super) fn bases(&self) -> &BaseModels {
        &self.bases
    }

    /// The names that take calls.
    pub(super) fn directory(&self) -> &Directory {
        self.resolver.directory()
    }

    /// How names become ids.
    pub(super) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// The model that a name stands for: one of the configuration's, or a Bedrock id, by the
    /// inference profile that serves it where the id itself takes no calls.
    pub(super) async fn target(&self, name: &str) -> Result<ModelTarget, ApiError> {
        Ok(self.looked_up(self.resolved(name)?).await)
    }

    /// The same for Bedrock's own API, where an id is called as it is written.
    pub(super) async fn exact_target(&self, name: &str) -> Result<ModelTarget, ApiError> {
        let entry = match self.names.get(name) {
            Some(entry) => entry.clone(),
            None => ModelEntry::from(self.parsed(name)?),
        };
        let resolved = Resolution {
            entry,
            note: None,
            is_named: false,
        };
        Ok(self.looked_up(resolved).await)
    }

    /// What a name stands for, by the profile that serves it where that is known.
    pub(super) fn entry(&self, name: &str) -> Result<ModelEntry, ApiError> {
        self.resolved(name).map(|resolved| resolved.entry)
    }

    /// The model that such an entry names.
    pub(super) async fn target_of(&self, entry: ModelEntry) -> ModelTarget {
        let resolved = Resolution {
            entry,
            note: None,
            is_named: true,
        };
        self.looked_up(resolved).await
    }

    fn resolved(&self, name: &str) -> Result<Resolution, ApiError> {
        if let Some(entry) = self.names.get(name) {
            // What a name of the operator's own stands for is nothing that the client wrote.
            let entry = self.by_profile(entry);
            return Ok(Resolution {
                entry,
                note: None,
                is_named: true,
            });
        }
        let unprefixed = self.resolver.unprefixed(name);
        if let Some(entry) = unprefixed.and_then(|name| self.names.get(name)) {
            let entry = self.by_profile(entry);
            let note = Some(note_of(&entry));
            return Ok(Resolution {
                entry,
                note,
                is_named: true,
            });
        }
        let model = self.parsed(unprefixed.unwrap_or(name))?;
        let profile = self.resolver.profile(&model);
        let is_changed = unprefixed.is_some() || profile.is_some();
        let entry = ModelEntry::from(profile.unwrap_or(model));
        let note = is_changed.then(|| note_of(&entry));
        Ok(Resolution {
            entry,
            note,
            is_named: false,
        })
    }

    /// The entry with the profile that serves its target, where the target takes no calls. The
    /// operator may have written the target as other tools do, too.
    fn by_profile(&self, entry: &ModelEntry) -> ModelEntry {
        let unprefixed = self.resolver.unprefixed(entry.target.as_str());
        let unprefixed = unprefixed.and_then(|target| ModelId::parse(target).ok());
        let target = unprefixed.unwrap_or_else(|| entry.target.clone());
        let profile = self.resolver.profile(&target);
        ModelEntry {
            target: profile.unwrap_or(target),
            ..entry.clone()
        }
    }

    fn parsed(&self, name: &str) -> Result<ModelId, ApiError> {
        ModelId::parse(name).map_err(|error| self.resolver.invalid(name, &error))
    }

    async fn looked_up(&self, resolved: Resolution) -> ModelTarget {
        let Resolution {
            entry,
            note,
            is_named,
        } = resolved;
        let ModelEntry {
            target: model,
            chat,
            embedding_input_type,
            upstream,
        } = entry;
        let base = match model.names_foundation_model() {
            true => None,
            false => self.bases.of(&model).await,
        };
        let model_info = match self.model_info.get(&model, base.as_ref()) {
            Some(model_info) => model_info,
            None => self.look_up(&model, base),
        };
        ModelTarget {
            upstream: upstream.unwrap_or(model_info.capabilities.upstream),
            model,
            model_info,
            chat,
            embedding_input_type,
            note,
            is_named,
        }
    }

    /// Puts an inference profile in the place of the target's bare id, which Bedrock has refused to
    /// call. The settings of a configured name stay.
    pub(super) fn call_profile(&self, target: &mut ModelTarget, profile: ModelId) {
        target.model_info = match self.model_info.get(&profile, None) {
            Some(model_info) => model_info,
            None => self.look_up(&profile, None),
        };
        if !target.is_named {
            target.note = Some(format!("called as `{profile}`"));
        }
        target.model = profile;
    }

    /// Learns that the target refuses `field`. Whether that is new.
    pub(super) fn learn(&self, target: &mut ModelTarget, field: RefusedField) -> bool {
        let Some(model_info) = target.model_info.without(&target.model, field) else {
            return false;
        };
        target.model_info = self.model_info.keep(&target.model, model_info);
        true
    }

    /// What the tables say of a model that is based on `base`, where its id does not say it.
    fn look_up(&self, model: &ModelId, base: Option<BaseModel>) -> Arc<ModelInfo> {
        let tables = Arc::clone(&self.tables.read().unwrap_or_else(PoisonError::into_inner));
        let (resolved_model, capabilities) = tables.resolved_model(model, base.as_ref());
        if capabilities.family.is_empty() {
            self.report_unknown(model);
        }
        let row = tables.prices.row_in(&resolved_model, &self.region);
        let end_of_life = row.and_then(|row| row.end_of_life).map(str::to_owned);
        if let Some(end_of_life) = &end_of_life {
            tracing::info!(
                model = model.as_str(),
                end_of_life,
                "this model answers no more from that day on"
            );
        }
        let model_info = ModelInfo {
            capabilities,
            end_of_life,
            legacy: row.is_some_and(|row| row.legacy),
            output_limit: row.and_then(|row| row.max_output),
            context_window: row.and_then(|row| row.context_window),
            price: row.and_then(|row| row.price).cloned(),
            units: row.map(|row| row.units).unwrap_or_default(),
            resolved_model,
            base,
        };
        self.model_info.keep(model, model_info)
    }

    /// One line for each model that the table does not know.
    fn report_unknown(&self, model: &ModelId) {
        let reported = self.reported_unknown.lock();
        let mut reported = reported.unwrap_or_else(PoisonError::into_inner);
        if reported.len() < MAX_UNKNOWN && reported.insert(model.clone()) {
            tracing::info!(
                model = model.as_str(),
                "the table does not know this model: it is asked for nothing that not every model \
                 takes; a file of `[catalog] facts` can say more"
            );
        }
    }
}

impl ModelTarget {
    /// Notes where the id that is called is not the one that the client wrote.
    pub(super) fn note_in(&self, adjustments: &mut Adjustments) {
        if let Some(note) = &self.note {
            adjustments.note("model", note.clone());
        }
    }

    /// Whether a strict request for it may not be sent to a profile that it does not name.
    pub(super) fn is_exact(&self, strict: bool) -> bool {
        strict && !self.is_named
    }
}

/// Refuses a model that another endpoint serves.
pub(super) fn check_endpoint(
    name: &str,
    capabilities: &Capabilities,
    endpoint: Endpoint,
) -> Result<(), ApiError> {
    let serves = capabilities.endpoints();
    let is_served = match serves.as_slice() {
        [] => endpoint == Endpoint::ChatCompletions,
        serves => serves.contains(&endpoint),
    };
    if is_served {
        return Ok(());
    }
    let endpoint = endpoint.path();
    let serves: Vec<&str> = match serves.as_slice() {
        [] => vec![Endpoint::ChatCompletions.path()],
        serves => serves.iter().map(|endpoint| endpoint.path()).collect(),
    };
    let serves = serves.join(" or ");
    let message = match capabilities.family.is_empty() {
        true => format!(
            "what the model `{name}` takes is not known here, and so {endpoint} cannot ask it; the \
             gateway's operator can say what it takes"
        ),
        false => format!("the model `{name}` is not served by {endpoint}; ask it through {serves}"),
    };
    Err(ApiError::unsupported_value("model", message))
}

/// Refuses a model that Converse does not take: chat alone has another way to it.
pub(super) fn check_converse(name: &str, capabilities: &Capabilities) -> Result<(), ApiError> {
    if capabilities.converse {
        return Ok(());
    }
    let chat = Endpoint::ChatCompletions.path();
    let message = format!("the model `{name}` is served by {chat} alone; ask it there");
    Err(ApiError::unsupported_value("model", message))
}
