//! JSON Merge Patch (RFC 7396): what a change of teams and keys looks like in the admin API.

use serde_json::{Map, Value};

/// Applies `patch` to `target`: members replace those of the same name, and `null` removes them.
pub(super) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(members) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else {
        return;
    };
    for (name, member) in members {
        match member {
            Value::Null => {
                object.remove(&name);
            }
            member => merge(object.entry(name).or_insert(Value::Null), member),
        }
    }
}

/// The patch that changes `before` into `after`. Neither has members that are `null`.
pub(super) fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for (name, value) in after {
        match before.get(name) {
            Some(same) if same == value => {}
            Some(other) if other.is_object() => {
                patch.insert(name.clone(), difference(other, value));
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    patch.extend(removed.map(|name| (name.clone(), Value::Null)));
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn a_patch_is_applied_as_the_rfc_has_it() {
        for (mut target, patch, expected) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            merge(&mut target, patch);
            assert_eq!(target, expected);
        }
    }

    #[test]
    fn the_difference_changes_the_one_into_the_other() {
        let documents = [
            json!({}),
            json!({"a": 1}),
            json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"}),
            json!({"a": {"c": [2]}, "d": {"e": 1}}),
            json!({"a": [1], "d": "x"}),
        ];
        for before in &documents {
            for after in &documents {
                let mut changed = before.clone();
                merge(&mut changed, difference(before, after));
                assert_eq!(&changed, after, "from {before}");
            }
        }
        let difference = difference(&json!({"a": {"b": 1, "c": 2}}), &json!({"a": {"c": 2}}));
        assert_eq!(difference, json!({"a": {"b": null}}));
    }
}
