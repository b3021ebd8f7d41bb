//! GetInferenceProfile, GetProvisionedModelThroughput, GetCustomModel, GetCustomModelDeployment,
//! GetImportedModel and GetPromptRouter.
//!
//! The shapes are those of botocore's model of `bedrock` (2023-04-20).

use http::StatusCode;
use serde_json::{Value, json};

use super::{json as document, model_arn, permitted, profiles};
use crate::Operation;
use crate::catalog::{self, ACCOUNT, REGION};
use crate::error::AwsError;
use crate::options::ControlPlane;
use crate::reply::Reply;
use crate::resources::{self, Kind, RESOURCES, Resource};

pub(super) const CREATED: &str = "2026-01-15T09:30:00Z";

pub(crate) fn lookup(
    state: ControlPlane,
    operation: Operation,
    identifier: &str,
) -> Result<Reply, AwsError> {
    use Kind::{
        ApplicationProfile, CustomModel, CustomModelDeployment, DefaultPromptRouter, ImportedModel,
        PromptRouter, ProvisionedThroughput,
    };
    let (action, kinds): (_, &[Kind]) = match operation {
        Operation::GetInferenceProfile => ("GetInferenceProfile", &[ApplicationProfile]),
        Operation::GetProvisionedModelThroughput => {
            ("GetProvisionedModelThroughput", &[ProvisionedThroughput])
        }
        Operation::GetCustomModel => ("GetCustomModel", &[CustomModel]),
        Operation::GetCustomModelDeployment => {
            ("GetCustomModelDeployment", &[CustomModelDeployment])
        }
        Operation::GetImportedModel => ("GetImportedModel", &[ImportedModel]),
        _ => ("GetPromptRouter", &[DefaultPromptRouter, PromptRouter]),
    };
    permitted(state, action)?;
    let account_resource = resources::find(identifier, kinds).map(described);
    let of_aws = || {
        profiles().find(|profile| {
            operation == Operation::GetInferenceProfile
                && ["inferenceProfileId", "inferenceProfileArn"]
                    .iter()
                    .any(|name| profile.get(name).is_some_and(|value| value == identifier))
        })
    };
    account_resource
        .or_else(of_aws)
        .map(document)
        .ok_or_else(|| {
            AwsError::new(
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                format!("The resource {identifier} was not found."),
            )
        })
}

/// A resource in the shape of its Get operation.
pub(super) fn described(resource: &Resource) -> Value {
    let Resource {
        kind,
        id,
        name,
        base,
        ..
    } = resource;
    let arn = resource.arn();
    let base_arn = foundation(REGION, base);
    match kind {
        Kind::ApplicationProfile => json!({
            "createdAt": CREATED,
            "description": "A profile of the account's own, for its bill.",
            "inferenceProfileArn": arn,
            "inferenceProfileId": id,
            "inferenceProfileName": name,
            "models": models(base),
            "status": "ACTIVE",
            "type": "APPLICATION",
            "updatedAt": CREATED,
        }),
        Kind::ProvisionedThroughput => json!({
            "creationTime": CREATED,
            "desiredModelArn": base_arn,
            "desiredModelUnits": 1,
            "foundationModelArn": base_arn,
            "lastModifiedTime": CREATED,
            "modelArn": base_arn,
            "modelUnits": 1,
            "provisionedModelArn": arn,
            "provisionedModelName": name,
            "status": "InService",
        }),
        Kind::CustomModel => json!({
            "baseModelArn": base_arn,
            "creationTime": CREATED,
            "customizationType": "FINE_TUNING",
            "jobArn": account_arn(&format!("model-customization-job/{base}/{id}")),
            "jobName": name,
            "modelArn": arn,
            "modelName": name,
            "modelStatus": "Active",
            "outputDataConfig": { "s3Uri": "s3://example-bucket/custom/" },
            "trainingDataConfig": { "s3Uri": "s3://example-bucket/training.jsonl" },
        }),
        Kind::CustomModelDeployment => json!({
            "createdAt": CREATED,
            "customModelDeploymentArn": arn,
            "lastUpdatedAt": CREATED,
            "modelArn": custom_model(),
            "modelDeploymentName": name,
            "status": "Active",
        }),
        Kind::ImportedModel => json!({
            "creationTime": CREATED,
            "customModelUnits": {
                "customModelUnitsPerModelCopy": 1, "customModelUnitsVersion": "v1" },
            "instructSupported": true,
            "jobArn": account_arn(&format!("model-import-job/{id}")),
            "jobName": name,
            "modelArchitecture": "llama",
            "modelArn": arn,
            "modelDataSource": { "s3DataSource": { "s3Uri": "s3://example-bucket/weights/" } },
            "modelName": name,
        }),
        Kind::DefaultPromptRouter | Kind::PromptRouter => json!({
            "createdAt": CREATED,
            "description": "Sends a prompt to the smaller model if that suffices.",
            "fallbackModel": { "modelArn": base_arn },
            "models": [{ "modelArn": base_arn }, { "modelArn": foundation(REGION, SMALLER) }],
            "promptRouterArn": arn,
            "promptRouterName": name,
            "routingCriteria": { "responseQualityDifference": 0.25 },
            "status": "AVAILABLE",
            "type": if *kind == Kind::PromptRouter { "custom" } else { "default" },
            "updatedAt": CREATED,
        }),
        Kind::MarketplaceEndpoint => json!({
            "createdAt": CREATED,
            "endpointArn": arn,
            "modelSourceIdentifier": format!(
                "arn:aws:sagemaker:{REGION}:aws:hub-content/SageMakerPublicHub/Model/{name}/1.0.0"
            ),
            "status": "REGISTERED",
            "updatedAt": CREATED,
        }),
    }
}

/// Fallback model of every prompt router.
const SMALLER: &str = "amazon.nova-micro-v1:0";

/// The ARN of the model that a prompt router invokes.
pub(crate) fn routed(resource: &Resource) -> String {
    foundation(REGION, resource.base)
}

/// The models of an inference profile: one per region for profile-only models.
fn models(base: &str) -> Vec<Value> {
    let spread =
        catalog::find(base).is_some_and(|model| model.access == catalog::Access::ProfileOnly);
    let regions: &[&str] = if spread {
        &["us-east-1", "us-east-2", "us-west-2"]
    } else {
        &[REGION]
    };
    regions
        .iter()
        .map(|region| json!({ "modelArn": foundation(region, base) }))
        .collect()
}

fn foundation(region: &str, base: &str) -> String {
    catalog::find(base).map_or_else(String::new, |model| model_arn(region, model))
}

fn custom_model() -> Option<String> {
    RESOURCES
        .iter()
        .find(|resource| resource.kind == Kind::CustomModel)
        .map(Resource::arn)
}

fn account_arn(path: &str) -> String {
    format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:{path}")
}
