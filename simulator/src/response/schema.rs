//! Generates values that fit a JSON Schema.

use std::cell::Cell;

use serde_json::{Map, Number, Value};

/// Maximum depth of recursive schemas.
const MAX_DEPTH: usize = 12;

/// A value for `schema`. Words and numbers come from the user's text if they may fit.
///
/// Follows `$ref` into the same document, takes `const`, the first of `enum`, and the first branch
/// of `anyOf` and `oneOf`; objects get their required properties. Patterns are not followed.
pub(super) fn instance(schema: &Value, user_text: &str) -> Value {
    let maker = Maker {
        root: schema,
        user_text,
        numbers: numbers(user_text),
        used: Cell::new(0),
    };
    match maker.value(schema, "", 0) {
        value @ Value::Object(_) => value,
        // Tools without a schema get an empty object.
        Value::Null => Value::Object(Map::new()),
        value => value,
    }
}

struct Maker<'a> {
    root: &'a Value,
    user_text: &'a str,
    /// The numbers in the user's text, and how many of them are used.
    numbers: Vec<f64>,
    used: Cell<usize>,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        let next = |schema: &Value| self.value(schema, name, depth + 1);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = target
                .strip_prefix('#')
                .and_then(|path| self.root.pointer(path));
            return target.map_or(Value::Null, next);
        }
        if let Some(fixed) = schema.get("const").or_else(|| schema.pointer("/enum/0")) {
            return fixed.clone();
        }
        if let Some(branch) = schema
            .pointer("/anyOf/0")
            .or_else(|| schema.pointer("/oneOf/0"))
        {
            return next(branch);
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return merged(parts.iter().map(next));
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => Value::from(self.number(schema, true) as i64),
            "number" => {
                Number::from_f64(self.number(schema, false)).map_or(Value::Null, Value::Number)
            }
            "boolean" => Value::Bool(true),
            "null" => Value::Null,
            _ => Value::String(self.string(schema, name)),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let properties = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|name| {
                let property = schema.get("properties").and_then(|all| all.get(name));
                let value = property.map_or(Value::Null, |property| {
                    self.value(property, name, depth + 1)
                });
                (name.to_owned(), value)
            })
            .collect();
        Value::Object(properties)
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(item_schemas) = schema.get("prefixItems").and_then(Value::as_array) {
            return item_schemas
                .iter()
                .map(|item_schema| self.value(item_schema, name, depth + 1))
                .collect();
        }
        let Some(items) = schema.get("items") else {
            return Value::Array(Vec::new());
        };
        let count = schema
            .get("minItems")
            .and_then(Value::as_u64)
            .unwrap_or(1)
            .clamp(1, 100);
        (0..count)
            .map(|_| self.value(items, name, depth + 1))
            .collect()
    }

    /// The next number of the user's text, else 1, clamped to the bounds.
    fn number(&self, schema: &Value, is_integer: bool) -> f64 {
        let user_text = self
            .numbers
            .get(self.used.get())
            .filter(|number| !is_integer || number.fract() == 0.0);
        if user_text.is_some() {
            self.used.set(self.used.get() + 1);
        }
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let mut number = user_text.copied().unwrap_or(1.0);
        if let Some(minimum) =
            bound("minimum").or(bound("exclusiveMinimum").map(|bound| bound + 1.0))
        {
            number = number.max(minimum);
        }
        if let Some(maximum) =
            bound("maximum").or(bound("exclusiveMaximum").map(|bound| bound - 1.0))
        {
            number = number.min(maximum);
        }
        match bound("multipleOf") {
            Some(step) if step > 0.0 => (number / step).ceil() * step,
            _ => number,
        }
    }

    fn string(&self, schema: &Value, name: &str) -> String {
        let format = schema
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let text = match format {
            "date" => "2026-01-15".to_owned(),
            "date-time" => "2026-01-15T09:30:00Z".to_owned(),
            "time" => "09:30:00Z".to_owned(),
            "duration" => "PT1H".to_owned(),
            "email" => "someone@example.com".to_owned(),
            "uri" | "url" => "https://example.com/".to_owned(),
            "uuid" => "123e4567-e89b-42d3-a456-426614174000".to_owned(),
            "hostname" => "example.com".to_owned(),
            "ipv4" => "192.0.2.1".to_owned(),
            "ipv6" => "2001:db8::1".to_owned(),
            _ => self.words(name),
        };
        fitted(text, schema)
    }

    /// The part of the user's text that suits a property of this name.
    fn words(&self, name: &str) -> String {
        let name = name.to_lowercase();
        let is_free_text = FREE_TEXT_NAMES.iter().any(|part| name.contains(part));
        let words = if is_free_text {
            Some(self.user_text.trim().to_owned())
        } else {
            proper_name(self.user_text)
        };
        words
            .filter(|words| !words.is_empty())
            .unwrap_or_else(|| "example".to_owned())
    }
}

