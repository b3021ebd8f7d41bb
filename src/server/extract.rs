//! A request's body as a typed value, or a refusal that names what is wrong with it.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::config::ServerSettings;
use crate::fault::{Fault, FaultKind};

/// How deep a body may be nested. No real request comes near it, and no parser on the way has to
/// be trusted with more.
const DEEPEST: usize = 128;

/// Reads the body as JSON, and gives its bytes as well.
pub async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
) -> Result<(T, Bytes), Fault> {
    let body = read_body(headers, body, settings).await?;
    let value = parse(&body);
    let value = value.map_err(|fault| match declared_other(headers) {
        Some(other) if fault.code == Some("invalid_json") => Fault::new(
            FaultKind::UnsupportedMediaType,
            format!("the body is `{other}` and no JSON; send it as `application/json`"),
        )
        .code("unsupported_media_type"),
        _ => fault,
    })?;
    Ok((value, body))
}

/// Reads what is left of a body that nobody wants, so that the connection can be used again. What
/// is too long or too slow for that is left, and the connection ends with it.
pub async fn discard(body: Body) {
    const LONGEST: usize = 1 << 20;
    const SLOWEST: Duration = Duration::from_secs(2);
    let mut body = Limited::new(body, LONGEST);
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    // Too slow is as good as too long.
    let _ = tokio::time::timeout(SLOWEST, rest).await;
}

async fn read_body(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
) -> Result<Bytes, Fault> {
    let most = settings.max_body;
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    let collected = Limited::new(body, most).collect();
    match tokio::time::timeout(settings.body_timeout, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Ok(Err(_)) => Err(Fault::new(
            FaultKind::InvalidRequest,
            "the body broke off before its end",
        )),
        Err(_) => Err(Fault::new(
            FaultKind::RequestTimeout,
            "the body did not arrive in time",
        )),
    }
}

fn too_large(most: usize) -> Fault {
    Fault::new(
        FaultKind::TooLarge,
        format!("the body is larger than {most} bytes, the most this gateway takes"),
    )
    .code("request_too_large")
}

/// The content type, where the client names one that is not JSON. That of HTML forms is what curl
/// says where nobody has said anything.
fn declared_other(headers: &HeaderMap) -> Option<&str> {
    const UNSAID: &str = "application/x-www-form-urlencoded";
    let declared = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let unsaid = declared.eq_ignore_ascii_case(UNSAID);
    (!unsaid && !declared.to_ascii_lowercase().contains("json")).then_some(declared)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
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
