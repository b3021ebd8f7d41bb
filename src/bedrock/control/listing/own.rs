//! Lists of models other than foundation models: inference profiles, and the account's own models.

use serde::Deserialize;

use super::time::{Time, lenient};
use crate::bedrock::client::Bedrock;
use crate::bedrock::errors::UpstreamError;
use crate::models::ModelId;

/// The kinds of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListedKind {
    /// Inference profiles defined by AWS.
    SystemProfile,
    /// Inference profiles of the account.
    ApplicationProfile,
    /// On-demand deployments of custom models.
    CustomModelDeployment,
    /// Models with imported weights.
    ImportedModel,
    /// Provisioned throughput.
    ProvisionedModel,
    /// Prompt routers, which choose a model for each prompt.
    PromptRouter,
    /// Marketplace models on the account's own instances.
    MarketplaceEndpoint,
}

/// A model that takes calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// The id to call it by: a readable id if it has one, otherwise an ARN.
    pub id: ModelId,
    /// The display name.
    pub name: Option<String>,
    /// The underlying models, as far as the list reports them.
    pub models: Vec<ModelId>,
    /// Whether an imported model is instruction-tuned.
    pub follows_instructions: bool,
    /// When the model was created.
    pub created: Option<Time>,
}

/// The fields of the models in the responses of all these operations.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    // ListInferenceProfiles
    inference_profile_id: Option<String>,
    inference_profile_arn: Option<String>,
    inference_profile_name: Option<String>,
    r#type: Option<String>,
    // ListInferenceProfiles, ListPromptRouters
    models: Option<Vec<DeploymentModel>>,
    // ListCustomModelDeployments
    custom_model_deployment_arn: Option<String>,
    custom_model_deployment_name: Option<String>,
    // ListProvisionedModelThroughputs
    provisioned_model_arn: Option<String>,
    provisioned_model_name: Option<String>,
    foundation_model_arn: Option<String>,
    // ListPromptRouters
    prompt_router_arn: Option<String>,
    prompt_router_name: Option<String>,
    // ListMarketplaceModelEndpoints
    endpoint_arn: Option<String>,
    // ListImportedModels; in ListCustomModelDeployments the custom model.
    model_arn: Option<String>,
    model_name: Option<String>,
    instruct_supported: Option<bool>,
    // All operations, except that imported models have no status.
    status: Option<String>,
    #[serde(default, alias = "creationTime", deserialize_with = "lenient")]
    created_at: Option<Time>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentModel {
    model_arn: Option<String>,
}

impl Bedrock {
    /// The active models of `kind`, from all pages.
    pub async fn listed(&self, kind: ListedKind) -> Result<Vec<ListedModel>, UpstreamError> {
        let summaries: Vec<Summary> = self.pages(kind.path()).await?;
        let models = summaries.into_iter();
        Ok(models.filter_map(|summary| summary.listed(kind)).collect())
    }
}

impl ListedKind {
    /// Every kind of list.
    pub const ALL: [Self; 7] = [
        Self::SystemProfile,
        Self::ApplicationProfile,
        Self::CustomModelDeployment,
        Self::ImportedModel,
        Self::ProvisionedModel,
        Self::PromptRouter,
        Self::MarketplaceEndpoint,
    ];

    /// The IAM action that the list requires.
    pub fn action(self) -> &'static str {
        match self {
            Self::SystemProfile | Self::ApplicationProfile => "bedrock:ListInferenceProfiles",
            Self::CustomModelDeployment => "bedrock:ListCustomModelDeployments",
            Self::ImportedModel => "bedrock:ListImportedModels",
            Self::ProvisionedModel => "bedrock:ListProvisionedModelThroughputs",
            Self::PromptRouter => "bedrock:ListPromptRouters",
            Self::MarketplaceEndpoint => "bedrock:ListMarketplaceModelEndpoints",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::SystemProfile => "/inference-profiles?type=SYSTEM_DEFINED&maxResults=1000",
            Self::ApplicationProfile => "/inference-profiles?type=APPLICATION&maxResults=1000",
            Self::CustomModelDeployment => {
                "/model-customization/custom-model-deployments?maxResults=1000"
            }
            Self::ImportedModel => "/imported-models?maxResults=1000",
            Self::ProvisionedModel => "/provisioned-model-throughputs?maxResults=1000",
            Self::PromptRouter => "/prompt-routers?maxResults=1000",
            Self::MarketplaceEndpoint => "/marketplace-model/endpoints?maxResults=1000",
        }
    }
}

