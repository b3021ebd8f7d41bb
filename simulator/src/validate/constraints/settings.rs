//! Constraints of everything outside the conversation.

use serde_json::Value;

use super::violations::Violations;
use crate::conversation::text;

const MAX_METADATA: usize = 16;
const MAX_PATHS: usize = 10;
const METADATA: &str = "[a-zA-Z0-9\\s:_@$#=/+,-.]";
const GUARDRAIL: &str =
    "(([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))";

pub(super) fn all(request: &Value, violations: &mut Violations) {
    if let Some(metadata) = request.get("requestMetadata") {
        request_metadata(metadata, violations);
    }
    if let Some(paths) = request
        .get("additionalModelResponseFieldPaths")
        .and_then(Value::as_array)
    {
        response_paths(paths, violations);
    }
    if let Some(tier) = request.get("serviceTier") {
        violations.unless_one_of(
            text(tier.get("type")),
            "serviceTier.type",
            &["priority", "default", "flex", "reserved"],
        );
    }
    if let Some(latency) = request.pointer("/performanceConfig/latency") {
        violations.unless_one_of(
            text(Some(latency)),
            "performanceConfig.latency",
            &["standard", "optimized"],
        );
    }
    if let Some(config) = request
        .get("guardrailConfig")
        .filter(|config| !config.is_null())
    {
        guardrail(config, violations);
    }
    if let Some(output) = request.get("outputConfig") {
        output_config(output, violations);
    }
}

fn request_metadata(metadata: &Value, violations: &mut Violations) {
    let entries = metadata.as_object();
    let count = entries.map_or(0, serde_json::Map::len);
    if count == 0 {
        violations.unfit(
            "requestMetadata",
            "Member must have length greater than or equal to 1",
        );
    } else if count > MAX_METADATA {
        violations.unfit(
            "requestMetadata",
            &format!("Member must have length less than or equal to {MAX_METADATA}"),
        );
    }
    for (key, value) in entries.into_iter().flatten() {
        let value = text(Some(value));
        violations.unless_long_as(key, "requestMetadata.key", 256);
        violations.unless_shorter(value, &format!("requestMetadata.{key}"), 256);
        let key_pattern = format!("{METADATA}{{1,256}}");
        violations.unless_matches(key, "requestMetadata.key", &key_pattern, is_metadata);
        violations.unless_matches(
            value,
            &format!("requestMetadata.{key}"),
            &format!("{METADATA}{{0,256}}"),
            is_metadata,
        );
    }
}

/// The pattern's `,-.` is a range: comma, hyphen, full stop.
fn is_metadata(value: &str) -> bool {
    value.chars().all(|character| {
        character.is_ascii_alphanumeric()
            || character.is_whitespace()
            || ":_@$#=/+,-.".contains(character)
    })
}

fn response_paths(paths: &[Value], violations: &mut Violations) {
    let at = "additionalModelResponseFieldPaths";
    if paths.len() > MAX_PATHS {
        violations.unfit(
            at,
            &format!("Member must have length less than or equal to {MAX_PATHS}"),
        );
    }
    for (position, path) in paths.iter().enumerate() {
        violations.unless_long_as(
            text(Some(path)),
            &format!("{at}.{}.member", position + 1),
            256,
        );
    }
}

fn guardrail(config: &Value, violations: &mut Violations) {
    for name in ["guardrailIdentifier", "guardrailVersion"] {
        if config.get(name).is_none_or(Value::is_null) {
            violations.missing(&format!("guardrailConfig.{name}"));
        }
    }
    if let Some(id) = config.get("guardrailIdentifier").and_then(Value::as_str) {
        guardrail_id(id, "guardrailConfig.guardrailIdentifier", violations);
    }
    if let Some(version) = config.get("guardrailVersion").and_then(Value::as_str) {
        guardrail_version(version, "guardrailConfig.guardrailVersion", violations);
    }
    for (name, allowed) in [
        ("trace", &["enabled", "disabled", "enabled_full"][..]),
        ("streamProcessingMode", &["sync", "async"]),
    ] {
        if let Some(value) = config.get(name) {
            violations.unless_one_of(
                text(Some(value)),
                &format!("guardrailConfig.{name}"),
                allowed,
            );
        }
    }
}

