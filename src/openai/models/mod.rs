//! `GET /v1/models` in OpenAI's words, and what the gateway knows beside them, under one key.

mod capabilities;
mod price;

pub use capabilities::ModelCapabilities;
pub use price::PriceObject;

use serde::Serialize;

use crate::models::{Endpoint, Modality, ModelType};

/// One model.
#[derive(Debug, Serialize)]
pub struct ModelObject<'a> {
    /// The name to ask for it by.
    pub id: &'a str,
    /// What it is.
    pub object: ModelWord,
    /// Since when there is the model, or the gateway has known of it: Unix seconds.
    pub created: u64,
    /// Who made it.
    pub owned_by: &'a str,
    /// Its name for people, as OpenRouter has it.
    pub name: &'a str,
    /// How many tokens the prompt may have, as OpenRouter has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u32>,
    /// What it is for, as Together has it; absent for a model that no endpoint serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ModelType>,
    /// The day from which it answers no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown_date: Option<&'a str>,
    /// All else, as an extension.
    pub outcrop: Description<'a>,
}

/// The word `model`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelWord {
    /// `model`
    #[default]
    Model,
}

/// What the gateway knows of a model.
#[derive(Debug, Serialize)]
pub struct Description<'a> {
    /// What its name stands for.
    pub kind: ModelObjectKind,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// The Bedrock id that an alias stands for, unless an account is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<&'a str>,
    /// What that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<ModelObjectKind>,
    /// The foundation models that may answer.
    pub base_models: Vec<&'a str>,
    /// The family whose facts are known; absent for a model that the table does not know.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub family: &'a str,
    /// The endpoints that ask it.
    pub endpoints: Vec<Endpoint>,
    /// What it reads.
    pub input_modalities: Vec<Modality>,
    /// What it writes.
    pub output_modalities: Vec<Modality>,
    /// How many tokens the prompt may have; with most models, prompt and answer together.
    pub context_window: Option<u32>,
    /// How many tokens the answer may have.
    pub max_output_tokens: Option<u32>,
    /// What it can do in a chat; absent where it does not chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<ModelCapabilities>,
    /// What it costs, where that is known.
    pub price: Option<PriceObject>,
    /// The regions that it may answer from; `global` stands for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<&'a str>,
    /// How long it is served.
    pub life_cycle: LifeCycleObject,
}

/// What the name of a model stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelObjectKind {
    /// A name of the operator's own.
    Alias,
    /// A model of the region.
    FoundationModel,
    /// A profile that AWS defines.
    InferenceProfile,
    /// A profile of the account's own.
    ApplicationInferenceProfile,
    /// Throughput that was bought.
    ProvisionedModel,
    /// A customized model.
    CustomModel,
    /// A customized model that answers on demand.
    CustomModelDeployment,
    /// A model whose weights were brought along.
    ImportedModel,
    /// A choice among models for each prompt.
    PromptRouter,
    /// A model of the marketplace, on machines of the account's own.
    MarketplaceEndpoint,
    /// What says nothing of its model, such as a managed prompt.
    Other,
}

/// How long a model is served. Days are those of UTC, as `YYYY-MM-DD`.
#[derive(Debug, Default, Serialize)]
pub struct LifeCycleObject {
    /// Where it stands today.
    pub status: LifeStatus,
    /// The day from which it is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_of_life: Option<String>,
    /// The day from which it is a legacy model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy: Option<String>,
    /// The day from which it costs more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_access: Option<String>,
    /// The day from which it answers no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<String>,
}

/// Where a model stands in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LifeStatus {
    /// Served.
    #[default]
    Active,
    /// Served, though not to accounts that are new to it.
    Legacy,
    /// Past its end.
    EndOfLife,
}
