//! Structured output: `outputConfig`, Claude's `output_config.format`, and tools with `strict`.

use serde_json::Value;

use super::subject::Subject;
use crate::error::AwsError;
use crate::families::Maker;

/// Keywords that are rejected, by the type that they apply to.
const UNSUPPORTED: [(&str, &[&str]); 4] = [
    (
        "integer",
        &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ],
    ),
    (
        "number",
        &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ],
    ),
    ("array", &["maxItems", "uniqueItems", "contains"]),
    (
        "object",
        &["patternProperties", "minProperties", "maxProperties"],
    ),
];

pub(super) fn supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let demanded = subject
        .request
        .pointer("/outputConfig/textFormat")
        .is_some()
        || claudes_format(subject).is_some();
    if subject.family.structured_output || !demanded {
        return Ok(());
    }
    Err(match subject.family.maker {
        Maker::Anthropic => {
            AwsError::by_model("output_config.format: Extra inputs are not permitted")
        }
        _ => AwsError::validation(
            "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.",
        ),
    })
}

/// Claude's own form of the format, which only Claude accepts.
fn claudes_format<'a>(subject: &Subject<'a>) -> Option<&'a Value> {
    let format = subject
        .conversation
        .additional
        .pointer("/output_config/format");
    format.filter(|_| subject.family.maker == Maker::Anthropic)
}

/// `outputConfig` has its schema as a string, Claude's own form as JSON (Anthropic's API reference,
/// Messages, `output_config.format`).
pub(super) fn schema_fits(subject: &Subject<'_>) -> Result<(), AwsError> {
    if let Some(format) = claudes_format(subject) {
        if format.get("type").and_then(Value::as_str) != Some("json_schema") {
            return Err(AwsError::by_model(
                "output_config.format.type: Input should be 'json_schema'",
            ));
        }
        return match format.get("schema") {
            Some(schema @ Value::Object(_)) => fits("output_config.format.schema", schema),
            Some(_) => Err(AwsError::by_model(
                "output_config.format.schema: Input should be a valid dictionary",
            )),
            None => Err(AwsError::by_model(
                "output_config.format.schema: Field required",
            )),
        };
    }
    let schema = subject
        .request
        .pointer("/outputConfig/textFormat/structure/jsonSchema/schema");
    let parsed = match schema {
        None => return Ok(()),
        Some(schema) => schema
            .as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok()),
    };
    match parsed {
        Some(schema) => fits("output_config.format.schema", &schema),
        None => Err(AwsError::validation(
            "The value at outputConfig.textFormat.structure.jsonSchema.schema is not a valid JSON schema string.",
        )),
    }
}

/// Restrictions of schemas whose output is guaranteed
/// (<https://github.com/future-agi/future-agi/pull/412>; for tools
/// <https://github.com/BerriAI/litellm/pull/39115>).
pub(super) fn fits(at: &str, schema: &Value) -> Result<(), AwsError> {
    let refused = |reason: &str| Err(AwsError::by_model(format!("{at}: {reason}")));
    if is_type(schema, "object") && schema.get("additionalProperties") != Some(&Value::Bool(false))
    {
        return refused(
            "For 'object' type, 'additionalProperties' must be explicitly set to false",
        );
    }
    for (kind, keywords) in UNSUPPORTED {
        let unsupported: Vec<&str> = keywords
            .iter()
            .copied()
            .filter(|keyword| is_type(schema, kind) && schema.get(keyword).is_some())
            .collect();
        match unsupported.as_slice() {
            [] => {}
            [keyword] => {
                return refused(&format!(
                    "For '{kind}' type, property '{keyword}' is not supported"
                ));
            }
            several => {
                return refused(&format!(
                    "For '{kind}' type, properties {} are not supported",
                    several.join(", ")
                ));
            }
        }
    }
    if is_type(schema, "array")
        && schema
            .get("minItems")
            .and_then(Value::as_u64)
            .is_some_and(|min| min > 1)
    {
        return refused("For 'array' type, 'minItems' values other than 0 or 1 are not supported");
    }
    parts(schema).try_for_each(|part| fits(at, part))
}

