//! Decodes streamed chat completions into chunks: server-sent events as in the WHATWG HTML
//! standard. No I/O: bytes in, events out, with any chunk boundaries.

use crate::bedrock::errors::UpstreamError;
use crate::bedrock::transport::decoder::Decode;

/// An event is buffered until it is complete; a corrupt one must not make the gateway wait for
/// gigabytes.
const MAX_EVENT_SIZE: usize = 16 << 20;

/// The data of the final event.
const DONE: &[u8] = b"[DONE]";

/// An event of a streamed chat completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkEvent {
    /// The JSON of a chunk.
    Chunk(String),
    /// `[DONE]`
    Done,
}

/// Decodes the events of one response.
#[derive(Debug, Default)]
pub struct ChunkDecoder {
    /// The incomplete line.
    line: Vec<u8>,
    /// The data of the incomplete event, with a line feed after each line.
    data: Vec<u8>,
    /// Whether the last line ended with a carriage return, which a line feed may follow.
    after_return: bool,
    /// Whether `[DONE]` has arrived; later events are ignored.
    done: bool,
}

impl Decode for ChunkDecoder {
    type Item = ChunkEvent;

    fn push(&mut self, bytes: &[u8], events: &mut Vec<ChunkEvent>) -> Result<(), UpstreamError> {
        for byte in bytes {
            let is_line_feed_of_return = std::mem::take(&mut self.after_return) && *byte == b'\n';
            match byte {
                _ if self.done => return Ok(()),
                _ if is_line_feed_of_return => {}
                b'\n' => self.end_line(events)?,
                b'\r' => {
                    self.after_return = true;
                    self.end_line(events)?;
                }
                byte => self.line.push(*byte),
            }
            if self.line.len() + self.data.len() > MAX_EVENT_SIZE {
                return Err(UpstreamError::unreadable("an event is longer than 16 MiB"));
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), UpstreamError> {
        match self.done || self.line.is_empty() && self.data.is_empty() {
            true => Ok(()),
            false => Err(UpstreamError::cut_off("the stream ended within an event")),
        }
    }
}

impl ChunkDecoder {
    fn end_line(&mut self, events: &mut Vec<ChunkEvent>) -> Result<(), UpstreamError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line);
        if line.is_empty() {
            return self.end_event(events);
        }
        // Comments and other fields (`event`, `id`, `retry`) carry no additional information.
        if let Some(value) = line.strip_prefix(b"data") {
            let value = match value {
                [] => value,
                [b':', b' ', value @ ..] | [b':', value @ ..] => value,
                _ => return Ok(()),
            };
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
        }
        Ok(())
    }

    fn end_event(&mut self, events: &mut Vec<ChunkEvent>) -> Result<(), UpstreamError> {
        let data = std::mem::take(&mut self.data);
        let Some(data) = data.strip_suffix(b"\n") else {
            return Ok(());
        };
        if data == DONE {
            self.done = true;
            events.push(ChunkEvent::Done);
            return Ok(());
        }
        if let Some(error) = UpstreamError::from_chunk(data) {
            return Err(error);
        }
        let text = std::str::from_utf8(data)
            .map_err(|error| UpstreamError::unreadable(format!("a chunk: {error}")))?;
        // Events without data are keep-alives.
        if !text.trim().is_empty() {
            events.push(ChunkEvent::Chunk(text.to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<ChunkEvent>, bool) {
        let mut decoder = ChunkDecoder::default();
        let mut events = Vec::new();
        for chunk in chunks {
            if decoder.push(chunk, &mut events).is_err() {
                return (events, false);
            }
        }
        let complete = decoder.finish().is_ok();
        (events, complete)
    }

    fn chunk(text: &str) -> ChunkEvent {
        ChunkEvent::Chunk(text.to_owned())
    }

    #[test]
    fn all_line_endings_comments_and_fields_are_parsed() {
        for text in [
            "data: {\"a\":1}\n\ndata:{}\n\ndata: [DONE]\n\n",
            "data: {\"a\":1}\r\n\r\ndata:{}\r\n\r\ndata: [DONE]\r\n\r\n",
            "data: {\"a\":1}\r\rdata:{}\r\rdata: [DONE]\r\r",
            "\u{feff}: hello\nevent: chunk\nid: 1\ndata: {\"a\":1}\n\n:\n\ndata\n\ndatum: x\n\ndata:{}\n\n\
             data: [DONE]\n\ndata: late\n\n",
        ] {
            let (events, complete) = decoded([text.as_bytes()]);
            assert_eq!(
                events,
                [chunk("{\"a\":1}"), chunk("{}"), ChunkEvent::Done],
                "{text}"
            );
            assert!(complete, "{text}");
        }
    }

    #[test]
    fn data_lines_of_one_event_are_joined() {
        let (events, _) = decoded([b"data: {\ndata:  \"a\":1\ndata: }\n\n".as_slice()]);
        assert_eq!(events, [chunk("{\n \"a\":1\n}")]);
    }

    #[test]
    fn an_error_event_ends_the_stream() {
        let text = b"data: {}\n\ndata: {\"error\":{\"message\":\"slow down\",\
                     \"code\":\"rate_limit_exceeded\"}}\n\ndata: {}\n\n";
        let mut events = Vec::new();
        let error = ChunkDecoder::default().push(text, &mut events);
        assert_eq!(events, [chunk("{}")]);
        assert_eq!(error.expect_err("an error").code, "ThrottlingException");
    }

    #[test]
    fn a_stream_ends_between_events_and_event_size_is_limited() {
        let complete = b"data: {}\n\ndata: {\"a\":1}\n\n".as_slice();
        for length in 0..=complete.len() {
            let (_, is_complete) = decoded(complete.get(..length));
            let is_between = [0, 10, complete.len()].contains(&length);
            assert_eq!(is_complete, is_between, "{length}");
        }
        let long = vec![b'x'; MAX_EVENT_SIZE + 1];
        assert!(!decoded([b"data: ".as_slice(), &long]).1);
        assert!(!decoded([b"data: \xff\n\n".as_slice()]).1);
    }

    proptest! {
        #[test]
        fn chunk_boundaries_do_not_matter(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("data: {\"a\":\"ü\"}".to_owned()),
                    Just("data: [DONE]".to_owned()),
                    Just(String::new()),
                    Just(": c".to_owned()),
                    "[a-z: {}]{0,8}",
                ],
                0..12,
            ),
            ends in proptest::collection::vec(
                prop_oneof![Just("\n"), Just("\r\n"), Just("\r")], 12,
            ),
            size in 1usize..7,
        ) {
            let text: String = lines.iter().zip(&ends).flat_map(|(line, end)| [line, *end]).collect();
            let expected = decoded([text.as_bytes()]);
            prop_assert_eq!(decoded(text.as_bytes().chunks(size)), expected);
        }

        #[test]
        fn no_input_makes_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decoded([bytes.as_slice()]);
        }
    }
}
