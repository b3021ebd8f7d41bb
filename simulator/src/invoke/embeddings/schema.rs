//! Validates bodies against a JSON Schema, with the messages of Bedrock's validator, which lists
//! all violations.

use serde_json::Value;

use crate::error::AwsError;

pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) kind: Kind,
}

/// Type and limits of a key's value.
pub(super) enum Kind {
    /// A string of 1 to this many characters.
    Text(usize),
    /// Maximum number of strings, and the maximum length of each.
    Texts(usize, usize),
    /// One of these numbers.
    Numbers(&'static [u64]),
    /// An integer in this inclusive range.
    Count(u64, u64),
    /// One of these strings.
    Words(&'static [&'static str]),
    /// A list of these strings.
    ListOfWords(&'static [&'static str]),
    Flag,
    Object(&'static [Key]),
    /// Maximum number of objects, and their keys.
    Objects(usize, &'static [Key]),
}

/// No length limit.
pub(super) const ANY: usize = usize::MAX;

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

/// Rejects a body that violates `keys`.
pub(super) fn check(request: &Value, keys: &[Key]) -> Result<(), AwsError> {
    let mut violations = Vec::new();
    object(request, keys, "#", &mut violations);
    match violations.is_empty() {
        true => Ok(()),
        false => Err(malformed(&violations.concat())),
    }
}

pub(super) fn malformed(problem: &str) -> AwsError {
    AwsError::validation(format!(
        "Malformed input request: {problem}, please reformat your input and try again."
    ))
}

fn object(value: &Value, keys: &[Key], at: &str, violations: &mut Vec<String>) {
    let Value::Object(fields) = value else {
        return wrong_type("JSONObject", value, at, violations);
    };
    for key in keys {
        match fields.get(key.name) {
            Some(value) => check_kind(value, &key.kind, &format!("{at}/{}", key.name), violations),
            None if key.required => {
                violations.push(format!("{at}: required key [{}] not found", key.name));
            }
            None => {}
        }
    }
    for name in fields.keys() {
        if !keys.iter().any(|key| key.name == name) {
            violations.push(format!("{at}: extraneous key [{name}] is not permitted"));
        }
    }
}

fn check_kind(value: &Value, kind: &Kind, at: &str, violations: &mut Vec<String>) {
    match kind {
        Kind::Text(max) => text(value, *max, at, violations),
        Kind::Texts(items, max) => list(value, *items, at, violations, |value, at, violations| {
            text(value, *max, at, violations);
        }),
        Kind::Numbers(allowed) => {
            if !value
                .as_u64()
                .is_some_and(|number| allowed.contains(&number))
            {
                violations.push(format!("{at}: {value} is not a valid enum value"));
            }
        }
        Kind::Count(min, max) => match value.as_u64() {
            None => wrong_type("Integer", value, at, violations),
            Some(number) if number < *min => {
                violations.push(format!("{at}: {number} is not greater or equal to {min}"));
            }
            Some(number) if number > *max => {
                violations.push(format!("{at}: {number} is not less or equal to {max}"));
            }
            Some(_) => {}
        },
        Kind::Words(allowed) => word(value, allowed, at, violations),
        Kind::ListOfWords(allowed) => list(value, ANY, at, violations, |value, at, violations| {
            word(value, allowed, at, violations);
        }),
        Kind::Flag => {
            if !value.is_boolean() {
                wrong_type("Boolean", value, at, violations);
            }
        }
        Kind::Object(keys) => object(value, keys, at, violations),
        Kind::Objects(items, keys) => {
            list(value, *items, at, violations, |value, at, violations| {
                object(value, keys, at, violations);
            })
        }
    }
}

fn list(
    value: &Value,
    max: usize,
    at: &str,
    violations: &mut Vec<String>,
    each: impl Fn(&Value, &str, &mut Vec<String>),
) {
    let Value::Array(values) = value else {
        return wrong_type("JSONArray", value, at, violations);
    };
    if values.len() > max {
        let actual = values.len();
        violations.push(format!(
            "{at}: expected maximum item count: {max}, found: {actual}"
        ));
    }
    for (index, value) in values.iter().enumerate() {
        each(value, &format!("{at}/{index}"), violations);
    }
}

fn text(value: &Value, max: usize, at: &str, violations: &mut Vec<String>) {
    let Some(text) = value.as_str() else {
        return wrong_type("String", value, at, violations);
    };
    match text.chars().count() {
        0 => violations.push(format!("{at}: expected minLength: 1, actual: 0")),
        actual if actual > max => {
            violations.push(format!("{at}: expected maxLength: {max}, actual: {actual}"));
        }
        _ => {}
    }
}

fn word(value: &Value, allowed: &[&str], at: &str, violations: &mut Vec<String>) {
    match value.as_str() {
        None => wrong_type("String", value, at, violations),
        Some(word) if !allowed.contains(&word) => {
            violations.push(format!("{at}: {word} is not a valid enum value"));
        }
        Some(_) => {}
    }
}

fn wrong_type(expected: &str, value: &Value, at: &str, violations: &mut Vec<String>) {
    let actual = match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "BigDecimal",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    };
    violations.push(format!("{at}: expected type: {expected}, found: {actual}"));
}
