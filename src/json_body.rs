//! A body of JSON as a typed value, or a refusal that names the path of what is wrong with it.

use serde::de::DeserializeOwned;

use crate::fault::{Fault, FaultKind};

/// How deep a body may be nested. No real request comes near it, and no parser on the way has to
/// be trusted with more.
const DEEPEST: usize = 128;

/// Reads a request's body.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    if depth_exceeds(body, DEEPEST) {
        return Err(not_json(format!(
            "the body is nested deeper than {DEEPEST} levels"
        )));
    }
    serde_json::from_slice(body).map_err(|error| explain::<T>(body, &error))
}

/// Reads the body once more, this time keeping track of the path: only refusals pay for it.
fn explain<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Fault {
    if error.classify() != serde_json::error::Category::Data {
        return not_json(format!("the body is not JSON: {error}"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let path = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => error.path().to_string(),
        Ok(_) => String::new(),
    };
    match path.as_str() {
        "" | "." => Fault::new(FaultKind::InvalidRequest, format!("the body is {error}"))
            .code("invalid_value"),
        path => Fault::invalid(path, format!("`{path}`: {error}")),
    }
}

fn not_json(message: String) -> Fault {
    Fault::new(FaultKind::InvalidRequest, message).code("invalid_json")
}

/// Whether arrays and objects in `json` stand in one another more than `most` times.
fn depth_exceeds(json: &[u8], most: usize) -> bool {
    let mut depth: usize = 0;
    let mut rest = json;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(after),
            _ => {}
        }
        if depth > most {
            return true;
        }
    }
    false
}

/// What follows the string whose inside begins `text`.
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
    use super::*;
    use crate::openai::chat::ChatRequest;

    fn refused(body: &str) -> Fault {
        parse::<ChatRequest>(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn brackets_in_strings_are_not_depth() {
        assert!(!depth_exceeds(br#"["[[[[\"[[[[\\", "[["]"#, 1));
        assert!(depth_exceeds(br#"["a", [["b"]]]"#, 2));
    }

    #[test]
    fn a_refusal_names_the_path() {
        let fault =
            refused(r#"{"messages":[{"role":"user","content":[{"type":"text","text":1}]}]}"#);
        assert_eq!(
            fault.parameter.as_deref(),
            Some("messages[0].content[0].text")
        );
        let fault = refused(r#"{"temperature":"hot"}"#);
        assert_eq!(fault.parameter.as_deref(), Some("temperature"));
        let fault = refused(r#"{"stop":{"a":1}}"#);
        assert_eq!(fault.parameter.as_deref(), Some("stop"));
        assert!(
            fault.message.contains("a string or an array of strings"),
            "{fault}"
        );
    }

    #[test]
    fn what_is_not_json_is_said_to_be_none() {
        for body in ["", "{", "hello", "{\"a\":}", &"[".repeat(100_000)] {
            assert_eq!(refused(body).code, Some("invalid_json"));
        }
        let deep = format!(
            "{{\"tools\":{}1{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(refused(&deep).message.contains("128 levels"));
        assert_eq!(refused("[]").kind, FaultKind::InvalidRequest);
    }
}
