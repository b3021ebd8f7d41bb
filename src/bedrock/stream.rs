//! The events of one ConverseStream answer.

use std::time::Duration;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use tokio::time::Instant;

use super::credentials::with_causes;
use super::failure::Failure;
use crate::converse::event::Event;

/// A frame's length stands in its first bytes; a broken one must not make the gateway wait for
/// gigabytes. AWS's own limit is 16 MiB.
const LONGEST_FRAME: usize = 16 << 20;

/// The most events that are gathered for one write.
const MOST_TOGETHER: usize = 64;

/// How many turns of the scheduler the next chunk may take: the connection may be served by another
/// thread, which needs some microseconds to hand it over.
const PATIENCE: u32 = 3;

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
    /// Events that have arrived and have not been given. Kept here for the same reason.
    ready: Vec<Event>,
    /// A failure that was read behind them.
    failed: Option<Failure>,
    /// Whether the body is at its end.
    ended: bool,
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
            ready: Vec::new(),
            failed: None,
            ended: false,
        };
        if stream.fill().await? {
            return Ok(stream);
        }
        Err(Failure::connection(
            "the stream ended before its first event",
        ))
    }

    /// Appends the events that have arrived to `events`, at least one, waiting where there are
    /// none. `false` is the end of the stream. May be dropped while it waits, and called again.
    pub async fn next(&mut self, events: &mut Vec<Event>) -> Result<bool, Failure> {
        if !self.fill().await? {
            return Ok(false);
        }
        self.gather().await;
        events.append(&mut self.ready);
        Ok(true)
    }

    /// Waits until an event is ready; `false` at the end.
    async fn fill(&mut self) -> Result<bool, Failure> {
        while self.ready.is_empty() {
            if let Some(failure) = self.failed.take() {
                return Err(failure);
            }
            if self.ended {
                return match self.buffer.is_empty() {
                    true => Ok(false),
                    false => Err(Failure::bad_answer("the stream ended within a frame")),
                };
            }
            let frame = tokio::time::timeout_at(self.deadline, self.body.frame())
                .await
                .map_err(|_| Failure::timeout("no event for too long"))?;
            self.take(frame);
        }
        Ok(true)
    }

    /// Takes what has arrived together with the events that are ready, without waiting for more.
    ///
    /// The connection hands over one chunk at a time, and Bedrock writes one chunk an event: a
    /// turn of the scheduler lets it hand over the others that are there, so that they go to the
    /// client in one write. That is most of the processor time of a fast stream.
    async fn gather(&mut self) {
        let mut patience = PATIENCE;
        while self.ready.len() < MOST_TOGETHER && self.failed.is_none() && !self.ended {
            tokio::task::yield_now().await;
            match self.body.frame().now_or_never() {
                Some(frame) => {
                    self.take(frame);
                    patience = PATIENCE;
                }
                None if patience == 0 => return,
                None => patience -= 1,
            }
        }
    }

    /// Takes the next chunk of the body and the events in it.
    fn take(&mut self, frame: Option<hyper::Result<Frame<Bytes>>>) {
        let data = match frame {
            None => {
                self.ended = true;
                return;
            }
            Some(Err(error)) => {
                self.failed = Some(Failure::connection(with_causes(&error)));
                return;
            }
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        if self.buffer.len() + data.len() > LONGEST_FRAME {
            self.failed = Some(Failure::bad_answer("a frame is longer than 16 MiB"));
            return;
        }
        self.buffer.extend_from_slice(&data);
        self.deadline = Instant::now() + self.silence;
        if let Err(failure) = self.decode() {
            self.failed = Some(failure);
        }
    }

    /// Decodes all frames that are whole.
    fn decode(&mut self) -> Result<(), Failure> {
        loop {
            let frame = self
                .decoder
                .decode_frame(&mut self.buffer)
                .map_err(|error| Failure::bad_answer(with_causes(&error)))?;
            match frame {
                DecodedFrame::Complete(message) => self.ready.push(read_message(&message)?),
                // The enum is open; what is not whole waits for more.
                _ => return Ok(()),
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
