//! Bodies held to a JSON Schema, and refused in the words of Bedrock's validator, which names all
//! that is wrong.

use serde_json::Value;

use crate::error::AwsError;

/// A key of an object.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) kind: Kind,
}

/// What a key's value is.
pub(super) enum Kind {
    /// A text of at least one character, and at most so many.
    Text(usize),
    /// At most so many texts, each of at most so many characters.
    Texts(usize, usize),
    /// One of these numbers.
    Numbers(&'static [u64]),
    /// A whole number from one to another.
    Count(u64, u64),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list of some of these words.
    ListOfWords(&'static [&'static str]),
    Flag,
    Object(&'static [Key]),
    /// At most so many objects.
    Objects(usize, &'static [Key]),
}

/// A text without a limit.
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

/// Refuses a body that is not as `keys` have it.
pub(super) fn check(request: &Value, keys: &[Key]) -> Result<(), AwsError> {
    let mut broken = Vec::new();
    object(request, keys, "#", &mut broken);
    match broken.is_empty() {
        true => Ok(()),
        false => Err(malformed(&broken.concat())),
    }
}

pub(super) fn malformed(what: &str) -> AwsError {
    AwsError::validation(format!(
        "Malformed input request: {what}, please reformat your input and try again."
    ))
}

fn object(value: &Value, keys: &[Key], at: &str, broken: &mut Vec<String>) {
    let Value::Object(fields) = value else {
        return wrong_type("JSONObject", value, at, broken);
    };
    for key in keys {
        match fields.get(key.name) {
            Some(value) => check_kind(value, &key.kind, &format!("{at}/{}", key.name), broken),
            None if key.required => {
                broken.push(format!("{at}: required key [{}] not found", key.name));
            }
            None => {}
        }
    }
    for name in fields.keys() {
        if !keys.iter().any(|key| key.name == name) {
            broken.push(format!("{at}: extraneous key [{name}] is not permitted"));
        }
    }
}

fn check_kind(value: &Value, kind: &Kind, at: &str, broken: &mut Vec<String>) {
    match kind {
        Kind::Text(most) => text(value, *most, at, broken),
        Kind::Texts(items, most) => list(value, *items, at, broken, |value, at, broken| {
            text(value, *most, at, broken);
        }),
        Kind::Numbers(taken) => {
            if !value.as_u64().is_some_and(|number| taken.contains(&number)) {
                broken.push(format!("{at}: {value} is not a valid enum value"));
            }
        }
        Kind::Count(least, most) => match value.as_u64() {
            None => wrong_type("Integer", value, at, broken),
            Some(number) if number < *least => {
                broken.push(format!("{at}: {number} is not greater or equal to {least}"));
            }
            Some(number) if number > *most => {
                broken.push(format!("{at}: {number} is not less or equal to {most}"));
            }
            Some(_) => {}
        },
        Kind::Words(taken) => word(value, taken, at, broken),
        Kind::ListOfWords(taken) => list(value, ANY, at, broken, |value, at, broken| {
            word(value, taken, at, broken);
        }),
        Kind::Flag => {
            if !value.is_boolean() {
                wrong_type("Boolean", value, at, broken);
            }
        }
        Kind::Object(keys) => object(value, keys, at, broken),
        Kind::Objects(items, keys) => list(value, *items, at, broken, |value, at, broken| {
            object(value, keys, at, broken);
        }),
    }
}

fn list(
    value: &Value,
    most: usize,
    at: &str,
    broken: &mut Vec<String>,
    each: impl Fn(&Value, &str, &mut Vec<String>),
) {
    let Value::Array(values) = value else {
        return wrong_type("JSONArray", value, at, broken);
    };
    if values.len() > most {
        let found = values.len();
        broken.push(format!(
            "{at}: expected maximum item count: {most}, found: {found}"
        ));
    }
    for (place, value) in values.iter().enumerate() {
        each(value, &format!("{at}/{place}"), broken);
    }
}

fn text(value: &Value, most: usize, at: &str, broken: &mut Vec<String>) {
    let Some(text) = value.as_str() else {
        return wrong_type("String", value, at, broken);
    };
    match text.chars().count() {
        0 => broken.push(format!("{at}: expected minLength: 1, actual: 0")),
        actual if actual > most => {
            broken.push(format!(
                "{at}: expected maxLength: {most}, actual: {actual}"
            ));
        }
        _ => {}
    }
}

fn word(value: &Value, taken: &[&str], at: &str, broken: &mut Vec<String>) {
    match value.as_str() {
        None => wrong_type("String", value, at, broken),
        Some(word) if !taken.contains(&word) => {
            broken.push(format!("{at}: {word} is not a valid enum value"));
        }
        Some(_) => {}
    }
}

fn wrong_type(expected: &str, value: &Value, at: &str, broken: &mut Vec<String>) {
    let found = match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "BigDecimal",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    };
    broken.push(format!("{at}: expected type: {expected}, found: {found}"));
}
