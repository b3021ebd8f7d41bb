//! Adapts a JSON schema to native structured output and strict tools.
//!
//! Bedrock compiles such a schema into a grammar and returns 400 for unsupported keywords.
//! Keywords that only bound a value are moved into the description, which the model reads.
//! Keywords that define the structure cannot be moved, so such a schema is unsupported.
//!
//! Sources: AWS, "Get validated JSON results from models" (userguide/structured-output.html);
//! Anthropic, "Structured outputs", its section on limitations; where they disagree what was
//! measured: pydantic-ai, `providers/bedrock.py` (Claude Sonnet 4.5 on Bedrock, 2026-05-19: string
//! lengths are accepted, exclusive bounds are not) and refusals published for Claude in 2026
//! (vercel/ai issue 12876 for `oneOf`; "Empty schema ({}) that accepts any JSON value is not
//! supported"; "For 'anyOf', 'type' is not supported"; "Circular reference detected in schema
//! definitions").

use serde_json::{Map, Value};

use super::words;
use crate::converse::JsonText;
use crate::converse::rules::schema;
use crate::error::Field;
use crate::models::Capabilities;
use crate::reply::Adjustments;

/// Structural keywords that grammars do not support.
const REFUSED: [&str; 18] = [
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedProperties",
    "$dynamicRef",
    "$recursiveRef",
];

/// Keywords that define a value; a schema needs at least one.
const SHAPES: [&str; 6] = ["type", "enum", "const", "anyOf", "$ref", "properties"];

/// Keywords that are not supported next to `anyOf` or `$ref`.
const EXCLUSIVE_KEYWORDS: [&str; 7] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
];

/// A schema adapted to structured output.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::converse::rules) struct FittedSchema {
    pub(in crate::converse::rules) schema: JsonText,
    /// Descriptions of the changes for the client, without duplicates.
    pub(in crate::converse::rules) changes: Vec<String>,
}

/// Adapts the schema in `field` and notes the changes; `None` if it is
/// unsupported.
pub(in crate::converse::rules) fn fitted(
    schema: &JsonText,
    capabilities: &Capabilities,
    field: &Field,
    adjustments: &mut Adjustments,
) -> Option<JsonText> {
    let FittedSchema { schema, changes } = fit(schema, capabilities.schema_references)?;
    for change in changes {
        adjustments.note(field.clone(), change);
    }
    Some(schema)
}

/// Adapts `schema`; a supported schema keeps its bytes. `follow_references` states whether the
/// family supports `$ref`; if not, references are inlined.
///
/// `None` if the schema cannot be adapted without changing its meaning (external or recursive
/// references, objects with arbitrary members, values of any type, unsupported keywords), or if
/// it is too large.
pub(in crate::converse::rules) fn fit(
    schema: &JsonText,
    follow_references: bool,
) -> Option<FittedSchema> {
    let mut root = schema::read(schema.as_str())?;
    let mut fitter = Fitter::default();
    if schema.as_str().contains("\"$ref\"") {
        let inlined = schema::inlined(&root).filter(|inlined| inlined.complete)?;
        // An object's member can be named `$ref`, too.
        if !follow_references && inlined.schema != root {
            root = inlined.schema;
            fitter.changed("`$ref` inlined");
        }
    }
    fitter.fit(&mut root)?;
    let schema = match fitter.changes.as_slice() {
        [] => schema.clone(),
        _ => JsonText::of(&root).ok()?,
    };
    Some(FittedSchema {
        schema,
        changes: fitter.changes,
    })
}

#[derive(Default)]
struct Fitter {
    changes: Vec<String>,
}

impl Fitter {
    fn changed(&mut self, change: &str) {
        if !self.changes.iter().any(|existing| existing == change) {
            self.changes.push(change.to_owned());
        }
    }

    fn fit(&mut self, schema: &mut Value) -> Option<()> {
        // `true` accepts any value, `false` none.
        let node = schema.as_object_mut()?;
        self.combine(node)?;
        let has = |keyword: &&str| node.contains_key(*keyword);
        if REFUSED.iter().any(has) || !SHAPES.iter().any(has) {
            return None;
        }
        let elsewhere = ["anyOf", "$ref"].iter().filter(|keyword| has(keyword));
        let here = EXCLUSIVE_KEYWORDS.iter().any(has);
        if elsewhere.count() + usize::from(here) > 1 {
            return None;
        }
        let values = node.get("enum").and_then(Value::as_array);
        let mut values = values.into_iter().flatten().chain(node.get("const"));
        if values.any(|value| value.is_object() || value.is_array()) {
            return None;
        }
        for keyword in words::describe_bounds(node) {
            self.changed(&format!("`{keyword}` moved into the description"));
        }
        self.close(node)?;
        self.fit_within(node)
    }

