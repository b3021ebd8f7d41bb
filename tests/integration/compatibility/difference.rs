//! The difference between two Converse requests, in words.

use serde_json::{Map, Value};

/// The maximum length of a displayed value.
const MAX_LENGTH: usize = 100;

/// The paths where `new` differs from `old`, as Markdown code.
pub fn difference(old: &Value, new: &Value) -> Vec<String> {
    let mut changes = Vec::new();
    compare("", old, new, &mut changes);
    changes.dedup();
    changes
}

fn compare(path: &str, old: &Value, new: &Value, changes: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(before), Value::Object(after)) if is_same_variant(before, after) => {
            for (key, value) in after {
                let path = within(path, key);
                match before.get(key) {
                    Some(before) => compare(&path, before, value, changes),
                    None => appears(&path, value, changes),
                }
            }
            for (key, value) in before {
                if !after.contains_key(key) {
                    disappears(&within(path, key), value, changes);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => lists(path, before, after, changes),
        _ => appears(path, new, changes),
    }
}

/// Blocks of different types have no field in common.
fn is_same_variant(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    old.keys().any(|key| new.contains_key(key)) || old.is_empty()
}

fn lists(path: &str, before: &[Value], after: &[Value], changes: &mut Vec<String>) {
    let pairs = || before.iter().zip(after);
    let head = pairs().take_while(|(old, new)| old == new).count();
    let (before, after) = (&before[head..], &after[head..]);
    let ends = before.iter().rev().zip(after.iter().rev());
    let tail = ends.take_while(|(old, new)| old == new).count();
    let (before, after) = (&before[..before.len() - tail], &after[..after.len() - tail]);
    for (position, value) in after.iter().enumerate() {
        let path = entry(path, value);
        match before.get(position) {
            Some(old) => compare(&path, old, value, changes),
            None => appears(&path, value, changes),
        }
    }
    for value in before.iter().skip(after.len()) {
        disappears(&entry(path, value), value, changes);
    }
}

fn appears(path: &str, value: &Value, changes: &mut Vec<String>) {
    if let Value::Object(object) = value {
        if let Some(content) = object.get("role").and_then(|_| object.get("content")) {
            for block in content.as_array().into_iter().flatten() {
                appears(&format!("{path}.content[]"), block, changes);
            }
            return;
        }
        if let Some((key, inner)) = object.iter().next().filter(|_| object.len() == 1) {
            return appears(&within(path, key), inner, changes);
        }
    }
    let is_union = |value: &Value| value.as_object().is_some_and(|object| object.len() == 1);
    match value.as_array().filter(|list| list.iter().all(is_union)) {
        Some(list) => {
            for value in list {
                appears(&entry(path, value), value, changes);
            }
        }
        None => changes.push(format!("`{path}`: {}", code(value))),
    }
}

fn disappears(path: &str, value: &Value, changes: &mut Vec<String>) {
    let kind = value.as_object().filter(|object| object.len() == 1);
    let path = match kind.and_then(|object| object.keys().next()) {
        Some(key) => within(path, key),
        None => path.to_owned(),
    };
    changes.push(format!("no `{path}`"));
}

fn within(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

/// Messages are distinguished by their role.
fn entry(path: &str, value: &Value) -> String {
    let role = value.get("role").and_then(Value::as_str);
    format!("{path}[{}]", role.unwrap_or_default())
}

/// The value as JSON in a code span; long texts are cut.
pub fn code(value: &Value) -> String {
    let mut text = shortened(value).to_string();
    if let Some((end, _)) = text.char_indices().nth(MAX_LENGTH) {
        text.truncate(end);
        text.push('…');
    }
    match text.contains('`') {
        true => format!("`` {text} ``"),
        false => format!("`{text}`"),
    }
}

fn shortened(value: &Value) -> Value {
    const MAX_TEXT_LENGTH: usize = 48;
    match value {
        Value::String(text) => match text.char_indices().nth(MAX_TEXT_LENGTH) {
            Some((end, _)) => format!("{}…", &text[..end]).into(),
            None => value.clone(),
        },
        Value::Array(values) => values.iter().map(shortened).collect(),
        Value::Object(object) => {
            let fields = object.iter();
            let fields = fields.map(|(key, value)| (key.clone(), shortened(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}
