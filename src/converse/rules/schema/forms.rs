//! Reads the alternatives of an object from combinators (`allOf`, `anyOf`, `oneOf`, `$ref`).
//! `merge` merges them into one object, `form_words` describes them in text.

use serde_json::{Map, Value};

use super::form_words::describe;
use super::merge::{both, merged};
use crate::models::Capabilities;

/// The maximum number of schemas, properties and required names to read: nested references can
/// grow exponentially.
const MAX_PARTS: usize = 4000;

/// The maximum depth of combinators and references.
const MAX_DEPTH: usize = 32;

/// A schema of a single object.
pub(in crate::converse::rules) struct FlatSchema {
    pub(in crate::converse::rules) schema: Value,
    /// The description of the alternatives.
    pub(in crate::converse::rules) words: String,
}

/// One alternative of an object.
#[derive(Default, Clone)]
pub(in crate::converse::rules) struct ObjectForm {
    pub(in crate::converse::rules) properties: Map<String, Value>,
    pub(in crate::converse::rules) required: Vec<String>,
    /// Whether other properties are rejected.
    pub(in crate::converse::rules) closed: bool,
    /// All other keywords.
    pub(in crate::converse::rules) others: Map<String, Value>,
    /// For each of these choices, one alternative also applies.
    pub(in crate::converse::rules) choices: Vec<SchemaChoice>,
}

#[derive(Clone)]
pub(in crate::converse::rules) struct SchemaChoice {
    pub(in crate::converse::rules) exactly_one: bool,
    pub(in crate::converse::rules) forms: Vec<ObjectForm>,
}

/// Merges the combinators at the root.
pub(in crate::converse::rules) fn flatten(root: &Value, capabilities: &Capabilities) -> FlatSchema {
    let mut reader = SchemaReader {
        root,
        open: Vec::new(),
        remaining: MAX_PARTS,
        depth: 0,
        too_much: false,
    };
    // If the schema is too large, or nothing matches, only the root's own keywords remain.
    let form = reader.form(root).unwrap_or_else(|| own_form(root));
    let words = describe(&form, capabilities);
    let merged = merged(form);
    let mut members = Map::new();
    for (keyword, member) in root.as_object().into_iter().flatten() {
        let is_merged = matches!(
            keyword.as_str(),
            "allOf" | "anyOf" | "oneOf" | "$ref" | "discriminator"
        );
        if !is_merged {
            members.insert(keyword.clone(), member.clone());
        }
    }
    for (keyword, member) in merged.others {
        members.entry(keyword).or_insert(member);
    }
    members.insert("properties".to_owned(), merged.properties.into());
    match merged.required.is_empty() {
        true => members.shift_remove("required"),
        false => members.insert("required".to_owned(), merged.required.into()),
    };
    if merged.closed {
        members.insert("additionalProperties".to_owned(), false.into());
    }
    FlatSchema {
        schema: super::root::object(members).into(),
        words,
    }
}

struct SchemaReader<'a> {
    root: &'a Value,
    /// The references being followed, outermost first.
    open: Vec<&'a str>,
    remaining: usize,
    depth: usize,
    too_much: bool,
}

impl<'a> SchemaReader<'a> {
    /// The object that `schema` describes; `None` if no object matches it, or if it is too large.
    fn form(&mut self, schema: &'a Value) -> Option<ObjectForm> {
        let node = match schema {
            Value::Bool(true) => return Some(ObjectForm::default()),
            Value::Object(node) if takes_objects(node) => node,
            _ => return None,
        };
        let named = ["properties", "required"].map(|keyword| match node.get(keyword) {
            Some(Value::Object(members)) => members.len(),
            Some(Value::Array(items)) => items.len(),
            _ => 0,
        });
        let remaining = self.remaining.checked_sub(1 + named.iter().sum::<usize>());
        let Some(remaining) = remaining.filter(|_| self.depth < MAX_DEPTH) else {
            self.too_much = true;
            return None;
        };
        self.remaining = remaining;
        self.depth += 1;
        let form = self.combined(schema, node);
        self.depth -= 1;
        form
    }

