//! Builds the model objects from Bedrock's lists and the tables of models.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::listing::Listing;
use super::rendered::{CatalogJson, CatalogWriter, Rank};
use crate::bedrock::{BaseModel, FoundationModel, LifeCycle, ListedModel, Time};
use crate::catalog::Tables;
use crate::catalog::list::wire::{
    Description, LifeCycleObject, LifeStatus, ModelCapabilities, ModelObject, ModelObjectKind,
    ModelWord, PriceObject,
};
use crate::config::ModelEntry;
use crate::models::{Capabilities, Endpoint, Modalities, ModelId, ModelKind, ModelRow, ModelType};

/// The sources of the model objects.
pub(super) struct ModelSources<'a> {
    pub(super) names: &'a BTreeMap<String, ModelEntry>,
    pub(super) listing: &'a Listing,
    /// Base models of aliases whose targets and lists do not contain them.
    pub(super) bases: &'a HashMap<ModelId, BaseModel>,
    pub(super) tables: &'a Tables,
    pub(super) region: &'a str,
    /// The creation time of models for which Bedrock returns none.
    pub(super) began: Time,
    pub(super) now: Time,
}

/// A model to describe.
struct Subject<'a> {
    /// The name in requests.
    name: &'a str,
    /// The model that is called.
    model: &'a ModelId,
    is_alias: bool,
    /// Its entry in Bedrock's lists, unless it is a foundation model.
    listed: Option<&'a ListedModel>,
}

impl ModelSources<'_> {
    /// All models: chat models first and ARNs last; in each group the aliases first, then by name.
    pub(super) fn rendered(&self) -> CatalogJson {
        let by_id: HashMap<&str, &FoundationModel> = self
            .listing
            .foundation
            .iter()
            .map(|model| (model.model_id.as_str(), model))
            .collect();
        let mut writer = CatalogWriter::default();
        for (name, entry) in self.names {
            let subject = Subject {
                name,
                model: &entry.target,
                is_alias: name != entry.target.as_str(),
                listed: self.listing.find(&entry.target),
            };
            self.write(&subject, &by_id, &mut writer);
        }
        let on_demand = self.on_demand();
        let listed = self.listing.others.values().flatten();
        let listed = listed.map(|model| (&model.id, Some(model)));
        let others: BTreeMap<&str, (&ModelId, Option<&ListedModel>)> = on_demand
            .iter()
            .map(|model| (model, None))
            .chain(listed)
            .map(|(model, listed)| (model.as_str(), (model, listed)))
            .filter(|(name, _)| !self.names.contains_key(*name))
            .collect();
        for (name, (model, listed)) in others {
            let subject = Subject {
                name,
                model,
                is_alias: false,
                listed,
            };
            self.write(&subject, &by_id, &mut writer);
        }
        writer.finish()
    }

    /// The foundation models that can be called by their own ids.
    fn on_demand(&self) -> Vec<ModelId> {
        let models = self.listing.foundation.iter();
        models
            .filter(|model| model.is_on_demand())
            .filter_map(|model| ModelId::parse(&model.model_id).ok())
            .collect()
    }

    fn write(
        &self,
        subject: &Subject<'_>,
        by_id: &HashMap<&str, &FoundationModel>,
        writer: &mut CatalogWriter,
    ) {
        let Subject {
            name,
            model,
            is_alias,
            listed,
        } = *subject;
        let base = self.base(model, listed);
        let (resolved_model, capabilities) = self.tables.resolved_model(model, base.as_ref());
        let row = self.tables.prices.row_in(&resolved_model, self.region);
        let foundation = by_id.get(resolved_model.foundation_id()).copied();
        let is_named = self.names.contains_key(name);
        if !is_named && foundation.is_some_and(|foundation| foundation.has_ended(self.now)) {
            return;
        }
        let context_window = row.as_ref().and_then(|row| row.context_window);
        let modalities = modalities(&capabilities, foundation);
        let endpoints = modalities.endpoints(&capabilities);
        // Speech-to-speech models are not served.
        if !is_named && endpoints.is_empty() {
            return;
        }
        let chats = endpoints.contains(&Endpoint::ChatCompletions);
        let life_cycle = self.life_cycle(foundation, row.as_ref());
        let owner = owner(foundation, &resolved_model);
        let kind = kind(model);
        let target = is_alias.then_some(model);
        let model_type = ModelType::of(&endpoints);
        let title = listed.map_or_else(
            || foundation.and_then(|foundation| foundation.model_name.as_deref()),
            |listed| listed.name.as_deref(),
        );
        let shutdown_date = life_cycle.end_of_life.clone();
        let object = ModelObject {
            id: name,
            object: ModelWord::Model,
            created: self.created(listed, foundation).unix_seconds(),
            owned_by: &owner,
            // Aliases of one model would all have the model's name.
            name: title.filter(|_| !is_alias).unwrap_or(name),
            context_length: context_window,
            r#type: model_type,
            shutdown_date: shutdown_date.as_deref(),
            outcrop: Description {
                kind: match is_alias {
                    true => ModelObjectKind::Alias,
                    false => kind,
                },
                name: title,
                // Clients must not see account numbers.
                target: target
                    .filter(|target| target.account().is_none())
                    .map(ModelId::as_str),
                target_kind: target.map(|_| kind),
                base_models: base_models(listed, base.as_ref(), &resolved_model),
                family: &capabilities.family,
                capabilities: chats
                    .then(|| ModelCapabilities::new(&capabilities, modalities.streams)),
                endpoints,
                input_modalities: modalities.input,
                output_modalities: modalities.output,
                context_window,
                max_output_tokens: row.as_ref().and_then(|row| row.max_output),
                price: row.as_ref().and_then(PriceObject::of),
                regions: self.regions(model, listed),
                life_cycle,
            },
        };
        let rank = Rank {
            is_arn: name.starts_with("arn:"),
            is_no_chat: model_type != Some(ModelType::Chat),
            is_listed: !is_named,
        };
        writer.push(rank, &object);
    }

    /// The base model of an id that does not contain it.
    fn base(&self, model: &ModelId, listed: Option<&ListedModel>) -> Option<BaseModel> {
        if model.names_foundation_model() {
            return None;
        }
        if let (ModelKind::ImportedModel, Some(listed)) = (model.kind(), listed) {
            return Some(BaseModel::Imported {
                takes_tools: listed.follows_instructions,
            });
        }
        let first = listed.and_then(|listed| listed.models.first());
        first
            .map(|base| BaseModel::Foundation(base.foundation()))
            .or_else(|| self.bases.get(model).cloned())
    }

    fn created(&self, listed: Option<&ListedModel>, foundation: Option<&FoundationModel>) -> Time {
        let of_foundation =
            || foundation.and_then(|model| model.model_lifecycle.as_ref()?.start_of_life_time);
        listed
            .and_then(|listed| listed.created)
            .or_else(of_foundation)
            .unwrap_or(self.began)
    }

    /// The life cycle; Bedrock's values take precedence over the table.
    fn life_cycle(
        &self,
        foundation: Option<&FoundationModel>,
        row: Option<&ModelRow<'_>>,
    ) -> LifeCycleObject {
        let life = foundation.and_then(|model| model.model_lifecycle.clone());
        let LifeCycle {
            status,
            start_of_life_time,
            legacy_time,
            public_extended_access_time,
            end_of_life_time,
        } = life.unwrap_or_default();
        let in_table = || row.and_then(|row| row.end_of_life).map(str::to_owned);
        let end_of_life = end_of_life_time.map(Time::date).or_else(in_table);
        let is_legacy = status.as_deref() == Some("LEGACY") || row.is_some_and(|row| row.legacy);
        let today = self.now.date();
        let status = match &end_of_life {
            Some(end) if *end <= today => LifeStatus::EndOfLife,
            _ if is_legacy => LifeStatus::Legacy,
            _ => LifeStatus::Active,
        };
        LifeCycleObject {
            status,
            start_of_life: start_of_life_time.map(Time::date),
            legacy: legacy_time.map(Time::date),
            extended_access: public_extended_access_time.map(Time::date),
            end_of_life,
        }
    }

    /// The regions that may serve the model; the gateway's region for a model that is called there.
    fn regions<'m>(&'m self, model: &'m ModelId, listed: Option<&'m ListedModel>) -> Vec<&'m str> {
        let spread = listed.into_iter().flat_map(|listed| &listed.models);
        let spread: BTreeSet<&str> = spread.filter_map(ModelId::region).collect();
        if spread.is_empty() && !model.is_system_profile() {
            return vec![self.region];
        }
        let named = |region: &'m str| match region {
            "" => "global",
            region => region,
        };
        spread.into_iter().map(named).collect()
    }
}

