//! H16: references within tool schemas, for families that do not follow them.

use serde_json::{Map, Value};

use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::request::{ConverseRequest, Tool, ToolInputSchema};
use crate::models::Facts;

/// The most values that a schema may grow to: references to references can double at each step.
const MOST_VALUES: usize = 20_000;

/// Puts what `$ref` refers to in its place. A schema without references keeps its bytes.
pub(super) fn inline_references(
    request: &mut ConverseRequest,
    facts: &Facts,
    adjustments: &mut Adjustments,
) {
    if facts.schema_references {
        return;
    }
    for Tool::ToolSpec(spec) in request.tool_config.iter_mut().flat_map(|c| &mut c.tools) {
        let ToolInputSchema::Json(schema) = &mut spec.input_schema;
        if !schema.as_str().contains("\"$ref\"") {
            continue;
        }
        let field = "tools[].function.parameters.$ref";
        match inlined(schema) {
            Some(inlined) => {
                *schema = inlined;
                adjustments.note(field, "replaced by what it refers to");
            }
            None => adjustments.note(field, "left; the schema is too large without it"),
        }
    }
}

fn inlined(schema: &JsonText) -> Option<JsonText> {
    let root: Value = serde_json::from_str(schema.as_str()).ok()?;
    let mut inliner = Inliner {
        root: &root,
        open: Vec::new(),
        left: MOST_VALUES,
    };
    let mut value = inliner.expand(&root)?;
    if let Value::Object(object) = &mut value {
        object.shift_remove("$defs");
        object.shift_remove("definitions");
    }
    JsonText::of(&value).ok()
}

struct Inliner<'a> {
    root: &'a Value,
    /// The references that are being replaced, outermost first.
    open: Vec<String>,
    left: usize,
}

impl Inliner<'_> {
    fn expand(&mut self, value: &Value) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        Some(match value {
            Value::Object(object) => match object.get("$ref") {
                Some(Value::String(reference)) => self.replace(reference, object)?,
                _ => Value::Object(self.expand_members(object)?),
            },
            Value::Array(items) => {
                let items: Option<Vec<Value>> =
                    items.iter().map(|item| self.expand(item)).collect();
                Value::Array(items?)
            }
            other => other.clone(),
        })
    }

    fn expand_members(&mut self, object: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut members = Map::with_capacity(object.len());
        for (name, member) in object {
            // Definitions are expanded where they are referred to.
            let expanded = match name.as_str() {
                "$defs" | "definitions" => member.clone(),
                _ => self.expand(member)?,
            };
            members.insert(name.clone(), expanded);
        }
        Some(members)
    }

    /// What `reference` refers to, with what stands beside it; anything at all where the reference
    /// leads out of the schema, to nothing, or to itself.
    fn replace(&mut self, reference: &str, beside: &Map<String, Value>) -> Option<Value> {
        let is_open = self.open.iter().any(|open| open == reference);
        let target = reference
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer))
            .filter(|_| !is_open);
        let mut members = match target {
            Some(target) => {
                self.open.push(reference.to_owned());
                let expanded = self.expand(target)?;
                self.open.pop();
                match expanded {
                    Value::Object(members) => members,
                    other => return Some(other),
                }
            }
            None => Map::new(),
        };
        for (name, member) in beside {
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
        let schema = JsonText::parse(schema.to_owned()).expect("JSON");
        inlined(&schema).map(|schema| schema.as_str().to_owned())
    }

    #[test]
    fn references_are_replaced_in_order_and_with_what_stands_beside_them() {
        let schema = r##"{"type":"object","properties":{"z":{"$ref":"#/$defs/P","description":"d"},"a":{"type":"array","items":{"$ref":"#/$defs/P"}}},"$defs":{"P":{"type":"string"}}}"##;
        assert_eq!(
            inlined_text(schema).as_deref(),
            Some(
                r#"{"type":"object","properties":{"z":{"type":"string","description":"d"},"a":{"type":"array","items":{"type":"string"}}}}"#
            )
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends_in_anything() {
        let schema = r##"{"$ref":"#/$defs/T","$defs":{"T":{"type":"object","properties":{"next":{"$ref":"#/$defs/T"}}}}}"##;
        assert_eq!(
            inlined_text(schema).as_deref(),
            Some(r#"{"type":"object","properties":{"next":{}}}"#)
        );
    }

    #[test]
    fn a_schema_that_would_grow_beyond_bounds_is_left() {
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
}
