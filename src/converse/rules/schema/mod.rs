//! H16: inlines references in tool schemas, for families that do not support `$ref`.

pub(super) mod fit;
mod form_words;
mod forms;
mod merge;
pub(super) mod root;
mod words;

use serde_json::{Map, Value};

use crate::converse::JsonText;
use crate::converse::json::{self, Budget};
use crate::converse::request::{ConverseRequest, Tool, ToolInputSchema};
use crate::error::{Field, ToolField};
use crate::models::Capabilities;
use crate::reply::Adjustments;

/// The maximum number of values of an inlined schema: nested references can grow exponentially.
const MAX_VALUES: usize = 20_000;

/// The maximum size in bytes of a schema to inline, and of the text in the result: a long
/// description may be referenced many times.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The memory budget for a schema's values: a base, and an amount for each byte.
const BASE_BUDGET: usize = 1 << 20;
const BUDGET_PER_BYTE: usize = 6;

/// The maximum depth of a schema without references, the same as serde_json's. It also protects
/// the stack from long chains of references.
const MAX_DEPTH: usize = 128;

/// Inlines `$ref`. Schemas without references keep their bytes.
pub(super) fn inline_references(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    if capabilities.schema_references {
        return;
    }
    for tool in request.tool_config.iter_mut().flat_map(|c| &mut c.tools) {
        let Tool::ToolSpec(spec) = tool else {
            continue;
        };
        let ToolInputSchema::Json(schema) = &mut spec.input_schema;
        if !schema.as_str().contains("\"$ref\"") {
            continue;
        }
        let field = Field::any_tool(ToolField::SchemaReferences);
        let root = read(schema.as_str());
        let inlined = root.as_ref().and_then(inlined);
        match inlined.and_then(|inlined| JsonText::of(&inlined.schema).ok()) {
            Some(inlined) => {
                *schema = inlined;
                adjustments.note(field, "inlined");
            }
            None => adjustments.note(field, "kept; the schema would become too large"),
        }
    }
}

/// Parses a schema; `None` if it is too large, since the parsed form is several times larger.
pub(super) fn read(schema: &str) -> Option<Value> {
    let text = Some(schema).filter(|text| text.len() <= MAX_TEXT_BYTES)?;
    let limit = BASE_BUDGET.saturating_add(text.len().saturating_mul(BUDGET_PER_BYTE));
    json::read(text.as_bytes(), &Budget::new(limit)).ok()
}

pub(super) struct InlineSchema {
    pub(super) schema: Value,
    /// Whether all references were resolved; external, dangling and recursive references become
    /// unrestricted schemas.
    pub(super) complete: bool,
}

/// Inlines the references of `root`; `None` if the result is too large.
pub(super) fn inlined(root: &Value) -> Option<InlineSchema> {
    // Definitions are inlined at their references.
    let mut body = root.clone();
    if let Value::Object(object) = &mut body {
        object.shift_remove("$defs");
        object.shift_remove("definitions");
    }
    let mut inliner = Inliner {
        root,
        body: &body,
        open: Vec::new(),
        remaining: MAX_VALUES,
        remaining_text: MAX_TEXT_BYTES,
        depth: 0,
        complete: true,
    };
    Some(InlineSchema {
        schema: inliner.expand(&body)?,
        complete: inliner.complete,
    })
}

struct Inliner<'a> {
    root: &'a Value,
    /// The root without its definitions.
    body: &'a Value,
    /// The references being inlined, outermost first.
    open: Vec<String>,
    remaining: usize,
    remaining_text: usize,
    depth: usize,
    complete: bool,
}

