//! What the control plane says of models.

use serde::Deserialize;

use super::client::Bedrock;
use super::failure::Failure;

/// Pages of profiles that are read at the most; a page has up to 1,000.
const MOST_PAGES: usize = 20;

/// A model of the region.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundationModel {
    /// For example `amazon.nova-lite-v1:0`.
    pub model_id: String,
    /// For example `Amazon`.
    #[serde(default)]
    pub provider_name: Option<String>,
    /// `TEXT`, `IMAGE`, `EMBEDDING`, ...
    #[serde(default)]
    pub output_modalities: Option<Vec<String>>,
    /// `ON_DEMAND`, `PROVISIONED`, `INFERENCE_PROFILE`.
    #[serde(default)]
    pub inference_types_supported: Option<Vec<String>>,
}

impl FoundationModel {
    /// Whether the model answers by its own id, without a profile or bought throughput.
    pub fn is_on_demand(&self) -> bool {
        let types = self
            .inference_types_supported
            .as_deref()
            .unwrap_or_default();
        types.iter().any(|kind| kind == "ON_DEMAND")
    }
}

/// A profile that routes a model's calls over regions.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceProfile {
    /// For example `us.amazon.nova-lite-v1:0`.
    pub inference_profile_id: String,
    /// Its ARN.
    #[serde(default)]
    pub inference_profile_arn: Option<String>,
    /// `SYSTEM_DEFINED` or `APPLICATION`.
    #[serde(default)]
    pub r#type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundationModels {
    model_summaries: Vec<FoundationModel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceProfiles {
    inference_profile_summaries: Vec<InferenceProfile>,
    next_token: Option<String>,
}

impl Bedrock {
    /// The region's models.
    pub async fn foundation_models(&self) -> Result<Vec<FoundationModel>, Failure> {
        let body = self.get("/foundation-models").await?;
        let list: FoundationModels = serde_json::from_slice(&body)
            .map_err(|error| Failure::bad_answer(error.to_string()))?;
        Ok(list.model_summaries)
    }

    /// The account's inference profiles in the region, all pages.
    pub async fn inference_profiles(&self) -> Result<Vec<InferenceProfile>, Failure> {
        let mut profiles = Vec::new();
        let mut query = String::new();
        for _ in 0..MOST_PAGES {
            let path = format!("/inference-profiles?maxResults=1000{query}");
            let body = self.get(&path).await?;
            let page: InferenceProfiles = serde_json::from_slice(&body)
                .map_err(|error| Failure::bad_answer(error.to_string()))?;
            profiles.extend(page.inference_profile_summaries);
            let Some(token) = page.next_token.filter(|token| !token.is_empty()) else {
                break;
            };
            let encoded =
                percent_encoding::utf8_percent_encode(&token, percent_encoding::NON_ALPHANUMERIC);
            query = format!("&nextToken={encoded}");
        }
        Ok(profiles)
    }
}
