//! Error messages for invalid JSON that do not quote the value.
//!
//! serde's messages contain the value: a prompt in place of an array would appear in the error, and
//! an invalid completion in the log.

use serde_json::error::Category;

/// The message of an error, without the value.
pub fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match error.classify() {
        Category::Data => without_values(&text),
        // Only serde_json has these words.
        Category::Io | Category::Syntax | Category::Eof => text,
    }
}

/// Rewrites serde's message at the end of `text` without the value; the text before it stays.
pub fn without_values(text: &str) -> String {
    let begin = |words: &&str| text.find(words);
    // The value may contain the same words; serde's own come first.
    let Some(start) = QUOTING.iter().filter_map(begin).min() else {
        return text.to_owned();
    };
    let (before, reason) = text.split_at(start);
    let (reason, position) = split_position(reason);
    let own = match reason.rsplit_once(", expected ") {
        Some((actual, expected)) => {
            format!("expected {}, found {}", in_json(expected), kind_of(actual))
        }
        None => "the value is not supported".to_owned(),
    };
    format!("{before}{own}{position}")
}

/// The beginnings of serde's messages that contain the value.
const QUOTING: [&str; 4] = [
    "invalid type: ",
    "invalid value: ",
    "unknown variant `",
    "unknown field `",
];

/// Splits off ` at line 1 column 2`.
fn split_position(reason: &str) -> (&str, &str) {
    let is_position = |text: &str| {
        let numbers = text.strip_prefix(" at line ");
        let numbers = numbers.and_then(|numbers| numbers.split_once(" column "));
        numbers.is_some_and(|(line, column)| is_number(line) && is_number(column))
    };
    let is_number_here = reason
        .rfind(" at line ")
        .map(|start| reason.split_at(start));
    match is_number_here {
        Some((reason, position)) if is_position(position) => (reason, position),
        _ => (reason, ""),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Translates Rust types in serde's message to JSON types.
fn in_json(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number from 0 up",
        "f32" | "f64" | "a JSON number" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        rust if rust.starts_with("struct ") => "an object",
        words => words,
    }
}

/// The type of the value, from the beginning of serde's message.
fn kind_of(actual: &str) -> &'static str {
    const KINDS: [(&str, &str); 9] = [
        ("type: string ", "a string"),
        ("value: string ", "another string"),
        ("type: integer ", "a number"),
        ("type: floating point ", "a number"),
        ("value: integer ", "another number"),
        ("value: floating point ", "another number"),
        ("type: boolean ", "a boolean"),
        ("type: sequence", "an array"),
        ("type: map", "an object"),
    ];
    let actual = actual.strip_prefix("invalid ").unwrap_or(actual);
    let kind = KINDS.iter().find(|(begin, _)| actual.starts_with(begin));
    match kind {
        Some((_, kind)) => kind,
        None if actual.starts_with("type: null") || actual.starts_with("type: unit") => "null",
        None => "something else",
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Example {
        #[serde(default)]
        list: Vec<String>,
        #[serde(default)]
        count: u8,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        #[default]
        One,
        Two,
    }

    fn described(json: &str) -> String {
        describe(&serde_json::from_str::<Example>(json).expect_err(json))
    }

    #[test]
    fn the_error_kind_is_reported_without_the_value() {
        for (json, words) in [
            (
                r#"{"list":"a secret"}"#,
                "expected an array, found a string at line 1 column 18",
            ),
            (
                r#"{"list":[5]}"#,
                "expected a string, found a number at line 1 column 10",
            ),
            (
                r#"{"list":null}"#,
                "expected an array, found null at line 1 column 12",
            ),
            (
                r#"{"list":{"secret":1}}"#,
                "expected an array, found an object at line 1 column 8",
            ),
            (
                r#"{"count":300}"#,
                "expected a whole number from 0 up, found another number at line 1 column 12",
            ),
            (
                r#"{"kind":"secret"}"#,
                "expected `one` or `two`, found something else at line 1 column 16",
            ),
            (
                r#"{"secret":1}"#,
                "expected one of `list`, `count`, `kind`, found something else at line 1 column 9",
            ),
            (
                r#"["secret"]"#,
                "expected an array, found a string at line 1 column 9",
            ),
        ] {
            assert_eq!(described(json), words, "{json}");
        }
    }

    #[test]
    fn a_value_that_imitates_a_serde_message_is_not_echoed() {
        for secret in [
            "x, expected secret at line 1 column 2",
            "invalid type: string secret, expected ",
            "` secret `, expected ",
        ] {
            for field in ["list", "kind"] {
                let json = serde_json::json!({ field: secret }).to_string();
                let words = described(&json);
                assert!(!words.contains("secret"), "{words}");
            }
        }
    }

    #[test]
    fn other_errors_keep_their_messages() {
        assert_eq!(
            described("{\"list\":"),
            "EOF while parsing a value at line 1 column 8"
        );
        assert_eq!(without_values("a frame of 3 bytes"), "a frame of 3 bytes");
        assert_eq!(
            without_values("event `a`: invalid type: string \"b\", expected u64"),
            "event `a`: expected a whole number from 0 up, found a string"
        );
    }
}
