//! What a test or an operator may order: answers and their disturbances.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Operation;

/// An order to answer matching calls in a certain way. The first matching script in the queue
/// answers; when it has answered `times` calls it leaves the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Only calls to this model id, as it stands decoded in the path; `None` matches all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only calls of this operation; `None` matches all that ask a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// How many calls it answers: `None` one, `Some(0)` all from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What is answered; the echo by default.
    #[serde(default)]
    pub response: ScriptedResponse,
    /// How the answer is disturbed on its way; all of them apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

impl Script {
    /// A script for the next call, whatever it is.
    pub fn new(response: ScriptedResponse) -> Self {
        Self {
            model: None,
            operation: None,
            times: None,
            response,
            faults: Vec::new(),
        }
    }

    /// The next call is echoed, disturbed by `fault`.
    pub fn fault(fault: Fault) -> Self {
        Self::new(ScriptedResponse::default()).with(fault)
    }

    /// The next call is answered by this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(ScriptedResponse::Text {
            text: text.into(),
            deltas: None,
            stop_reason: None,
            usage: None,
        })
    }

    /// The next call is answered by an error.
    pub fn error(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ScriptedResponse::Error {
            status,
            code: code.into(),
            message: message.into(),
            retry_after: None,
        })
    }

    /// The next call is answered by what a recording file holds.
    pub fn recording(file: impl Into<PathBuf>) -> Self {
        Self::new(ScriptedResponse::Recording { file: file.into() })
    }

    /// Adds a disturbance.
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

    /// Answers this many calls instead of one; 0 for all.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// What a call is answered with. In JSON the variant stands in `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScriptedResponse {
    /// The answer the simulator makes up without a script.
    Echo {},
    /// A text, in the shape of the operation that asks (not for the control plane).
    Text {
        /// The whole text; where empty, the deltas joined.
        #[serde(default)]
        text: String,
        /// The pieces in which a stream brings it; word by word where missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deltas: Option<Vec<String>>,
        /// `end_turn` where missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_reason: Option<String>,
        /// Converse's usage object; an estimate where missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Value>,
    },
    /// A whole Converse answer; ConverseStream calls get it cut into events.
    Converse {
        /// The answer's body.
        body: Value,
        /// Further headers.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
    },
    /// The events of a stream, sent exactly as given (without padding).
    Events {
        /// In order.
        events: Vec<Event>,
    },
    /// Bytes to be sent as they are.
    Raw {
        /// HTTP status.
        #[serde(default = "ok")]
        status: u16,
        /// Headers; only `x-amzn-requestid`, `date` and what HTTP needs are added.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body; base64 under `body_base64` in JSON.
        #[serde(rename = "body_base64", with = "base64_bytes", default)]
        body: Bytes,
    },
    /// The answer in a recording file: its status, its bytes and the headers that carry meaning.
    Recording {
        /// Where the file is, as the simulator's process sees it.
        file: PathBuf,
    },
    /// An error in AWS's shape.
    Error {
        /// HTTP status.
        status: u16,
        /// For instance `ThrottlingException`.
        code: String,
        /// The text of the body.
        message: String,
        /// Adds a `retry-after` header with this many seconds.
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
    /// For instance `contentBlockDelta`; a name that ends in `Exception` makes an exception frame.
    #[serde(rename = "type")]
    pub name: String,
    /// The JSON of the frame.
    pub payload: Value,
}

/// A disturbance of an answer. In JSON the variant stands in `kind`. Each tells what becomes of a
/// stream; where the answer is a whole body it counts as one event, and "half" means half of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing is sent, not even the head, for this long.
    SlowResponse {
        /// Milliseconds.
        delay_ms: u64,
    },
    /// The head is sent at once, the first event after a pause.
    SlowFirstEvent {
        /// Milliseconds.
        delay_ms: u64,
    },
    /// A pause before every event.
    Drip {
        /// Milliseconds.
        delay_ms: u64,
    },
    /// An exception frame ends the stream. A whole answer becomes the error of that name.
    Exception {
        /// How many events come before it; with 0 the exception is the only frame, under HTTP 200.
        #[serde(default)]
        after_events: usize,
        /// In lower camel case, for instance `throttlingException`.
        code: String,
        /// Its message.
        message: String,
        /// Adds `originalStatusCode`, as in `modelStreamErrorException`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        original_status_code: Option<u16>,
    },
    /// The connection is closed in the midst of the body, without the end that HTTP asks for.
    Cut {
        /// How many events come before it.
        #[serde(default)]
        after_events: usize,
    },
    /// The body ends properly, but too early.
    End {
        /// How many events come before it.
        #[serde(default)]
        after_events: usize,
    },
    /// Half a frame, then the body ends properly.
    TruncatedFrame {
        /// How many events come before it.
        #[serde(default)]
        after_events: usize,
    },
    /// A frame whose checksum is wrong, then the body ends properly.
    BadCrc {
        /// How many events come before it.
        #[serde(default)]
        after_events: usize,
    },
    /// Nothing more is sent until the client leaves.
    Stall {
        /// How many events come before it.
        #[serde(default)]
        after_events: usize,
    },
    /// An event of a mebibyte begins and is sent one byte at a time, so that it never becomes whole.
    Trickle {
        /// How many events come before it.
        #[serde(default)]
        after_events: usize,
        /// Milliseconds before each byte.
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
