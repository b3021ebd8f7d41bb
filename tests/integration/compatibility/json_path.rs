//! Paths of values in a request: `messages[0].content[+]`.

use std::collections::BTreeSet;

use outcrop::wire::ClientField;
use serde_json::Value;

/// The fields of a sample.
#[derive(Default)]
pub struct SampleFields {
    /// The paths of the fields that the sample sets.
    pub paths: BTreeSet<String>,
    /// The paths of fields that the code does not support.
    pub unknown_fields: Vec<String>,
}

/// `request` with `value` at the path `at`; `[+]` appends to a list.
pub fn put(mut request: Value, at: &str, value: Value) -> Value {
    let mut target_value = &mut request;
    for step in steps(at) {
        target_value = match step {
            Step::Key(key) => &mut target_value[key],
            Step::Entry(position) => &mut target_value[position],
            Step::Append => {
                let list = target_value.as_array_mut().unwrap();
                list.push(Value::Null);
                list.last_mut().unwrap()
            }
        };
    }
    *target_value = value;
    request
}

/// The path without indexes: `messages[].content[]`.
pub fn general(at: &str) -> String {
    let steps = steps(at).into_iter().map(|step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Entry(_) | Step::Append => "[]".to_owned(),
    });
    steps.collect::<String>().trim_start_matches('.').to_owned()
}

/// The path of `field` in the value at `prefix`.
pub fn path(prefix: &str, field: &ClientField) -> String {
    let dot = if prefix.is_empty() { "" } else { "." };
    let several = match field.is_several && !field.fields.is_empty() {
        true => "[]",
        false => "",
    };
    format!("{prefix}{dot}{}{several}", field.name)
}

/// The fields that `value` sets at the path `at`, nested ones too.
pub fn fields_of(at: &str, value: &Value, fields: &'static [ClientField]) -> SampleFields {
    let mut fields_set = SampleFields::default();
    let mut prefix = String::new();
    let mut current = fields;
    for step in steps(at) {
        let Step::Key(key) = step else {
            continue;
        };
        let Some(field) = current.iter().find(|field| field.name == key) else {
            fields_set.unknown_fields.push(format!("{prefix}.{key}"));
            return fields_set;
        };
        prefix = path(&prefix, field);
        current = field.fields;
    }
    fields_set.paths.insert(prefix.clone());
    fields_set.within(&prefix, value, current);
    fields_set
}

impl SampleFields {
    fn within(&mut self, prefix: &str, value: &Value, fields: &[ClientField]) {
        if fields.is_empty() {
            return;
        }
        match value {
            Value::Array(values) => {
                for value in values {
                    self.within(prefix, value, fields);
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    self.field(prefix, key, value, fields);
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, prefix: &str, key: &str, value: &Value, fields: &[ClientField]) {
        let Some(field) = fields.iter().find(|field| field.name == key) else {
            // In a map of objects, the key is a name that the client chooses.
            let is_name = value.is_object() && prefix.ends_with("[]");
            match is_name {
                true => self.within(prefix, value, fields),
                false => self.unknown_fields.push(format!("{prefix}.{key}")),
            }
            return;
        };
        let path = path(prefix, field);
        self.within(&path, value, field.fields);
        self.paths.insert(path);
    }
}

enum Step<'a> {
    Key(&'a str),
    Entry(usize),
    Append,
}

fn steps(at: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in at.split('.') {
        let (key, entry) = part.split_once('[').unwrap_or((part, ""));
        steps.push(Step::Key(key));
        match entry.trim_end_matches(']') {
            "" => {}
            "+" => steps.push(Step::Append),
            position => steps.push(Step::Entry(position.parse().unwrap())),
        }
    }
    steps
}
