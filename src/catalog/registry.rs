//! Resolves the client's name of a model to model information.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::base_models::BaseModels;
use super::learned::LearnedModels;
use super::list::Directory;
use super::model_info::ModelInfo;
use super::names::{Resolver, note_of};
use super::tables::Tables;
use crate::bedrock::{BaseModel, Bedrock};
use crate::config::{ChatOverrides, Config, ModelEntry};
use crate::converse::origin::Origin;
use crate::error::{ApiError, Field};
use crate::models::Purpose;
use crate::models::{ChatUpstream, ModelId, RefusedField};
use crate::reply::Adjustments;
use crate::usage::Target;

/// The models that clients may request, with their information.
#[derive(Debug)]
pub(crate) struct Registry {
    names: BTreeMap<String, ModelEntry>,
    tables: Arc<Tables>,
    bases: BaseModels,
    learned: LearnedModels,
    resolver: Resolver,
    region: String,
}

/// The model of a call.
#[derive(Debug)]
pub(crate) struct ModelTarget {
    /// The model id that is called.
    pub(crate) model: ModelId,
    pub(crate) model_info: Arc<ModelInfo>,
    /// The operator's overrides for chat requests.
    pub(crate) chat: ChatOverrides,
    /// The purpose of the embeddings, if the operator configured it.
    pub(crate) embedding_input_type: Option<Purpose>,
    /// The upstream for chat requests.
    pub(crate) upstream: ChatUpstream,
    /// A note for the client if the id differs from the one in the request.
    pub(crate) note: Option<String>,
    /// Whether the client used a name from the configuration.
    is_named: bool,
}

/// The entry that a name resolves to.
struct Resolution {
    entry: ModelEntry,
    note: Option<String>,
    is_named: bool,
}

impl Registry {
    pub(crate) fn new(config: &Config, tables: Tables, bedrock: &Bedrock) -> Self {
        let learned = LearnedModels::default();
        let bases = BaseModels::new(
            bedrock.clone(),
            config.base_models.clone(),
            config.catalog.refresh,
            learned.clone(),
        );
        let region = bedrock.region().to_owned();
        Self {
            names: config.models.clone(),
            tables: Arc::new(tables),
            bases,
            resolver: Resolver::new(Directory::default(), region.clone(), learned.clone()),
            learned,
            region,
        }
    }

    /// The models of another configuration. What was learned stays, unless it follows from tables
    /// that have changed.
    pub(crate) fn reconfigured(&self, config: &Config, tables: Tables) -> Self {
        let learned = match *self.tables == tables {
            true => self.learned.clone(),
            false => self.learned.without_tables(),
        };
        Self {
            names: config.models.clone(),
            tables: Arc::new(tables),
            bases: self.bases.reconfigured(
                config.base_models.clone(),
                config.catalog.refresh,
                learned.clone(),
            ),
            resolver: self.resolver.with_learned(learned.clone()),
            learned,
            region: self.region.clone(),
        }
    }

    /// The base models.
    pub(crate) fn bases(&self) -> &BaseModels {
        &self.bases
    }

    /// The names that take calls.
    pub(crate) fn directory(&self) -> &Directory {
        self.resolver.directory()
    }

    /// The resolver from names to ids.
    pub(crate) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Resolves a name: a name from the configuration, or a Bedrock id, which is replaced by an
    /// inference profile if it cannot be called directly.
    pub(crate) async fn target(&self, name: &str) -> Result<ModelTarget, ApiError> {
        Ok(self.look_up_target(self.resolve(name)?).await)
    }

    /// The same for Bedrock's own API, which calls ids unchanged.
    pub(crate) async fn exact_target(&self, name: &str) -> Result<ModelTarget, ApiError> {
        let entry = match self.names.get(name) {
            Some(entry) => entry.clone(),
            None => ModelEntry::from(self.parse(name)?),
        };
        let resolved = Resolution {
            entry,
            note: None,
            is_named: false,
        };
        Ok(self.look_up_target(resolved).await)
    }

    /// The entry of a name, with the inference profile that serves it, if known.
    pub(crate) fn entry(&self, name: &str) -> Result<ModelEntry, ApiError> {
        self.resolve(name).map(|resolved| resolved.entry)
    }

    /// The target of an entry.
    pub(crate) async fn target_of(&self, entry: ModelEntry) -> ModelTarget {
        let resolved = Resolution {
            entry,
            note: None,
            is_named: true,
        };
        self.look_up_target(resolved).await
    }

