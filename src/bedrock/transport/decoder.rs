//! Decodes the bytes of a ConverseStream response into events. No I/O: bytes in, events out, with
//! any chunk boundaries.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::{Buf, BytesMut};

use super::sse::ChatCompletionDecoder;
use crate::bedrock::auth::credentials::with_causes;
use crate::bedrock::errors::UpstreamError;
use crate::converse::event::Event;

/// A frame starts with its length; a corrupt one must not make the gateway wait for gigabytes.
/// AWS's own limit is 16 MiB.
pub(in crate::bedrock) const MAX_FRAME_SIZE: usize = 16 << 20;

/// An incremental decoder of a response body.
pub trait Decode {
    /// The decoded item.
    type Item;

    /// Adds bytes, and appends the completed items to `items`. After an error the rest of the
    /// response is unusable.
    fn push(&mut self, bytes: &[u8], items: &mut Vec<Self::Item>) -> Result<(), UpstreamError>;

    /// Ends the response. Fails if it ends within an item.
    fn finish(&self) -> Result<(), UpstreamError>;
}

/// Decodes the response of a model, whichever upstream serves it.
#[derive(Debug)]
pub enum ModelDecoder {
    /// Frames of ConverseStream.
    Converse(EventDecoder),
    /// Chunks of a chat-completions upstream.
    ChatCompletions(ChatCompletionDecoder),
}

impl Decode for ModelDecoder {
    type Item = Event;

    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), UpstreamError> {
        match self {
            Self::Converse(decoder) => decoder.push(bytes, events),
            Self::ChatCompletions(decoder) => decoder.push(bytes, events),
        }
    }

    fn finish(&self) -> Result<(), UpstreamError> {
        match self {
            Self::Converse(decoder) => decoder.finish(),
            Self::ChatCompletions(decoder) => decoder.finish(),
        }
    }
}

/// Decodes the frames of one response.
#[derive(Debug)]
pub struct EventDecoder {
    /// Bytes that are not decoded yet.
    buffer: BytesMut,
    frames: MessageFrameDecoder,
    /// Whether the decoder has consumed the head of a frame, and waits for the rest.
    has_head: bool,
}

impl EventDecoder {
    /// A decoder at the start of a response.
    pub fn new() -> Self {
        Self {
            buffer: BytesMut::new(),
            frames: MessageFrameDecoder::new(),
            has_head: false,
        }
    }

    /// Adds bytes, and appends the completed events to `events`. After an error the rest of the
    /// response is unusable.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), UpstreamError> {
        if self.buffer.len() + bytes.len() > MAX_FRAME_SIZE {
            return Err(UpstreamError::unreadable("a frame is longer than 16 MiB"));
        }
        self.buffer.extend_from_slice(bytes);
        loop {
            let before = self.buffer.remaining();
            let frame = self
                .frames
                .decode_frame(&mut self.buffer)
                .map_err(|error| UpstreamError::cut_off(with_causes(&error)))?;
            match frame {
                DecodedFrame::Complete(message) => {
                    self.has_head = false;
                    events.push(read_message(&message)?);
                }
                // The enum is non-exhaustive; an incomplete frame waits for more bytes.
                _ => {
                    self.has_head |= self.buffer.remaining() < before;
                    return Ok(());
                }
            }
        }
    }

    /// Ends the response. Fails unless it ends between two frames.
    pub fn finish(&self) -> Result<(), UpstreamError> {
        match self.buffer.is_empty() && !self.has_head {
            true => Ok(()),
            false => Err(UpstreamError::cut_off("the stream ended within a frame")),
        }
    }
}

impl Default for EventDecoder {
    fn default() -> Self {
        Self::new()
    }
}

fn read_message(message: &Message) -> Result<Event, UpstreamError> {
    let event_type = event_type(message)?;
    Event::parse(event_type, message.payload())
        .map_err(|error| UpstreamError::unreadable(format!("event `{event_type}`: {error}")))
}

/// The `:event-type` of an event frame, or the error in the frame.
pub(in crate::bedrock) fn event_type(message: &Message) -> Result<&str, UpstreamError> {
    let header = |name: &str| {
        let found = message
            .headers()
            .iter()
            .find(|header| header.name().as_str() == name)?;
        found.value().as_string().ok().map(|text| text.as_str())
    };
    match header(":message-type") {
        Some("event") => Ok(header(":event-type").unwrap_or_default()),
        Some("exception") => {
            let exception = header(":exception-type").unwrap_or_default();
            Err(UpstreamError::from_exception(exception, message.payload()))
        }
        Some("error") => {
            let code = header(":error-code").unwrap_or("InternalServerException");
            let detail = header(":error-message").unwrap_or_default();
            let mut error = UpstreamError::from_exception(code, b"{}");
            error.detail = detail.to_owned();
            Err(error)
        }
        other => Err(UpstreamError::unreadable(format!(
            "a frame of message type {other:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue};

    use super::*;

    fn frame(headers: &[(&'static str, &'static str)], payload: &'static [u8]) -> Vec<u8> {
        let mut message = Message::new(payload);
        for (name, value) in headers {
            message = message.add_header(Header::new(*name, HeaderValue::String((*value).into())));
        }
        let mut frame = Vec::new();
        write_message_to(&message, &mut frame).expect("a frame");
        frame
    }

    fn start() -> Vec<u8> {
        let headers = [(":message-type", "event"), (":event-type", "messageStart")];
        frame(&headers, b"{}")
    }

    #[test]
    fn a_stream_may_end_only_at_a_frame_boundary() {
        let whole = [start(), start()].concat();
        for length in 0..=whole.len() {
            let mut decoder = EventDecoder::new();
            let mut events = Vec::new();
            let pushed = decoder.push(whole.get(..length).expect("bytes"), &mut events);
            assert!(pushed.is_ok());
            let is_between = length % start().len() == 0;
            assert_eq!(decoder.finish().is_ok(), is_between, "{length}");
            assert_eq!(events.len(), length / start().len());
        }
    }

    #[test]
    fn events_before_an_error_are_delivered() {
        let headers = [
            (":message-type", "exception"),
            (":exception-type", "throttlingException"),
        ];
        let body = [start(), frame(&headers, b"{}"), start()].concat();
        let mut events = Vec::new();
        let error = EventDecoder::new().push(&body, &mut events);
        assert_eq!(events, [Event::MessageStart]);
        let error = error.expect_err("an exception");
        assert_eq!(error.code, "ThrottlingException");
    }
}
