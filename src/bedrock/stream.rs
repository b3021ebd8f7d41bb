//! What arrives of one answer that is an event stream: events of Converse, or frames as they are.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use tokio::time::Instant;

use super::credentials::with_causes;
use super::decoder::{Decode, EventDecoder};
use super::frames::FrameCutter;
use super::settings::Timeouts;
use super::upstream_error::UpstreamError;

/// The most events that are gathered for one write.
const MAX_BATCH: usize = 64;

/// How many turns of the scheduler the next chunk may take: the connection may be served by another
/// thread, which needs some microseconds to hand it over.
const PATIENCE: u32 = 3;

/// How long the end of a finished response is waited for, and how much may come in front of it, so
/// that its connection can be used again.
const DRAIN_TIME: Duration = Duration::from_secs(1);
const DRAIN_BYTES: usize = 64 << 10;

/// The frames of any answer that is an event stream.
pub type FrameStream = EventStream<FrameCutter>;

/// A stream whose first event has arrived. Dropping it ends the call to Bedrock.
#[derive(Debug)]
pub struct EventStream<D: Decode = EventDecoder> {
    /// `None` after its end.
    body: Option<Incoming>,
    decoder: D,
    timeouts: Timeouts,
    /// When the next whole event has to be there: bytes that complete none do not count. Kept here,
    /// since a wait that is dropped and begun again must not begin anew.
    deadline: Instant,
    /// Whether the response is complete but for the events after its last message.
    is_ending: bool,
    /// Events that have arrived and have not been given. Kept here for the same reason.
    ready: Vec<D::Item>,
    /// A failure that was read behind them.
    failed: Option<UpstreamError>,
}

impl<D: Decode + Default> EventStream<D> {
    /// Waits for the first event of a response. An exception in its place is a failure like any other
    /// answer of that kind.
    pub(super) async fn open(
        response: Response<Incoming>,
        timeouts: Timeouts,
    ) -> Result<Response<Self>, UpstreamError> {
        let (head, body) = response.into_parts();
        let mut stream = Self {
            body: Some(body),
            decoder: D::default(),
            timeouts,
            deadline: Instant::now() + timeouts.first_event,
            is_ending: false,
            ready: Vec::new(),
            failed: None,
        };
        // A page of a proxy's comes as well and as whole the next time.
        let is_event_stream = is_event_stream(&head.headers);
        match stream.fill().await {
            Ok(true) => Ok(Response::from_parts(head, stream)),
            Ok(false) if is_event_stream => Err(UpstreamError::broken_off(
                "the stream ended before its first event",
            )),
            Ok(false) => Err(UpstreamError::unreadable(
                "a response that is no event stream",
            )),
            Err(error) if is_event_stream => Err(error),
            Err(error) => Err(error.of_foreign_body()),
        }
    }

    /// The first of what has arrived and was not given.
    pub(super) fn first(&self) -> Option<&D::Item> {
        self.ready.first()
    }

    /// Appends the events that have arrived to `events`, at least one, waiting where there are
    /// none. `false` is the end of the stream. May be dropped while it waits, and called again.
    pub async fn next(&mut self, events: &mut Vec<D::Item>) -> Result<bool, UpstreamError> {
        if !self.fill().await? {
            return Ok(false);
        }
        self.gather().await;
        events.append(&mut self.ready);
        Ok(true)
    }

    /// The response has been received but for what follows its last message (`metadata`, `[DONE]`):
    /// that is waited for a few seconds, and without it the stream ends as it is. However the
    /// connection goes on or breaks, the response is complete.
    pub fn expect_end(&mut self) {
        if !self.is_ending {
            self.is_ending = true;
            self.deadline = Instant::now() + self.timeouts.stream_end;
        }
    }

    /// Nothing more is expected. The end of the body is waited for in the background, briefly, so
    /// that the next request can use the connection.
    pub fn close(&mut self) {
        self.ready.clear();
        self.failed = None;
        let Some(mut body) = self.body.take() else {
            return;
        };
        if !matches!(body.frame().now_or_never(), Some(None)) {
            tokio::spawn(tokio::time::timeout(DRAIN_TIME, drain(body)));
        }
    }

    /// Waits until an event is ready; `false` at the end.
    async fn fill(&mut self) -> Result<bool, UpstreamError> {
        while self.ready.is_empty() {
            match self.receive().await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if self.is_ending => {
                    tracing::debug!(
                        code = error.code,
                        upstream_error = error.log_detail(),
                        "a finished response did not end properly"
                    );
                    self.body = None;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Receives the next chunk; `false` at the end.
    async fn receive(&mut self) -> Result<bool, UpstreamError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(body) = &mut self.body else {
            return self.decoder.finish().map(|()| false);
        };
        // A body that always has more to give must not get around the deadline.
        if Instant::now() >= self.deadline {
            return Err(overdue());
        }
        let frame = tokio::time::timeout_at(self.deadline, body.frame())
            .await
            .map_err(|_| overdue())?;
        self.take(frame);
        Ok(true)
    }

    /// Takes what has arrived together with the events that are ready, without waiting for more.
    ///
    /// The connection hands over one chunk at a time, and Bedrock writes one chunk an event: a
    /// turn of the scheduler lets it hand over the others that are there, so that they go to the
    /// client in one write. That is most of the processor time of a fast stream.
    async fn gather(&mut self) {
        let mut patience = PATIENCE;
        while self.ready.len() < MAX_BATCH && self.failed.is_none() {
            tokio::task::yield_now().await;
            let Some(body) = &mut self.body else {
                return;
            };
            match body.frame().now_or_never() {
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
                self.body = None;
                return;
            }
            Some(Err(error)) => {
                self.failed = Some(UpstreamError::broken_off(with_causes(&error)));
                return;
            }
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        let events = self.ready.len();
        self.failed = self.decoder.push(&data, &mut self.ready).err();
        if self.ready.len() > events && !self.is_ending {
            self.deadline = Instant::now() + self.timeouts.stream_idle;
        }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| {
        content_type.starts_with("application/vnd.amazon.eventstream")
            || content_type.starts_with("text/event-stream")
    })
}

fn overdue() -> UpstreamError {
    UpstreamError::timeout("no event for too long")
}

/// Reads what is left of a body, if it is little.
async fn drain(mut body: Incoming) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
