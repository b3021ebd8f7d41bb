//! A buffer of server-sent events, shared by the streams of chat and legacy completions.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use super::completion::UsageObject;
use crate::converse::output::ResponseSummary;

/// The events of one streamed response. The fields that all chunks share are serialised once and
/// copied into each chunk.
#[derive(Debug)]
pub(crate) struct EventBuffer {
    /// `data: {"id":...,"choices":[`
    head: Vec<u8>,
    include_usage: bool,
    buffer: BytesMut,
}

impl EventBuffer {
    /// A buffer for chunks with this `id`, `object`, `created` (Unix seconds) and `model` (the
    /// client's name).
    pub(crate) fn new(
        id: &str,
        object: &str,
        created: u64,
        model: &str,
        include_usage: bool,
    ) -> Self {
        let mut head = Vec::with_capacity(128 + model.len());
        head.extend_from_slice(b"data: {\"id\":");
        append_json(&mut head, id);
        head.extend_from_slice(b",\"object\":");
        append_json(&mut head, object);
        head.extend_from_slice(b",\"created\":");
        append_json(&mut head, &created);
        head.extend_from_slice(b",\"model\":");
        append_json(&mut head, model);
        head.extend_from_slice(b",\"choices\":[");
        Self {
            head,
            include_usage,
            buffer: BytesMut::new(),
        }
    }

    /// The bytes written since the last call.
    pub(crate) fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Whether [`take`](Self::take) would return no bytes.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Begins an event, up to its first choice. Reserves space for a typical event, so that small
    /// deltas do not each grow the buffer.
    pub(crate) fn begin(&mut self) {
        self.buffer.reserve(self.head.len() + 160);
        self.buffer.put_slice(&self.head);
    }

    /// Ends an event after its choices.
    pub(crate) fn end(&mut self) {
        self.buffer.put_slice(b"]");
        if self.include_usage {
            self.buffer.put_slice(b",\"usage\":null");
        }
        self.buffer.put_slice(b"}\n\n");
    }

    /// Appends serialised JSON.
    pub(crate) fn put(&mut self, json: &[u8]) {
        self.buffer.put_slice(json);
    }

    /// Appends a value that serialises without line breaks between its tokens.
    pub(crate) fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        append_json((&mut self.buffer).writer(), value);
    }

    /// Appends a value that contains JSON of the client or the provider. Such JSON may have line
    /// breaks between its tokens; they become spaces, since the data of an event is one line.
    pub(crate) fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        let start = self.buffer.len();
        self.value(value);
        for byte in self.buffer.iter_mut().skip(start) {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    /// Ends the stream with `[DONE]`, after a chunk with usage and the other fields of `summary`
    /// that were requested.
    pub(crate) fn done(&mut self, summary: &ResponseSummary) {
        let ResponseSummary {
            usage,
            trace,
            response_fields,
            service_tier,
        } = summary;
        let usage = usage.filter(|_| self.include_usage);
        let has_more = trace.is_some() || response_fields.is_some() || service_tier.is_some();
        if usage.is_some() || has_more {
            self.buffer.put_slice(&self.head);
            self.buffer.put_slice(b"]");
            self.tail_member("usage", usage.map(UsageObject::from).as_ref());
            self.tail_member("service_tier", service_tier.as_ref());
            self.tail_member("trace", trace.as_ref());
            self.tail_member("additional_model_response_fields", response_fields.as_ref());
            self.buffer.put_slice(b"}\n\n");
        }
        self.buffer.put_slice(b"data: [DONE]\n\n");
    }

    /// Ends the stream with one error event, without `[DONE]`.
    pub(crate) fn error(&mut self, error: &impl Serialize) {
        self.buffer.put_slice(b"data: ");
        self.value(error);
        self.buffer.put_slice(b"\n\n");
    }

    fn tail_member(&mut self, name: &str, value: Option<&impl Serialize>) {
        if let Some(value) = value {
            self.buffer.put_slice(b",\"");
            self.buffer.put_slice(name.as_bytes());
            self.buffer.put_slice(b"\":");
            self.json(value);
        }
    }
}

/// Writes `value` as JSON. This cannot fail: the writers are memory buffers, and all values are
/// strings, numbers or plain structs.
fn append_json<T: Serialize + ?Sized>(writer: impl std::io::Write, value: &T) {
    let written = serde_json::to_writer(writer, value);
    debug_assert!(written.is_ok(), "{written:?}");
}
