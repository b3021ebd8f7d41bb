//! The control plane: ListFoundationModels, ListInferenceProfiles, and looking single things up.

mod lookups;

use bytes::Bytes;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::catalog::{ACCOUNT, MODELS, Model, REGION};
use crate::error::AwsError;
use crate::options::ControlPlane;
use crate::reply::Reply;
use crate::resources::{Kind, RESOURCES};

pub(crate) use lookups::{lookup, routed};

/// Profiles on a page where the request does not say how many; small, so that clients meet pages.
const PAGE: usize = 10;

/// `GET /foundation-models`, which knows no pages.
pub(crate) fn foundation_models(state: ControlPlane, query: &str) -> Result<Reply, AwsError> {
    permitted(state, "ListFoundationModels")?;
    let provider = parameter(query, "byProvider");
    let output = parameter(query, "byOutputModality");
    let inference = parameter(query, "byInferenceType");
    let asked_for = |model: &&Model| {
        provider
            .as_ref()
            .is_none_or(|provider| model.provider.eq_ignore_ascii_case(provider))
            && output.as_ref().is_none_or(|output| model.output == output)
            && inference
                .as_ref()
                .is_none_or(|kind| model.access.inference_types().contains(&kind.as_str()))
    };
    let summaries: Vec<Value> = MODELS.iter().filter(asked_for).map(summary).collect();
    Ok(json(
        json!({ "enableAccessToAllModelsByDefault": true, "modelSummaries": summaries }),
    ))
}

/// With the keys AWS documents and those it does not.
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
        "modelLifecycle": { "status": "ACTIVE" },
        "modelName": model.name,
        "outputModalities": [model.output],
        "providerName": model.provider,
        "responseStreamingSupported": writes,
    })
}

/// `GET /inference-profiles`, in pages.
pub(crate) fn inference_profiles(state: ControlPlane, query: &str) -> Result<Reply, AwsError> {
    permitted(state, "ListInferenceProfiles")?;
    let number = |name: &str, default: usize| match parameter(query, name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| AwsError::validation(format!("Invalid value for {name}."))),
    };
    let (start, size) = (
        number("nextToken", 0)?,
        number("maxResults", PAGE)?.clamp(1, 1000),
    );
    let applications_only = parameter(query, "type").as_deref() == Some("APPLICATION");
    let profiles: Vec<Value> = if applications_only {
        RESOURCES
            .iter()
            .filter(|resource| resource.kind == Kind::ApplicationProfile)
            .map(lookups::described)
            .collect()
    } else {
        profiles().collect()
    };
    let page: Vec<&Value> = profiles.iter().skip(start).take(size).collect();
    let next = start.saturating_add(page.len());
    let mut body = json!({ "inferenceProfileSummaries": page });
    if let (true, Value::Object(fields)) = (next < profiles.len(), &mut body) {
        fields.insert("nextToken".to_owned(), next.to_string().into());
    }
    Ok(json(body))
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
    let place = if geography == "global" {
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
        "description": format!("Routes requests to {} in {place} regions.", model.name),
        "inferenceProfileArn": format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{id}"),
        "inferenceProfileId": id,
        "inferenceProfileName": format!("{place} {} {}", model.provider, model.name),
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
    match state {
        ControlPlane::Open => Ok(()),
        ControlPlane::Forbidden => Err(AwsError::new(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            format!(
                "User: arn:aws:iam::{ACCOUNT}:user/bedrock-simulator is not authorized to perform: bedrock:{action} because no identity-based policy allows the bedrock:{action} action"
            ),
        )),
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn json(body: Value) -> Reply {
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}
