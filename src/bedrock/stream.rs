//! The events of one ConverseStream answer.

use std::time::Duration;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::credentials::with_causes;
use super::failure::Failure;
use crate::converse::event::Event;

/// A frame's length stands in its first bytes; a broken one must not make the gateway wait for
/// gigabytes. AWS's own limit is 16 MiB.
const LONGEST_FRAME: usize = 16 << 20;

/// A stream whose first event has arrived. Dropping it ends the call to Bedrock.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    buffer: BytesMut,
    decoder: MessageFrameDecoder,
    silence: Duration,
    /// When the silence has lasted too long. Kept here, since a wait that is dropped and begun
    /// again must not begin the silence again.
    deadline: Instant,
    /// Events that were read when the stream was opened.
    opened_with: Vec<Event>,
    /// A failure that was read behind events that have been given.
    failed: Option<Failure>,
}

impl EventStream {
    /// Waits for the first event of `body`. An exception in its place is a failure like any other
    /// answer of that kind.
    pub(super) async fn open(
        body: Incoming,
        first_event: Duration,
        silence: Duration,
    ) -> Result<Self, Failure> {
        let mut stream = Self {
            body,
            buffer: BytesMut::new(),
            decoder: MessageFrameDecoder::new(),
            silence,
            deadline: Instant::now() + first_event,
            opened_with: Vec::new(),
            failed: None,
        };
        let mut events = Vec::new();
        if !stream.next(&mut events).await? {
            return Err(Failure::connection(
                "the stream ended before its first event",
            ));
        }
        stream.opened_with = events;
        Ok(stream)
    }

    /// Appends the events that have arrived to `events`, at least one, waiting where there are
    /// none. `false` is the end of the stream. May be dropped while it waits, and called again.
    pub async fn next(&mut self, events: &mut Vec<Event>) -> Result<bool, Failure> {
        if !self.opened_with.is_empty() {
            events.append(&mut self.opened_with);
            return Ok(true);
        }
        loop {
            if let Some(failure) = self.failed.take() {
                return Err(failure);
            }
            let before = events.len();
            if let Err(failure) = self.decode(events) {
                self.failed = Some(failure);
            }
            if events.len() > before {
                return Ok(true);
            }
            if self.failed.is_some() {
                continue;
            }
            if !self.read().await? {
                return Ok(false);
            }
        }
    }

    /// Decodes all frames that are whole.
    fn decode(&mut self, events: &mut Vec<Event>) -> Result<(), Failure> {
        loop {
            let frame = self
                .decoder
                .decode_frame(&mut self.buffer)
                .map_err(|error| Failure::bad_answer(with_causes(&error)))?;
            match frame {
                DecodedFrame::Complete(message) => events.push(read_message(&message)?),
                // The enum is open; what is not whole waits for more.
                _ => return Ok(()),
            }
        }
    }

    /// Reads more bytes; `false` at the end. The end in the middle of a frame is a failure.
    async fn read(&mut self) -> Result<bool, Failure> {
        loop {
            let frame = tokio::time::timeout_at(self.deadline, self.body.frame())
                .await
                .map_err(|_| Failure::timeout("no event for too long"))?;
            match frame {
                None if self.buffer.is_empty() => return Ok(false),
                None => return Err(Failure::bad_answer("the stream ended within a frame")),
                Some(Err(error)) => return Err(Failure::connection(with_causes(&error))),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    if self.buffer.len() + data.len() > LONGEST_FRAME {
                        return Err(Failure::bad_answer("a frame is longer than 16 MiB"));
                    }
                    self.buffer.extend_from_slice(&data);
                    self.deadline = Instant::now() + self.silence;
                    return Ok(true);
                }
            }
        }
    }
}

fn read_message(message: &Message) -> Result<Event, Failure> {
    let header = |wanted: &str| {
        let found = message
            .headers()
            .iter()
            .find(|header| header.name().as_str() == wanted)?;
        found.value().as_string().ok().map(|text| text.as_str())
    };
    match header(":message-type") {
        Some("event") => {
            let event_type = header(":event-type").unwrap_or_default();
            Event::parse(event_type, message.payload())
                .map_err(|error| Failure::bad_answer(format!("event `{event_type}`: {error}")))
        }
        Some("exception") => {
            let exception = header(":exception-type").unwrap_or_default();
            Err(Failure::from_exception(exception, message.payload()))
        }
        Some("error") => {
            let code = header(":error-code").unwrap_or("InternalServerException");
            let detail = header(":error-message").unwrap_or_default();
            let mut failure = Failure::from_exception(code, b"{}");
            failure.detail = detail.to_owned();
            Err(failure)
        }
        other => Err(Failure::bad_answer(format!(
            "a frame of message type {other:?}"
        ))),
    }
}
