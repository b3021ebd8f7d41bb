//! Limits of the API's model: lengths, patterns, ranges. Bedrock reports all that are broken at
//! once: "2 validation errors detected: …; …".

use std::fmt::Display;

use serde_json::Value;

use super::Subject;
use crate::conversation::text;
use crate::error::AwsError;

const NAME: &str = "[a-zA-Z0-9_-]+";
const TOOL_USE_ID: &str = "[a-zA-Z0-9_.:-]+";
const LONGEST_NAME: usize = 64;

pub(super) fn all(subject: &Subject<'_>) -> Result<(), AwsError> {
    let mut broken = Broken::default();
    inference(subject.conversation.inference, &mut broken);
    tool_config(subject, &mut broken);
    for (turn, message) in subject.conversation.messages.iter().enumerate() {
        let at = format!("messages.{}.member", turn + 1);
        if !matches!(message.role, "user" | "assistant" | "system") {
            broken.because(
                message.role,
                &format!("{at}.role"),
                "Member must satisfy enum value set: [user, assistant, system]",
            );
        }
        for (position, block) in message.content.iter().enumerate() {
            let at = format!("{at}.content.{}.member.{}", position + 1, block.kind);
            content(block.kind, block.value, &at, &mut broken);
        }
    }
    broken.report()
}

fn inference(inference: &Value, broken: &mut Broken) {
    for name in ["temperature", "topP"] {
        let at = format!("inferenceConfig.{name}");
        match inference.get(name).and_then(Value::as_f64) {
            Some(value) if value < 0.0 => broken.below(value, &at, 0),
            Some(value) if value > 1.0 => {
                broken.because(value, &at, "Member must have value less than or equal to 1")
            }
            _ => {}
        }
    }
    if let Some(value) = inference
        .get("maxTokens")
        .and_then(Value::as_i64)
        .filter(|value| *value < 1)
    {
        broken.below(value, "inferenceConfig.maxTokens", 1);
    }
    let stops = inference.get("stopSequences").and_then(Value::as_array);
    for (position, stop) in stops.into_iter().flatten().enumerate() {
        if stop.as_str() == Some("") {
            broken.empty(&format!(
                "inferenceConfig.stopSequences.{}.member",
                position + 1
            ));
        }
    }
}

fn tool_config(subject: &Subject<'_>, broken: &mut Broken) {
    let Some(tools) = &subject.conversation.tools else {
        return;
    };
    if tools.entries.is_empty() {
        broken.0.push(
            "Value at 'toolConfig.tools' failed to satisfy constraint: Member must have length greater than or equal to 1".to_owned(),
        );
    }
    for (position, spec) in tools.of_kind("toolSpec") {
        let at = format!("toolConfig.tools.{}.member.toolSpec", position + 1);
        name(spec.get("name"), &format!("{at}.name"), NAME, broken);
        if spec.get("description").and_then(Value::as_str) == Some("") {
            broken.empty(&format!("{at}.description"));
        }
    }
    if let Some(choice) = tools.choice.filter(|choice| choice.kind == "tool") {
        name(
            choice.value.get("name"),
            "toolConfig.toolChoice.tool.name",
            NAME,
            broken,
        );
    }
}

fn content(kind: &str, value: &Value, at: &str, broken: &mut Broken) {
    match kind {
        "toolUse" => {
            name(
                value.get("toolUseId"),
                &format!("{at}.toolUseId"),
                TOOL_USE_ID,
                broken,
            );
            name(value.get("name"), &format!("{at}.name"), NAME, broken);
        }
        "toolResult" => name(
            value.get("toolUseId"),
            &format!("{at}.toolUseId"),
            TOOL_USE_ID,
            broken,
        ),
        "image" if !matches!(text(value.get("format")), "gif" | "jpeg" | "png" | "webp") => {
            broken.0.push(format!(
                "Value at '{at}.format' failed to satisfy constraint: Member must satisfy enum value set: [gif, jpeg, png, webp]"
            ));
        }
        "document" => {
            let length = text(value.get("name")).chars().count();
            if length == 0 {
                broken.empty(&format!("{at}.name"));
            } else if length > 200 {
                broken.because(
                    text(value.get("name")),
                    &format!("{at}.name"),
                    "Member must have length less than or equal to 200",
                );
            }
        }
        _ => {}
    }
}

/// A name of 1 to 64 characters of the pattern's set.
fn name(value: Option<&Value>, at: &str, pattern: &str, broken: &mut Broken) {
    let value = text(value);
    let allowed: &[u8] = if pattern == NAME { b"_-" } else { b"_-.:" };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || allowed.contains(&byte);
    if value.is_empty() || !value.bytes().all(fits) {
        broken.because(
            value,
            at,
            &format!("Member must satisfy regular expression pattern: {pattern}"),
        );
    }
    if value.is_empty() {
        broken.empty(at);
    }
    if value.chars().count() > LONGEST_NAME {
        broken.because(
            value,
            at,
            &format!("Member must have length less than or equal to {LONGEST_NAME}"),
        );
    }
}

/// The broken constraints, in Bedrock's words.
#[derive(Default)]
struct Broken(Vec<String>);

impl Broken {
    fn because(&mut self, value: impl Display, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    fn empty(&mut self, at: &str) {
        self.because("", at, "Member must have length greater than or equal to 1");
    }

    fn below(&mut self, value: impl Display, at: &str, least: i64) {
        self.because(
            value,
            at,
            &format!("Member must have value greater than or equal to {least}"),
        );
    }

    fn report(self) -> Result<(), AwsError> {
        let errors = match self.0.len() {
            0 => return Ok(()),
            1 => "1 validation error".to_owned(),
            count => format!("{count} validation errors"),
        };
        Err(AwsError::validation(format!(
            "{errors} detected: {}",
            self.0.join("; ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::json;

    #[test]
    fn broken_constraints_are_reported_together() {
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
