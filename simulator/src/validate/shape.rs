//! Rejects unknown fields and unknown content blocks.

use serde_json::Value;

use super::subject::Subject;
use crate::error::AwsError;

/// `modelId` belongs in the path, but Bedrock accepts it here (recording `convs-nova-d6515986`).
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

/// The last one only exists for ConverseStream.
const GUARDRAIL_FIELDS: [&str; 4] = [
    "guardrailIdentifier",
    "guardrailVersion",
    "trace",
    "streamProcessingMode",
];

const TOOL_FIELDS: [&str; 4] = ["name", "description", "inputSchema", "strict"];

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
    require_no_other_keys("#", fields, &FIELDS)?;
    let guardrail: &[&str] = if subject.streaming {
        &GUARDRAIL_FIELDS
    } else {
        GUARDRAIL_FIELDS
            .split_last()
            .map_or(&[], |(_, non_streaming_keys)| non_streaming_keys)
    };
    for (name, allowed) in [
        ("inferenceConfig", &INFERENCE_FIELDS[..]),
        ("guardrailConfig", guardrail),
        ("toolConfig", &["tools", "toolChoice"]),
        ("outputConfig", &["textFormat", "effort"]),
        ("performanceConfig", &["latency"]),
        ("serviceTier", &["type"]),
    ] {
        if let Some(Value::Object(fields)) = subject.request.get(name) {
            require_no_other_keys(&format!("#/{name}"), fields, allowed)?;
        }
    }
    let tools = subject.conversation.tools.iter();
    for (position, entry) in tools.flat_map(|tools| tools.entries.iter().enumerate()) {
        let at = format!("#/toolConfig/tools/{position}");
        match (entry.kind, entry.value) {
            ("toolSpec", Value::Object(fields)) => {
                require_no_other_keys(&format!("{at}/toolSpec"), fields, &TOOL_FIELDS)?;
            }
            ("toolSpec" | "systemTool" | "cachePoint", _) => {}
            _ => {
                return Err(AwsError::validation(format!(
                    "The Tool object at toolConfig.tools.{position} must set one of the following keys: toolSpec, systemTool, cachePoint."
                )));
            }
        }
    }
    Ok(())
}

pub(super) fn require_no_other_keys(
    at: &str,
    fields: &serde_json::Map<String, Value>,
    allowed: &[&str],
) -> Result<(), AwsError> {
    match fields.keys().find(|name| !allowed.contains(&name.as_str())) {
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
        Some((path, _, _)) => Err(AwsError::validation(format!(
            "The ContentBlock object at {path} must set one of the following keys: {}.",
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
        Some((path, _, _)) => Err(AwsError::validation(format!(
            "The format of the value at {path}.toolUse.input is invalid. Provide a json object for the field and try again."
        ))),
    }
}

/// `promptVariables` require a stored prompt.
pub(super) fn prompt_variables_have_a_prompt(subject: &Subject<'_>) -> Result<(), AwsError> {
    let has_variables = subject
        .request
        .get("promptVariables")
        .is_some_and(|variables| !variables.is_null());
    if has_variables && !is_prompt(subject.model) {
        return Err(AwsError::validation(
            "The promptVariables field can only be used when modelId is the ARN of a prompt. Remove promptVariables and try again.",
        ));
    }
    Ok(())
}

/// Whether a model id names a stored prompt.
pub(super) fn is_prompt(model: &str) -> bool {
    model.starts_with("arn:") && model.contains(":prompt/")
}

#[cfg(test)]
mod tests {
    use super::super::conversation;
    use crate::runtime::Runtime;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn error_message(model: &str, settings: Value, streaming: bool) -> String {
        let mut request =
            json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }] }] });
        if let (Value::Object(request), Value::Object(settings)) = (&mut request, settings) {
            request.extend(settings);
        }
        conversation(
            model,
            &request,
            streaming,
            &Runtime::new(Arc::default(), Arc::default()),
        )
        .err()
        .map(|error| error.message)
        .unwrap_or_default()
    }

    #[test]
    fn unknown_keys_are_rejected_at_any_depth() {
        let nova = "amazon.nova-lite-v1:0";
        let guarded = json!({ "guardrailConfig": { "guardrailIdentifier": "demoguardrail",
            "guardrailVersion": "1", "streamProcessingMode": "async" } });
        assert_eq!(error_message(nova, guarded.clone(), true), "");
        for (settings, expected) in [
            (json!({ "seed": 1 }), "#: extraneous key [seed]"),
            (
                json!({ "inferenceConfig": { "topK": 1 } }),
                "#/inferenceConfig: extraneous key [topK]",
            ),
            (
                guarded,
                "#/guardrailConfig: extraneous key [streamProcessingMode]",
            ),
            (
                json!({ "toolConfig": { "tools": [{ "toolSpec": { "parameters": {} } }] } }),
                "#/toolConfig/tools/0/toolSpec: extraneous key [parameters]",
            ),
            (
                json!({ "toolConfig": { "tools": [{ "function": {} }] } }),
                "must set one of the following keys: toolSpec, systemTool, cachePoint.",
            ),
            (
                json!({ "promptVariables": { "a": { "text": "b" } } }),
                "promptVariables field can only be used",
            ),
        ] {
            let message = error_message(nova, settings.clone(), false);
            assert!(message.contains(expected), "{settings}: {message}");
        }
    }

    #[test]
    fn a_prompt_resource_needs_no_messages() {
        let prompt = "arn:aws:bedrock:us-east-1:123456789012:prompt/PROMPT12345:1";
        let request = json!({ "promptVariables": { "a": { "text": "b" } } });
        let error_message = conversation(
            prompt,
            &request,
            false,
            &Runtime::new(Arc::default(), Arc::default()),
        );
        assert_eq!(error_message, Ok(()));
    }
}
