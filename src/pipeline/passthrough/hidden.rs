//! Traces of the operator's guardrail, in answers of Bedrock's own API, without its name.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use memchr::memmem;

use super::rules::json;
use crate::bedrock::Frame;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::trace::without_operator;

/// The members of answers that hold traces: of Converse, and of InvokeModel.
const TRACES: [&str; 2] = ["trace", "amazon-bedrock-trace"];

/// The guardrail whose name stays here; none where the operator has set none.
#[derive(Debug, Clone, Default)]
pub(super) struct HiddenGuardrail(Option<String>);

impl HiddenGuardrail {
    pub(super) fn new(identifier: Option<&str>) -> Self {
        Self(identifier.map(str::to_owned))
    }

    /// A whole answer.
    pub(super) fn in_response(&self, body: Bytes) -> Bytes {
        self.in_object(&body).map_or(body, Bytes::from)
    }

    /// A frame of a stream: the whole of it, to go out in its place where it names the guardrail.
    pub(super) fn in_frame(&self, frame: &Frame) -> Option<Bytes> {
        self.0.as_ref()?;
        let payload = match frame.event.as_deref() {
            Ok("metadata") => self.in_object(&frame.payload)?,
            Ok("chunk") => self.in_chunk(&frame.payload)?,
            _ => return None,
        };
        frame.with_payload(payload.into())
    }

    /// InvokeModel's streams carry the model's own JSON in base64.
    fn in_chunk(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let mut chunk: Fields = serde_json::from_slice(payload).ok()?;
        let bytes: String = serde_json::from_str(chunk.get("bytes")?.as_str()).ok()?;
        let inner = self.in_object(&BASE64_STANDARD.decode(bytes).ok()?)?;
        chunk.set("bytes", json(&BASE64_STANDARD.encode(inner)).ok()?);
        serde_json::to_vec(&chunk).ok()
    }

    /// The object without the name; nothing where it has no trace.
    fn in_object(&self, body: &[u8]) -> Option<Vec<u8>> {
        let guardrail = self.0.as_ref()?;
        // Traces are seldom; the rest goes out unread.
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