fn is_type(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(stated)) => stated == kind,
        Some(Value::Array(stated)) => stated.iter().any(|stated| stated == kind),
        _ => kind == "object" && schema.get("properties").is_some(),
    }
}

/// The direct subschemas.
fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    let maps = ["properties", "$defs", "definitions"];
    let lists = ["anyOf", "allOf", "oneOf", "prefixItems"];
    let named = maps
        .into_iter()
        .filter_map(|name| schema.get(name).and_then(Value::as_object))
        .flat_map(|map| map.values());
    let listed = lists
        .into_iter()
        .filter_map(|name| schema.get(name).and_then(Value::as_array))
        .flatten();
    named.chain(listed).chain(schema.get("items"))
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    fn error_message(model: &str, schema: Value) -> String {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "outputConfig": { "textFormat": { "type": "json_schema", "structure": {
                "jsonSchema": { "name": "a", "schema": schema } } } },
        });
        refusal(model, request).unwrap_or_default()
    }

    #[test]
    fn schemas_must_be_closed_and_use_supported_keywords() {
        let model = "us.anthropic.claude-sonnet-4-5-x";
        let closed = |properties: Value| {
            json!({ "type": "object", "properties": properties, "additionalProperties": false })
                .to_string()
        };
        for (schema, expected) in [
            (
                closed(json!({ "a": { "type": "string", "minLength": 2 } })).into(),
                "",
            ),
            (
                json!({ "type": "object" }),
                "is not a valid JSON schema string",
            ),
            ("{".into(), "is not a valid JSON schema string"),
            (
                json!({ "type": "object" }).to_string().into(),
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
            ),
            (
                closed(json!({ "a": { "anyOf": [{ "type": "object" }, { "type": "null" }] } }))
                    .into(),
                "must be explicitly set to false",
            ),
            (
                closed(json!({ "a": { "type": "integer", "minimum": 1, "maximum": 2 } })).into(),
                "For 'integer' type, properties minimum, maximum are not supported",
            ),
            (
                closed(json!({ "a": { "type": "array", "maxItems": 2 } })).into(),
                "For 'array' type, property 'maxItems' is not supported",
            ),
            (
                closed(json!({ "a": { "type": "array", "minItems": 2 } })).into(),
                "'minItems' values other than 0 or 1",
            ),
        ] {
            let message = error_message(model, schema);
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{message}"
            );
        }
    }

    #[test]
    fn claudes_output_format_follows_the_same_rules() {
        let closed = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        for (model, format, expected) in [
            (
                "us.anthropic.claude-sonnet-4-5-x",
                json!({ "type": "json_schema", "schema": closed }),
                "",
            ),
            (
                "us.anthropic.claude-sonnet-4-5-x",
                json!({ "type": "json_schema", "schema": { "type": "object" } }),
                "'additionalProperties' must be explicitly set to false",
            ),
            (
                "us.anthropic.claude-sonnet-4-5-x",
                json!({ "type": "json_schema" }),
                "output_config.format.schema: Field required",
            ),
            (
                "us.anthropic.claude-sonnet-4-5-x",
                json!({ "type": "grammar" }),
                "output_config.format.type",
            ),
            (
                "us.anthropic.claude-3-haiku-x",
                json!({ "type": "json_schema", "schema": closed }),
                "output_config.format: Extra inputs are not permitted",
            ),
        ] {
            let request = json!({
                "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
                "additionalModelRequestFields": { "output_config": { "format": format } },
            });
            let message = refusal(model, request).unwrap_or_default();
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{message}"
            );
        }
    }

    #[test]
    fn structured_output_is_not_supported_by_every_family() {
        let schema = json!({ "type": "object", "additionalProperties": false }).to_string();
        for (model, expected) in [
            (
                "us.anthropic.claude-sonnet-5",
                "output_config.format: Extra inputs",
            ),
            ("amazon.nova-lite-v1:0", "outputConfig.textFormat field"),
            ("qwen.qwen3-32b-v1:0", ""),
            ("us.anthropic.claude-haiku-4-5-x", ""),
        ] {
            let message = error_message(model, schema.clone().into());
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{model}: {message}"
            );
        }
    }
}
