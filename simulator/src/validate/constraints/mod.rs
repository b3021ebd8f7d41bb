//! Constraints of the API model: lengths, patterns, ranges. Bedrock reports all violations at once:
//! "2 validation errors detected: …; …".
//!
//! From botocore's model of `bedrock-runtime` (2023-09-30).

mod content;
pub(super) mod settings;
pub(crate) mod violations;

use serde_json::Value;

use super::subject::Subject;
use crate::error::AwsError;
use violations::{NAME, Violations};

pub(super) fn all(subject: &Subject<'_>) -> Result<(), AwsError> {
    let mut violations = Violations::default();
    inference(subject.conversation.inference, &mut violations);
    tool_config(subject, &mut violations);
    settings::all(subject.request, &mut violations);
    for (position, block) in subject.conversation.system.iter().enumerate() {
        let at = format!("system.{}.member.{}", position + 1, block.kind);
        content::block(block.kind, block.value, &at, &mut violations);
    }
    for (turn, message) in subject.conversation.messages.iter().enumerate() {
        let at = format!("messages.{}.member", turn + 1);
        violations.unless_one_of(
            message.role,
            &format!("{at}.role"),
            &["user", "assistant", "system"],
        );
        for (position, block) in message.content.iter().enumerate() {
            let at = format!("{at}.content.{}.member.{}", position + 1, block.kind);
            content::block(block.kind, block.value, &at, &mut violations);
        }
    }
    violations.report()
}

fn inference(inference: &Value, violations: &mut Violations) {
    for name in ["temperature", "topP"] {
        let at = format!("inferenceConfig.{name}");
        match inference.get(name).and_then(Value::as_f64) {
            Some(value) if value < 0.0 => violations.below(value, &at, 0),
            Some(value) if value > 1.0 => {
                violations.because(value, &at, "Member must have value less than or equal to 1")
            }
            _ => {}
        }
    }
    if let Some(value) = inference
        .get("maxTokens")
        .and_then(Value::as_i64)
        .filter(|value| *value < 1)
    {
        violations.below(value, "inferenceConfig.maxTokens", 1);
    }
    let stops = inference.get("stopSequences").and_then(Value::as_array);
    for (position, stop) in stops.into_iter().flatten().enumerate() {
        if stop.as_str() == Some("") {
            violations.empty(&format!(
                "inferenceConfig.stopSequences.{}.member",
                position + 1
            ));
        }
    }
}

fn tool_config(subject: &Subject<'_>, violations: &mut Violations) {
    let Some(tools) = &subject.conversation.tools else {
        return;
    };
    if tools.entries.is_empty() {
        violations.unfit(
            "toolConfig.tools",
            "Member must have length greater than or equal to 1",
        );
    }
    for (position, entry) in tools.entries.iter().enumerate() {
        let at = format!("toolConfig.tools.{}.member.{}", position + 1, entry.kind);
        match entry.kind {
            "toolSpec" => {
                violations.name(entry.value.get("name"), &format!("{at}.name"), NAME);
                if entry.value.get("description").and_then(Value::as_str) == Some("") {
                    violations.empty(&format!("{at}.description"));
                }
            }
            "systemTool" => violations.name(entry.value.get("name"), &format!("{at}.name"), NAME),
            _ => content::block(entry.kind, entry.value, &at, violations),
        }
    }
    if let Some(choice) = tools.choice.filter(|choice| choice.kind == "tool") {
        let at = "toolConfig.toolChoice.tool.name";
        violations.name(choice.value.get("name"), at, NAME);
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::json;

    #[test]
    fn all_constraint_violations_are_reported_together() {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "inferenceConfig": { "temperature": 1.5, "maxTokens": 0 },
            "toolConfig": { "tools": [{ "toolSpec": {
                "name": "get.weather", "description": "",
                "inputSchema": { "json": { "type": "object" } } } }] },
        });
        assert_eq!(
            refusal("amazon.nova-lite-v1:0", request).unwrap_or_default(),
            "4 validation errors detected: \
             Value '1.5' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1; \
             Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1; \
             Value 'get.weather' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+; \
             Value '' at 'toolConfig.tools.1.member.toolSpec.description' failed to satisfy constraint: Member must have length greater than or equal to 1"
        );
    }
}
