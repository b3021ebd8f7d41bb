//! The base model of a model, from the control plane.
//!
//! Operations, paths and fields are those of botocore 1.44.5, service `bedrock`, 2023-04-20.

use serde::Deserialize;

use crate::bedrock::client::Bedrock;
use crate::bedrock::destination::path_segment;
use crate::bedrock::errors::{RetryAdvice, UpstreamError};
use crate::models::{ModelId, ModelKind};

/// The maximum number of lookups: a deployment leads to a custom model, which leads to its base. A
/// base that is itself a custom model needs one more.
const MAX_LOOKUPS: usize = 3;

/// The base of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseModel {
    /// A foundation model, by its id without ARN and geography.
    Foundation(ModelId),
    /// A model that the account imported, without a base at Bedrock.
    Imported {
        /// Whether the model is instruction-tuned, which tool use requires.
        takes_tools: bool,
    },
}

/// A Get operation of the control plane.
struct GetOperation {
    /// The path before the model id.
    path: &'static str,
    /// The required IAM action.
    action: &'static str,
}

/// The fields about the base model in the responses of all these operations.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BaseModelResponse {
    /// GetInferenceProfile, GetPromptRouter: the models that requests may be routed to.
    models: Option<Vec<ModelReference>>,
    /// GetProvisionedModelThroughput: the base model, even if the throughput is for a custom model.
    foundation_model_arn: Option<String>,
    base_model_arn: Option<String>,
    /// GetCustomModelDeployment: the custom model.
    model_arn: Option<String>,
    /// GetImportedModel: whether the model supports Converse.
    instruct_supported: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelReference {
    model_arn: Option<String>,
}

impl Bedrock {
    /// The base of `model`. Sends no request if the id contains it.
    pub async fn base_model(&self, model: &ModelId) -> Result<BaseModel, UpstreamError> {
        let mut model = model.clone();
        for _ in 0..MAX_LOOKUPS {
            let kind = model.kind();
            if kind == ModelKind::Foundation {
                return Ok(BaseModel::Foundation(model.foundation()));
            }
            let Some(operation) = GetOperation::about(kind) else {
                return Err(unknown(format!(
                    "Bedrock has no operation for the base of `{model}`"
                )));
            };
            let details = self.look_up(&operation, &model).await?;
            if kind == ModelKind::ImportedModel {
                let takes_tools = details.instruct_supported.unwrap_or_default();
                return Ok(BaseModel::Imported { takes_tools });
            }
            model = details
                .next(kind)
                .ok_or_else(|| unknown(format!("{} has no base of `{model}`", operation.action)))?;
        }
        match model.names_foundation_model() {
            true => Ok(BaseModel::Foundation(model.foundation())),
            false => Err(unknown(format!(
                "no base after {MAX_LOOKUPS} lookups, only `{model}`"
            ))),
        }
    }

    async fn look_up(
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
    /// The next model in the chain of a model of `kind`. The models of a profile are one model in
    /// several regions; those of a router are of one family.
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

/// The control plane responded without a base: a retry is pointless.
fn unknown(detail: String) -> UpstreamError {
    UpstreamError {
        advice: RetryAdvice::Never,
        ..UpstreamError::bad_response(detail)
    }
}
