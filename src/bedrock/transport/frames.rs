//! Splits an event stream into unchanged frames. No I/O.

use aws_smithy_eventstream::frame::{read_message_from, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use serde_json::json;

use super::decoder::Decode;
use super::message::{self, frame_length};
use crate::bedrock::auth::credentials::with_causes;
use crate::bedrock::errors::UpstreamError;
use crate::bedrock::errors::scrub::scrub;

/// A frame of an event stream.
#[derive(Debug)]
pub struct Frame {
    /// The complete frame, unchanged unless it is an error that contains the operator's
    /// identifiers.
    pub bytes: Bytes,
    /// The `:event-type` of an event, or the error in the frame.
    pub event: Result<String, UpstreamError>,
    /// The content of the frame without its headers.
    pub payload: Bytes,
}

impl Frame {
    /// A frame with the same headers and another payload; `None` if it cannot be encoded.
    pub fn with_payload(&self, payload: Bytes) -> Option<Bytes> {
        with_payload(&self.bytes, payload).ok()
    }
}

/// Splits a response into frames.
#[derive(Debug, Default)]
pub struct FrameCutter {
    /// Bytes of an incomplete frame.
    buffer: BytesMut,
}

impl Decode for FrameCutter {
    type Item = Frame;

    fn push(&mut self, bytes: &[u8], frames: &mut Vec<Frame>) -> Result<(), UpstreamError> {
        self.buffer.extend_from_slice(bytes);
        while let Some(length) = frame_length(&self.buffer)? {
            let frame = self.buffer.split_to(length).freeze();
            frames.push(read(frame)?);
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), UpstreamError> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => Err(UpstreamError::cut_off("the stream ended within a frame")),
        }
    }
}

fn read(frame: Bytes) -> Result<Frame, UpstreamError> {
    let message = message::Message::read(&frame)?;
    let payload = frame.slice_ref(message.payload);
    let event = message.event_type().map(str::to_owned);
    let bytes = match event {
        Ok(_) => frame.clone(),
        Err(_) => scrubbed(&frame, &payload)?,
    };
    Ok(Frame {
        bytes,
        event,
        payload,
    })
}

/// An error frame without the operator's identifiers.
fn scrubbed(frame: &Bytes, payload: &[u8]) -> Result<Bytes, UpstreamError> {
    let Ok(payload) = std::str::from_utf8(payload) else {
        return Ok(frame.clone());
    };
    let clean = scrub(payload);
    if clean == payload {
        return Ok(frame.clone());
    }
    with_payload(frame, clean.into())
}

/// A frame with the headers of `frame` and another payload.
fn with_payload(frame: &Bytes, payload: Bytes) -> Result<Bytes, UpstreamError> {
    let message = read_message_from(&mut frame.clone())
        .map_err(|error| UpstreamError::cut_off(with_causes(&error)))?;
    encode(&Message::new_from_parts(
        message.headers().to_vec(),
        payload,
    ))
}

/// The frame that ends a stream with the exception `name`, in lower camel case.
pub fn exception_frame(name: &str, message: &str) -> Result<Bytes, UpstreamError> {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    let headers = headers.map(|(name, value)| {
        let value = HeaderValue::String(value.to_owned().into());
        Header::new(name, value)
    });
    let payload = json!({ "message": message }).to_string();
    encode(&Message::new_from_parts(headers.to_vec(), payload))
}

fn encode(message: &Message) -> Result<Bytes, UpstreamError> {
    let mut bytes = Vec::new();
    write_message_to(message, &mut bytes)
        .map_err(|error| UpstreamError::internal(with_causes(&error)))?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(payload: &'static str) -> Bytes {
        let headers = [(":event-type", "chunk"), (":message-type", "event")];
        let headers = headers.map(|(name, value)| {
            let value = HeaderValue::String(value.into());
            Header::new(name, value)
        });
        encode(&Message::new_from_parts(headers.to_vec(), payload)).expect("a frame")
    }

    fn exception(message: &str) -> Bytes {
        exception_frame("validationException", message).expect("a frame")
    }

    #[test]
    fn frames_are_split_unchanged_at_any_chunk_boundary() {
        let whole = [event("{}"), exception("no"), event("{\"p\":\"ab\"}")];
        let body = whole.concat();
        for length in 1..=body.len() {
            let mut cutter = FrameCutter::default();
            let mut frames = Vec::new();
            for chunk in body.chunks(length) {
                cutter.push(chunk, &mut frames).expect("frames");
            }
            assert!(cutter.finish().is_ok());
            let bytes: Vec<Bytes> = frames.iter().map(|frame| frame.bytes.clone()).collect();
            assert_eq!(bytes, whole);
        }
    }

    #[test]
    fn a_stream_that_ends_within_a_frame_or_is_not_an_event_stream_fails() {
        let mut cutter = FrameCutter::default();
        let whole = event("{}");
        let part = whole.get(..whole.len() - 1).expect("bytes");
        assert!(cutter.push(part, &mut Vec::new()).is_ok());
        assert!(cutter.finish().is_err());
        for body in [&b"{\"message\":\"no stream\"}"[..], &[0; 16], &[0xff; 16]] {
            let pushed = FrameCutter::default().push(body, &mut Vec::new());
            assert!(pushed.is_err(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_unchanged_or_rejected(
            damaged in 0_usize..200,
            byte in any::<u8>(),
            tail in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut body = [&event("{}")[..], &exception("no"), &event("[]"), &tail].concat();
            if let Some(target) = body.get_mut(damaged) {
                *target = byte;
            }
            let mut frames = Vec::new();
            // An error is fine: the frames before it must be unchanged.
            let _ = FrameCutter::default().push(&body, &mut frames);
            let given: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
            prop_assert!(body.starts_with(&given));
        }
    }

    #[test]
    fn an_exception_does_not_reveal_the_operator_to_the_client() {
        let mut frames = Vec::new();
        let refusal = exception("role arn:aws:iam::123456789012:role/gateway may not");
        FrameCutter::default()
            .push(&refusal, &mut frames)
            .expect("frames");
        let frame = frames.pop().expect("a frame");
        assert_eq!(frame.bytes, exception("role [arn] may not"));
        assert_eq!(
            frame.event.expect_err("a failure").code,
            "ValidationException"
        );
    }
}