    fn combined(&mut self, schema: &'a Value, node: &'a Map<String, Value>) -> Option<ObjectForm> {
        let mut form = own_form(schema);
        if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            form = both(form, self.referred(reference)?);
        }
        for part in list(node, "allOf") {
            form = both(form, self.form(part)?);
        }
        for (keyword, exactly_one) in [("anyOf", false), ("oneOf", true)] {
            if node.get(keyword).is_some_and(Value::is_array) {
                let forms = list(node, keyword).filter_map(|part| self.form(part));
                let forms: Vec<ObjectForm> = forms.flat_map(flatten_choice).collect();
                form = match forms.len() {
                    _ if self.too_much => return None,
                    0 => return None,
                    1 => forms.into_iter().fold(form, both),
                    _ => {
                        form.choices.push(SchemaChoice { exactly_one, forms });
                        form
                    }
                };
            }
        }
        Some(form)
    }

    /// The target of `reference`; unrestricted if the reference is external, dangling or
    /// recursive.
    fn referred(&mut self, reference: &'a str) -> Option<ObjectForm> {
        let target = match reference.strip_prefix('#') {
            _ if self.open.contains(&reference) => None,
            Some("") => None,
            Some(pointer) => self.root.pointer(pointer),
            None => None,
        };
        let Some(target) = target else {
            return Some(ObjectForm::default());
        };
        self.open.push(reference);
        let form = self.form(target);
        self.open.pop();
        form
    }
}

fn takes_objects(node: &Map<String, Value>) -> bool {
    match node.get("type") {
        None | Some(Value::Null) => true,
        Some(Value::Array(types)) => types.iter().any(|kind| kind == "object"),
        Some(kind) => kind == "object",
    }
}

fn list<'a>(node: &'a Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'a Value> {
    node.get(keyword)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The keywords of a schema except combinators.
fn own_form(schema: &Value) -> ObjectForm {
    let mut form = ObjectForm::default();
    for (keyword, member) in schema.as_object().into_iter().flatten() {
        match (keyword.as_str(), member) {
            ("properties", Value::Object(properties)) => form.properties = properties.clone(),
            ("required", Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str);
                form.required = names.map(str::to_owned).collect();
            }
            ("additionalProperties", Value::Bool(false)) => form.closed = true,
            ("allOf" | "anyOf" | "oneOf" | "$ref" | "$defs" | "definitions" | "type", _) => {}
            ("$schema" | "$id" | "$anchor" | "$comment" | "discriminator", _) => {}
            _ => {
                form.others.insert(keyword.clone(), member.clone());
            }
        }
    }
    form
}

