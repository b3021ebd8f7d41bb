//! The events of a stream, and how items are written without one.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

/// Receives the events of a response.
pub(super) trait EventSink {
    /// Adds an event. `fields` serialises to an object with at least one member.
    fn event(&mut self, kind: &'static str, fields: &impl Serialize);
}

/// Drops the events of a non-streaming response, which has only their result.
#[derive(Debug, Default)]
pub(super) struct NoEvents;

impl EventSink for NoEvents {
    fn event(&mut self, _kind: &'static str, _fields: &impl Serialize) {}
}

/// A buffer of server-sent events with a type and a number.
#[derive(Debug, Default)]
pub(super) struct SseEvents {
    buffer: BytesMut,
    number: u64,
}

impl SseEvents {
    /// An empty buffer whose first event has this number.
    pub(super) fn starting_at(number: u64) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// The bytes written since the last call.
    pub(super) fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Whether [`take`](Self::take) would return no bytes.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Adds the event that keeps the connection alive. Codex resets its timeout on events only.
    pub(super) fn keepalive(&mut self) {
        self.begin("keepalive");
        self.buffer.put_slice(b"}\n\n");
    }

    /// Begins an event, up to its number.
    fn begin(&mut self, kind: &'static str) {
        self.buffer.reserve(256);
        for text in ["event: ", kind, "\ndata: {\"type\":\"", kind] {
            self.buffer.put_slice(text.as_bytes());
        }
        self.buffer.put_slice(b"\",\"sequence_number\":");
        self.value(&self.number.clone());
        self.number += 1;
    }

    /// Appends JSON. This cannot fail: the writer is a memory buffer.
    fn value(&mut self, value: &impl Serialize) {
        let written = serde_json::to_writer((&mut self.buffer).writer(), value);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}

impl EventSink for SseEvents {
    fn event(&mut self, kind: &'static str, fields: &impl Serialize) {
        self.begin(kind);
        let start = self.buffer.len();
        self.value(fields);
        // The fields follow the number in the same object. JSON of the client may have line breaks
        // between its tokens, and the data of an event is one line.
        let bytes = self.buffer.iter_mut().skip(start).enumerate();
        for (index, byte) in bytes {
            match *byte {
                b'{' if index == 0 => *byte = b',',
                b'\n' | b'\r' => *byte = b' ',
                _ => {}
            }
        }
        self.buffer.put_slice(b"\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;

    #[test]
    fn events_are_numbered_lines() {
        #[derive(Serialize)]
        struct Tools {
            tools: JsonText,
        }
        let mut events = SseEvents::default();
        let tools = JsonText::parse("{\n\"a\":\r\n\"b\\n\"}".to_owned()).expect("JSON");
        events.event("response.created", &Tools { tools });
        events.keepalive();
        let bytes = events.take();
        let text = std::str::from_utf8(&bytes).expect("text");
        assert_eq!(
            text,
            "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\
             \"tools\":{ \"a\":  \"b\\n\"}}\n\nevent: keepalive\ndata: {\"type\":\"keepalive\",\
             \"sequence_number\":1}\n\n"
        );
    }
}
