//! Validation of image request bodies, with Bedrock's messages.

use serde_json::{Map, Value};

use crate::error::AwsError;

pub(super) struct Key {
    name: &'static str,
    required: bool,
    kind: Kind,
}

/// Type and limits of a key's value.
pub(super) enum Kind {
    /// A string of 1 to this many characters.
    Text(usize),
    /// One of these strings.
    Word(&'static [&'static str]),
    Integer(i64, i64),
    Number(f64, f64),
    /// A base64 image; `upload` validates it.
    Image,
    /// A list of 1 to this many values.
    List(usize),
    Object,
}

pub(super) const fn required(name: &'static str, kind: Kind) -> Key {
    Key {
        name,
        required: true,
        kind,
    }
}

pub(super) const fn optional(name: &'static str, kind: Kind) -> Key {
    Key {
        name,
        required: false,
        kind,
    }
}

/// The schema violations of an object at `path`.
pub(super) fn violations<'k>(
    value: Option<&Value>,
    path: &str,
    keys: impl IntoIterator<Item = &'k Key>,
) -> Vec<String> {
    let Some(object) = value.and_then(Value::as_object) else {
        return vec![format!(
            "#{path}: expected type: JSONObject, found: {}",
            kind_of(value)
        )];
    };
    let keys: Vec<&Key> = keys.into_iter().collect();
    let mut messages: Vec<String> = object
        .keys()
        .filter(|name| !keys.iter().any(|key| key.name == *name))
        .map(|name| format!("#{path}: extraneous key [{name}] is not permitted"))
        .collect();
    for key in keys {
        messages.extend(violation(object, path, key));
    }
    messages
}

/// The error for these violations, if any.
pub(super) fn refuse(violations: &[String]) -> Result<(), AwsError> {
    const RETRY: &str = "please reformat your input and try again.";
    match violations {
        [] => Ok(()),
        [one] => Err(AwsError::validation(format!(
            "Malformed input request: {one}, {RETRY}"
        ))),
        many => Err(AwsError::validation(format!(
            "Malformed input request: {} schema violations found, {RETRY}",
            many.len()
        ))),
    }
}

fn violation(object: &Map<String, Value>, path: &str, key: &Key) -> Option<String> {
    let name = key.name;
    let Some(value) = object.get(name) else {
        return key
            .required
            .then(|| format!("#{path}: required key [{name}] not found"));
    };
    let wrong = |words: String| Some(format!("#{path}/{name}: {words}"));
    let expected = |kind: &str| {
        wrong(format!(
            "expected type: {kind}, found: {}",
            kind_of(Some(value))
        ))
    };
    match key.kind {
        Kind::Text(max) => match value.as_str().map(|text| text.chars().count()) {
            None => expected("String"),
            Some(0) => wrong("expected minLength: 1, actual: 0".to_owned()),
            Some(length) if length > max => {
                wrong(format!("expected maxLength: {max}, actual: {length}"))
            }
            Some(_) => None,
        },
        Kind::Word(words) => match value.as_str() {
            None => expected("String"),
            Some(word) if words.contains(&word) => None,
            Some(word) => wrong(format!("{word} is not a valid enum value")),
        },
        Kind::Integer(min, max) => match value.as_i64() {
            None => expected("Integer"),
            Some(number) if number < min => {
                wrong(format!("{number} is not greater or equal to {min}"))
            }
            Some(number) if number > max => {
                wrong(format!("{number} is not less or equal to {max}"))
            }
            Some(_) => None,
        },
        Kind::Number(min, max) => match value.as_f64() {
            None => expected("Number"),
            Some(number) if number < min => {
                wrong(format!("{number} is not greater or equal to {min}"))
            }
            Some(number) if number > max => {
                wrong(format!("{number} is not less or equal to {max}"))
            }
            Some(_) => None,
        },
        Kind::Image => match value.is_string() {
            true => None,
            false => expected("String"),
        },
        Kind::List(max) => match value.as_array().map(Vec::len) {
            None => expected("JSONArray"),
            Some(0) => wrong("expected minimum item count: 1, found: 0".to_owned()),
            Some(count) if count > max => wrong(format!(
                "expected maximum item count: {max}, found: {count}"
            )),
            Some(_) => None,
        },
        Kind::Object => match value.is_object() {
            true => None,
            false => expected("JSONObject"),
        },
    }
}

fn kind_of(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Null) => "Null",
        Some(Value::Bool(_)) => "Boolean",
        Some(Value::Number(_)) => "Number",
        Some(Value::String(_)) => "String",
        Some(Value::Array(_)) => "JSONArray",
        Some(Value::Object(_)) => "JSONObject",
    }
}

impl Key {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }
}
