//! Removes the name of the operator's guardrail from traces in responses of Bedrock's own API.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use memchr::memmem;

use super::rules::json;
use crate::bedrock::Frame;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::trace::without_operator;

/// The fields that contain traces: of Converse, and of InvokeModel.
const TRACES: [&str; 2] = ["trace", "amazon-bedrock-trace"];

/// The guardrail identifier to remove; `None` if the operator has not set a guardrail.
#[derive(Debug, Clone, Default)]
pub(super) struct HiddenGuardrail(Option<String>);

impl HiddenGuardrail {
    pub(super) fn new(identifier: Option<&str>) -> Self {
        Self(identifier.map(str::to_owned))
    }

    /// Removes the name from a non-streaming response.
    pub(super) fn in_response(&self, body: Bytes) -> Bytes {
        self.in_object(&body).map_or(body, Bytes::from)
    }

    /// A replacement for a frame; `None` if the frame does not contain the name.
    pub(super) fn in_frame(&self, frame: &Frame) -> Option<Bytes> {
        self.0.as_ref()?;
        let payload = match frame.event.as_deref() {
            Ok("metadata") => self.in_object(&frame.payload)?,
            Ok("chunk") => self.in_chunk(&frame.payload)?,
            _ => return None,
        };
        frame.with_payload(payload.into())
    }

    /// Chunks of InvokeModel contain the model's own JSON in base64.
    fn in_chunk(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let mut chunk: Fields = serde_json::from_slice(payload).ok()?;
        let bytes: String = serde_json::from_str(chunk.get("bytes")?.as_str()).ok()?;
        let inner = self.in_object(&BASE64_STANDARD.decode(bytes).ok()?)?;
        chunk.set("bytes", json(&BASE64_STANDARD.encode(inner)).ok()?);
        serde_json::to_vec(&chunk).ok()
    }

    /// The object without the name; `None` if it has no trace.
    fn in_object(&self, body: &[u8]) -> Option<Vec<u8>> {
        let guardrail = self.0.as_ref()?;
        // Traces are rare; other responses are not parsed.
        memmem::find(body, b"trace\"")?;
        let mut fields: Fields = serde_json::from_slice(body).ok()?;
        let mut has_trace = false;
        for name in TRACES {
            if let Some(trace) = fields.get(name) {
                let clean = without_operator(trace.as_str(), guardrail);
                fields.set(name, JsonText::parse(clean).ok()?);
                has_trace = true;
            }
        }
        has_trace
            .then(|| serde_json::to_vec(&fields).ok())
            .flatten()
    }
}