/// Properties whose names contain one of these get the whole user text.
const FREE_TEXT_NAMES: [&str; 9] = [
    "query",
    "question",
    "text",
    "prompt",
    "message",
    "input",
    "expression",
    "content",
    "summary",
];

fn kind(schema: &Value) -> &str {
    let stated = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        Some(kind) => kind.as_str(),
        None => None,
    };
    let has = |name: &str| schema.get(name).is_some();
    stated.unwrap_or(if has("properties") || has("required") {
        "object"
    } else if has("items") {
        "array"
    } else if schema.as_object().is_some_and(Map::is_empty) || schema.is_null() {
        "null"
    } else {
        "string"
    })
}

/// The last run of capitalised words that does not start a sentence, or the only run.
fn proper_name(user_text: &str) -> Option<String> {
    let mut runs: Vec<Vec<&str>> = Vec::new();
    let mut in_run = false;
    for (position, word) in user_text.split_whitespace().enumerate() {
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
        let capital = bare.chars().next().is_some_and(char::is_uppercase) && (position > 0);
        match runs.last_mut() {
            Some(run) if capital && in_run => run.push(bare),
            _ if capital => runs.push(vec![bare]),
            _ => {}
        }
        in_run = capital && word.ends_with(char::is_alphanumeric);
    }
    runs.pop().map(|run| run.join(" "))
}

fn numbers(user_text: &str) -> Vec<f64> {
    user_text
        .split(|character: char| !(character.is_ascii_digit() || matches!(character, '.' | '-')))
        .filter_map(|word| word.trim_end_matches(['.', '-']).parse().ok())
        .collect()
}

fn fitted(text: String, schema: &Value) -> String {
    let length = |name: &str| {
        schema
            .get(name)
            .and_then(Value::as_u64)
            .map(|length| length as usize)
    };
    let mut text: String = text
        .chars()
        .take(length("maxLength").unwrap_or(usize::MAX))
        .collect();
    while text.chars().count() < length("minLength").unwrap_or_default().min(10_000) {
        text.push('x');
    }
    text
}

fn merged(parts: impl Iterator<Item = Value>) -> Value {
    let fields = parts.filter_map(|part| match part {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(fields.flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn instances_fit_their_schemas() {
        let user_text = "Please book 2 seats from Paris to New York.";
        for (schema, expected) in [
            (json!({}), json!({})),
            (json!({"type": "object"}), json!({})),
            (
                json!({"type": "object", "required": ["to", "seats", "class"], "properties": {
                    "to": {"type": "string"}, "seats": {"type": "integer", "maximum": 9},
                    "class": {"enum": ["economy", "first"]}, "note": {"type": "string"}}}),
                json!({"to": "New York", "seats": 2, "class": "economy"}),
            ),
            (
                json!({"type": "object", "required": ["legs"], "properties": {
                    "legs": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/leg"}}},
                    "$defs": {"leg": {"type": "object", "required": ["day"], "properties": {
                        "day": {"type": "string", "format": "date"}}}}}),
                json!({"legs": [{"day": "2026-01-15"}, {"day": "2026-01-15"}]}),
            ),
            (
                json!({"type": "object", "required": ["a", "b", "c"], "properties": {
                    "a": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
                    "b": {"type": ["null", "number"], "minimum": 5},
                    "c": {"const": "fixed"}}}),
                json!({"a": true, "b": 5.0, "c": "fixed"}),
            ),
        ] {
            assert_eq!(instance(&schema, user_text), expected, "{schema}");
        }
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({"type": "object", "required": ["child"],
            "properties": {"child": {"$ref": "#"}}});
        assert!(instance(&schema, "").is_object());
    }
}
