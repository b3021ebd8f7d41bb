//! The target `event_stream`: the body of a ConverseStream response in any chunks.
//!
//! The input starts with eight bytes: the format of the rest (0), the output options (1, 2), the
//! lengths of chunks (3 to 6), and how much of the end is missing (7). If byte 0 is even, the rest is
//! the body. If it is odd, the rest is lines, each of which becomes a frame: type and payload, as in
//! `upstream.response.txt` in `tests/golden`. `!` before a type makes it an exception, `?` an error. A
//! line that starts with a digit becomes part of the body unchanged.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use outcrop::bedrock::EventDecoder;
use outcrop::converse::JsonText;
use outcrop::converse::event::{Delta, Event};
use serde_json::Value;

use super::{choices, sse_writer};

/// Panics if the events depend on the chunks or the responses to the events do not agree.
pub fn check(input: &[u8]) {
    let Some(([kind, output_options, more, cuts @ .., missing], rest)) =
        input.split_first_chunk::<8>()
    else {
        return;
    };
    let mut body = match kind % 2 {
        0 => rest.to_vec(),
        _ => frames(rest),
    };
    body.truncate(body.len().saturating_sub(usize::from(*missing)));
    let (events, error) = decoded(&body, &[]);
    for cuts in [cuts.as_slice(), &[1]] {
        let again = decoded(&body, cuts);
        assert_eq!(again.0, events);
        assert_eq!(again.1, error);
    }
    if error.is_none() && events.iter().all(is_readable) {
        let output_options = sse_writer::output_options([*output_options, *more]);
        choices::agree(&[events], &[], &output_options);
    }
}

/// The events of `body`, which arrives in chunks of these lengths, repeated, or in one chunk if there
/// are none; and the error, if any.
fn decoded(body: &[u8], lengths: &[u8]) -> (Vec<Event>, Option<String>) {
    let mut decoder = EventDecoder::new();
    let mut events = Vec::new();
    let mut rest = body;
    let is_single_chunk = lengths.iter().all(|length| *length == 0);
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = match lengths.next() {
            Some(length) if !is_single_chunk => usize::from(*length).min(rest.len()),
            _ => rest.len(),
        };
        let (chunk, remaining) = rest.split_at(length);
        rest = remaining;
        if let Err(error) = decoder.push(chunk, &mut events) {
            return (events, Some(format!("{error:?}")));
        }
    }
    let error = decoder.finish().err();
    (events, error.map(|error| format!("{error:?}")))
}

fn frames(lines: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        if line.first().is_some_and(u8::is_ascii_digit) {
            body.extend_from_slice(line);
            continue;
        }
        let space = line.iter().position(|byte| *byte == b' ');
        let (kind, payload) = line.split_at(space.unwrap_or(line.len()));
        let Ok(kind) = std::str::from_utf8(kind) else {
            continue;
        };
        let payload = payload.strip_prefix(b" ").unwrap_or_default();
        let (message_type, type_header, kind) = match (kind.strip_prefix('!'), kind) {
            (Some(exception), _) => ("exception", ":exception-type", exception),
            (None, kind) => match kind.strip_prefix('?') {
                Some(code) => ("error", ":error-code", code),
                None => ("event", ":event-type", kind),
            },
        };
        let text = |value: &str| HeaderValue::String(value.to_owned().into());
        let message = Message::new(Bytes::copy_from_slice(payload))
            .add_header(Header::new(":message-type", text(message_type)))
            .add_header(Header::new(type_header.to_owned(), text(kind)));
        // A type that is too long for a header does not become a frame.
        let mut frame = Vec::new();
        if write_message_to(&message, &mut frame).is_ok() {
            body.append(&mut frame);
        }
    }
    body
}

/// Whether serde_json reads the JSON that is passed on as text: unpaired surrogates and numbers of any
/// size are valid JSON, but parsers differ.
fn is_readable(event: &Event) -> bool {
    let reads = |json: &JsonText| serde_json::from_str::<Value>(json.as_str()).is_ok();
    match event {
        Event::MessageStop {
            additional_fields, ..
        } => additional_fields.as_ref().is_none_or(reads),
        Event::Metadata(metadata) => metadata.trace.as_ref().is_none_or(reads),
        Event::BlockDelta {
            delta: Delta::Citation(citation),
            ..
        } => reads(&citation.0),
        _ => true,
    }
}