    fn resolve(&self, name: &str) -> Result<Resolution, ApiError> {
        if let Some(entry) = self.names.get(name) {
            // The client did not write the target of a configured name, so there is nothing to
            // note.
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
        let model = self.parse(unprefixed.unwrap_or(name))?;
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

    /// The entry with the inference profile that serves its target, if the target itself takes no
    /// calls. Targets in the configuration may use the spellings of other tools, too.
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

    fn parse(&self, name: &str) -> Result<ModelId, ApiError> {
        ModelId::parse(name).map_err(|error| self.resolver.invalid(name, &error))
    }

    async fn look_up_target(&self, resolved: Resolution) -> ModelTarget {
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
        let model_info = self.model_info(&model, base);
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

    /// Replaces the target's bare id, which Bedrock refused to call, by an inference profile. The
    /// settings of a configured name stay.
    pub(crate) fn call_profile(&self, target: &mut ModelTarget, profile: ModelId) {
        target.model_info = self.model_info(&profile, None);
        if !target.is_named {
            target.note = Some(format!("called as `{profile}`"));
        }
        target.model = profile;
    }

    /// Learns that the target refuses `field`. Returns whether that is new.
    pub(crate) fn learn(&self, target: &mut ModelTarget, field: RefusedField) -> bool {
        let Some(model_info) = target.model_info.without(&target.model, field) else {
            return false;
        };
        target.model_info = self.keep(&target.model, model_info);
        true
    }

    /// Information about a model. `base` is set if the id does not name its base.
    fn model_info(&self, model: &ModelId, base: Option<BaseModel>) -> Arc<ModelInfo> {
        let known = self.learned.read(model, |known| known.info.clone());
        match known.filter(|info| info.base == base) {
            Some(model_info) => model_info,
            None => self.keep(model, self.look_up(model, base)),
        }
    }

    fn keep(&self, model: &ModelId, model_info: ModelInfo) -> Arc<ModelInfo> {
        let model_info = Arc::new(model_info);
        let kept = Arc::clone(&model_info);
        self.learned.update(model, |known| known.info = Some(kept));
        model_info
    }

    /// Information about a model from the tables.
    fn look_up(&self, model: &ModelId, base: Option<BaseModel>) -> ModelInfo {
        let tables = &self.tables;
        let (resolved_model, capabilities) = tables.resolved_model(model, base.as_ref());
        if capabilities.family.is_empty() {
            tracing::info!(
                model = model.as_str(),
                "the model is not in the table: the gateway sends it only what every model \
                 supports; describe it in a file of `[catalog] facts`"
            );
        }
        let row = tables.prices.row_in(&resolved_model, &self.region);
        let end_of_life = row.and_then(|row| row.end_of_life).map(str::to_owned);
        if let Some(end_of_life) = &end_of_life {
            tracing::info!(
                model = model.as_str(),
                end_of_life,
                "this model is shut down on that date"
            );
        }
        ModelInfo {
            capabilities,
            end_of_life,
            legacy: row.is_some_and(|row| row.legacy),
            output_limit: row.and_then(|row| row.max_output),
            context_window: row.and_then(|row| row.context_window),
            price: row.and_then(|row| row.price).cloned(),
            units: row.map(|row| row.units).unwrap_or_default(),
            resolved_model,
            base,
            is_corrected: false,
        }
    }
}

impl From<&ModelTarget> for Target {
    fn from(target: &ModelTarget) -> Self {
        Self::Model {
            id: target.model.clone(),
            base: target.model_info.resolved_model.clone(),
        }
    }
}

impl ModelTarget {
    /// The model, as the origin of reasoning.
    pub(crate) fn origin(&self) -> Arc<Origin> {
        let info = &self.model_info;
        let digest = |account: &str| {
            let digest = Sha256::digest(account);
            let first = digest.iter().take(4);
            first.map(|byte| format!("{byte:02x}")).collect()
        };
        Arc::new(Origin {
            family: info.capabilities.family.clone(),
            model: info.resolved_model.foundation_id().to_owned(),
            account: self.model.account().map(digest),
        })
    }

    /// Adds a note if the called id differs from the one in the request.
    pub(crate) fn note_in(&self, adjustments: &mut Adjustments) {
        if let Some(note) = &self.note {
            adjustments.note(Field::Model, note.as_str());
        }
    }

    /// Whether the target must be called by exactly this id: the request is strict, and its name is
    /// not from the configuration.
    pub(crate) fn is_exact(&self, strict: bool) -> bool {
        strict && !self.is_named
    }
}
