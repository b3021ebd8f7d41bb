//! Merges the alternatives of an object into one object with the properties of all.
//!
//! An input that matches one alternative, and has only properties named there, matches the merged
//! schema.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::forms::ObjectForm;

impl ObjectForm {
    /// Whether the property `key` is allowed: a closed object allows only its named properties,
    /// unless it has none.
    fn allows(&self, key: &str) -> bool {
        !self.closed || self.properties.is_empty() || self.properties.contains_key(key)
    }
}

/// The object that matches both.
pub(in crate::converse::rules) fn both(mut form: ObjectForm, mut other: ObjectForm) -> ObjectForm {
    for name in std::mem::take(&mut other.required) {
        if !form.required.contains(&name) {
            form.required.push(name);
        }
    }
    let refused: HashSet<String> = [(&form, &other.properties), (&other, &form.properties)]
        .into_iter()
        .flat_map(|(closed, others)| others.keys().filter(move |key| !closed.allows(key)))
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
    // Closed objects without common properties are most likely a mistake.
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

/// The form without choices: it has the properties of all alternatives, and requires those that
/// all alternatives require.
pub(in crate::converse::rules) fn merged(mut form: ObjectForm) -> ObjectForm {
    for choice in std::mem::take(&mut form.choices) {
        let forms: Vec<ObjectForm> = choice.forms.into_iter().map(merged).collect();
        let mut seen: HashSet<&String> = HashSet::new();
        let keys = forms.iter().flat_map(|form| form.properties.keys());
        let keys: Vec<&String> = keys.filter(|key| seen.insert(*key)).collect();
        let mut added = Map::new();
        for key in keys {
            let is_own = form
                .properties
                .get(key)
                .is_some_and(|own| !accepts_anything(own));
            if is_own || !form.allows(key) && !form.required.contains(key) {
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

fn accepts_anything(schema: &Value) -> bool {
    match schema {
        Value::Bool(anything) => *anything,
        Value::Object(node) => node.is_empty(),
        _ => false,
    }
}

/// The schema of a value that matches one of `schemas`.
fn any_of<'a>(schemas: impl Iterator<Item = &'a Value>) -> Value {
    let mut distinct: Vec<&Value> = Vec::new();
    for schema in schemas {
        if accepts_anything(schema) {
            return schema.clone();
        }
        if !distinct.contains(&schema) {
            distinct.push(schema);
        }
    }
    if let [only] = distinct.as_slice() {
        return (*only).clone();
    }
    one_enum(&distinct).unwrap_or_else(|| json!({ "anyOf": distinct }))
}

/// Merges schemas that list their values, usually discriminators, into one `enum`.
fn one_enum(schemas: &[&Value]) -> Option<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut types: Vec<Value> = Vec::new();
    for schema in schemas {
        let node = schema.as_object()?;
        let is_supported = |keyword: &String| {
            matches!(
                keyword.as_str(),
                "const" | "enum" | "type" | "title" | "default"
            )
        };
        if !node.keys().all(is_supported) {
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

#[cfg(test)]
mod tests {
    use crate::converse::rules::schema::forms::flatten;
    use crate::models::Capabilities;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use serde_json::{Map, Value, json};

    /// Whether `value` matches `schema`, for the keywords generated here.
    fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
        let Value::Object(node) = schema else {
            return schema == &Value::Bool(true);
        };
        let list = |keyword: &str| node.get(keyword).and_then(Value::as_array);
        let count = |keyword: &str| {
            list(keyword).map(|parts| parts.iter().filter(|part| fits(root, part, value)).count())
        };
        let keyword =
            |keyword: &str, holds: &dyn Fn(&Value) -> bool| node.get(keyword).is_none_or(holds);
        let members = value.as_object();
        let properties = node.get("properties");
        keyword("$ref", &|target| {
            let target = target
                .as_str()
                .and_then(|target| root.pointer(target.get(1..)?));
            target.is_some_and(|target| fits(root, target, value))
        }) && keyword("type", &|kind| match value {
            Value::Object(_) => kind == "object",
            Value::String(_) => kind == "string",
            _ => kind == "integer",
        }) && keyword("const", &|same| same == value)
            && keyword("enum", &|values| {
                values.as_array().is_some_and(|all| all.contains(value))
            })
            && members.into_iter().flatten().all(|(key, member)| {
                let schema = properties.and_then(|all| all.get(key));
                let is_closed = node.get("additionalProperties") == Some(&Value::Bool(false));
                schema.map_or(!is_closed, |schema| fits(root, schema, member))
            })
            && list("required").is_none_or(|names| {
                let has = |name: &Value| {
                    members
                        .is_none_or(|all| name.as_str().is_some_and(|name| all.contains_key(name)))
                };
                names.iter().all(has)
            })
            && count("allOf").is_none_or(|count| Some(count) == list("allOf").map(Vec::len))
            && count("anyOf").is_none_or(|count| count > 0)
            && count("oneOf").is_none_or(|count| count == 1)
    }

    fn objects(closed: bool) -> impl Strategy<Value = Value> {
        let leaf = || {
            select(vec![
                json!({"type": "string"}),
                json!({"type": "integer"}),
                json!({"const": "x"}),
                json!({"const": 1}),
                json!({"type": "string", "enum": ["x", "y"]}),
                json!({}),
                json!(true),
            ])
        };
        let names = || subsequence(vec!["a", "b", "c"], 0..=3);
        (proptest::collection::btree_map(select(vec!["a", "b", "c"]), leaf(), 0..4), names())
            .prop_map(move |(properties, required)| match closed {
                true => json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false}),
                false => json!({"properties": properties, "required": required}),
            })
    }

    /// A schema with combinators at its root; its alternatives are closed.
    fn schemas() -> impl Strategy<Value = Value> {
        let choices = || {
            proptest::collection::vec(
                prop_oneof![
                    4 => objects(true),
                    1 => Just(json!({"$ref": "#/$defs/D"})),
                    1 => Just(json!({"type": "string"})),
                ],
                1..4,
            )
        };
        let parts = proptest::collection::vec(objects(false), 0..3);
        (
            objects(false),
            parts,
            choices(),
            choices(),
            objects(true),
            0..3_u8,
        )
            .prop_map(|(mut root, all, any, nested, definition, kind)| {
                root["allOf"] = all.into();
                match kind {
                    0 => root["anyOf"] = any.into(),
                    1 => root["oneOf"] = any.into(),
                    _ => root["anyOf"] = json!([{"anyOf": any}, {"oneOf": nested}]),
                }
                root["$defs"] = json!({"D": definition});
                root
            })
    }

    fn values() -> impl Strategy<Value = Value> {
        let member = select(vec![json!("x"), json!("y"), json!(1), json!(2)]);
        proptest::collection::btree_map(select(vec!["a", "b", "c"]), member, 0..4).prop_map(
            |members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, member)| (key.to_owned(), member))
                        .collect::<Map<_, _>>(),
                )
            },
        )
    }

    proptest! {
        #[test]
        fn instances_of_an_alternative_match_the_merged_schema(
            schema in schemas(),
            values in proptest::collection::vec(values(), 16),
        ) {
            let merged = flatten(&schema, &Capabilities::default()).schema;
            for keyword in ["anyOf", "oneOf", "allOf", "$ref"] {
                prop_assert_eq!(merged.get(keyword), None);
            }
            prop_assert_eq!(&merged["type"], "object");
            for value in values {
                if fits(&schema, &schema, &value) {
                    prop_assert!(fits(&merged, &merged, &value), "{value} and {merged}");
                }
            }
        }
    }
}