fn modalities(capabilities: &Capabilities, foundation: Option<&FoundationModel>) -> Modalities {
    let words = |words: Option<&Vec<String>>| words.cloned().unwrap_or_default();
    let input = words(foundation.and_then(|model| model.input_modalities.as_ref()));
    let output = words(foundation.and_then(|model| model.output_modalities.as_ref()));
    let streams = foundation.and_then(|model| model.response_streaming_supported);
    Modalities::new(capabilities, &input, &output, streams)
}

/// The foundation models that may respond, without account, region and geography.
fn base_models<'a>(
    listed: Option<&'a ListedModel>,
    base: Option<&BaseModel>,
    resolved_model: &'a ModelId,
) -> Vec<&'a str> {
    let models = listed.into_iter().flat_map(|listed| &listed.models);
    let models: BTreeSet<&str> = models.map(ModelId::foundation_id).collect();
    match base {
        _ if !models.is_empty() => models.into_iter().collect(),
        None if !resolved_model.names_foundation_model() => Vec::new(),
        Some(BaseModel::Imported { .. }) => Vec::new(),
        None | Some(BaseModel::Foundation(_)) => vec![resolved_model.foundation_id()],
    }
}

/// The provider: Bedrock's name in lower case, or `amazon` of `amazon.nova-lite-v1:0`.
fn owner(foundation: Option<&FoundationModel>, resolved_model: &ModelId) -> String {
    if let Some(provider) = foundation.and_then(|model| model.provider_name.as_deref()) {
        return provider.to_lowercase();
    }
    match resolved_model.foundation_id().split_once('.') {
        Some((provider, _)) => provider.to_owned(),
        None => "bedrock".to_owned(),
    }
}

fn kind(model: &ModelId) -> ModelObjectKind {
    match model.kind() {
        ModelKind::Foundation if model.is_system_profile() => ModelObjectKind::InferenceProfile,
        ModelKind::Foundation => ModelObjectKind::FoundationModel,
        ModelKind::ApplicationProfile => ModelObjectKind::ApplicationInferenceProfile,
        ModelKind::ProvisionedModel => ModelObjectKind::ProvisionedModel,
        ModelKind::CustomModel => ModelObjectKind::CustomModel,
        ModelKind::CustomModelDeployment => ModelObjectKind::CustomModelDeployment,
        ModelKind::ImportedModel => ModelObjectKind::ImportedModel,
        ModelKind::PromptRouter => ModelObjectKind::PromptRouter,
        ModelKind::Other if model.service() == Some("sagemaker") => {
            ModelObjectKind::MarketplaceEndpoint
        }
        ModelKind::Other => ModelObjectKind::Other,
    }
}