/// Flattens a form that is only a choice into its alternatives.
fn flatten_choice(mut form: ObjectForm) -> Vec<ObjectForm> {
    let is_only_choice = form.properties.is_empty() && form.required.is_empty() && !form.closed;
    if is_only_choice && form.choices.len() == 1 {
        return form.choices.remove(0).forms;
    }
    vec![form]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flat(schema: Value) -> (Value, String) {
        let capabilities = Capabilities::default();
        let FlatSchema { schema, words } = flatten(&schema, &capabilities);
        (schema, words)
    }

    #[track_caller]
    fn becomes(schema: Value, expected: Value) {
        let (schema, _) = flat(schema);
        // Compared as text, including key order.
        assert_eq!(schema.to_string(), expected.to_string());
    }

    #[test]
    fn alternative_required_properties_are_described_in_text() {
        let (schema, words) = flat(json!({
            "type": "object",
            "properties": {"prompt": {"type": "string"}, "url": {"type": "string"}, "data": {"type": "string"}},
            "required": ["prompt"],
            "oneOf": [{"required": ["url"]}, {"required": ["data"]}],
        }));
        let expected = json!({
            "type": "object",
            "properties": {"prompt": {"type": "string"}, "url": {"type": "string"}, "data": {"type": "string"}},
            "required": ["prompt"],
        });
        assert_eq!(schema, expected);
        assert_eq!(
            words,
            "The input has exactly one of these forms:\n1. requires `url`\n2. requires `data`"
        );
    }

    #[test]
    fn discriminated_alternatives_are_merged_into_one_object() {
        let (schema, words) = flat(json!({
            "anyOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Square"}],
            "$defs": {
                "Circle": {"type": "object", "title": "A circle", "properties": {
                    "kind": {"const": "circle", "type": "string"}, "size": {"type": "number"}, "round": {"$ref": "#/$defs/Yes"}},
                    "required": ["kind", "size"], "additionalProperties": false},
                "Square": {"type": "object", "properties": {
                    "kind": {"const": "square", "type": "string"}, "size": {"type": "integer"}},
                    "required": ["size", "kind"], "additionalProperties": false},
                "Yes": {"type": "boolean"},
            },
        }));
        let expected = json!({
            "type": "object",
            "$defs": {
                "Circle": {"type": "object", "title": "A circle", "properties": {
                    "kind": {"const": "circle", "type": "string"}, "size": {"type": "number"}, "round": {"$ref": "#/$defs/Yes"}},
                    "required": ["kind", "size"], "additionalProperties": false},
                "Square": {"type": "object", "properties": {
                    "kind": {"const": "square", "type": "string"}, "size": {"type": "integer"}},
                    "required": ["size", "kind"], "additionalProperties": false},
                "Yes": {"type": "boolean"},
            },
            "properties": {
                "kind": {"type": "string", "enum": ["circle", "square"]},
                "size": {"anyOf": [{"type": "number"}, {"type": "integer"}]},
                "round": {"$ref": "#/$defs/Yes"},
            },
            "required": ["kind", "size"],
            "additionalProperties": false,
        });
        assert_eq!(schema, expected);
        assert_eq!(
            words,
            "The input has at least one of these forms:\n\
             1. A circle; `kind` is \"circle\"; requires `kind`, `size`; may have `round`\n\
             2. `kind` is \"square\"; requires `size`, `kind`"
        );
    }

    #[test]
    fn all_of_requirements_are_combined() {
        becomes(
            json!({
                "properties": {"a": {"type": "string"}}, "required": ["a"],
                "allOf": [
                    {"properties": {"a": {"minLength": 1}, "b": {}}, "required": ["b"], "minProperties": 2},
                    {"$ref": "#/$defs/C"},
                ],
                "$defs": {"C": {"properties": {"c": true}, "description": "d"}},
            }),
            json!({
                "type": "object",
                "properties": {"a": {"allOf": [{"type": "string"}, {"minLength": 1}]}, "b": {}, "c": true},
                "required": ["a", "b"],
                "$defs": {"C": {"properties": {"c": true}, "description": "d"}},
                "minProperties": 2,
                "description": "d",
            }),
        );
    }

    #[test]
    fn alternatives_other_than_objects_are_dropped() {
        becomes(
            json!({"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {}}, "required": ["a"]}, false]}),
            json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
        );
        becomes(
            json!({"type": "object", "anyOf": [{"type": "string"}]}),
            json!({"type": "object", "properties": {}}),
        );
    }

    #[test]
    fn a_closed_object_rejects_properties_it_does_not_name() {
        becomes(
            json!({
                "type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false,
                "anyOf": [{"properties": {"a": {"const": "x"}, "b": {}}}, {"properties": {"a": {"const": "y"}}}],
            }),
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}),
        );
    }

    #[test]
    fn recursive_and_oversized_schemas_terminate() {
        let (schema, _) = flat(json!({
            "$ref": "#/$defs/T",
            "$defs": {"T": {"properties": {"next": {"$ref": "#/$defs/T"}}, "allOf": [{"$ref": "#/$defs/T"}]}},
        }));
        assert_eq!(schema["properties"], json!({"next": {"$ref": "#/$defs/T"}}));
        let defs: Map<String, Value> = (0..30)
            .map(|n| {
                let next = json!({"$ref": format!("#/$defs/D{}", n + 1)});
                (format!("D{n}"), json!({"anyOf": [next, next]}))
            })
            .collect();
        let (schema, _) = flat(
            json!({"properties": {"a": {}}, "allOf": [{"$ref": "#/$defs/D0"}], "$defs": defs}),
        );
        assert_eq!(schema["properties"], json!({"a": {}}));
    }
}
