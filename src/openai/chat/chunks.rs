//! Pieces of an answer as server-sent events.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use super::completion::{ThinkingBlockObject, UsageObject, annotation, citation};
use super::ending::Ending;
use super::piece::{CallKind, Piece, Sink};

/// Writes `chat.completion.chunk` events into a buffer. What all chunks of an answer share is
/// written once, when the answer begins, and copied from then on.
#[derive(Debug)]
pub struct ChunkWriter {
    /// `data: {"id":...,"choices":[`
    head: Vec<u8>,
    include_usage: bool,
    legacy_functions: bool,
    /// The answer, of several to one request, that the pieces belong to.
    choice: u32,
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
            choice: 0,
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

    /// Says which of several answers the next pieces belong to, from 0.
    pub fn choose(&mut self, choice: u32) {
        self.choice = choice;
    }

    /// Ends the stream: usage where it was asked for and is known, and what else is told at the end.
    pub fn done(&mut self, ending: &Ending) {
        let Ending {
            usage,
            trace,
            response_fields,
            service_tier,
        } = ending;
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

    /// Ends the stream with an error instead: one event, and no `[DONE]`.
    pub fn error(&mut self, error: &impl Serialize) {
        self.buffer.put_slice(b"data: ");
        append_json((&mut self.buffer).writer(), error);
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

    /// Room for the next write, so that small deltas do not each grow the buffer.
    fn begin_choice(&mut self) {
        self.buffer.reserve(self.head.len() + 160);
        self.buffer.put_slice(&self.head);
        if self.choice == 0 {
            self.buffer.put_slice(b"{\"index\":0,\"delta\":{");
        } else {
            self.buffer.put_slice(b"{\"index\":");
            append_json((&mut self.buffer).writer(), &self.choice);
            self.buffer.put_slice(b",\"delta\":{");
        }
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

    /// JSON with parts that others have written. There it may have line breaks between its tokens,
    /// and nowhere else; the data of an event is one line.
    fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        let start = self.buffer.len();
        append_json((&mut self.buffer).writer(), value);
        for byte in self.buffer.iter_mut().skip(start) {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    /// A list of one, at a place that clients put together by.
    fn item(&mut self, name: &[u8], value: &impl Serialize) {
        self.begin_choice();
        self.buffer.put_slice(name);
        self.buffer.put_slice(b"[");
        self.json(value);
        self.buffer.put_slice(b"]");
        self.end_choice(None);
    }

    fn tool_call(&mut self, index: usize, id: &str, name: &str, kind: CallKind) {
        self.begin_choice();
        if self.legacy_functions {
            self.buffer.put_slice(b"\"function_call\":{\"name\":");
            self.string(name);
            self.buffer.put_slice(b",\"arguments\":\"\"}");
        } else {
            self.begin_call(index);
            self.buffer.put_slice(b",\"id\":");
            self.string(id);
            self.buffer.put_slice(b",\"type\":");
            self.string(kind.as_str());
            self.buffer.put_slice(b",");
            self.string(kind.as_str());
            self.buffer.put_slice(b":{\"name\":");
            self.string(name);
            self.buffer.put_slice(b",");
            self.string(kind.input());
            self.buffer.put_slice(b":\"\"}}]");
        }
        self.end_choice(None);
    }

    fn arguments(&mut self, index: usize, fragment: &str, kind: CallKind) {
        self.begin_choice();
        if self.legacy_functions {
            self.buffer.put_slice(b"\"function_call\":{\"arguments\":");
            self.string(fragment);
            self.buffer.put_slice(b"}");
        } else {
            self.begin_call(index);
            self.buffer.put_slice(b",");
            self.string(kind.as_str());
            self.buffer.put_slice(b":{");
            self.string(kind.input());
            self.buffer.put_slice(b":");
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
            Piece::ThinkingBlock { index, block } => {
                let block = ThinkingBlockObject::at(index, block);
                self.item(b"\"thinking_blocks\":", &block);
            }
            Piece::Annotation {
                index,
                source,
                span,
            } => self.item(b"\"annotations\":", &annotation(Some(index), source, span)),
            Piece::Citation {
                index,
                citation: source,
                span,
            } => self.item(
                b"\"bedrock_citations\":",
                &citation(Some(index), source, span),
            ),
            Piece::ToolCall {
                index,
                id,
                name,
                kind,
            } => self.tool_call(index, id, name, kind),
            Piece::Arguments {
                index,
                fragment,
                kind,
            } => self.arguments(index, fragment, kind),
            Piece::Finish(reason) => {
                self.begin_choice();
                self.end_choice(Some(reason.as_str()));
            }
        }
    }
}

/// Writes `value` as JSON. Memory is the only thing that can run out here, and text, numbers and
/// plain structs always have a JSON form.
fn append_json<T: Serialize + ?Sized>(writer: impl std::io::Write, value: &T) {
    let written = serde_json::to_writer(writer, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::converse::response::Citation;
    use crate::openai::chat::piece::Span;

    #[test]
    fn json_of_several_lines_becomes_one() {
        let json = JsonText::parse("{\r\n \"a\":\n\"b\\n\"}".to_owned()).expect("JSON");
        let mut writer = ChunkWriter::new("id", 1, "model", false, false);
        writer.piece(Piece::Citation {
            index: 0,
            citation: &Citation(json.clone()),
            span: Span { start: 0, end: 0 },
        });
        writer.done(&Ending {
            trace: Some(json.clone()),
            response_fields: Some(json),
            ..Ending::default()
        });
        let bytes = writer.take();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains('\r'), "{text}");
        assert_eq!(text.matches('\n').count(), 6, "{text}");
        assert_eq!(text.matches(r#"{   "a": "b\n"}"#).count(), 3, "{text}");
    }
}
