//! Pieces of an answer as server-sent events.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use super::completion::UsageObject;
use super::pieces::{Piece, Sink};

/// Writes `chat.completion.chunk` events into a buffer. What all chunks of an answer share is
/// written once, when the answer begins, and copied from then on.
#[derive(Debug)]
pub struct ChunkWriter {
    /// `data: {"id":...,"choices":[`
    head: Vec<u8>,
    include_usage: bool,
    legacy_functions: bool,
    buffer: BytesMut,
}

impl ChunkWriter {
    /// A writer for the answer `id`, begun at `created` (Unix seconds) by the model that the
    /// client calls `model`.
    pub fn new(
        id: &str,
        created: u64,
        model: &str,
        include_usage: bool,
        legacy_functions: bool,
    ) -> Self {
        let mut head = Vec::with_capacity(128 + model.len());
        head.extend_from_slice(b"data: {\"id\":");
        append_json(&mut head, id);
        head.extend_from_slice(b",\"object\":\"chat.completion.chunk\",\"created\":");
        append_json(&mut head, &created);
        head.extend_from_slice(b",\"model\":");
        append_json(&mut head, model);
        head.extend_from_slice(b",\"choices\":[");
        Self {
            head,
            include_usage,
            legacy_functions,
            buffer: BytesMut::new(),
        }
    }

    /// What has been written since the last time.
    pub fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Ends the stream.
    pub fn done(&mut self) {
        self.buffer.put_slice(b"data: [DONE]\n\n");
    }

    /// Ends the stream with an error instead: one event, and no `[DONE]`.
    pub fn error(&mut self, error: &impl Serialize) {
        self.buffer.put_slice(b"data: ");
        append_json((&mut self.buffer).writer(), error);
        self.buffer.put_slice(b"\n\n");
    }

    /// Room for the next write, so that small deltas do not each grow the buffer.
    fn begin_choice(&mut self) {
        self.buffer.reserve(self.head.len() + 160);
        self.buffer.put_slice(&self.head);
        self.buffer.put_slice(b"{\"index\":0,\"delta\":{");
    }

    fn end_choice(&mut self, finish_reason: Option<&'static str>) {
        self.buffer
            .put_slice(b"},\"logprobs\":null,\"finish_reason\":");
        match finish_reason {
            None => self.buffer.put_slice(b"null}]"),
            Some(word) => {
                self.string(word);
                self.buffer.put_slice(b"}]");
            }
        }
        if self.include_usage {
            self.buffer.put_slice(b",\"usage\":null");
        }
        self.buffer.put_slice(b"}\n\n");
    }

    fn member(&mut self, name: &[u8], text: &str) {
        self.begin_choice();
        self.buffer.put_slice(name);
        self.string(text);
        self.end_choice(None);
    }

    fn string(&mut self, text: &str) {
        append_json((&mut self.buffer).writer(), text);
    }

    fn tool_call(&mut self, index: usize, id: &str, name: &str) {
        self.begin_choice();
        if self.legacy_functions {
            self.buffer.put_slice(b"\"function_call\":{\"name\":");
            self.string(name);
            self.buffer.put_slice(b",\"arguments\":\"\"}");
        } else {
            self.begin_call(index);
            self.buffer.put_slice(b",\"id\":");
            self.string(id);
            self.buffer
                .put_slice(b",\"type\":\"function\",\"function\":{\"name\":");
            self.string(name);
            self.buffer.put_slice(b",\"arguments\":\"\"}}]");
        }
        self.end_choice(None);
    }

    fn arguments(&mut self, index: usize, fragment: &str) {
        self.begin_choice();
        if self.legacy_functions {
            self.buffer.put_slice(b"\"function_call\":{\"arguments\":");
            self.string(fragment);
            self.buffer.put_slice(b"}");
        } else {
            self.begin_call(index);
            self.buffer.put_slice(b",\"function\":{\"arguments\":");
            self.string(fragment);
            self.buffer.put_slice(b"}}]");
        }
        self.end_choice(None);
    }

    fn begin_call(&mut self, index: usize) {
        self.buffer.put_slice(b"\"tool_calls\":[{\"index\":");
        append_json((&mut self.buffer).writer(), &index);
    }
}

impl Sink for ChunkWriter {
    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Role => {
                self.begin_choice();
                self.buffer
                    .put_slice(b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
                self.end_choice(None);
            }
            Piece::Content(text) => self.member(b"\"content\":", text),
            Piece::Reasoning(text) => self.member(b"\"reasoning_content\":", text),
            Piece::ToolCall { index, id, name } => self.tool_call(index, id, name),
            Piece::Arguments { index, fragment } => self.arguments(index, fragment),
            Piece::Finish(reason) => {
                self.begin_choice();
                self.end_choice(Some(reason.as_str()));
            }
            Piece::Usage(counts) if self.include_usage => {
                self.buffer.put_slice(&self.head);
                self.buffer.put_slice(b"],\"usage\":");
                append_json((&mut self.buffer).writer(), &UsageObject::from(counts));
                self.buffer.put_slice(b"}\n\n");
            }
            Piece::Usage(_) => {}
        }
    }
}

/// Writes `value` as JSON. Memory is the only thing that can run out here, and text, numbers and
/// plain structs always have a JSON form.
fn append_json<T: Serialize + ?Sized>(writer: impl std::io::Write, value: &T) {
    let written = serde_json::to_writer(writer, value);
    debug_assert!(written.is_ok(), "{written:?}");
}
