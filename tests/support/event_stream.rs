//! The target `event_stream`: the body of a ConverseStream answer, however it arrives.
//!
//! The input begins with eight bytes: what the body is (0), the plan of the answer (1, 2), how the
//! body is cut into chunks (3 to 6), and how much is missing at its end (7). Where byte 0 is even
//! the body follows as it is. Where it is odd lines follow, each an event's type and payload as in
//! `tests/golden`, and each becomes a frame; `!` before a type makes it an exception, `?` an error,
//! and a line that begins with a digit stands in the body as it is.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use outcrop::bedrock::EventDecoder;
use outcrop::converse::JsonText;
use outcrop::converse::event::{Delta, Event};
use serde_json::Value;

use super::{choices, sse_writer};

/// Panics where the events depend on the chunks, or an answer of the events is not sound.
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

/// The events of `body` in chunks of these lengths, again and again; all of it at once where there
/// are none. And how it failed.
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
        // What is too long for a header makes no frame.
        let mut frame = Vec::new();
        if write_message_to(&message, &mut frame).is_ok() {
            body.append(&mut frame);
        }
    }
    body
}

/// Whether the JSON that is passed on as text can be read here: JSON allows halves of pairs of
/// surrogates, and numbers of any size, and clients differ in what they make of them.
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