    /// Rewrites combinators to an equivalent supported form.
    fn combine(&mut self, node: &mut Map<String, Value>) -> Option<()> {
        while let Some(all) = node.get("allOf") {
            // Several closed objects combined accept no object.
            let [Value::Object(only)] = all.as_array()?.as_slice() else {
                return None;
            };
            *node = with_merged(node, only.clone())?;
            self.changed("`allOf` with one schema inlined");
        }
        if node.contains_key("oneOf") {
            if node.contains_key("anyOf") {
                return None;
            }
            *node = std::mem::take(node)
                .into_iter()
                .map(|(name, member)| match name.as_str() {
                    "oneOf" => ("anyOf".to_owned(), member),
                    _ => (name, member),
                })
                .collect();
            self.changed("`oneOf` replaced by `anyOf`");
        }
        // OpenAPI's hint for parsers, which pydantic writes next to `oneOf`; it restricts
        // nothing.
        if node.contains_key("anyOf") && node.shift_remove("discriminator").is_some() {
            self.changed("`discriminator` removed");
        }
        Some(())
    }

    /// Closes an object: it accepts only its named members.
    fn close(&mut self, node: &mut Map<String, Value>) -> Option<()> {
        if !node.contains_key("type") && node.contains_key("properties") {
            node.insert("type".to_owned(), "object".into());
            self.changed("`type` added to an object");
        }
        if !is_of_type(node, "object") {
            return Some(());
        }
        let others = node.get("additionalProperties");
        if others == Some(&Value::Bool(false)) {
            return Some(());
        }
        let is_open = matches!(others, Some(Value::Object(schema)) if !schema.is_empty());
        if is_open || !node.contains_key("properties") {
            return None;
        }
        node.insert("additionalProperties".to_owned(), false.into());
        self.changed("`additionalProperties` set to false");
        Some(())
    }

    fn fit_within(&mut self, node: &mut Map<String, Value>) -> Option<()> {
        if is_of_type(node, "array") && !node.get("items").is_some_and(Value::is_object) {
            return None;
        }
        for (keyword, member) in node.iter_mut() {
            match keyword.as_str() {
                "properties" | "$defs" | "definitions" => {
                    let mut schemas = member.as_object_mut()?.values_mut();
                    schemas.try_for_each(|schema| self.fit(schema))?;
                }
                "anyOf" => {
                    let mut schemas = member.as_array_mut()?.iter_mut();
                    schemas.try_for_each(|schema| self.fit(schema))?;
                }
                "items" => self.fit(member)?,
                _ => {}
            }
        }
        Some(())
    }
}

