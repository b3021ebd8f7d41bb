//! Frames of `application/vnd.amazon.eventstream`.
//!
//! A frame is a prelude (total length, length of the headers, CRC32 of these eight bytes), the
//! headers, the payload, and the CRC32 of everything before; numbers are big-endian.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::Value;

const PRELUDE: usize = 12;
pub(crate) const CHECKSUM: usize = 4;
/// Type code of string header values.
const STRING: u8 = 7;
/// Bedrock's padding is a prefix of this text.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

pub(crate) fn event(name: &str, payload: &[u8]) -> Bytes {
    frame(
        &[
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ],
        payload,
    )
}

/// An exception frame; `name` is in lower camel case.
pub(crate) fn exception(name: &str, payload: &[u8]) -> Bytes {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    frame(&headers, payload)
}

/// Adds the key `p` with which Bedrock pads every event (2 to 61 characters) and sorts all keys.
/// The padding depends on `position`, the event's index, so that streams are reproducible.
pub(crate) fn padded(mut payload: Value, position: usize) -> Vec<u8> {
    let length = 2 + (position * 37 + 11) % 60;
    if let (Value::Object(fields), Some(padding)) = (&mut payload, PADDING.get(..length)) {
        fields.insert("p".to_owned(), Value::from(padding));
    }
    payload.sort_all_objects();
    payload.to_string().into_bytes()
}

/// Splits a body into frames; `None` if it does not consist of complete frames.
pub(crate) fn split(mut body: Bytes) -> Option<Vec<Bytes>> {
    let mut frames = Vec::new();
    while !body.is_empty() {
        let length = body
            .first_chunk::<4>()
            .map(|bytes| u32::from_be_bytes(*bytes) as usize)?;
        if length < PRELUDE + CHECKSUM || length > body.len() {
            return None;
        }
        frames.push(body.split_to(length));
    }
    Some(frames)
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let headers_length: usize = headers
        .iter()
        .map(|(name, value)| 4 + name.len() + value.len())
        .sum();
    let total = PRELUDE + headers_length + payload.len() + CHECKSUM;
    let mut frame = BytesMut::with_capacity(total);
    frame.put_u32(total as u32);
    frame.put_u32(headers_length as u32);
    frame.put_u32(crc32fast::hash(&frame));
    for (name, value) in headers {
        frame.put_u8(name.len() as u8);
        frame.put_slice(name.as_bytes());
        frame.put_u8(STRING);
        frame.put_u16(value.len() as u16);
        frame.put_slice(value.as_bytes());
    }
    frame.put_slice(payload);
    seal(frame)
}

/// Adds the checksum of the whole frame.
pub(crate) fn seal(mut frame: BytesMut) -> Bytes {
    frame.put_u32(crc32fast::hash(&frame));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde_json::json;

    /// The frame of recording `convs-nova-6580dfb4`.
    const RECORDED: &str = "AAABHQAAAGEMuw4xDzpleGNlcHRpb24tdHlwZQcAE3ZhbGlkYXRpb25FeGNlcHRpb24NOmNvbnRlbnQtdHlwZQcAEGFwcGxpY2F0aW9uL2pzb24NOm1lc3NhZ2UtdHlwZQcACWV4Y2VwdGlvbnsibWVzc2FnZSI6IlRoZSBtb2RlbCByZXR1cm5lZCB0aGUgZm9sbG93aW5nIGVycm9yczogVGhlIGRldGVjdGVkIGZpbGUgTUlNRSB0eXBlIHRleHQvcGxhaW4gZG9lcyBub3QgbWF0Y2ggdGhlIGV4cGVjdGVkIHR5cGUgaW1hZ2UvcG5nLiBSZWZvcm1hdCB5b3VyIGlucHV0IGFuZCB0cnkgYWdhaW4uIn1RM9la";

    #[test]
    fn an_exception_frame_equals_the_recorded_one() {
        let message = "The model returned the following errors: The detected file MIME type text/plain does not match the expected type image/png. Reformat your input and try again.";
        let payload = json!({ "message": message }).to_string();
        let frame = exception("validationException", payload.as_bytes());
        assert_eq!(BASE64_STANDARD.encode(&frame), RECORDED);
    }

    #[test]
    fn a_body_is_split_into_its_frames() {
        let (first, second) = (event("a", b"{}"), event("b", b"{\"x\":1}"));
        let body = Bytes::from([first.clone(), second.clone()].concat());
        assert_eq!(split(body.clone()), Some(vec![first, second]));
        assert_eq!(split(body.slice(..body.len() - 1)), None);
    }

    #[test]
    fn padding_is_sorted_among_the_keys() {
        let payload = padded(json!({"role": "assistant"}), 0);
        assert_eq!(
            String::from_utf8(payload).unwrap(),
            r#"{"p":"abcdefghijklm","role":"assistant"}"#
        );
    }
}
