use std::collections::HashSet;

use bytes::Bytes;

use super::BatchEndpoint;
use crate::converse::JsonText;
use crate::error::{ApiError, ErrorCode};
use crate::wire::client_object;
use crate::wire::json_body;

client_object! {
    /// One line of a batch input file.
    pub struct BatchLine {
        /// The client's id of the request, unique in the file.
        custom_id: String,
        /// `POST`
        method: String,
        /// The batch's endpoint.
        url: String,
        /// The request body.
        body: JsonText,
    }
}

/// Custom ids are kept until the end of the file, so their length is limited, as at OpenAI.
const MAX_CUSTOM_ID_BYTES: usize = 512;

/// A request of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRequestLine {
    /// The client's id of the request.
    pub custom_id: String,
    /// The request body as JSON.
    pub body: JsonText,
}

/// Reads the lines of an input file in order.
#[derive(Debug)]
pub struct LineReader {
    endpoint: BatchEndpoint,
    seen: HashSet<String>,
}

impl LineReader {
    /// A reader for a batch with this `endpoint`.
    pub fn new(endpoint: BatchEndpoint) -> Self {
        Self {
            endpoint,
            seen: HashSet::new(),
        }
    }

    /// Reads and validates a line.
    pub fn read(&mut self, line: &[u8]) -> Result<BatchRequestLine, ApiError> {
        let BatchLine {
            custom_id,
            method,
            url,
            body,
            // Unknown fields are ignored, as at OpenAI.
            unknown: _,
        } = json_body::parse_line(line)?;
        let custom_id = custom_id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| missing("custom_id"))?;
        if custom_id.len() > MAX_CUSTOM_ID_BYTES {
            let message = format!("`custom_id` exceeds {MAX_CUSTOM_ID_BYTES} bytes");
            return Err(ApiError::invalid("custom_id", message));
        }
        match method.as_deref() {
            Some("POST") => {}
            None => return Err(missing("method")),
            Some(other) => {
                let message = format!("`method` is `{other}`; it must be `POST`");
                return Err(ApiError::invalid("method", message).code(ErrorCode::InvalidMethod));
            }
        }
        match url {
            Some(url) if url == self.endpoint.path() => {}
            None => return Err(missing("url")),
            Some(url) => {
                let endpoint = self.endpoint.path();
                let message =
                    format!("`url` is `{url}`; it must be the batch's endpoint `{endpoint}`");
                return Err(ApiError::invalid("url", message).code(ErrorCode::InvalidUrl));
            }
        }
        let body = body.ok_or_else(|| missing("body"))?;
        if !self.seen.insert(custom_id.clone()) {
            let message =
                format!("duplicate `custom_id` `{custom_id}`; it must be unique in the file");
            return Err(ApiError::invalid("custom_id", message).code(ErrorCode::DuplicateCustomId));
        }
        Ok(BatchRequestLine { custom_id, body })
    }
}

impl BatchRequestLine {
    /// Reads a line that was validated before.
    pub fn of_checked(line: &[u8]) -> Option<Self> {
        let BatchLine {
            custom_id, body, ..
        } = serde_json::from_slice(line).ok()?;
        Some(Self {
            custom_id: custom_id?,
            body: body?,
        })
    }

    /// The request body.
    pub fn into_body(self) -> Bytes {
        Bytes::from(self.body.into_text())
    }
}

fn missing(field: &str) -> ApiError {
    ApiError::missing(field, format!("`{field}` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}"#;

    #[test]
    fn a_line_is_parsed_and_its_custom_id_must_be_unique() {
        let mut reader = LineReader::new(BatchEndpoint::ChatCompletions);
        let line = reader.read(GOOD.as_bytes()).expect("a line");
        assert_eq!(line.custom_id, "a");
        assert_eq!(BatchRequestLine::of_checked(GOOD.as_bytes()), Some(line));
        let error = reader.read(GOOD.as_bytes()).expect_err("the same");
        assert_eq!(error.code, Some(ErrorCode::DuplicateCustomId));
    }

    #[test]
    fn mistakes_in_a_line_are_named() {
        let without = |field: &str| GOOD.replacen(field, "other", 1);
        for (line, code, parameter) in [
            ("{".to_owned(), "invalid_json_line", None),
            ("[".repeat(200), "invalid_json_line", None),
            ("[1]".to_owned(), "invalid_value", None),
            (
                without("custom_id"),
                "missing_required_parameter",
                Some("custom_id"),
            ),
            (
                without("method"),
                "missing_required_parameter",
                Some("method"),
            ),
            (without("url"), "missing_required_parameter", Some("url")),
            (without("body"), "missing_required_parameter", Some("body")),
            (
                GOOD.replace("POST", "GET"),
                "invalid_method",
                Some("method"),
            ),
            (GOOD.replace("chat/", ""), "invalid_url", Some("url")),
            (
                GOOD.replace("\"a\"", "1"),
                "invalid_value",
                Some("custom_id"),
            ),
            (
                GOOD.replace("\"a\"", &format!("\"{}\"", "a".repeat(513))),
                "invalid_value",
                Some("custom_id"),
            ),
        ] {
            let mut reader = LineReader::new(BatchEndpoint::ChatCompletions);
            let error = reader.read(line.as_bytes()).expect_err(&line);
            let path = error.path();
            let actual = (error.code.map(ErrorCode::as_str), path.as_deref());
            assert_eq!(actual, (Some(code), parameter), "{line}");
            assert!(!error.to_string().contains("the body"), "{error}");
        }
    }
}
