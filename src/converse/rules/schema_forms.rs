//! The forms of an object that a schema combines (`allOf`, `anyOf`, `oneOf`, `$ref`), merged into
//! one object that has the properties of all of them.
//!
//! An input that fits the schema fits what it is merged into. What tells the forms apart is put in
//! words.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::schema_keys::changed_key;
use crate::models::Facts;

/// The most schemas, properties and required names that are looked into: references to references
/// can double at each step.
const MAX_PARTS: usize = 4000;

/// How deep combinations and references are followed.
const MAX_DEPTH: usize = 32;

/// The most choices, and forms of one, that are put in words, and the longest text of a form, in
/// characters.
const MAX_CHOICES_TOLD: usize = 8;
const MAX_FORMS_TOLD: usize = 24;
const MAX_FORM_TEXT: usize = 400;

/// A schema of one object.
pub(super) struct Flattened {
    pub(super) schema: Value,
    /// What tells the forms apart.
    pub(super) words: String,
}

/// An object as one schema describes it.
#[derive(Default, Clone)]
struct Form {
    properties: Map<String, Value>,
    required: Vec<String>,
    /// Whether it takes no other properties.
    closed: bool,
    /// Its other keywords.
    others: Map<String, Value>,
    /// Of each of these, one form holds as well.
    choices: Vec<Choice>,
}

impl Form {
    /// Whether the property `key` can be there: a closed object has those that it names, unless it
    /// names none.
    fn admits(&self, key: &str) -> bool {
        !self.closed || self.properties.is_empty() || self.properties.contains_key(key)
    }
}

#[derive(Clone)]
struct Choice {
    exactly_one: bool,
    forms: Vec<Form>,
}

/// Merges what the root combines.
pub(super) fn flatten(root: &Value, facts: &Facts) -> Flattened {
    let mut reader = Reader {
        root,
        open: Vec::new(),
        left: MAX_PARTS,
        depth: 0,
        too_much: false,
    };
    // Where there is too much of it, or nothing fits, what the root itself says remains.
    let form = reader.form(root).unwrap_or_else(|| own_form(root));
    let words = words(&form, facts);
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
    Flattened {
        schema: super::schema_root::object(members).into(),
        words,
    }
}

struct Reader<'a> {
    root: &'a Value,
    /// The references that are being followed, outermost first.
    open: Vec<&'a str>,
    left: usize,
    depth: usize,
    too_much: bool,
}

impl<'a> Reader<'a> {
    /// The object that `schema` describes; nothing where no object fits it, or where it is too
    /// much.
    fn form(&mut self, schema: &'a Value) -> Option<Form> {
        let node = match schema {
            Value::Bool(true) => return Some(Form::default()),
            Value::Object(node) if takes_objects(node) => node,
            _ => return None,
        };
        let named = ["properties", "required"].map(|keyword| match node.get(keyword) {
            Some(Value::Object(members)) => members.len(),
            Some(Value::Array(items)) => items.len(),
            _ => 0,
        });
        let left = self.left.checked_sub(1 + named.iter().sum::<usize>());
        let Some(left) = left.filter(|_| self.depth < MAX_DEPTH) else {
            self.too_much = true;
            return None;
        };
        self.left = left;
        self.depth += 1;
        let form = self.combined(schema, node);
        self.depth -= 1;
        form
    }