impl Summary {
    /// The model, if it takes calls now.
    fn listed(self, kind: ListedKind) -> Option<ListedModel> {
        let of_list = |models: Option<Vec<DeploymentModel>>| {
            let arns = models.into_iter().flatten();
            arns.filter_map(|target| target.model_arn).collect()
        };
        let one = |arn: Option<String>| Vec::from_iter(arn);
        let (id, name, models, ready): (_, _, Vec<String>, &[&str]) = match kind {
            ListedKind::SystemProfile => (
                self.inference_profile_id,
                self.inference_profile_name,
                of_list(self.models),
                &["ACTIVE"],
            ),
            // The id is random, so the ARN is used.
            ListedKind::ApplicationProfile => (
                self.inference_profile_arn,
                self.inference_profile_name,
                of_list(self.models),
                &["ACTIVE"],
            ),
            ListedKind::CustomModelDeployment => (
                self.custom_model_deployment_arn,
                self.custom_model_deployment_name,
                one(self.model_arn),
                &["Active"],
            ),
            ListedKind::ImportedModel => (self.model_arn, self.model_name, Vec::new(), &[]),
            ListedKind::ProvisionedModel => (
                self.provisioned_model_arn,
                self.provisioned_model_name,
                one(self.foundation_model_arn),
                &["InService", "Updating"],
            ),
            ListedKind::PromptRouter => (
                self.prompt_router_arn,
                self.prompt_router_name,
                of_list(self.models),
                &["AVAILABLE"],
            ),
            ListedKind::MarketplaceEndpoint => {
                (self.endpoint_arn, None, Vec::new(), &["REGISTERED"])
            }
        };
        let is_of_kind = match kind {
            ListedKind::SystemProfile => self.r#type.as_deref() != Some("APPLICATION"),
            ListedKind::ApplicationProfile => self.r#type.as_deref() != Some("SYSTEM_DEFINED"),
            _ => true,
        };
        let is_ready = match self.status.as_deref() {
            Some(status) if !ready.is_empty() => ready.contains(&status),
            _ => true,
        };
        let id = ModelId::parse(&id?)
            .ok()
            .filter(|_| is_ready && is_of_kind)?;
        let models = models.iter();
        Some(ListedModel {
            id,
            name,
            models: models.filter_map(|arn| ModelId::parse(arn).ok()).collect(),
            follows_instructions: self.instruct_supported.unwrap_or_default(),
            created: self.created_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(kind: ListedKind, json: &str) -> Option<String> {
        let summary: Summary = serde_json::from_str(json).expect("a summary");
        let ListedModel {
            id, name, models, ..
        } = summary.listed(kind)?;
        let models: Vec<&str> = models.iter().map(ModelId::foundation_id).collect();
        Some(format!(
            "{id} {} {}",
            name.unwrap_or_default(),
            models.join(",")
        ))
    }

    #[test]
    fn each_model_type_is_listed_under_its_call_id_only_while_active() {
        let front = "arn:aws:bedrock:us-east-1:123456789012";
        for (kind, json, expected) in [
            (
                ListedKind::SystemProfile,
                r#"{"inferenceProfileId":"us.amazon.nova-lite-v1:0","inferenceProfileArn":"arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0","inferenceProfileName":"US Nova","status":"ACTIVE","models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"},{"modelArn":null},{}]}"#.to_owned(),
                Some("us.amazon.nova-lite-v1:0 US Nova amazon.nova-lite-v1:0".to_owned()),
            ),
            (
                ListedKind::CustomModelDeployment,
                format!(r#"{{"customModelDeploymentArn":"{front}:custom-model-deployment/cd1","customModelDeploymentName":"ours","modelArn":"{front}:custom-model/amazon.nova-lite-v1:0/cm1","status":"Active"}}"#),
                Some(format!("{front}:custom-model-deployment/cd1 ours amazon.nova-lite-v1:0")),
            ),
            (
                ListedKind::CustomModelDeployment,
                format!(r#"{{"customModelDeploymentArn":"{front}:custom-model-deployment/cd1","status":"Creating"}}"#),
                None,
            ),
            (
                ListedKind::ProvisionedModel,
                format!(r#"{{"provisionedModelArn":"{front}:provisioned-model/pm1","provisionedModelName":"bought","foundationModelArn":"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0","status":"Updating"}}"#),
                Some(format!("{front}:provisioned-model/pm1 bought amazon.nova-micro-v1:0")),
            ),
            (ListedKind::ProvisionedModel, format!(r#"{{"provisionedModelArn":"{front}:provisioned-model/pm1","status":"Failed"}}"#), None),
            (ListedKind::ImportedModel, format!(r#"{{"modelArn":"{front}:imported-model/im1","modelName":"llama"}}"#), Some(format!("{front}:imported-model/im1 llama "))),
            (ListedKind::PromptRouter, "{}".to_owned(), None),
        ] {
            assert_eq!(listed(kind, &json), expected, "{json}");
        }
    }
}