fn is_of_type(node: &Map<String, Value>, name: &str) -> bool {
    match node.get("type") {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

/// `node` with its `allOf` replaced by `only`; annotations of `node` take precedence.
fn with_merged(node: &Map<String, Value>, only: Map<String, Value>) -> Option<Map<String, Value>> {
    let mut together = Map::with_capacity(node.len() + only.len());
    for (name, member) in node {
        if name != "allOf" {
            together.insert(name.clone(), member.clone());
            continue;
        }
        for (name, member) in &only {
            let annotation = matches!(name.as_str(), "title" | "description" | "default");
            match node.get(name) {
                Some(_) if annotation => {}
                Some(same) if name != "allOf" && same != member => return None,
                _ => {
                    together.insert(name.clone(), member.clone());
                }
            }
        }
    }
    Some(together)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fitted(schema: &str, follow_references: bool) -> Option<(String, Vec<String>)> {
        let schema = JsonText::parse(schema.to_owned()).expect("JSON");
        fit(&schema, follow_references)
            .map(|fitted| (fitted.schema.as_str().to_owned(), fitted.changes))
    }

    #[track_caller]
    fn becomes(schema: &str, expected: &str, changes: &[&str]) {
        let (fitted, noted) = fitted(schema, true).expect("fit");
        assert_eq!(fitted, expected);
        assert_eq!(noted, changes);
    }

    #[test]
    fn a_supported_schema_keeps_its_bytes() {
        for schema in [
            r#"{ "type":"object","properties":{"b":{"type":"string","minLength":1,"maxLength":1e2},"a":{"type":["string","null"],"format":"date"}},"required":["b"], "additionalProperties":false}"#,
            r#"{"type":"array","items":{"type":"integer","default":1.0},"minItems":1}"#,
            r##"{"$defs":{"P":{"enum":["x",1,null]}},"type":"object","properties":{"p":{"$ref":"#/$defs/P","description":"d"}},"additionalProperties":false}"##,
            // members that are named like keywords
            r#"{"type":"object","properties":{"minimum":{"type":"string"},"not":{"type":"string"},"allOf":{"type":"string"}},"additionalProperties":false}"#,
        ] {
            becomes(schema, schema, &[]);
        }
    }

    #[test]
    fn objects_are_closed_at_any_depth() {
        becomes(
            r##"{"type":"object","properties":{"l":{"type":"array","items":{"properties":{}}},"u":{"anyOf":[{"type":["object","null"],"properties":{},"additionalProperties":true,"required":[]},{"$ref":"#/$defs/D"}]}},"$defs":{"D":{"type":"object","properties":{}}}}"##,
            r##"{"type":"object","properties":{"l":{"type":"array","items":{"properties":{},"type":"object","additionalProperties":false}},"u":{"anyOf":[{"type":["object","null"],"properties":{},"additionalProperties":false,"required":[]},{"$ref":"#/$defs/D"}]}},"$defs":{"D":{"type":"object","properties":{},"additionalProperties":false}},"additionalProperties":false}"##,
            &[
                "`additionalProperties` set to false",
                "`type` added to an object",
            ],
        );
    }

    #[test]
    fn bounds_are_moved_to_the_description() {
        becomes(
            r#"{"type":"array","minItems":2,"items":{"type":"integer","minimum":1,"maximum":10,"description":"A rating."},"maxItems":5}"#,
            r#"{"type":"array","items":{"type":"integer","description":"A rating. (at least 1, at most 10)"},"description":"at least 2 items, at most 5 items"}"#,
            &[
                "`minItems` moved into the description",
                "`maxItems` moved into the description",
                "`minimum` moved into the description",
                "`maximum` moved into the description",
            ],
        );
    }

    #[test]
    fn combinators_are_rewritten_to_the_supported_form() {
        becomes(
            r#"{"title":"T","oneOf":[{"type":"string"},{"type":"null"}],"discriminator":{"propertyName":"k"},"default":null}"#,
            r#"{"title":"T","anyOf":[{"type":"string"},{"type":"null"}],"default":null}"#,
            &["`oneOf` replaced by `anyOf`", "`discriminator` removed"],
        );
        becomes(
            r#"{"description":"d","allOf":[{"allOf":[{"type":"string","description":"e"}]}]}"#,
            r#"{"description":"d","type":"string"}"#,
            &["`allOf` with one schema inlined"],
        );
    }

    #[test]
    fn references_are_kept_or_inlined() {
        let schema = r##"{"type":"object","properties":{"p":{"$ref":"#/$defs/P"}},"additionalProperties":false,"$defs":{"P":{"type":"string"}}}"##;
        becomes(schema, schema, &[]);
        let replaced = r#"{"type":"object","properties":{"p":{"type":"string"}},"additionalProperties":false}"#;
        let changes = vec!["`$ref` inlined".to_owned()];
        assert_eq!(fitted(schema, false), Some((replaced.to_owned(), changes)));
    }

    #[test]
    fn a_schema_whose_meaning_would_change_is_unsupported() {
        for schema in [
            "true",
            "{}",
            r#"{"title":"Anything"}"#,
            r#"{"type":"object"}"#,
            r#"{"type":"object","properties":{},"additionalProperties":{"type":"string"}}"#,
            r#"{"type":"object","properties":{"a":{}}}"#,
            r#"{"type":"array"}"#,
            r#"{"type":"array","items":[{"type":"string"}]}"#,
            r#"{"type":"array","prefixItems":[{"type":"string"}],"items":{"type":"string"}}"#,
            r#"{"type":"string","not":{"type":"null"}}"#,
            r#"{"type":"string","anyOf":[{"type":"string"}]}"#,
            r#"{"oneOf":[{"type":"string"}],"anyOf":[{"type":"string"}]}"#,
            r#"{"allOf":[{"type":"string"},{"type":"null"}]}"#,
            r#"{"type":"string","allOf":[{"type":"null"}]}"#,
            r#"{"enum":[{"a":1}]}"#,
            r##"{"$ref":"#"}"##,
            r##"{"$ref":"#/$defs/T","$defs":{"T":{"type":"array","items":{"$ref":"#/$defs/T"}}}}"##,
            r#"{"$ref":"https://example.com/schema"}"#,
            r##"{"$ref":"#/$defs/Missing"}"##,
        ] {
            assert_eq!(fitted(schema, true), None, "{schema}");
            assert_eq!(fitted(schema, false), None, "{schema}");
        }
    }

    fn schemas() -> impl Strategy<Value = Value> {
        let words = || proptest::sample::select(vec!["a", "minimum", "type", "oneOf", "$ref"]);
        let leaf = prop_oneof![
            (0..3u8, any::<bool>()).prop_map(|(n, b)| serde_json::json!({
                "type": "integer", "minimum": n, "uniqueItems": b, "minItems": n
            })),
            words().prop_map(|w| serde_json::json!({ "type": "string", "format": w })),
            Just(serde_json::json!({})),
        ];
        leaf.prop_recursive(4, 24, 3, move |inner| {
            prop_oneof![
                proptest::collection::hash_map(words(), inner.clone(), 0..3).prop_map(
                    |members| serde_json::json!({ "type": "object", "properties": members })
                ),
                inner
                    .clone()
                    .prop_map(|items| serde_json::json!({ "type": "array", "items": items })),
                (
                    proptest::sample::select(vec!["anyOf", "oneOf", "allOf"]),
                    proptest::collection::vec(inner, 1..3)
                )
                    .prop_map(|(keyword, schemas)| serde_json::json!({ keyword: schemas })),
            ]
        })
    }

    proptest! {
        #[test]
        fn fitting_a_schema_is_idempotent(schema in schemas(), follow in any::<bool>()) {
            if let Some((once, _)) = fitted(&schema.to_string(), follow) {
                prop_assert_eq!(fitted(&once, follow), Some((once, Vec::new())));
            }
        }
    }
}