    fn combined(&mut self, schema: &'a Value, node: &'a Map<String, Value>) -> Option<Form> {
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
                let forms: Vec<Form> = forms.flat_map(choice_alone).collect();
                form = match forms.len() {
                    _ if self.too_much => return None,
                    0 => return None,
                    1 => forms.into_iter().fold(form, both),
                    _ => {
                        form.choices.push(Choice { exactly_one, forms });
                        form
                    }
                };
            }
        }
        Some(form)
    }

    /// What `reference` refers to; anything at all where it leads out of the schema, to nothing or
    /// to itself.
    fn referred(&mut self, reference: &'a str) -> Option<Form> {
        let target = match reference.strip_prefix('#') {
            _ if self.open.contains(&reference) => None,
            Some("") => None,
            Some(pointer) => self.root.pointer(pointer),
            None => None,
        };
        let Some(target) = target else {
            return Some(Form::default());
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

/// What a schema says beside its combinators.
fn own_form(schema: &Value) -> Form {
    let mut form = Form::default();
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

/// The forms of a choice that stands alone, or the form itself: a choice among choices is one.
fn choice_alone(mut form: Form) -> Vec<Form> {
    let is_alone = form.properties.is_empty() && form.required.is_empty() && !form.closed;
    if is_alone && form.choices.len() == 1 {
        return form.choices.remove(0).forms;
    }
    vec![form]
}

/// The object that fits both.
fn both(mut form: Form, mut other: Form) -> Form {
    for name in std::mem::take(&mut other.required) {
        if !form.required.contains(&name) {
            form.required.push(name);
        }
    }
    let refused: HashSet<String> = [(&form, &other.properties), (&other, &form.properties)]
        .into_iter()
        .flat_map(|(closed, others)| others.keys().filter(move |key| !closed.admits(key)))
        .filter(|key| !form.required.contains(key))
        .cloned()
        .collect();
    for (key, schema) in other.properties {
        match form.properties.get_mut(&key) {
            Some(same) if *same == schema => {}
            Some(different) => *different = all_of(different, &schema),
            None => {
                form.properties.insert(key, schema);
            }
        }
    }
    // Closed objects that have nothing in common were hardly meant to be.
    if refused.len() < form.properties.len() {
        form.properties.retain(|key, _| !refused.contains(key));
    }
    form.closed |= other.closed;
    for (keyword, member) in other.others {
        form.others.entry(keyword).or_insert(member);
    }
    form.choices.extend(other.choices);
    form
}

fn all_of(one: &Value, other: &Value) -> Value {
    match (one, other) {
        (Value::Bool(true), schema) | (schema, Value::Bool(true)) => schema.clone(),
        (Value::Object(node), schema) | (schema, Value::Object(node)) if node.is_empty() => {
            schema.clone()
        }
        _ => json!({ "allOf": [one, other] }),
    }
}

/// The form without choices: with the properties of all forms, those required that all of them
/// require.
fn merged(mut form: Form) -> Form {
    for choice in std::mem::take(&mut form.choices) {
        let forms: Vec<Form> = choice.forms.into_iter().map(merged).collect();
        let mut seen: HashSet<&String> = HashSet::new();
        let keys = forms.iter().flat_map(|form| form.properties.keys());
        let keys: Vec<&String> = keys.filter(|key| seen.insert(*key)).collect();
        let mut added = Map::new();
        for key in keys {
            let is_own = form
                .properties
                .get(key)
                .is_some_and(|own| !is_anything(own));
            if is_own || !form.admits(key) && !form.required.contains(key) {
                continue;
            }
            let schemas = forms.iter().filter_map(|form| form.properties.get(key));
            added.insert(key.clone(), any_of(schemas));
        }
        form.properties.extend(added);
        let (first, rest) = match forms.split_first() {
            Some(parts) => parts,
            None => continue,
        };
        for name in &first.required {
            let is_in_all = rest.iter().all(|form| form.required.contains(name));
            if is_in_all && !form.required.contains(name) {
                form.required.push(name.clone());
            }
        }
        form.closed |= forms.iter().all(|form| form.closed);
    }
    form
}

fn is_anything(schema: &Value) -> bool {
    match schema {
        Value::Bool(anything) => *anything,
        Value::Object(node) => node.is_empty(),
        _ => false,
    }
}

/// The schema of a value that fits one of `schemas`.
fn any_of<'a>(schemas: impl Iterator<Item = &'a Value>) -> Value {
    let mut apart: Vec<&Value> = Vec::new();
    for schema in schemas {
        if is_anything(schema) {
            return schema.clone();
        }
        if !apart.contains(&schema) {
            apart.push(schema);
        }
    }
    if let [only] = apart.as_slice() {
        return (*only).clone();
    }
    one_enum(&apart).unwrap_or_else(|| json!({ "anyOf": apart }))
}

/// Schemas that name their values, which is how forms are told apart, as one.
fn one_enum(schemas: &[&Value]) -> Option<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut types: Vec<Value> = Vec::new();
    for schema in schemas {
        let node = schema.as_object()?;
        let is_known = |keyword: &String| {
            matches!(
                keyword.as_str(),
                "const" | "enum" | "type" | "title" | "default"
            )
        };
        if !node.keys().all(is_known) {
            return None;
        }
        let named = match (node.get("const"), node.get("enum")) {
            (Some(value), None) => vec![value.clone()],
            (None, Some(Value::Array(values))) => values.clone(),
            _ => return None,
        };
        for value in named {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let kind = node.get("type").cloned().unwrap_or_default();
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    let mut node = Map::new();
    if let [Value::String(kind)] = types.as_slice() {
        node.insert("type".to_owned(), kind.clone().into());
    }
    node.insert("enum".to_owned(), values.into());
    Some(node.into())
}

/// What tells the forms apart.
fn words(form: &Form, facts: &Facts) -> String {
    let choices = form.choices.iter().take(MAX_CHOICES_TOLD).map(|choice| {
        let how_many = match choice.exactly_one {
            true => "exactly one",
            false => "at least one",
        };
        let forms = choice.forms.iter().take(MAX_FORMS_TOLD).enumerate();
        let mut lines: Vec<String> = forms
            .map(|(position, form)| format!("{}. {}", position + 1, form_words(form, facts)))
            .collect();
        if choice.forms.len() > MAX_FORMS_TOLD {
            lines.push(format!("and {} more", choice.forms.len() - MAX_FORMS_TOLD));
        }
        format!(
            "The input has {how_many} of these forms:\n{}",
            lines.join("\n")
        )
    });
    choices.collect::<Vec<_>>().join("\n")
}

fn form_words(form: &Form, facts: &Facts) -> String {
    let name = |key: &String| match changed_key(key).filter(|_| !facts.any_property_key) {
        Some(changed) => format!("`{changed}`"),
        None => format!("`{key}`"),
    };
    let flat = merged(form.clone());
    let mut parts: Vec<String> = Vec::new();
    for annotation in ["title", "description"] {
        if let Some(Value::String(text)) = form.others.get(annotation) {
            parts.push(text.trim().to_owned());
        }
    }
    for (key, schema) in &flat.properties {
        let values = match (schema.get("const"), schema.get("enum")) {
            (Some(value), _) => value.to_string(),
            (None, Some(Value::Array(values))) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                values.join(" or ")
            }
            _ => continue,
        };
        parts.push(format!("{} is {values}", name(key)));
    }
    let required: Vec<String> = flat.required.iter().map(name).collect();
    if !required.is_empty() {
        parts.push(format!("requires {}", required.join(", ")));
    }
    let optional = flat.properties.keys();
    let optional = optional.filter(|key| !flat.required.contains(key));
    let optional: Vec<String> = optional.map(name).collect();
    if !optional.is_empty() {
        parts.push(format!("may have {}", optional.join(", ")));
    }
    if parts.is_empty() {
        return "anything else".to_owned();
    }
    parts.join("; ").chars().take(MAX_FORM_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(schema: Value) -> (Value, String) {
        let facts = Facts::default();
        let Flattened { schema, words } = flatten(&schema, &facts);
        (schema, words)
    }

    #[track_caller]
    fn becomes(schema: Value, expected: Value) {
        let (schema, _) = flat(schema);
        // Compared with the order of its keys.
        assert_eq!(schema.to_string(), expected.to_string());
    }

    #[test]
    fn choices_of_what_is_required_are_told_in_words() {
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
    fn forms_that_a_word_tells_apart_become_one_object() {
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
    fn what_all_of_them_ask_for_is_asked_for() {
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
    fn forms_that_are_no_objects_are_none() {
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
    fn a_closed_object_stays_closed_to_what_it_does_not_name() {
        becomes(
            json!({
                "type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false,
                "anyOf": [{"properties": {"a": {"const": "x"}, "b": {}}}, {"properties": {"a": {"const": "y"}}}],
            }),
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}),
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_or_is_too_much_ends() {
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
