//! `GET /v1/models` in OpenAI's format, with an additional key for the gateway's own information.

mod capabilities;
mod price;

pub(crate) use capabilities::ModelCapabilities;
pub(crate) use price::PriceObject;

use serde::Serialize;

use crate::models::{Endpoint, Modality, ModelType};

/// One model.
#[derive(Debug, Serialize)]
pub(crate) struct ModelObject<'a> {
    /// The model name for requests.
    pub id: &'a str,
    /// Always `model`.
    pub object: ModelWord,
    /// When the model was released or first seen by the gateway, in Unix seconds.
    pub created: u64,
    /// The provider.
    pub owned_by: &'a str,
    /// The display name, as at OpenRouter.
    pub name: &'a str,
    /// The maximum number of prompt tokens, as at OpenRouter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u32>,
    /// The model type, as at Together; absent if no endpoint serves the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ModelType>,
    /// The first day the model is no longer served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown_date: Option<&'a str>,
    /// All other information, as an extension.
    pub outcrop: Description<'a>,
}

/// The string `model`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ModelWord {
    /// `model`
    #[default]
    Model,
}

/// The gateway's information about a model.
#[derive(Debug, Serialize)]
pub(crate) struct Description<'a> {
    /// The kind of resource that the name stands for.
    pub kind: ModelObjectKind,
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// The Bedrock id of an alias, unless it contains an account id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<&'a str>,
    /// The kind of resource of `target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<ModelObjectKind>,
    /// The foundation models that may serve requests.
    pub base_models: Vec<&'a str>,
    /// The capability family; absent for unknown models.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub family: &'a str,
    /// The endpoints that serve the model.
    pub endpoints: Vec<Endpoint>,
    /// The input modalities.
    pub input_modalities: Vec<Modality>,
    /// The output modalities.
    pub output_modalities: Vec<Modality>,
    /// The maximum number of prompt tokens; for most models, of prompt and completion together.
    pub context_window: Option<u32>,
    /// The maximum number of completion tokens.
    pub max_output_tokens: Option<u32>,
    /// The chat capabilities; absent if the model does not chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<ModelCapabilities>,
    /// The price; `None` if unknown.
    pub price: Option<PriceObject<'a>>,
    /// The regions that may serve requests; `global` means any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<&'a str>,
    /// The life cycle.
    pub life_cycle: LifeCycleObject,
}

/// The kind of resource that a model name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModelObjectKind {
    /// A name configured by the operator.
    Alias,
    /// A model of the region.
    FoundationModel,
    /// A system-defined inference profile.
    InferenceProfile,
    /// An application inference profile of the account.
    ApplicationInferenceProfile,
    /// Provisioned throughput.
    ProvisionedModel,
    /// A customized model.
    CustomModel,
    /// A customized model deployed for on-demand inference.
    CustomModelDeployment,
    /// An imported model.
    ImportedModel,
    /// A prompt router.
    PromptRouter,
    /// A Bedrock Marketplace model on an endpoint of the account.
    MarketplaceEndpoint,
    /// A resource that does not identify a model, such as a managed prompt.
    Other,
}

/// The life cycle of a model. Dates are in UTC, as `YYYY-MM-DD`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct LifeCycleObject {
    /// The status today.
    pub status: LifeStatus,
    /// The first day the model is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_of_life: Option<String>,
    /// The first day as a legacy model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy: Option<String>,
    /// The first day of extended access, which costs more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_access: Option<String>,
    /// The first day the model is no longer served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<String>,
}

/// The life cycle status of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LifeStatus {
    /// Served.
    #[default]
    Active,
    /// Served, but not to new accounts.
    Legacy,
    /// No longer served.
    EndOfLife,
}
