//! Decodes streamed chat completions into chunks: server-sent events as in the WHATWG HTML
//! standard. No I/O: bytes in, events out, with any chunk boundaries.

use memchr::memchr2;

use super::decoder::Decode;
use crate::bedrock::errors::UpstreamError;
use crate::converse::event::Event;
use crate::converse::upstream::chat_completions::ChatCompletionEvents;

/// An event is buffered until it is complete; a corrupt one must not make the gateway wait for
/// gigabytes.
const MAX_EVENT_SIZE: usize = 16 << 20;

/// The data of the final event.
const DONE: &[u8] = b"[DONE]";

/// Decodes the chunks of one response into the events of ConverseStream.
#[derive(Debug, Default)]
pub struct ChatCompletionDecoder {
    /// The incomplete line.
    line: Vec<u8>,
    /// The data of the incomplete event, with a line feed after each line.
    data: Vec<u8>,
    /// Whether the last line ended with a carriage return, which a line feed may follow.
    after_return: bool,
    /// Whether `[DONE]` has arrived; later events are ignored.
    done: bool,
    response: ChatCompletionEvents,
}

impl Decode for ChatCompletionDecoder {
    type Item = Event;

    fn push(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) -> Result<(), UpstreamError> {
        while !self.done && !bytes.is_empty() {
            if std::mem::take(&mut self.after_return)
                && let Some(rest) = bytes.strip_prefix(b"\n")
            {
                bytes = rest;
                continue;
            }
            let end = memchr2(b'\n', b'\r', bytes);
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.line.extend_from_slice(line);
            if self.line.len() + self.data.len() > MAX_EVENT_SIZE {
                return Err(UpstreamError::unreadable("an event is longer than 16 MiB"));
            }
            let Some((line_end, rest)) = rest.split_first() else {
                return Ok(());
            };
            self.after_return = *line_end == b'\r';
            bytes = rest;
            self.end_line(events)?;
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

impl ChatCompletionDecoder {
    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), UpstreamError> {
        let line = self.line.strip_prefix("\u{feff}".as_bytes());
        let line = line.unwrap_or(&self.line);
        let ends_event = line.is_empty();
        if let Some(value) = data_of(line) {
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
        }
        self.line.clear();
        if !ends_event {
            return Ok(());
        }
        let mut data = std::mem::take(&mut self.data);
        let accepted = self.accept(&data, events);
        // The next event reuses the memory.
        data.clear();
        self.data = data;
        accepted
    }

    /// Decodes the data of an event.
    fn accept(&mut self, data: &[u8], events: &mut Vec<Event>) -> Result<(), UpstreamError> {
        let Some(data) = data.strip_suffix(b"\n") else {
            return Ok(());
        };
        if data == DONE {
            self.done = true;
            return Ok(());
        }
        if let Some(error) = UpstreamError::from_chunk(data) {
            return Err(error);
        }
        let text = std::str::from_utf8(data)
            .map_err(|error| UpstreamError::unreadable(format!("a chunk: {error}")))?;
        // Events without data are keep-alives.
        if text.trim().is_empty() {
            return Ok(());
        }
        self.response
            .accept(text, events)
            .map_err(|error| UpstreamError::unreadable(format!("a chunk: {error}")))
    }
}

/// The value of a `data` line. Comments and other fields (`event`, `id`, `retry`) carry no
/// additional information.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    match line.strip_prefix(b"data")? {
        [] => Some(b""),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::converse::event::Delta;

    fn decoded<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, bool) {
        let mut decoder = ChatCompletionDecoder::default();
        let mut events = Vec::new();
        for chunk in chunks {
            if decoder.push(chunk, &mut events).is_err() {
                return (events, false);
            }
        }
        let complete = decoder.finish().is_ok();
        (events, complete)
    }

    /// A chunk with `text`, as JSON.
    fn chunk(text: &str) -> String {
        format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#)
    }

    /// The events of a stream with these texts.
    fn texts(texts: &[&str]) -> Vec<Event> {
        let deltas = texts.iter().map(|text| Event::BlockDelta {
            index: 0,
            delta: Delta::Text((*text).to_owned()),
        });
        std::iter::once(Event::MessageStart).chain(deltas).collect()
    }

    #[test]
    fn all_line_endings_comments_and_fields_are_parsed() {
        let (one, other) = (chunk("a"), chunk("b"));
        for text in [
            format!("data: {one}\n\ndata:{other}\n\ndata: [DONE]\n\n"),
            format!("data: {one}\r\n\r\ndata:{other}\r\n\r\ndata: [DONE]\r\n\r\n"),
            format!("data: {one}\r\rdata:{other}\r\rdata: [DONE]\r\r"),
            format!(
                "\u{feff}: hello\nevent: chunk\nid: 1\ndata: {one}\n\n:\n\ndata\n\ndatum: x\n\n\
                 data:{other}\n\ndata: [DONE]\n\ndata: late\n\n"
            ),
        ] {
            let (events, complete) = decoded([text.as_bytes()]);
            assert_eq!(events, texts(&["a", "b"]), "{text}");
            assert!(complete, "{text}");
        }
    }

    #[test]
    fn data_lines_of_one_event_are_joined() {
        let text = b"data: {\"choices\":\ndata:  [{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\n";
        assert_eq!(decoded([text.as_slice()]).0, texts(&["a"]));
    }

    #[test]
    fn an_error_event_ends_the_stream() {
        let text = b"data: {}\n\ndata: {\"error\":{\"message\":\"slow down\",\
                     \"code\":\"rate_limit_exceeded\"}}\n\ndata: {}\n\n";
        let mut events = Vec::new();
        let error = ChatCompletionDecoder::default().push(text, &mut events);
        assert_eq!(events, [Event::MessageStart]);
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
                    Just(format!("data: {}", chunk("ü"))),
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
