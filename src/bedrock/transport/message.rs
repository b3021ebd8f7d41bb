//! Reads the messages of an event stream where they lie. AWS's crate copies each header and the
//! payload, which are eight allocations for each delta.

use crc32fast::hash;

use crate::bedrock::errors::UpstreamError;

/// The maximum length of a frame. A frame starts with its length; a corrupt one must not make the
/// gateway wait for gigabytes. AWS's own limit is 16 MiB.
const MAX_FRAME_SIZE: usize = 16 << 20;

/// The length of the frame, that of its headers, and the checksum of both.
const PRELUDE: usize = 12;

/// The checksum at the end of a frame.
const CHECKSUM: usize = 4;

/// The type of a header whose value is a string.
const STRING: u8 = 7;

/// A message in its frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    headers: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// The length of the frame at the start of `bytes`, once it is complete.
pub(super) fn frame_length(bytes: &[u8]) -> Result<Option<usize>, UpstreamError> {
    let Some((lengths, rest)) = bytes.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let Some(checksum) = rest.first_chunk() else {
        return Ok(None);
    };
    if hash(lengths) != u32::from_be_bytes(*checksum) {
        return Err(damaged(
            "the lengths of a frame do not match their checksum",
        ));
    }
    let [a, b, c, d, ..] = *lengths;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    match length {
        16..=MAX_FRAME_SIZE => Ok((length <= bytes.len()).then_some(length)),
        _ => Err(damaged(&format!("a frame of {length} bytes"))),
    }
}

impl<'a> Message<'a> {
    /// The message in a complete frame.
    pub(super) fn read(frame: &'a [u8]) -> Result<Self, UpstreamError> {
        let cut = || damaged("a frame is too short for its headers");
        let (content, checksum) = frame.split_last_chunk::<CHECKSUM>().ok_or_else(cut)?;
        if hash(content) != u32::from_be_bytes(*checksum) {
            return Err(damaged("a frame does not match its checksum"));
        }
        let length = content.get(4..8).and_then(<[u8]>::first_chunk);
        let length = u32::from_be_bytes(*length.ok_or_else(cut)?) as usize;
        let content = content.get(PRELUDE..).ok_or_else(cut)?;
        let (headers, payload) = content.split_at_checked(length).ok_or_else(cut)?;
        let message = Self { headers, payload };
        let mut rest = headers;
        while !rest.is_empty() {
            let invalid = || damaged("a frame has an invalid header");
            (_, rest) = split_header(rest).ok_or_else(invalid)?;
        }
        Ok(message)
    }

    /// The text of the first header `name`.
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.headers;
        while let Some((header, others)) = split_header(rest) {
            if header.name == name {
                return header.text;
            }
            rest = others;
        }
        None
    }

    /// The `:event-type` of an event, or the error in the frame.
    pub(super) fn event_type(&self) -> Result<&'a str, UpstreamError> {
        match self.header(":message-type") {
            Some("event") => Ok(self.header(":event-type").unwrap_or_default()),
            Some("exception") => {
                let exception = self.header(":exception-type").unwrap_or_default();
                Err(UpstreamError::from_exception(exception, self.payload))
            }
            Some("error") => {
                let code = self.header(":error-code");
                let code = code.unwrap_or("InternalServerException");
                let detail = self.header(":error-message").unwrap_or_default();
                let mut error = UpstreamError::from_exception(code, b"{}");
                error.detail = detail.to_owned();
                Err(error)
            }
            other => Err(UpstreamError::unreadable(format!(
                "a frame of message type {other:?}"
            ))),
        }
    }
}

/// A header of a message.
struct Header<'a> {
    name: &'a str,
    /// The value; `None` if it is not a string.
    text: Option<&'a str>,
}

