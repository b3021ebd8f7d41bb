//! Replaces keys of objects in JSON that arrives in fragments.

/// The maximum nesting depth. Deeper JSON is passed through unchanged.
const MAX_DEPTH: usize = 1024;

/// Replaces keys of objects, at any depth, while the JSON streams. Everything else, including
/// text that is not JSON, passes through byte for byte.
///
/// Only keys are buffered, until they are complete.
#[derive(Debug)]
pub(super) struct KeyRewriter {
    /// The maximum length of a replaceable key in escaped form, including quotation marks.
    max_key: usize,
    /// The open objects and arrays, outermost first; `true` for an object.
    open: Vec<bool>,
    state: JsonPosition,
    /// An incomplete key, including its opening quotation mark.
    buffered: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonPosition {
    /// Outside of strings. `key_next` states whether the next string is a key.
    Between { key_next: bool },
    /// Inside a string.
    Within { is_key: bool, is_escaped: bool },
    /// Nested too deeply: everything passes through.
    Passing,
}

impl KeyRewriter {
    /// Creates a rewriter for keys of up to `max_key` bytes.
    pub(super) fn new(max_key: usize) -> Self {
        Self {
            // A byte takes up to six characters if escaped.
            max_key: max_key.saturating_mul(6).saturating_add(2),
            open: Vec::new(),
            state: JsonPosition::Between { key_next: false },
            buffered: String::new(),
        }
    }

    /// Processes the next fragment and appends the available output to `out`. `replacement`
    /// returns the new key, or `None` to keep the key.
    pub(super) fn push<'a>(
        &mut self,
        fragment: &str,
        replacement: &impl Fn(&str) -> Option<&'a str>,
        out: &mut String,
    ) {
        let mut rest = fragment;
        while !rest.is_empty() {
            rest = match self.state {
                JsonPosition::Passing => {
                    out.push_str(rest);
                    ""
                }
                JsonPosition::Between { key_next } => self.between(rest, key_next, out),
                JsonPosition::Within { is_key, is_escaped } => {
                    self.within(rest, is_key, is_escaped, replacement, out)
                }
            };
        }
    }

    /// Ends the JSON: an incomplete key is appended to `out` unchanged.
    pub(super) fn finish(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.buffered));
        self.open.clear();
        self.state = JsonPosition::Between { key_next: false };
    }

    /// Copies text outside of strings; returns the rest.
    fn between<'t>(&mut self, text: &'t str, mut key_next: bool, out: &mut String) -> &'t str {
        for (position, byte) in text.bytes().enumerate() {
            match byte {
                b'{' | b'[' => {
                    if self.open.len() == MAX_DEPTH {
                        self.state = JsonPosition::Passing;
                        return copy_through(text, position, out);
                    }
                    key_next = byte == b'{';
                    self.open.push(key_next);
                }
                b'}' | b']' => {
                    self.open.pop();
                    key_next = false;
                }
                b',' => key_next = self.open.last() == Some(&true),
                b'"' => {
                    self.state = JsonPosition::Within {
                        is_key: key_next,
                        is_escaped: false,
                    };
                    let rest = copy_through(text, position, out);
                    let (quote, rest) = rest.split_at(1);
                    match key_next {
                        true => self.buffered.push_str(quote),
                        false => out.push_str(quote),
                    }
                    return rest;
                }
                _ => {}
            }
        }
        self.state = JsonPosition::Between { key_next };
        copy_through(text, text.len(), out)
    }

    /// Copies or buffers text inside a string; returns the rest.
    fn within<'a, 't>(
        &mut self,
        text: &'t str,
        is_key: bool,
        mut is_escaped: bool,
        replacement: &impl Fn(&str) -> Option<&'a str>,
        out: &mut String,
    ) -> &'t str {
        let mut end = None;
        for (position, byte) in text.bytes().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => {
                    end = Some(position + 1);
                    break;
                }
                _ => {}
            }
        }
        let (string, rest) = text.split_at(end.unwrap_or(text.len()));
        let is_key = is_key && self.hold(string, out);
        if !is_key {
            out.push_str(string);
        }
        if end.is_none() {
            self.state = JsonPosition::Within { is_key, is_escaped };
            return rest;
        }
        if is_key {
            let key = std::mem::take(&mut self.buffered);
            match replaced(&key, replacement) {
                Some(key) => out.push_str(&key),
                None => out.push_str(&key),
            }
        }
        self.state = JsonPosition::Between { key_next: false };
        rest
    }

    /// Buffers more of a key. If the key becomes too long to have a replacement, writes the
    /// buffer to `out` and returns `false`.
    fn hold(&mut self, text: &str, out: &mut String) -> bool {
        if self.buffered.len() + text.len() <= self.max_key {
            self.buffered.push_str(text);
            return true;
        }
        out.push_str(&std::mem::take(&mut self.buffered));
        false
    }
}

