//! What a model is based on, as the control plane tells it.
//!
//! Operations, paths and fields are those of botocore 1.44.5, service `bedrock`, 2023-04-20.

use serde::Deserialize;

use super::client::{Bedrock, path_segment};
use super::upstream_error::{RetryAdvice, UpstreamError};
use crate::models::{ModelId, ModelKind};

/// Questions that are asked at the most: a deployment leads to a custom model, which leads to its
/// base. A base that is a custom model itself costs one more.
const MAX_LOOKUPS: usize = 3;

/// What a model is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseModel {
    /// The foundation model of this id, without ARN and geography.
    Foundation(ModelId),
    /// None that Bedrock has: the account imported the model.
    Imported {
        /// Whether the model follows instructions, without which it takes no tools.
        takes_tools: bool,
    },
}

/// A Get operation of the control plane.
struct GetOperation {
    /// The path, before the model's id.
    path: &'static str,
    /// The action that a role needs for it.
    action: &'static str,
}

/// The members that tell of a model, in the answers of all these operations.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BaseModelResponse {
    /// GetInferenceProfile, GetPromptRouter: the models that may answer.
    models: Option<Vec<ModelReference>>,
    /// GetProvisionedModelThroughput: the base, also where the throughput is a custom model's.
    foundation_model_arn: Option<String>,
    /// GetCustomModel.
    base_model_arn: Option<String>,
    /// GetCustomModelDeployment: the custom model.
    model_arn: Option<String>,
    /// GetImportedModel: whether the model takes Converse.
    instruct_supported: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelReference {
    model_arn: Option<String>,
}

impl Bedrock {
    /// What `model` is based on. Asks nothing where the id says it.
    pub async fn base_model(&self, model: &ModelId) -> Result<BaseModel, UpstreamError> {
        let mut model = model.clone();
        for _ in 0..MAX_LOOKUPS {
            let kind = model.kind();
            if kind == ModelKind::Foundation {
                return Ok(BaseModel::Foundation(model.foundation()));
            }
            let Some(operation) = GetOperation::about(kind) else {
                return Err(unknown(format!(
                    "Bedrock does not tell the base of `{model}`"
                )));
            };
            let details = self.looked_up(&operation, &model).await?;
            if kind == ModelKind::ImportedModel {
                let takes_tools = details.instruct_supported.unwrap_or_default();
                return Ok(BaseModel::Imported { takes_tools });
            }
            model = details.next(kind).ok_or_else(|| {
                unknown(format!("{} names no base of `{model}`", operation.action))
            })?;
        }
        match model.names_foundation_model() {
            true => Ok(BaseModel::Foundation(model.foundation())),
            false => Err(unknown(format!(
                "after {MAX_LOOKUPS} steps there is still `{model}`"
            ))),
        }
    }

    async fn looked_up(
        &self,
        operation: &GetOperation,
        model: &ModelId,
    ) -> Result<BaseModelResponse, UpstreamError> {
        let path = format!("{}/{}", operation.path, path_segment(model));
        let details = self.get(&path).await.and_then(|body| {
            serde_json::from_slice(&body)
                .map_err(|error| UpstreamError::bad_response(error.to_string()))
        });
        details.map_err(|mut error| {
            error.detail = format!("{}: {}", operation.action, error.detail);
            error
        })
    }
}

impl GetOperation {
    fn about(kind: ModelKind) -> Option<Self> {
        let (path, action) = match kind {
            ModelKind::ApplicationProfile => ("/inference-profiles", "bedrock:GetInferenceProfile"),
            ModelKind::ProvisionedModel => (
                "/provisioned-model-throughput",
                "bedrock:GetProvisionedModelThroughput",
            ),
            ModelKind::CustomModel => ("/custom-models", "bedrock:GetCustomModel"),
            ModelKind::CustomModelDeployment => (
                "/model-customization/custom-model-deployments",
                "bedrock:GetCustomModelDeployment",
            ),
            ModelKind::ImportedModel => ("/imported-models", "bedrock:GetImportedModel"),
            ModelKind::PromptRouter => ("/prompt-routers", "bedrock:GetPromptRouter"),
            ModelKind::Foundation | ModelKind::Other => return None,
        };
        Some(Self { path, action })
    }
}

impl BaseModelResponse {
    /// The model that a model of `kind` leads to. A profile's models are one model in several
    /// regions; a router's are of one family.
    fn next(self, kind: ModelKind) -> Option<ModelId> {
        let arn = match kind {
            ModelKind::ApplicationProfile | ModelKind::PromptRouter => {
                self.models?.into_iter().next()?.model_arn
            }
            ModelKind::ProvisionedModel => self.foundation_model_arn,
            ModelKind::CustomModel => self.base_model_arn,
            ModelKind::CustomModelDeployment => self.model_arn,
            ModelKind::ImportedModel | ModelKind::Foundation | ModelKind::Other => None,
        };
        ModelId::parse(&arn?).ok()
    }
}

/// The control plane has answered, and the base is not in it: asking again does not help.
fn unknown(detail: String) -> UpstreamError {
    UpstreamError {
        advice: RetryAdvice::Never,
        ..UpstreamError::bad_response(detail)
    }
}