/// Splits off the first header; `None` if it is invalid.
fn split_header(bytes: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(length.into())?;
    let (&kind, rest) = rest.split_first()?;
    let (length, rest) = match kind {
        // Booleans, which have no value, integers, timestamps and UUIDs.
        0 | 1 => (0, rest),
        2 => (1, rest),
        3 => (2, rest),
        4 => (4, rest),
        5 | 8 => (8, rest),
        9 => (16, rest),
        // Bytes and strings.
        6 | STRING => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    let text = match kind {
        STRING => Some(std::str::from_utf8(value).ok()?),
        _ => None,
    };
    let name = std::str::from_utf8(name).ok()?;
    Some((Header { name, text }, rest))
}

fn damaged(detail: &str) -> UpstreamError {
    UpstreamError::cut_off(detail)
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::{read_message_from, write_message_to};
    use aws_smithy_types::DateTime;
    use aws_smithy_types::event_stream::{Header, HeaderValue, Message as AwsMessage};
    use proptest::prelude::*;

    use super::*;

    /// A frame with a header of every type around the type of its event.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let message = AwsMessage::new(payload.to_vec())
            .add_header(Header::new("flag", HeaderValue::Bool(true)))
            .add_header(Header::new("byte", HeaderValue::Byte(1)))
            .add_header(Header::new("short", HeaderValue::Int16(1)))
            .add_header(Header::new("int", HeaderValue::Int32(1)))
            .add_header(Header::new("long", HeaderValue::Int64(1)))
            .add_header(Header::new(
                "bytes",
                HeaderValue::ByteArray(vec![255, 254].into()),
            ))
            .add_header(Header::new("uuid", HeaderValue::Uuid(1)))
            .add_header(Header::new(":event-type", text("chunk")))
            .add_header(Header::new(
                "at",
                HeaderValue::Timestamp(DateTime::from_secs(1)),
            ))
            .add_header(Header::new(":message-type", text("event")));
        let mut frame = Vec::new();
        write_message_to(&message, &mut frame).expect("a frame");
        frame
    }

    fn text(value: &'static str) -> HeaderValue {
        HeaderValue::String(value.into())
    }

    #[test]
    fn headers_of_all_types_are_read() {
        let frame = frame(b"{}");
        for length in 0..frame.len() {
            let part = frame.get(..length).expect("bytes");
            assert_eq!(frame_length(part).expect("a length"), None, "{length}");
        }
        let complete = frame_length(&frame).expect("a length");
        assert_eq!(complete, Some(frame.len()));
        let message = Message::read(&frame).expect("a message");
        assert_eq!(message.event_type().expect("an event"), "chunk");
        assert_eq!(message.payload, b"{}");
        assert_eq!(message.header("flag"), None);
    }

    proptest! {
        #[test]
        fn a_damaged_frame_is_read_as_by_the_crate_of_aws(
            at in 0_usize..200,
            byte in any::<u8>(),
            payload in proptest::collection::vec(any::<u8>(), 0..20),
            is_sealed in any::<bool>(),
        ) {
            let mut frame = frame(&payload);
            if let Some(target) = frame.get_mut(at) {
                *target = byte;
            }
            if is_sealed {
                seal(&mut frame);
            }
            let is_whole = frame_length(&frame).is_ok_and(|length| length == Some(frame.len()));
            let read = is_whole.then(|| Message::read(&frame).ok()).flatten();
            let theirs = read_message_from(&mut frame.as_slice());
            let theirs = theirs.ok().filter(|_| is_whole);
            prop_assert_eq!(
                read.map(|message| message.payload.to_vec()),
                theirs.map(|message| message.payload().to_vec())
            );
        }
    }

    /// Corrects the checksums, so that the lengths and headers between them are checked.
    fn seal(frame: &mut [u8]) {
        let (prelude, rest) = frame.split_at_mut(8);
        rest[..4].copy_from_slice(&hash(prelude).to_be_bytes());
        let end = frame.len() - CHECKSUM;
        let checksum = hash(&frame[..end]);
        frame[end..].copy_from_slice(&checksum.to_be_bytes());
    }
}