pub(in crate::validate) fn guardrail_id(id: &str, at: &str, violations: &mut Violations) {
    violations.unless_shorter(id, at, 2048);
    violations.unless_matches(id, at, GUARDRAIL, is_guardrail);
}

pub(in crate::validate) fn guardrail_version(version: &str, at: &str, violations: &mut Violations) {
    let is_version = |version: &str| {
        version == "DRAFT"
            || (1..=8).contains(&version.len())
                && !version.starts_with('0')
                && version.bytes().all(|byte| byte.is_ascii_digit())
    };
    violations.unless_matches(version, at, "(([1-9][0-9]{0,7})|(DRAFT))", is_version);
}

fn is_guardrail(id: &str) -> bool {
    let bare = match id.split_once(":guardrail/") {
        Some((prefix, bare)) if prefix.starts_with("arn:aws") => bare,
        _ => id,
    };
    bare.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn output_config(output: &Value, violations: &mut Violations) {
    if let Some(effort) = output.get("effort") {
        violations.unless_shorter(text(Some(effort)), "outputConfig.effort", 16);
    }
    let Some(format) = output.get("textFormat") else {
        return;
    };
    violations.unless_one_of(
        text(format.get("type")),
        "outputConfig.textFormat.type",
        &["json_schema"],
    );
    if format.pointer("/structure/jsonSchema/schema").is_none() {
        violations.missing("outputConfig.textFormat.structure.jsonSchema.schema");
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::refusal;
    use serde_json::{Value, json};

    fn error_message(settings: Value) -> String {
        let mut request =
            json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }] }] });
        if let (Value::Object(request), Value::Object(settings)) = (&mut request, settings) {
            request.extend(settings);
        }
        refusal("us.amazon.nova-2-lite-v1:0", request).unwrap_or_default()
    }

    #[test]
    fn request_settings_have_size_limits() {
        let many: serde_json::Map<String, Value> = (0..17)
            .map(|number| (format!("k{number}"), "v".into()))
            .collect();
        for (settings, expected) in [
            (
                json!({ "requestMetadata": { "team": "a b:c_@$#=/+,-." } }),
                "",
            ),
            (
                json!({ "requestMetadata": {} }),
                "greater than or equal to 1",
            ),
            (
                json!({ "requestMetadata": many }),
                "less than or equal to 16",
            ),
            (
                json!({ "requestMetadata": { "team": "a;b" } }),
                "Value 'a;b' at 'requestMetadata.team' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\s:_@$#=/+,-.]{0,256}",
            ),
            (
                json!({ "requestMetadata": { "t": "x".repeat(257) } }),
                "less than or equal to 256",
            ),
            (json!({ "additionalModelResponseFieldPaths": ["/a"] }), ""),
            (
                json!({ "additionalModelResponseFieldPaths": vec!["/a"; 11] }),
                "less than or equal to 10",
            ),
            (
                json!({ "additionalModelResponseFieldPaths": [""] }),
                "additionalModelResponseFieldPaths.1.member",
            ),
            (json!({ "serviceTier": { "type": "flex" } }), ""),
            (
                json!({ "serviceTier": { "type": "scale" } }),
                "Member must satisfy enum value set: [priority, default, flex, reserved]",
            ),
            (
                json!({ "performanceConfig": { "latency": "optimized" } }),
                "",
            ),
            (
                json!({ "performanceConfig": { "latency": "fast" } }),
                "performanceConfig.latency",
            ),
            (
                json!({ "guardrailConfig": { "guardrailIdentifier": "demoguardrail" } }),
                "Value at 'guardrailConfig.guardrailVersion' failed to satisfy constraint: Member must not be null",
            ),
            (
                json!({ "guardrailConfig": { "guardrailIdentifier": "My-Rail", "guardrailVersion": "v1", "trace": "on" } }),
                "3 validation errors detected",
            ),
            (
                json!({ "outputConfig": { "textFormat": { "type": "json_schema" } } }),
                "outputConfig.textFormat.structure.jsonSchema.schema",
            ),
        ] {
            let message = error_message(settings.clone());
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{settings}: {message}"
            );
        }
    }
}
