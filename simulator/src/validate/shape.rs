//! Fields and content blocks that exist at all.

use serde_json::Value;

use super::Subject;
use crate::error::AwsError;

/// `modelId` belongs in the path, but Bedrock lets it pass (recording `convs-nova-d6515986`).
const FIELDS: [&str; 13] = [
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "messages",
    "modelId",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
    "system",
    "toolConfig",
];

const INFERENCE_FIELDS: [&str; 4] = ["maxTokens", "temperature", "topP", "stopSequences"];

const BLOCKS: [&str; 14] = [
    "text",
    "image",
    "document",
    "video",
    "audio",
    "toolUse",
    "toolResult",
    "guardContent",
    "cachePoint",
    "reasoningContent",
    "citationsContent",
    "searchResult",
    "toolAddition",
    "toolRemoval",
];

pub(super) fn only_known_fields(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Value::Object(fields) = subject.request else {
        return Err(AwsError::validation("Unexpected value type in payload"));
    };
    no_other("#", fields, &FIELDS)?;
    match subject.conversation.inference {
        Value::Object(fields) => no_other("#/inferenceConfig", fields, &INFERENCE_FIELDS),
        _ => Ok(()),
    }
}

fn no_other(
    at: &str,
    fields: &serde_json::Map<String, Value>,
    known: &[&str],
) -> Result<(), AwsError> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(AwsError::validation(format!(
            "Malformed input request: {at}: extraneous key [{name}] is not permitted, please reformat your input and try again."
        ))),
    }
}

pub(super) fn only_known_blocks(subject: &Subject<'_>) -> Result<(), AwsError> {
    match subject
        .conversation
        .located_blocks()
        .find(|(_, _, block)| !BLOCKS.contains(&block.kind))
    {
        None => Ok(()),
        Some((place, _, _)) => Err(AwsError::validation(format!(
            "The ContentBlock object at {place} must set one of the following keys: {}.",
            BLOCKS.join(", ")
        ))),
    }
}

pub(super) fn tool_inputs_are_objects(subject: &Subject<'_>) -> Result<(), AwsError> {
    let mut calls = subject
        .conversation
        .located_blocks()
        .filter(|(_, _, block)| block.kind == "toolUse");
    match calls.find(|(_, _, call)| !call.value.get("input").is_some_and(Value::is_object)) {
        None => Ok(()),
        Some((place, _, _)) => Err(AwsError::validation(format!(
            "The format of the value at {place}.toolUse.input is invalid. Provide a json object for the field and try again."
        ))),
    }
}
