//! The paginated lists: ListInferenceProfiles, ListCustomModelDeployments, ListImportedModels,
//! ListProvisionedModelThroughputs, ListPromptRouters and ListMarketplaceModelEndpoints.
//!
//! Their parameters, limits and members are those of botocore's model of `bedrock` (2023-04-20).

use serde_json::{Map, Value, json};

use super::lookups::{CREATED, described};
use super::{json as document, parameter, permitted, profiles};
use crate::Operation;
use crate::catalog::{ACCOUNT, REGION};
use crate::error::AwsError;
use crate::options::ControlPlane;
use crate::reply::Reply;
use crate::resources::{Kind, RESOURCES};

/// Maximum page size, whatever `maxResults` says: AWS may return fewer entries, and clients have to
/// follow `nextToken`.
const PAGE: usize = 10;

/// A list operation: the kind of resource, the response key and the filter values.
struct List {
    action: &'static str,
    entries: &'static str,
    /// The filter's query parameter, the member it compares, and its allowed values.
    filter: Option<(&'static str, &'static str, &'static [&'static str])>,
    all: fn() -> Vec<Value>,
}

pub(crate) fn list(
    state: ControlPlane,
    operation: Operation,
    query: &str,
) -> Result<Reply, AwsError> {
    let List {
        action,
        entries,
        filter,
        all,
    } = of(operation);
    permitted(state, action)?;
    let mut matching = all();
    if let Some((name, member, words)) = filter {
        let word = word(query, name, words)?;
        // Without a type, the request lists AWS's own profiles.
        let of_aws = (operation == Operation::ListInferenceProfiles).then_some("SYSTEM_DEFINED");
        if let Some(word) = word.as_deref().or(of_aws) {
            matching.retain(|entry| entry.get(member).is_some_and(|value| *value == word));
        }
    }
    let size = number(query, "maxResults", 1..=1000)?.unwrap_or(PAGE);
    let start = number(query, "nextToken", 0..=usize::MAX)?.unwrap_or(0);
    let page: Vec<&Value> = matching.iter().skip(start).take(size.min(PAGE)).collect();
    let next = start.saturating_add(page.len());
    let mut body = Map::new();
    body.insert(entries.to_owned(), json!(page));
    if next < matching.len() {
        body.insert("nextToken".to_owned(), next.to_string().into());
    }
    Ok(document(body.into()))
}

fn of(operation: Operation) -> List {
    match operation {
        Operation::ListCustomModelDeployments => List {
            action: "ListCustomModelDeployments",
            entries: "modelDeploymentSummaries",
            filter: Some(("statusEquals", "status", &["Creating", "Active", "Failed"])),
            all: deployments,
        },
        Operation::ListImportedModels => List {
            action: "ListImportedModels",
            entries: "modelSummaries",
            filter: None,
            all: imported_models,
        },
        Operation::ListProvisionedModelThroughputs => List {
            action: "ListProvisionedModelThroughputs",
            entries: "provisionedModelSummaries",
            filter: Some((
                "statusEquals",
                "status",
                &["Creating", "InService", "Updating", "Failed"],
            )),
            all: provisioned_throughputs,
        },
        Operation::ListPromptRouters => List {
            action: "ListPromptRouters",
            entries: "promptRouterSummaries",
            filter: Some(("type", "type", &["custom", "default"])),
            all: || account_resources(&[Kind::DefaultPromptRouter, Kind::PromptRouter]),
        },
        Operation::ListMarketplaceModelEndpoints => List {
            action: "ListMarketplaceModelEndpoints",
            entries: "marketplaceModelEndpoints",
            filter: None,
            all: || account_resources(&[Kind::MarketplaceEndpoint]),
        },
        _ => List {
            action: "ListInferenceProfiles",
            entries: "inferenceProfileSummaries",
            filter: Some(("type", "type", &["SYSTEM_DEFINED", "APPLICATION"])),
            all: || {
                profiles()
                    .chain(account_resources(&[Kind::ApplicationProfile]))
                    .collect()
            },
        },
    }
}

/// The account's resources of these kinds, in the shape of their Get operation.
fn account_resources(kinds: &[Kind]) -> Vec<Value> {
    let resources = RESOURCES.iter();
    resources
        .filter(|resource| kinds.contains(&resource.kind))
        .map(described)
        .collect()
}

/// One active deployment and one that is still being created.
fn deployments() -> Vec<Value> {
    let mut deployments = account_resources(&[Kind::CustomModelDeployment]);
    for deployment in &mut deployments {
        rename(
            deployment,
            "modelDeploymentName",
            "customModelDeploymentName",
        );
    }
    deployments.push(json!({
        "createdAt": CREATED,
        "customModelDeploymentArn": account_arn("custom-model-deployment/cd0000000000"),
        "customModelDeploymentName": "our-nova-to-come",
        "modelArn": account_arn("custom-model/amazon.nova-lite-v1:0/cm1234567890"),
        "status": "Creating",
    }));
    deployments
}

fn imported_models() -> Vec<Value> {
    const SUMMARY: [&str; 5] = [
        "creationTime",
        "instructSupported",
        "modelArchitecture",
        "modelArn",
        "modelName",
    ];
    let mut models = account_resources(&[Kind::ImportedModel]);
    for model in models.iter_mut().filter_map(Value::as_object_mut) {
        model.retain(|name, _| SUMMARY.contains(&name.as_str()));
    }
    models
}

/// One throughput in service and one that failed.
fn provisioned_throughputs() -> Vec<Value> {
    let mut throughputs = account_resources(&[Kind::ProvisionedThroughput]);
    let failed = throughputs.first().and_then(Value::as_object).cloned();
    throughputs.extend(failed.map(|mut failed| {
        let arn = account_arn("provisioned-model/pm0000000000");
        failed.insert("provisionedModelArn".to_owned(), arn.into());
        failed.insert("provisionedModelName".to_owned(), "never-came".into());
        failed.insert("status".to_owned(), "Failed".into());
        Value::from(failed)
    }));
    throughputs
}

fn rename(entry: &mut Value, from: &str, to: &str) {
    if let Some(fields) = entry.as_object_mut()
        && let Some(value) = fields.remove(from)
    {
        fields.insert(to.to_owned(), value);
    }
}

fn account_arn(path: &str) -> String {
    format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:{path}")
}

fn number(
    query: &str,
    name: &str,
    range: std::ops::RangeInclusive<usize>,
) -> Result<Option<usize>, AwsError> {
    let Some(text) = parameter(query, name) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(AwsError::validation(format!("Invalid value for {name}."))),
    }
}

fn word(query: &str, name: &str, words: &[&str]) -> Result<Option<String>, AwsError> {
    match parameter(query, name) {
        Some(word) if !words.contains(&word.as_str()) => Err(AwsError::validation(format!(
            "1 validation error detected: Value '{word}' at '{name}' failed to satisfy \
             constraint: Member must satisfy enum value set: [{}]",
            words.join(", ")
        ))),
        word => Ok(word),
    }
}
