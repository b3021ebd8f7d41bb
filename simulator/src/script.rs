//! Scripts: responses and faults that tests or operators queue.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Operation;

/// Defines the response to matching calls. The first matching script in the queue applies; it
/// leaves the queue after `times` calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Only matches calls with this model id, as percent-decoded from the path; `None` matches all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only matches calls of this operation; `None` matches all operations that invoke a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Number of calls: `None` for one, `Some(0)` for all further calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The response; the echo by default.
    #[serde(default)]
    pub response: ScriptedResponse,
    /// Faults injected into the response; all of them apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

impl Script {
    /// A script for the next model call.
    pub fn new(response: ScriptedResponse) -> Self {
        Self {
            model: None,
            operation: None,
            times: None,
            response,
            faults: Vec::new(),
        }
    }

    /// Echoes the next call, with `fault` injected.
    pub fn fault(fault: Fault) -> Self {
        Self::new(ScriptedResponse::default()).with(fault)
    }

    /// Responds to the next call with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(ScriptedResponse::Text {
            text: text.into(),
            deltas: None,
            stop_reason: None,
            usage: None,
        })
    }

    /// Responds to the next call with this error.
    pub fn error(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ScriptedResponse::Error {
            status,
            code: code.into(),
            message: message.into(),
            retry_after: None,
        })
    }

    /// Responds to the next call with a recording.
    pub fn recording(file: impl Into<PathBuf>) -> Self {
        Self::new(ScriptedResponse::Recording { file: file.into() })
    }

    /// Adds a fault.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Limits the script to one model id.
    #[must_use]
    pub fn for_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Limits the script to one operation.
    #[must_use]
    pub fn for_operation(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Applies to this many calls instead of one; 0 for all further calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// The response to a call. In JSON, `kind` selects the variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScriptedResponse {
    /// The response that the simulator generates without a script.
    Echo {},
    /// A text in the format of the operation (not for the control plane).
    Text {
        /// The whole text; if empty, the deltas joined.
        #[serde(default)]
        text: String,
        /// The deltas of a stream; one per word if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deltas: Option<Vec<String>>,
        /// `end_turn` if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_reason: Option<String>,
        /// Converse's usage object; an estimate if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Value>,
    },
    /// A complete Converse response; ConverseStream calls get it as events.
    Converse {
        /// The response body.
        body: Value,
        /// Additional headers.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
    },
    /// The events of a stream, sent unchanged (without padding).
    Events {
        /// In sending order.
        events: Vec<Event>,
    },
    /// Bytes that are sent unchanged.
    Raw {
        /// HTTP status.
        #[serde(default = "ok")]
        status: u16,
        /// Headers; only `x-amzn-requestid`, `date` and headers that HTTP requires are added.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body; `body_base64` (base64) in JSON.
        #[serde(rename = "body_base64", with = "base64_bytes", default)]
        body: Bytes,
    },
    /// A recorded response: its status, its body and its meaningful headers.
    Recording {
        /// Path of the file, for the simulator's process.
        file: PathBuf,
    },
    /// An error in AWS's format, or in OpenAI's for chat completions.
    Error {
        /// HTTP status.
        status: u16,
        /// AWS error code, for instance `ThrottlingException`.
        code: String,
        /// Error message.
        message: String,
        /// Seconds for a `retry-after` header; `None` adds no header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
}

impl Default for ScriptedResponse {
    fn default() -> Self {
        Self::Echo {}
    }
}

fn ok() -> u16 {
    200
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Event name, for instance `contentBlockDelta`; a name that ends in `Exception` makes an
    /// exception frame.
    #[serde(rename = "type")]
    pub name: String,
    /// JSON payload of the frame.
    pub payload: Value,
}

/// A fault injected into a response. In JSON, `kind` selects the variant. The descriptions are for
/// streams; a non-streaming body counts as one event, and "half" means half of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Sends nothing, not even the head, for this long.
    SlowResponse {
        /// Delay in milliseconds.
        delay_ms: u64,
    },
    /// Sends the head at once, the first event after a delay.
    SlowFirstEvent {
        /// Delay in milliseconds.
        delay_ms: u64,
    },
    /// Adds a delay before every event.
    Drip {
        /// Delay in milliseconds.
        delay_ms: u64,
    },
    /// Ends the stream with an exception frame. A non-streaming response becomes an error response.
    Exception {
        /// Number of events before it; with 0 the exception is the only frame, with HTTP status
        /// 200.
        #[serde(default)]
        after_events: usize,
        /// Exception name in lower camel case, for instance `throttlingException`.
        code: String,
        /// Error message.
        message: String,
        /// Adds `originalStatusCode`, as `modelStreamErrorException` has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        original_status_code: Option<u16>,
    },
    /// Closes the connection in the middle of the body, without a proper end.
    Cut {
        /// Number of events before it.
        #[serde(default)]
        after_events: usize,
    },
    /// Ends the body properly, but too early.
    End {
        /// Number of events before it.
        #[serde(default)]
        after_events: usize,
    },
    /// Sends half a frame, then ends the body properly.
    TruncatedFrame {
        /// Number of events before it.
        #[serde(default)]
        after_events: usize,
    },
    /// Sends a frame with a wrong checksum, then ends the body properly.
    BadCrc {
        /// Number of events before it.
        #[serde(default)]
        after_events: usize,
    },
    /// Sends nothing more until the client disconnects.
    Stall {
        /// Number of events before it.
        #[serde(default)]
        after_events: usize,
    },
    /// Sends an event of 1 MiB one byte at a time, so that it never completes.
    Trickle {
        /// Number of events before it.
        #[serde(default)]
        after_events: usize,
        /// Delay before each byte, in milliseconds.
        delay_ms: u64,
    },
}

/// Bytes as base64 in JSON.
mod base64_bytes {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        BASE64_STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn scripts_are_parsed_from_json_and_unknown_fields_are_rejected() {
        let text = r#"{"times": 0, "response": {"kind": "text", "text": "hi"},
                       "faults": [{"kind": "cut", "after_events": 2}]}"#;
        let script: Script = serde_json::from_str(text).unwrap();
        assert_eq!(
            script,
            Script::text("hi")
                .times(0)
                .with(Fault::Cut { after_events: 2 })
        );

        for wrong in [
            r#"{"response": {"kind": "text", "text": "hi", "speed": 3}}"#,
            r#"{"response": {"kind": "echo", "text": "hi"}}"#,
            r#"{"faults": [{"kind": "cut", "after": 2}]}"#,
            r#"{"modle": "x"}"#,
        ] {
            assert!(serde_json::from_str::<Script>(wrong).is_err(), "{wrong}");
        }
    }
}
