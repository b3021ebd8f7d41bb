//! Decodes the bytes of a ConverseStream response into events. No I/O: bytes in, events out, with
//! any chunk boundaries.

use bytes::{Buf, BytesMut};

use super::message::{Message, frame_length};
use super::sse::ChatCompletionDecoder;
use crate::bedrock::errors::UpstreamError;
use crate::converse::event::Event;

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
    ChatCompletions(Box<ChatCompletionDecoder>),
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
#[derive(Debug, Default)]
pub struct EventDecoder {
    /// Bytes that are not decoded yet.
    buffer: BytesMut,
}

impl EventDecoder {
    /// A decoder at the start of a response.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes, and appends the completed events to `events`. After an error the rest of the
    /// response is unusable.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), UpstreamError> {
        self.buffer.extend_from_slice(bytes);
        while let Some(length) = frame_length(&self.buffer)? {
            let frame = self.buffer.get(..length).unwrap_or_default();
            events.push(read_event(Message::read(frame)?)?);
            self.buffer.advance(length);
        }
        Ok(())
    }

    /// Ends the response. Fails unless it ends between two frames.
    pub fn finish(&self) -> Result<(), UpstreamError> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => Err(UpstreamError::cut_off("the stream ended within a frame")),
        }
    }
}

fn read_event(message: Message<'_>) -> Result<Event, UpstreamError> {
    let event_type = message.event_type()?;
    Event::parse(event_type, message.payload)
        .map_err(|error| UpstreamError::unreadable(format!("event `{event_type}`: {error}")))
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

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
