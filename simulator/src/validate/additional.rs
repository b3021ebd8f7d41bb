//! `additionalModelRequestFields`: keys of the model's own format.

use serde_json::{Map, Value};

use super::subject::Subject;
use crate::conversation::text;
use crate::error::AwsError;
use crate::families::{Maker, Reasoning};

/// Keys of Nova's own `inferenceConfig`.
const NOVA_INFERENCE: [&str; 6] = [
    "maxTokens",
    "max_new_tokens",
    "stopSequences",
    "temperature",
    "topK",
    "topP",
];

/// The errors of Claude and Nova name the key (<https://github.com/BerriAI/litellm/issues/13825>,
/// <https://github.com/UKGovernmentBEIS/inspect_ai/issues/5301>), DeepSeek R1's does not
/// (<https://github.com/BerriAI/litellm/issues/33401>).
pub(super) fn only_known_fields(subject: &Subject<'_>) -> Result<(), AwsError> {
    let (Some(allowed), Value::Object(fields)) = (
        subject.family.additional_fields,
        subject.conversation.additional,
    ) else {
        return Ok(());
    };
    let unknown = first_unknown(fields, allowed);
    match (subject.family.maker, unknown) {
        (Maker::Anthropic, Some(key)) => Err(AwsError::by_model(format!(
            "{key}: Extra inputs are not permitted"
        ))),
        (Maker::Amazon, Some("reasoningConfig")) => Err(AwsError::by_model(
            "Malformed input request: the provided reasoning config value is invalid, please reformat your input and try again.",
        )),
        (_, Some(_)) if subject.family.reasoning == Reasoning::Always => {
            Err(AwsError::by_model("Validation Error"))
        }
        (_, Some(key)) => Err(extraneous("#", key)),
        (Maker::Amazon, None) => match fields.get("inferenceConfig") {
            Some(Value::Object(inference)) => first_unknown(inference, &NOVA_INFERENCE)
                .map_or(Ok(()), |key| Err(extraneous("#/inferenceConfig", key))),
            _ => Ok(()),
        },
        (_, None) => Ok(()),
    }
}

fn first_unknown<'a>(fields: &'a Map<String, Value>, allowed: &[&str]) -> Option<&'a str> {
    fields
        .keys()
        .map(String::as_str)
        .find(|key| !allowed.contains(key))
}

fn extraneous(at: &str, key: &str) -> AwsError {
    AwsError::by_model(format!(
        "Malformed input request: {at}: extraneous key [{key}] is not permitted, please reformat your input and try again."
    ))
}

/// Effort values that the family does not accept.
pub(super) fn efforts_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let additional = subject.conversation.additional;
    match subject.family.reasoning {
        Reasoning::AlwaysEffort(words) => one_of(additional, "reasoning_effort", words),
        Reasoning::Config(words) => one_of(additional, "reasoning_config", words),
        Reasoning::Nova => {
            let config = additional.get("reasoningConfig").unwrap_or(&Value::Null);
            one_of(config, "type", &["enabled", "disabled"])?;
            one_of(config, "maxReasoningEffort", &["low", "medium", "high"])
        }
        _ => claudes_effort(subject),
    }
}

fn one_of(settings: &Value, name: &str, words: &[&str]) -> Result<(), AwsError> {
    match settings.get(name) {
        Some(value) if !words.contains(&text(Some(value))) => Err(AwsError::by_model(format!(
            "Malformed input request: #/{name}: {value} is not a valid enum value, please reformat your input and try again."
        ))),
        _ => Ok(()),
    }
}

fn claudes_effort(subject: &Subject<'_>) -> Result<(), AwsError> {
    let effort = subject
        .conversation
        .additional
        .pointer("/output_config/effort");
    let (Some(effort), Maker::Anthropic) = (effort, subject.family.maker) else {
        return Ok(());
    };
    match subject.family.efforts {
        [] => Err(AwsError::by_model(
            "This model does not support the effort parameter.",
        )),
        words if words.contains(&text(Some(effort))) => Ok(()),
        words => {
            let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            let (last, first) = quoted
                .split_last()
                .map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
            Err(AwsError::by_model(format!(
                "output_config.effort: Input should be {} or {last}",
                first.join(", ")
            )))
        }
    }
}

