//! Parses JSON bodies; errors name the path of the wrong value.
//!
//! The cost of a body is limited before and while it is parsed: by the number of values, and by the
//! memory for them.

use std::fmt;

use serde::de::DeserializeOwned;

pub use crate::converse::json::scan::{Excess, JsonSize, scan};

use crate::converse::json::{Budget, budget_of, describe, read};
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// What the client sent as JSON.
#[derive(Clone, Copy)]
enum Input {
    /// The body of a request.
    Body,
    /// A line of a file.
    Line,
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Body => "body",
            Self::Line => "line",
        })
    }
}

/// Parses a request body.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    shape(body)?;
    parse_within_budget(body)
}

/// Parses a line of a file.
pub fn parse_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, ApiError> {
    scan(line).map_err(|excess| excess_refusal(Input::Line, excess))?;
    read_within_budget(Input::Line, line)
}

/// Counts the values of a body; refuses too many.
pub fn shape(body: &[u8]) -> Result<JsonSize, ApiError> {
    scan(body).map_err(|excess| excess_refusal(Input::Body, excess))
}

/// Parses a request body whose shape is within the limits.
pub fn parse_within_budget<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    read_within_budget(Input::Body, body)
}

fn read_within_budget<T: DeserializeOwned>(input: Input, text: &[u8]) -> Result<T, ApiError> {
    let limit = budget_of(text.len());
    let budget = Budget::new(limit);
    read(text, &budget).map_err(|error| match budget.is_spent() {
        true => too_many_values(input, limit),
        false => explain::<T>(input, text, &error),
    })
}

fn excess_refusal(input: Input, excess: Excess) -> ApiError {
    match excess {
        Excess::Depth(max) => not_json(
            input,
            format!("the {input} is nested deeper than {max} levels"),
        ),
        Excess::Containers(max) => too_large(format!(
            "the {input} has more than {max} arrays and objects; send it in several requests"
        )),
        Excess::Values(max) => too_large(format!(
            "the {input} has more than {max} values; send it in several requests"
        )),
    }
}

fn too_many_values(input: Input, limit: usize) -> ApiError {
    too_large(format!(
        "the {input} has too many small values for its size: they would take more than {limit} \
         bytes of memory; send fewer of them, or send them in several requests"
    ))
}

fn too_large(message: String) -> ApiError {
    ApiError::new(ErrorKind::TooLarge, message).code(ErrorCode::RequestTooLarge)
}

/// Parses invalid text again, tracking the path for the error message.
fn explain<T: DeserializeOwned>(input: Input, text: &[u8], error: &serde_json::Error) -> ApiError {
    if error.classify() != serde_json::error::Category::Data {
        return not_json(
            input,
            format!("the {input} is not JSON: {}", describe(error)),
        );
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let path = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => error.path().to_string(),
        Ok(_) => String::new(),
    };
    match path.as_str() {
        "" | "." => ApiError::new(
            ErrorKind::InvalidRequest,
            format!("the {input}: {}", describe(error)),
        )
        .code(ErrorCode::InvalidValue),
        path => ApiError::invalid(path, format!("`{path}`: {}", describe(error))),
    }
}

fn not_json(input: Input, message: String) -> ApiError {
    let code = match input {
        Input::Body => ErrorCode::InvalidJson,
        Input::Line => ErrorCode::InvalidJsonLine,
    };
    ApiError::new(ErrorKind::InvalidRequest, message).code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::openai_chat::ChatRequest;

    fn rejection(body: &str) -> ApiError {
        parse::<ChatRequest>(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn an_error_names_the_path() {
        let error =
            rejection(r#"{"messages":[{"role":"user","content":[{"type":"text","text":1}]}]}"#);
        assert_eq!(error.path().as_deref(), Some("messages[0].content[0].text"));
        let error = rejection(r#"{"temperature":"hot"}"#);
        assert_eq!(error.path().as_deref(), Some("temperature"));
        let error = rejection(r#"{"stop":{"a":1}}"#);
        assert_eq!(error.path().as_deref(), Some("stop"));
        assert!(
            error
                .to_string()
                .contains("a string or an array of strings"),
            "{error}"
        );
    }

    #[test]
    fn invalid_json_is_reported_as_such() {
        for body in ["", "{", "hello", "{\"a\":}", &"[".repeat(100_000)] {
            assert_eq!(rejection(body).code, Some(ErrorCode::InvalidJson));
        }
        let deep = format!(
            "{{\"tools\":{}1{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(rejection(&deep).to_string().contains("128 levels"));
        assert_eq!(rejection("[]").kind, ErrorKind::InvalidRequest);
    }

    #[test]
    fn a_body_with_too_many_values_is_too_large() {
        let list = |entry: &str, count: usize| {
            format!("{{\"messages\":[{}]}}", vec![entry; count].join(","))
        };
        for (body, word) in [
            (list("{}", 20_000), "too many small values"),
            (list("{}", 100_001), "100000 arrays and objects"),
            (list("0", 1_000_001), "1000000 values"),
        ] {
            let error = rejection(&body);
            assert_eq!(error.kind, ErrorKind::TooLarge, "{error}");
            assert_eq!(error.code, Some(ErrorCode::RequestTooLarge));
            assert!(error.to_string().contains(word), "{error}");
        }
        // Any number of short messages is accepted.
        let short = r#"{"role":"user","content":"Hello there!"}"#;
        assert!(parse::<ChatRequest>(list(short, 50_000).as_bytes()).is_ok());
    }
}
