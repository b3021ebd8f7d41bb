//! A response that is an event stream: Converse events, or unchanged frames.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use tokio::time::Instant;

use super::decoder::{Decode, ModelDecoder};
use super::frames::FrameCutter;
use crate::bedrock::auth::credentials::with_causes;
use crate::bedrock::errors::UpstreamError;
use crate::bedrock::settings::Timeouts;
use crate::resources::timer::Timer;

/// The maximum number of events per write.
const MAX_BATCH: usize = 64;

/// How many more turns of the tasks to wait for the next chunk, after one without any.
const PATIENCE: u32 = 1;

/// How long, and for how many bytes, the end of a finished response is awaited so that its
/// connection can be reused.
const DRAIN_TIME: Duration = Duration::from_secs(1);
const DRAIN_BYTES: usize = 64 << 10;

/// The frames of any event stream.
pub type FrameStream = EventStream<FrameCutter>;

/// A stream whose first event has arrived. Dropping it ends the call to Bedrock.
#[derive(Debug)]
pub struct EventStream<D: Decode = ModelDecoder> {
    /// `None` after its end.
    body: Option<Incoming>,
    decoder: D,
    timeouts: Timeouts,
    /// The deadline of the next complete event; incomplete events do not extend it. A field, so
    /// that a dropped and repeated wait does not restart it.
    deadline: Instant,
    /// Set to the deadline. Events arrive long before it, and must not cost a timer each.
    timer: Timer,
    /// Whether only the events after the last message are missing.
    is_ending: bool,
    /// Events that have arrived and were not returned yet. A field for the same reason.
    ready: Vec<D::Item>,
    /// An error received after these events.
    failed: Option<UpstreamError>,
}

impl<D: Decode> EventStream<D> {
    pub(in crate::bedrock) fn new(body: Incoming, decoder: D, timeouts: Timeouts) -> Self {
        Self {
            body: Some(body),
            decoder,
            timeouts,
            deadline: Instant::now() + timeouts.first_event,
            timer: Timer::default(),
            is_ending: false,
            ready: Vec::new(),
            failed: None,
        }
    }

    /// Waits for the first event of a response with these headers. An exception as the first frame
    /// is an error like any error response.
    pub(in crate::bedrock) async fn open(
        &mut self,
        headers: &HeaderMap,
    ) -> Result<(), UpstreamError> {
        // The content is a proxy's page, for example: complete, and the same after a retry.
        let is_event_stream = is_event_stream(headers);
        match self.fill().await {
            Ok(true) => Ok(()),
            Ok(false) if is_event_stream => Err(UpstreamError::interrupted(
                "the stream ended before its first event",
            )),
            Ok(false) => Err(UpstreamError::unreadable(
                "the response is not an event stream",
            )),
            Err(error) if is_event_stream => Err(error),
            Err(error) => Err(error.of_foreign_body()),
        }
    }

    /// The first event that was not returned yet.
    pub(in crate::bedrock) fn first(&self) -> Option<&D::Item> {
        self.ready.first()
    }

    /// Appends the events that have arrived to `events`, waiting for at least one. Returns `false`
    /// at the end of the stream. Cancel safe.
    pub async fn next(&mut self, events: &mut Vec<D::Item>) -> Result<bool, UpstreamError> {
        if !self.fill().await? {
            return Ok(false);
        }
        self.gather().await;
        events.append(&mut self.ready);
        Ok(true)
    }

    /// The response is complete except for the events after its last message (`metadata`,
    /// `[DONE]`). They are awaited for a few seconds; if they do not arrive, or the connection
    /// breaks, the stream ends normally.
    pub fn expect_end(&mut self) {
        if !self.is_ending {
            self.is_ending = true;
            self.deadline = Instant::now() + self.timeouts.stream_end;
        }
    }

    /// Ends the stream. The end of the body is briefly awaited in the background, so that the
    /// connection can be reused.
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
                        "a complete response was not terminated properly"
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
        // A body that always has data ready must not bypass the deadline.
        if Instant::now() >= self.deadline {
            return Err(overdue());
        }
        self.timer.set(self.deadline);
        let frame = poll_fn(|context| frame_in_time(body, &mut self.timer, context)).await?;
        self.take(frame);
        Ok(true)
    }

    /// Collects further events that have already arrived, without waiting for more.
    ///
    /// The connection hands over one chunk at a time, and Bedrock writes one chunk per event. A turn
    /// of the other tasks lets it hand over the others, so that the client receives all of them in
    /// one write. Writes are most of the CPU time of a fast stream.
    async fn gather(&mut self) {
        let mut patience = PATIENCE;
        while self.ready.len() < MAX_BATCH && self.failed.is_none() {
            turn().await;
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

    /// Decodes the next frame of the body.
    fn take(&mut self, frame: Option<hyper::Result<Frame<Bytes>>>) {
        let data = match frame {
            None => {
                self.body = None;
                return;
            }
            Some(Err(error)) => {
                self.failed = Some(UpstreamError::interrupted(with_causes(&error)));
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

/// The next frame of a body, or an error at the deadline.
fn frame_in_time(
    body: &mut Incoming,
    timer: &mut Timer,
    context: &mut Context<'_>,
) -> Poll<Result<Option<hyper::Result<Frame<Bytes>>>, UpstreamError>> {
    match Pin::new(body).poll_frame(context) {
        Poll::Ready(frame) => Poll::Ready(Ok(frame)),
        Poll::Pending => timer.poll(context).map(|()| Err(overdue())),
    }
}

/// Lets the other tasks that are ready run once. `yield_now` of tokio also waits for the I/O driver,
/// which costs a system call, and an event that stands alone the time of it.
async fn turn() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
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
    UpstreamError::timeout("no event within the time limit")
}

/// Reads the rest of a body, if it is short.
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
