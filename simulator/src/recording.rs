//! Responses from recording files.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::script::ScriptedResponse;

/// Headers that are replayed; the others belong to the recorded connection.
const MEANINGFUL: [&str; 4] = [
    "content-type",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "retry-after",
];
/// Prefix of InvokeModel's token count headers.
const COUNTS: &str = "x-amzn-bedrock-";

#[derive(Deserialize)]
struct Recording {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body_base64: String,
}

/// Loads the response of a recording. The error is a message for the author of the script.
pub(crate) fn load(file: &Path) -> Result<ScriptedResponse, String> {
    let problem = |error: &dyn std::fmt::Display| {
        format!("recording `{}` cannot be replayed: {error}", file.display())
    };
    let text = std::fs::read(file).map_err(|error| problem(&error))?;
    let recording: Recording = serde_json::from_slice(&text).map_err(|error| problem(&error))?;
    let Response {
        status,
        headers,
        body_base64,
    } = recording.response;
    let body = BASE64_STANDARD
        .decode(body_base64)
        .map_err(|error| problem(&error))?;
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| MEANINGFUL.contains(&name.as_str()) || name.starts_with(COUNTS))
        .collect();
    Ok(ScriptedResponse::Raw {
        status,
        headers,
        body: Bytes::from(body),
    })
}
