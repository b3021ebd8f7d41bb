//! A request body that tracks its progress and its minimum rate.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::state::{BodyProgress, ConnectionState};
use crate::config::ServerSettings;
use crate::http::TooSlow;
use crate::resources::timer::Timer;

type BoxError = Box<dyn Error + Send + Sync>;

/// The minimum rate of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct MinRate {
    /// The minimum bytes per window; 0 for no minimum.
    bytes: usize,
    window: Duration,
}

impl From<&ServerSettings> for MinRate {
    fn from(settings: &ServerSettings) -> Self {
        let window = settings.upload_window;
        let bytes = settings.min_upload_rate as f64 * window.as_secs_f64();
        Self {
            bytes: bytes.ceil() as usize,
            window,
        }
    }
}

/// A body with the state of its connection.
pub(super) struct RequestBody<B> {
    inner: B,
    state: Arc<ConnectionState>,
    min_rate: MinRate,
    /// Bytes received in the current window.
    received: usize,
    /// The rest of the window. Only time spent waiting for the client counts.
    allowance: Duration,
    waiting_since: Option<Instant>,
    timer: Timer,
}

impl<B: Body<Data = Bytes> + Unpin> RequestBody<B> {
    pub(super) fn new(inner: B, state: Arc<ConnectionState>, min_rate: MinRate) -> Self {
        Self {
            inner,
            state,
            min_rate,
            received: 0,
            allowance: min_rate.window,
            waiting_since: None,
            timer: Timer::default(),
        }
    }

    fn poll_inner(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if polled.is_ready() {
            return polled;
        }
        self.state.register_body(context);
        if !self.state.input_ended() {
            return Poll::Pending;
        }
        // Bytes that arrived before the end of the input are available by now.
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if polled.is_pending() {
            self.state.starve();
        }
        polled
    }

    fn note_arrival(&mut self, count: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.allowance = self.allowance.saturating_sub(since.elapsed());
            self.timer.clear();
        }
        self.received = self.received.saturating_add(count);
        if self.received >= self.min_rate.bytes {
            self.received = 0;
            self.allowance = self.min_rate.window;
        }
    }

    /// Ready when the window is over.
    fn poll_too_slow(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.min_rate.bytes == 0 {
            return Poll::Pending;
        }
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            self.timer.set(now + self.allowance);
        }
        self.timer.poll(context)
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        match this.poll_inner(context) {
            Poll::Ready(Some(Ok(frame))) => {
                this.note_arrival(frame.data_ref().map_or(0, Bytes::len));
                if this.inner.is_end_stream() {
                    this.state.set_body(BodyProgress::Complete);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.state.set_body(BodyProgress::Complete);
                Poll::Ready(None)
            }
            Poll::Pending => this
                .poll_too_slow(context)
                .map(|()| Some(Err(TooSlow.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        if self.state.body() == BodyProgress::Reading {
            self.state.set_body(BodyProgress::Dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    const MIN_RATE: MinRate = MinRate {
        bytes: 100,
        window: Duration::from_secs(5),
    };

    /// A body of chunks, each with its delay in seconds and its size.
    fn body(
        chunks: Vec<(u64, usize)>,
    ) -> RequestBody<impl Body<Data = Bytes, Error = BoxError> + Unpin> {
        let chunks = stream::iter(chunks).then(|(seconds, count)| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok::<_, BoxError>(Frame::data(Bytes::from(vec![0; count])))
        });
        let state = ConnectionState::new();
        state.begin_request(false, None);
        RequestBody::new(StreamBody::new(Box::pin(chunks)), state, MIN_RATE)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_minimum_rate_is_read_without_a_time_limit() {
        let chunks = vec![(4, 100); 1_000];
        let read = body(chunks).collect().await.expect("a body");
        assert_eq!(read.to_bytes().len(), 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_below_the_minimum_rate_is_aborted_after_the_window() {
        for chunks in [
            vec![(1, 1); 1_000],
            vec![(600, 100)],
            // A fast start does not count for later windows.
            vec![(0, 100_000), (1, 1), (600, 100)],
        ] {
            let start = Instant::now();
            let error = body(chunks).collect().await.expect_err("too slow");
            assert!(TooSlow::caused(&*error));
            assert_eq!(start.elapsed(), Duration::from_secs(5));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_reads_does_not_count() {
        let mut body = body(vec![(1, 50); 4]);
        for _ in 0..4 {
            let frame = body.frame().await.expect("a frame");
            assert!(frame.is_ok());
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        assert!(body.frame().await.is_none());
    }
}
