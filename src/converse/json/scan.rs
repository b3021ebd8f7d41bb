//! Counts the values of a JSON text before parsing it.

/// The maximum nesting of a body. Real requests are far below, and no parser needs to be trusted
/// with more.
const MAX_DEPTH: usize = 128;

/// The maximum number of arrays and objects in a body.
const MAX_CONTAINERS: usize = 100_000;

/// The maximum number of values in a body, containers included.
const MAX_VALUES: usize = 1_000_000;

/// The counts of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JsonSize {
    /// Arrays and objects.
    pub containers: usize,
    /// Values of every kind, containers included.
    pub values: usize,
}

/// The limit that a text exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// The maximum nesting.
    Depth(usize),
    /// The maximum number of arrays and objects.
    Containers(usize),
    /// The maximum number of values.
    Values(usize),
}

/// Counts the values of `json`, and stops at the limits. The counts are exact for valid JSON.
pub fn scan(json: &[u8]) -> Result<JsonSize, Excess> {
    let mut depth: usize = 0;
    // A non-empty container has one value more than commas.
    let mut shape = JsonSize {
        containers: 0,
        values: 1,
    };
    let mut is_at_start = false;
    let mut rest = json;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                is_at_start = false;
                continue;
            }
            _ if is_at_start => {
                shape.values += 1;
                is_at_start = false;
            }
            _ => {}
        }
        match byte {
            b'{' | b'[' => {
                depth += 1;
                shape.containers += 1;
                is_at_start = true;
            }
            b'"' => rest = after_string(after),
            b',' => shape.values += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Excess::Depth(MAX_DEPTH));
        }
        if shape.containers > MAX_CONTAINERS {
            return Err(Excess::Containers(MAX_CONTAINERS));
        }
        if shape.values > MAX_VALUES {
            return Err(Excess::Values(MAX_VALUES));
        }
    }
    Ok(shape)
}

/// The rest after the string whose content starts `text`.
fn after_string(mut text: &[u8]) -> &[u8] {
    while let Some(position) = memchr::memchr2(b'"', b'\\', text) {
        let skipped = match text.get(position) {
            Some(b'"') => return text.get(position + 1..).unwrap_or_default(),
            _ => position + 2,
        };
        text = text.get(skipped..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn shape_of(value: &Value) -> JsonSize {
        let children: Vec<&Value> = match value {
            Value::Array(values) => values.iter().collect(),
            Value::Object(members) => members.values().collect(),
            _ => Vec::new(),
        };
        let own = JsonSize {
            containers: usize::from(value.is_array() || value.is_object()),
            values: 1,
        };
        children
            .into_iter()
            .map(shape_of)
            .fold(own, |sum, child| JsonSize {
                containers: sum.containers + child.containers,
                values: sum.values + child.values,
            })
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            r#"[\[\]{},"\\ a]{0,8}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(r#"[\[{,"\\]{0,3}"#, inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_and_containers_are_counted_exactly(value in any_json(), pretty: bool) {
            let text = match pretty {
                true => serde_json::to_string_pretty(&value),
                false => serde_json::to_string(&value),
            };
            let text = text.expect("JSON");
            prop_assert_eq!(scan(text.as_bytes()), Ok(shape_of(&value)));
        }
    }

    #[test]
    fn each_limit_is_inclusive() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(scan(nested(MAX_DEPTH).as_bytes()).is_ok());
        let deeper = scan(nested(MAX_DEPTH + 1).as_bytes());
        assert_eq!(deeper, Err(Excess::Depth(MAX_DEPTH)));

        let list = |entry: &str, count: usize| format!("[{}]", vec![entry; count].join(","));
        assert!(scan(list("{}", MAX_CONTAINERS - 1).as_bytes()).is_ok());
        let more = scan(list("{}", MAX_CONTAINERS).as_bytes());
        assert_eq!(more, Err(Excess::Containers(MAX_CONTAINERS)));

        assert!(scan(list("0", MAX_VALUES - 1).as_bytes()).is_ok());
        let more = scan(list("0", MAX_VALUES).as_bytes());
        assert_eq!(more, Err(Excess::Values(MAX_VALUES)));
    }

    #[test]
    fn brackets_in_strings_are_not_containers() {
        let shape = scan(br#"["[[[[\"[[[[\\", "[["]"#);
        let expected = JsonSize {
            containers: 1,
            values: 3,
        };
        assert_eq!(shape, Ok(expected));
    }
}