impl Inliner<'_> {
    fn expand(&mut self, value: &Value) -> Option<Value> {
        self.remaining = self.remaining.checked_sub(1)?;
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let expanded = match value {
            Value::Object(object) => match object.get("$ref") {
                Some(Value::String(reference)) => self.replace(reference, object)?,
                _ => Value::Object(self.expand_members(object)?),
            },
            Value::Array(items) => {
                let items: Option<Vec<Value>> =
                    items.iter().map(|item| self.expand(item)).collect();
                Value::Array(items?)
            }
            Value::String(text) => {
                self.take(text)?;
                value.clone()
            }
            other => other.clone(),
        };
        self.depth -= 1;
        Some(expanded)
    }

    /// Subtracts `text` from the remaining size.
    fn take(&mut self, text: &str) -> Option<()> {
        self.remaining_text = self.remaining_text.checked_sub(text.len())?;
        Some(())
    }

    fn expand_members(&mut self, object: &Map<String, Value>) -> Option<Map<String, Value>> {
        let expanded = object.iter().map(|(name, member)| {
            self.take(name)?;
            let member = self.expand(member)?;
            Some((name.clone(), member))
        });
        expanded.collect()
    }

    /// The schema that `reference` points to, merged with its sibling keywords; an unrestricted
    /// schema if the reference is external, dangling or recursive.
    fn replace(&mut self, reference: &str, siblings: &Map<String, Value>) -> Option<Value> {
        let is_open = self.open.iter().any(|open| open == reference);
        let target = match reference.strip_prefix('#') {
            _ if is_open => None,
            Some("") => Some(self.body),
            Some(pointer) => self.root.pointer(pointer),
            None => None,
        };
        let mut members = match target {
            Some(target) => {
                self.open.push(reference.to_owned());
                let expanded = self.expand(target)?;
                self.open.pop();
                match expanded {
                    Value::Object(members) => members,
                    // Schemas that accept any value, and no value.
                    Value::Bool(true) => Map::new(),
                    Value::Bool(false) => Map::from_iter([("not".to_owned(), Map::new().into())]),
                    _ => {
                        self.complete = false;
                        Map::new()
                    }
                }
            }
            None => {
                self.complete = false;
                Map::new()
            }
        };
        for (name, member) in siblings {
            if name != "$ref" {
                members.insert(name.clone(), self.expand(member)?);
            }
        }
        Some(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inlined_text(schema: &str) -> Option<String> {
        let root = serde_json::from_str(schema).expect("JSON");
        inlined(&root).map(|inlined| inlined.schema.to_string())
    }

    #[test]
    fn references_are_inlined_in_order_with_their_sibling_keywords() {
        let schema = r##"{"type":"object","properties":{"z":{"$ref":"#/$defs/P","description":"d"},"a":{"type":"array","items":{"$ref":"#/$defs/P"}}},"$defs":{"P":{"type":"string"}}}"##;
        assert_eq!(
            inlined_text(schema).as_deref(),
            Some(
                r#"{"type":"object","properties":{"z":{"type":"string","description":"d"},"a":{"type":"array","items":{"type":"string"}}}}"#
            )
        );
    }

    #[test]
    fn a_recursive_schema_ends_in_an_unrestricted_schema() {
        let schema = r##"{"$ref":"#/$defs/T","$defs":{"T":{"type":"object","properties":{"next":{"$ref":"#/$defs/T"}}}}}"##;
        assert_eq!(
            inlined_text(schema).as_deref(),
            Some(r#"{"type":"object","properties":{"next":{}}}"#)
        );
    }

    #[test]
    fn a_schema_that_would_expand_too_much_is_left_unchanged() {
        let step = |n: u32| {
            let next = format!(r##"{{"$ref":"#/$defs/D{}"}}"##, n + 1);
            format!(r#""D{n}":{{"anyOf":[{next},{next}]}}"#)
        };
        let steps: Vec<String> = (0..30).map(step).collect();
        let schema = format!(
            r##"{{"$ref":"#/$defs/D0","$defs":{{{}}}}}"##,
            steps.join(",")
        );
        assert_eq!(inlined_text(&schema), None);
    }

    #[test]
    fn a_schema_whose_text_would_expand_too_much_is_left_unchanged() {
        let long = "x".repeat(100_000);
        let members: Vec<String> = (0..100)
            .map(|n| format!(r##""m{n}":{{"$ref":"#/$defs/L"}}"##))
            .collect();
        let schema = format!(
            r##"{{"properties":{{{}}},"$defs":{{"L":{{"description":"{long}"}}}}}}"##,
            members.join(",")
        );
        assert_eq!(inlined_text(&schema), None);
    }

    #[test]
    fn a_reference_must_point_to_a_schema() {
        for (schema, expected) in [
            (
                r##"{"type":"object","$ref":"#/type"}"##,
                r#"{"type":"object"}"#,
            ),
            (
                r##"{"type":"object","$ref":"#/$defs/A","$defs":{"A":true}}"##,
                r#"{"type":"object"}"#,
            ),
            (
                r##"{"properties":{"p":{"$ref":"#/$defs/N"}},"$defs":{"N":false}}"##,
                r#"{"properties":{"p":{"not":{}}}}"#,
            ),
        ] {
            assert_eq!(inlined_text(schema).as_deref(), Some(expected), "{schema}");
        }
    }

    #[test]
    fn a_property_named_like_the_definitions_is_a_property() {
        let schema = r##"{"properties":{"definitions":{"$ref":"#/$defs/P"}},"$defs":{"P":{"type":"string"}}}"##;
        assert_eq!(
            inlined_text(schema).as_deref(),
            Some(r#"{"properties":{"definitions":{"type":"string"}}}"#)
        );
    }

    #[test]
    fn a_long_chain_of_references_is_left_unchanged() {
        let step = |n: u32| format!(r##""D{n}":{{"$ref":"#/$defs/D{}"}}"##, n + 1);
        let steps: Vec<String> = (0..10_000).map(step).collect();
        let schema = format!(
            r##"{{"$ref":"#/$defs/D0","$defs":{{{}}}}}"##,
            steps.join(",")
        );
        assert_eq!(inlined_text(&schema), None);
    }
}
