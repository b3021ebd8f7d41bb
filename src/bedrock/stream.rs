//! What arrives of one answer that is an event stream: events of Converse, or frames as they are.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use tokio::time::Instant;

use super::credentials::with_causes;
use super::decoder::{Decode, EventDecoder};
use super::failure::Failure;
use super::frames::FrameCutter;

/// The most events that are gathered for one write.
const MOST_TOGETHER: usize = 64;

/// How many turns of the scheduler the next chunk may take: the connection may be served by another
/// thread, which needs some microseconds to hand it over.
const PATIENCE: u32 = 3;

/// The frames of any answer that is an event stream.
pub type FrameStream = EventStream<FrameCutter>;

/// A stream whose first event has arrived. Dropping it ends the call to Bedrock.
#[derive(Debug)]
pub struct EventStream<D: Decode = EventDecoder> {
    body: Incoming,
    decoder: D,
    silence: Duration,
    /// When the silence has lasted too long. Kept here, since a wait that is dropped and begun
    /// again must not begin the silence again.
    deadline: Instant,
    /// Events that have arrived and have not been given. Kept here for the same reason.
    ready: Vec<D::Item>,
    /// A failure that was read behind them.
    failed: Option<Failure>,
    /// Whether the body is at its end.
    ended: bool,
}

impl<D: Decode + Default> EventStream<D> {
    /// Waits for the first event of `body`. An exception in its place is a failure like any other
    /// answer of that kind.
    pub(super) async fn open(
        body: Incoming,
        first_event: Duration,
        silence: Duration,
    ) -> Result<Self, Failure> {
        let mut stream = Self {
            body,
            decoder: D::default(),
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

    /// The first of what has arrived and was not given.
    pub(super) fn first(&self) -> Option<&D::Item> {
        self.ready.first()
    }

    /// Appends the events that have arrived to `events`, at least one, waiting where there are
    /// none. `false` is the end of the stream. May be dropped while it waits, and called again.
    pub async fn next(&mut self, events: &mut Vec<D::Item>) -> Result<bool, Failure> {
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
                return self.decoder.finish().map(|()| false);
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
        self.deadline = Instant::now() + self.silence;
        self.failed = self.decoder.push(&data, &mut self.ready).err();
    }
}
