//! The control plane: ListFoundationModels, the paginated lists, and lookups of single resources.

mod lists;
mod lookups;

use bytes::Bytes;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::catalog::{ACCOUNT, Life, MODELS, Model, REGION};
use crate::error::AwsError;
use crate::options::ControlPlane;
use crate::reply::Reply;

pub(crate) use lists::list;
pub(crate) use lookups::{lookup, routed};

/// `GET /foundation-models`, which is not paginated.
pub(crate) fn foundation_models(state: ControlPlane, query: &str) -> Result<Reply, AwsError> {
    permitted(state, "ListFoundationModels")?;
    let provider = parameter(query, "byProvider");
    let output = parameter(query, "byOutputModality");
    let inference = parameter(query, "byInferenceType");
    let matches_filter = |model: &&Model| {
        provider
            .as_ref()
            .is_none_or(|provider| model.provider.eq_ignore_ascii_case(provider))
            && output.as_ref().is_none_or(|output| model.output == output)
            && inference
                .as_ref()
                .is_none_or(|kind| model.access.inference_types().contains(&kind.as_str()))
    };
    let summaries: Vec<Value> = MODELS.iter().filter(matches_filter).map(summary).collect();
    Ok(json(
        json!({ "enableAccessToAllModelsByDefault": true, "modelSummaries": summaries }),
    ))
}

/// Includes keys that AWS sends but does not document.
fn summary(model: &Model) -> Value {
    let writes = model.output == "TEXT";
    let images = if model.input.contains(&"IMAGE") {
        vec!["png", "jpeg", "gif", "webp"]
    } else {
        vec![]
    };
    let converse = json!({
        "additionalRequestFieldsSchema": "{}",
        "maxTokensDefault": null,
        "maxTokensMaximum": 65536,
        "reasoningSupported": null,
        "stopSequencesDefault": [],
        "systemRoleSupported": true,
        "userDocumentTypesSupported": [],
        "userImageTypesSupported": images,
        "userVideoTypesSupported": [],
    });
    json!({
        "batchSupported": { "baseModelSupported": false, "crossRegionSupported": false, "customModelSupported": false },
        "consoleIDEMetadata": null,
        "converse": writes.then_some(converse),
        "customizationsSupported": [],
        "description": null,
        "explicitPromptCaching": { "isSupported": model.provider == "Anthropic" },
        "featuresSupported": { "promptOptimization": false },
        "guardrailsSupported": writes,
        "inferenceTypesSupported": model.access.inference_types(),
        "inputModalities": model.input,
        "intelligentPromptRouting": { "isSupported": false },
        "latencyOptimizationSupported": false,
        "modelArn": model_arn(REGION, model),
        "modelFamily": model.name,
        "modelId": model.id,
        "modelLifecycle": life_cycle(model),
        "modelName": model.name,
        "outputModalities": [model.output],
        "providerName": model.provider,
        "responseStreamingSupported": writes,
    })
}

/// Bedrock reports lifecycle times for few models.
fn life_cycle(model: &Model) -> Value {
    match model.life {
        Life::Active => json!({ "status": "ACTIVE" }),
        Life::Legacy { start, legacy, end } => json!({
            "endOfLifeTime": end,
            "legacyTime": legacy,
            "startOfLifeTime": start,
            "status": "LEGACY",
        }),
    }
}

fn profiles() -> impl Iterator<Item = Value> {
    MODELS.iter().flat_map(|model| {
        model
            .profiles
            .iter()
            .map(move |geography| profile(geography, model))
    })
}

fn profile(geography: &str, model: &Model) -> Value {
    let id = format!("{geography}.{}", model.id);
    let region_name = if geography == "global" {
        "Global"
    } else {
        "US"
    };
    let regions: &[&str] = if geography == "global" {
        &["", "us-east-1"]
    } else {
        &["us-east-1", "us-east-2", "us-west-2"]
    };
    let models: Vec<Value> = regions
        .iter()
        .map(|region| json!({ "modelArn": model_arn(region, model) }))
        .collect();
    json!({
        "createdAt": "2025-09-29T00:00:00Z",
        "description": format!("Routes requests to {} in {region_name} regions.", model.name),
        "inferenceProfileArn": format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{id}"),
        "inferenceProfileId": id,
        "inferenceProfileName": format!("{region_name} {} {}", model.provider, model.name),
        "models": models,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "updatedAt": "2025-09-29T00:00:00Z",
    })
}

fn model_arn(region: &str, model: &Model) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{}", model.id)
}

fn permitted(state: ControlPlane, action: &str) -> Result<(), AwsError> {
    let is_common = matches!(action, "ListFoundationModels" | "ListInferenceProfiles");
    match state {
        ControlPlane::Open => Ok(()),
        ControlPlane::ListsOfModelsOnly if is_common => Ok(()),
        ControlPlane::Forbidden | ControlPlane::ListsOfModelsOnly => Err(AwsError::new(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            format!(
                "User: arn:aws:iam::{ACCOUNT}:user/bedrock-simulator is not authorized to perform: bedrock:{action} because no identity-based policy allows the bedrock:{action} action"
            ),
        )),
    }
}

pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn json(body: Value) -> Reply {
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}