/// `toolConfig.toolChoice` becomes Claude's `tool_choice`, which must not have a second `type`.
/// LiteLLM removes the second one because it is rejected; the wording is unknown.
pub(super) fn no_second_tool_choice(subject: &Subject<'_>) -> Result<(), AwsError> {
    let conversation = &subject.conversation;
    let chosen = conversation
        .tools
        .as_ref()
        .is_some_and(|tools| tools.choice.is_some());
    let again = conversation.additional.pointer("/tool_choice/type");
    if subject.family.maker == Maker::Anthropic && chosen && again.is_some() {
        return Err(AwsError::validation(
            "The additional field tool_choice.type conflicts with the toolConfig.toolChoice field. Remove one of them and try again.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    fn error_message(model: &str, additional: Value) -> String {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "additionalModelRequestFields": additional,
        });
        let message = refusal(model, request).unwrap_or_default();
        message.replace("The model returned the following errors: ", "")
    }

    #[test]
    fn unknown_fields_are_rejected_with_the_family_specific_message() {
        let claude = "us.anthropic.claude-sonnet-4-5-x";
        for (model, additional, expected) in [
            (claude, json!({ "top_k": 5, "anthropic_beta": [] }), ""),
            (
                claude,
                json!({ "reasoning_effort": "low" }),
                "reasoning_effort: Extra inputs are not permitted",
            ),
            (
                "amazon.nova-lite-v1:0",
                json!({ "inferenceConfig": { "topK": 5 } }),
                "",
            ),
            (
                "amazon.nova-lite-v1:0",
                json!({ "top_k": 5 }),
                "Malformed input request: #: extraneous key [top_k] is not permitted, please reformat your input and try again.",
            ),
            (
                "amazon.nova-lite-v1:0",
                json!({ "inferenceConfig": { "top_k": 5 } }),
                "Malformed input request: #/inferenceConfig: extraneous key [top_k] is not permitted, please reformat your input and try again.",
            ),
            (
                "us.amazon.nova-pro-v1:0",
                json!({ "reasoningConfig": { "type": "enabled" } }),
                "Malformed input request: the provided reasoning config value is invalid, please reformat your input and try again.",
            ),
            (
                "us.deepseek.r1-v1:0",
                json!({ "reasoning_effort": "low" }),
                "Validation Error",
            ),
            ("us.meta.llama4-x", json!({}), ""),
            (
                "us.meta.llama4-x",
                json!({ "top_k": 5 }),
                "Malformed input request: #: extraneous key [top_k] is not permitted, please reformat your input and try again.",
            ),
            ("minimax.minimax-m2", json!({ "top_k": 5 }), ""),
        ] {
            assert_eq!(
                error_message(model, additional.clone()),
                expected,
                "{model} {additional}"
            );
        }
    }

    #[test]
    fn effort_levels_differ_by_family() {
        for (model, additional, expected) in [
            (
                "openai.gpt-oss-20b-1:0",
                json!({ "reasoning_effort": "high" }),
                "",
            ),
            (
                "openai.gpt-oss-20b-1:0",
                json!({ "reasoning_effort": "none" }),
                "#/reasoning_effort: \"none\" is not a valid enum value",
            ),
            (
                "qwen.qwen3-32b-v1:0",
                json!({ "reasoning_config": "medium" }),
                "#/reasoning_config: \"medium\"",
            ),
            (
                "us.amazon.nova-2-lite-v1:0",
                json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "max" } }),
                "#/maxReasoningEffort: \"max\"",
            ),
            (
                "us.anthropic.claude-opus-4-5-x",
                json!({ "output_config": { "effort": "max" } }),
                "output_config.effort: Input should be 'low', 'medium' or 'high'",
            ),
            (
                "us.anthropic.claude-sonnet-4-5-x",
                json!({ "output_config": { "effort": "low" } }),
                "This model does not support the effort parameter.",
            ),
            (
                "us.anthropic.claude-sonnet-5",
                json!({ "output_config": { "effort": "xhigh" } }),
                "",
            ),
        ] {
            let message = error_message(model, additional.clone());
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{model} {additional}: {message}"
            );
        }
    }

    #[test]
    fn only_one_tool_choice_may_be_set() {
        let mut request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "toolConfig": { "tools": [
                { "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } }] },
            "additionalModelRequestFields": {
                "tool_choice": { "type": "auto", "disable_parallel_tool_use": true } },
        });
        let claude = "us.anthropic.claude-sonnet-4-5-x";
        assert_eq!(refusal(claude, request.clone()), None);
        request["toolConfig"]["toolChoice"] = json!({ "any": {} });
        assert!(
            refusal(claude, request)
                .unwrap_or_default()
                .contains("tool_choice.type conflicts")
        );
    }
}