/// Copies `text` up to `position` to `out`; returns the rest.
fn copy_through<'t>(text: &'t str, position: usize, out: &mut String) -> &'t str {
    let (copied, rest) = text.split_at(position);
    out.push_str(copied);
    rest
}

/// The replacement of a key, both in JSON notation.
fn replaced<'a>(key: &str, replacement: &impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let key: String = serde_json::from_str(key).ok()?;
    serde_json::to_string(replacement(&key)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    /// The concatenated output for `fragments`.
    fn rewritten(fragments: &[&str], replacement: impl Fn(&str) -> Option<&'static str>) -> String {
        let mut rewriter = KeyRewriter::new(64);
        let mut out = String::new();
        for fragment in fragments {
            rewriter.push(fragment, &replacement, &mut out);
        }
        rewriter.finish(&mut out);
        out
    }

    fn a_to_at(key: &str) -> Option<&'static str> {
        (key == "a").then_some("@\"a\"")
    }

    #[test]
    fn keys_are_replaced_at_any_depth_and_values_are_not() {
        let text = r#" {"a" : "a", "b":[ {"\u0061":{"c":"\"a"}}, "a", ["a"]],"a":null} "#;
        let expected =
            r#" {"@\"a\"" : "a", "b":[ {"@\"a\"":{"c":"\"a"}}, "a", ["a"]],"@\"a\"":null} "#;
        assert_eq!(rewritten(&[text], a_to_at), expected);
    }

    #[test]
    fn truncated_and_invalid_json_pass_through() {
        let long = format!("{{\"{}\": 1, \"a\": 1}}", "x".repeat(1000));
        for text in [
            "{\"a",
            "{\"b\": \"\\",
            "He said \"a\": a, {a}.",
            "]]}}\"a\"",
            "{\"a\\q\": 1}",
        ] {
            assert_eq!(rewritten(&[text], a_to_at), text);
        }
        let expected = long.replace("\"a\"", "\"@\\\"a\\\"\"");
        assert_eq!(rewritten(&[&long], a_to_at), expected);
    }

    #[test]
    fn only_keys_are_buffered() {
        let mut rewriter = KeyRewriter::new(64);
        let mut restored = Vec::new();
        for fragment in ["{", " \"", "a", "\"", ": \"te", "xt\"", "}"] {
            let mut out = String::new();
            rewriter.push(fragment, &a_to_at, &mut out);
            restored.push(out);
        }
        let expected = ["{", " ", "", "\"@\\\"a\\\"\"", ": \"te", "xt\"", "}"];
        assert_eq!(restored, expected);
    }

    #[test]
    fn deeply_nested_json_passes_through() {
        let deep = format!(
            "{}{{\"a\":1}}{}",
            "[".repeat(MAX_DEPTH),
            "]".repeat(MAX_DEPTH)
        );
        assert_eq!(rewritten(&[&deep], a_to_at), deep);
    }

    fn replaced_in(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.into_iter().map(|(key, member)| {
                    let key = match a_to_at(&key) {
                        Some(replacement) => replacement.to_owned(),
                        None => key,
                    };
                    (key, replaced_in(member))
                });
                Value::Object(members.collect::<Map<_, _>>())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(replaced_in).collect()),
            other => other,
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(|number| json!(number)),
            "[a\"\\\\{},:ü]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("a|[a\"\\\\{},:ü]{0,3}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn fragment_boundaries_do_not_matter(value in values(), step in 1..5_usize) {
            let text = value.to_string();
            let expected = replaced_in(value).to_string();
            prop_assert_eq!(rewritten(&[&text], a_to_at), expected.as_str());
            let characters: Vec<char> = text.chars().collect();
            let fragments: Vec<String> =
                characters.chunks(step).map(|chunk| chunk.iter().collect()).collect();
            let fragments: Vec<&str> = fragments.iter().map(String::as_str).collect();
            prop_assert_eq!(rewritten(&fragments, a_to_at), expected.as_str());
        }

        #[test]
        fn other_text_passes_through(fragments in proptest::collection::vec("[b\"\\\\{}\\[\\],: ]{0,6}", 0..8)) {
            let fragments: Vec<&str> = fragments.iter().map(String::as_str).collect();
            prop_assert_eq!(rewritten(&fragments, a_to_at), fragments.concat());
        }
    }
}
