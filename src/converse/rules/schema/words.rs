//! Describes bounds that grammars do not support in text for the model, which follows them
//! without guarantee.

use serde_json::{Map, Value};

/// The keywords described in text, in this order.
///
/// Excludes `minLength`, `maxLength` and `pattern`, which are supported, see `fit`.
const BOUNDS: [&str; 11] = [
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "format",
];

/// The formats that grammars support: Anthropic, "Structured outputs", supported features.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// Moves the bounds of `node` into its description; returns the moved keywords.
pub(in crate::converse::rules) fn describe_bounds(
    node: &mut Map<String, Value>,
) -> Vec<&'static str> {
    let is_moved = |keyword: &&str| {
        node.get(*keyword)
            .is_some_and(|v| !is_supported(keyword, v))
    };
    let moved: Vec<&str> = BOUNDS.into_iter().filter(is_moved).collect();
    let bounds: Vec<String> = moved
        .iter()
        .filter_map(|keyword| Some((keyword, node.shift_remove(*keyword)?)))
        .filter_map(|(keyword, value)| description_of(keyword, &value))
        .collect();
    if !bounds.is_empty() {
        let bounds = bounds.join(", ");
        let description = match node.get("description").and_then(Value::as_str) {
            Some(description) => format!("{description} ({bounds})"),
            None => bounds,
        };
        node.insert("description".to_owned(), description.into());
    }
    moved
}

/// Whether grammars support `keyword` with this value.
fn is_supported(keyword: &str, value: &Value) -> bool {
    match keyword {
        "minItems" => value.as_f64().is_some_and(|number| number <= 1.0),
        "format" => value.as_str().is_some_and(|name| FORMATS.contains(&name)),
        _ => false,
    }
}

/// The restriction in text; `None` if it is disabled.
fn description_of(keyword: &str, value: &Value) -> Option<String> {
    if value == &Value::Bool(false) {
        return None;
    }
    Some(match (keyword, value) {
        ("minimum", Value::Number(number)) => format!("at least {number}"),
        ("maximum", Value::Number(number)) => format!("at most {number}"),
        ("exclusiveMinimum", Value::Number(number)) => format!("more than {number}"),
        ("exclusiveMaximum", Value::Number(number)) => format!("less than {number}"),
        ("multipleOf", Value::Number(number)) => format!("a multiple of {number}"),
        ("minItems", Value::Number(number)) => format!("at least {number} items"),
        ("maxItems", Value::Number(number)) => format!("at most {number} items"),
        ("minProperties", Value::Number(number)) => format!("at least {number} properties"),
        ("maxProperties", Value::Number(number)) => format!("at most {number} properties"),
        ("uniqueItems", Value::Bool(_)) => "no duplicate items".to_owned(),
        ("format", Value::String(name)) => format!("in the format `{name}`"),
        // Boolean exclusive bounds of JSON Schema draft 4, or a mistake.
        (keyword, value) => format!("{keyword}: {value}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_bound_has_a_description() {
        for (keyword, value, words) in [
            ("minimum", json!(-1.5), "at least -1.5"),
            ("exclusiveMinimum", json!(0), "more than 0"),
            ("exclusiveMinimum", json!(true), "exclusiveMinimum: true"),
            ("maximum", json!(10), "at most 10"),
            ("exclusiveMaximum", json!(100), "less than 100"),
            ("multipleOf", json!(0.01), "a multiple of 0.01"),
            ("minItems", json!(2), "at least 2 items"),
            ("maxItems", json!(0), "at most 0 items"),
            ("uniqueItems", json!(true), "no duplicate items"),
            ("minProperties", json!(1), "at least 1 properties"),
            ("maxProperties", json!(3), "at most 3 properties"),
            ("format", json!("phone"), "in the format `phone`"),
        ] {
            let mut node = Map::from_iter([(keyword.to_owned(), value)]);
            assert_eq!(describe_bounds(&mut node), [keyword]);
            let expected = Map::from_iter([("description".to_owned(), words.into())]);
            assert_eq!(node, expected);
        }
    }

    #[test]
    fn supported_bounds_stay_and_unsupported_keywords_are_removed() {
        let node = json!({"minItems": 1, "format": "uuid", "minLength": 3, "pattern": "a"});
        let Value::Object(mut node) = node else {
            panic!("an object");
        };
        let before = node.clone();
        assert!(describe_bounds(&mut node).is_empty());
        assert_eq!(node, before);

        node.insert("uniqueItems".to_owned(), false.into());
        assert_eq!(describe_bounds(&mut node), ["uniqueItems"]);
        assert_eq!(node, before);
    }
}
