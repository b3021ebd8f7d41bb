//! The JSON Schemas of tool parameters.

use super::ToolPath;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::{ApiError, Sentence, ToolField};

/// The schema of a tool's parameters. Bedrock accepts only schemas whose root type is `object`; a
/// schema with this type keeps the client's bytes.
pub(super) fn schema(
    parameters: Option<JsonText>,
    path: ToolPath<'_>,
) -> Result<JsonText, ApiError> {
    const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;
    let field = || path.field(ToolField::Schema, "parameters");
    let text = match &parameters {
        None => NO_ARGUMENTS.to_owned(),
        Some(schema) if schema.is_neutral() => NO_ARGUMENTS.to_owned(),
        Some(schema) if !schema.is_object() => {
            return Err(ApiError::invalid(
                field(),
                "a JSON Schema must be an object",
            ));
        }
        Some(schema) => {
            let mut members = Fields::from_object(schema).ok_or_else(|| {
                ApiError::invalid(
                    field(),
                    Sentence::about(field(), " has too many fields for its size"),
                )
            })?;
            match members.get("type").map(JsonText::as_str) {
                Some("\"object\"") => return Ok(schema.clone()),
                None => with_object_type(schema),
                // The arguments are always an object, whatever other types the schema allows.
                Some(kind) if kind == "null" || is_object_among_others(kind) => {
                    if let Ok(object) = JsonText::of("object") {
                        members.set("type", object);
                    }
                    serde_json::to_string(&members).unwrap_or_default()
                }
                Some(root) => {
                    return Err(ApiError::invalid(
                        path.field(ToolField::SchemaType, "parameters.type"),
                        format!("the root type of the schema is `{root}`; it must be `object`"),
                    ));
                }
            }
        }
    };
    JsonText::parse(text).map_err(|_| ApiError::invalid(field(), "the schema is not valid JSON"))
}

/// Whether `kind` is a list of types that includes `object`.
fn is_object_among_others(kind: &str) -> bool {
    let kinds: Option<Vec<String>> = serde_json::from_str(kind).ok();
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

/// The schema with `"type":"object"` as its first field; the rest keeps its bytes.
fn with_object_type(schema: &JsonText) -> String {
    let members = schema.as_str().trim_start_matches('{');
    let comma = if members.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!("{{\"type\":\"object\"{comma}{members}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_of(text: &str) -> Option<String> {
        let parameters = JsonText::parse(text.to_owned()).expect("JSON");
        let schema = schema(Some(parameters), ToolPath::Nested(0)).ok()?;
        Some(schema.as_str().to_owned())
    }

    #[test]
    fn the_root_of_a_schema_is_an_object() {
        for (schema, expected) in [
            (r#"{ "type":"object"}"#, Some(r#"{ "type":"object"}"#)),
            ("{}", Some(r#"{"type":"object","properties":{}}"#)),
            (r#"{ "a":1}"#, Some(r#"{"type":"object", "a":1}"#)),
            (r#"{"a":1,"type":null}"#, Some(r#"{"a":1,"type":"object"}"#)),
            (
                r#"{"type":["null","object"],"a":1}"#,
                Some(r#"{"type":"object","a":1}"#),
            ),
            (r#"{"type":"string"}"#, None),
            (r#"{"type":["string","null"]}"#, None),
            // Of duplicate keys the last one counts, as in most JSON parsers.
            (r#"{"type":"object","type":"string"}"#, None),
            (r#"["type"]"#, None),
        ] {
            assert_eq!(schema_of(schema).as_deref(), expected, "{schema}");
        }
    }
}
