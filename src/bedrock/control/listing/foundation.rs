//! ListFoundationModels, which has no pagination.

use serde::Deserialize;

use super::ListingPage;
use super::time::{Time, lenient};
use crate::bedrock::client::Bedrock;
use crate::bedrock::errors::UpstreamError;

/// A foundation model of the region. Responses have undocumented fields, and lack documented ones
/// (recording `listfoundationmodels-unknown-95d27523`).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundationModel {
    /// For example `amazon.nova-lite-v1:0`.
    pub model_id: String,
    /// For example `Nova Lite`.
    #[serde(default)]
    pub model_name: Option<String>,
    /// For example `Amazon`.
    #[serde(default)]
    pub provider_name: Option<String>,
    /// `TEXT`, `IMAGE`, `VIDEO`, `SPEECH`, `AUDIO`.
    #[serde(default)]
    pub input_modalities: Option<Vec<String>>,
    /// `TEXT`, `IMAGE`, `VIDEO`, `SPEECH`, `EMBEDDING`.
    #[serde(default)]
    pub output_modalities: Option<Vec<String>>,
    /// Whether the model supports streaming.
    #[serde(default)]
    pub response_streaming_supported: Option<bool>,
    /// `ON_DEMAND`, `PROVISIONED`, `INFERENCE_PROFILE`; absent for models that cannot be called.
    #[serde(default)]
    pub inference_types_supported: Option<Vec<String>>,
    /// The life cycle with its dates.
    #[serde(default)]
    pub model_lifecycle: Option<LifeCycle>,
}

/// The life cycle of a model.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifeCycle {
    /// `ACTIVE` or `LEGACY`.
    #[serde(default)]
    pub status: Option<String>,
    /// When it became available.
    #[serde(default, deserialize_with = "lenient")]
    pub start_of_life_time: Option<Time>,
    /// When it becomes a legacy model.
    #[serde(default, deserialize_with = "lenient")]
    pub legacy_time: Option<Time>,
    /// When the price of extended access applies.
    #[serde(default, deserialize_with = "lenient")]
    pub public_extended_access_time: Option<Time>,
    /// When it is shut down.
    #[serde(default, deserialize_with = "lenient")]
    pub end_of_life_time: Option<Time>,
}

impl FoundationModel {
    /// Whether the model can be called by its own id, without a profile or provisioned throughput.
    pub fn is_on_demand(&self) -> bool {
        let types = self.inference_types_supported.iter().flatten();
        types.into_iter().any(|kind| kind == "ON_DEMAND")
    }

    /// Whether the model was shut down before `now`.
    pub fn has_ended(&self, now: Time) -> bool {
        let life = self.model_lifecycle.as_ref();
        life.and_then(|life| life.end_of_life_time)
            .is_some_and(|end| end <= now)
    }
}

impl Bedrock {
    /// Lists the foundation models of the region.
    pub async fn foundation_models(&self) -> Result<Vec<FoundationModel>, UpstreamError> {
        let body = self.get("/foundation-models").await?;
        let list: ListingPage<FoundationModel> = serde_json::from_slice(&body)
            .map_err(|error| UpstreamError::bad_response(error.to_string()))?;
        Ok(list.summaries)
    }
}
