//! Tool schemas: keywords at the root, and property names.

use serde_json::Value;

use super::subject::Subject;
use crate::error::AwsError;
use crate::families::ToolSchemas;

/// Keywords that Nova accepts at the root: recordings `conv-nova-04794cf2`, `conv-nova-08539823`,
/// `conv-nova-01c2118d`.
const NOVA_KEYS: [&str; 6] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "strict",
    "title",
];

pub(super) fn roots_are_plain(subject: &Subject<'_>) -> Result<(), AwsError> {
    let keys = |schema: &Value| -> Vec<String> {
        let members = schema.as_object().into_iter().flatten();
        members.map(|(key, _)| key.clone()).collect()
    };
    schemas(subject).try_for_each(|(position, schema)| match subject.family.tool_schemas {
        ToolSchemas::Any => Ok(()),
        // https://github.com/trycua/cua/issues/3303
        ToolSchemas::Claude => match ["oneOf", "allOf", "anyOf"].iter().any(|key| schema.get(key).is_some()) {
            true => Err(AwsError::by_model(format!(
                "tools.{position}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            ))),
            false => Ok(()),
        },
        // https://github.com/lastmile-ai/mcp-agent/pull/126
        ToolSchemas::Nova => match keys(schema).iter().find(|key| !NOVA_KEYS.contains(&key.as_str())) {
            Some(key) => Err(AwsError::by_model(format!(
                "Malformed input request: #/toolConfig/tools/{position}/toolSpec/inputSchema/json: extraneous key [{key}] is not permitted, please reformat your input and try again."
            ))),
            None => Ok(()),
        },
    })
}

/// Only properties at the root are checked, as measured in
/// <https://github.com/aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws/issues/709>.
pub(super) fn properties_are_named_plainly(subject: &Subject<'_>) -> Result<(), AwsError> {
    if subject.family.tool_schemas != ToolSchemas::Claude {
        return Ok(());
    }
    let is_plain = |key: &String| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        (1..=64).contains(&key.len()) && key.chars().all(fits)
    };
    for (position, schema) in schemas(subject) {
        let properties = schema.get("properties").and_then(Value::as_object);
        if !properties
            .into_iter()
            .flatten()
            .all(|(key, _)| is_plain(key))
        {
            return Err(AwsError::by_model(format!(
                "tools.{position}.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"
            )));
        }
    }
    Ok(())
}

/// The wording is uncertain.
pub(super) fn tool_names_unique(subject: &Subject<'_>) -> Result<(), AwsError> {
    let mut names = std::collections::HashSet::new();
    let tools = subject.conversation.tools.iter();
    let specs = tools.flat_map(|tools| tools.of_kind("toolSpec"));
    let mut named = specs.filter_map(|(_, spec)| spec.get("name")?.as_str());
    match named.find(|name| !names.insert(*name)) {
        Some(name) => Err(AwsError::validation(format!(
            "The tool {name} is already defined at toolConfig.tools."
        ))),
        None => Ok(()),
    }
}

fn schemas<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = (usize, &'a Value)> {
    let tools = subject.conversation.tools.iter();
    let specs = tools.flat_map(|tools| tools.of_kind("toolSpec"));
    specs.filter_map(|(position, spec)| Some((position, spec.pointer("/inputSchema/json")?)))
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    const CLAUDE: &str = "us.anthropic.claude-sonnet-4-6";
    const NOVA: &str = "us.amazon.nova-2-lite-v1:0";
    const QWEN: &str = "qwen.qwen3-32b-v1:0";

    fn error_message(model: &str, members: Value) -> String {
        let mut schema = json!({ "type": "object", "properties": {} });
        for (key, member) in members.as_object().into_iter().flatten() {
            schema[key] = member.clone();
        }
        let spec = json!({ "name": "t", "inputSchema": { "json": schema } });
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "toolConfig": { "tools": [{ "toolSpec": spec }] },
        });
        let message = refusal(model, request).unwrap_or_default();
        message.replace("The model returned the following errors: ", "")
    }

    #[test]
    fn schema_roots_are_validated_per_family() {
        let combined = json!({ "anyOf": [{ "required": ["a"] }] });
        let within =
            json!({ "properties": { "a": { "anyOf": [{ "x y": 1 }] } }, "required": ["a"] });
        let defined = json!({ "$defs": {}, "additionalProperties": false });
        for (model, schema, expected) in [
            (
                CLAUDE,
                &combined,
                "tools.0.custom.input_schema: input_schema does not support",
            ),
            (
                NOVA,
                &combined,
                "inputSchema/json: extraneous key [anyOf] is not permitted",
            ),
            (NOVA, &defined, "extraneous key [$defs]"),
            (CLAUDE, &defined, ""),
            (QWEN, &combined, ""),
            (CLAUDE, &within, ""),
            (NOVA, &within, ""),
        ] {
            let message = error_message(model, schema.clone());
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{model}: {message}"
            );
        }
    }

    #[test]
    fn claude_accepts_only_plain_tool_names() {
        let named = |name: &str| json!({ "properties": { name: { "type": "string" } } });
        for name in ["$filter", "", "x y", &"x".repeat(65)] {
            assert_eq!(
                error_message(CLAUDE, named(name)),
                "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'"
            );
            assert_eq!(error_message(QWEN, named(name)), "");
        }
        assert_eq!(error_message(CLAUDE, named("a.B-c_1")), "");
    }

    #[test]
    fn tool_names_are_unique() {
        let spec =
            json!({ "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } });
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "toolConfig": { "tools": [spec, spec] },
        });
        let message = refusal(NOVA, request).unwrap_or_default();
        assert!(
            message.contains("The tool t is already defined"),
            "{message}"
        );
    }
}
