//! The socket of a client with its timeouts.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::half_close::HalfClose;
use super::intake::Intake;
use super::state::{BodyProgress, ConnectionPhase, ConnectionState};
use crate::config::ServerSettings;
use crate::resources::timer::Timer;

/// The maximum number of discarded bytes of a refused request.
const MAX_DISCARDED: usize = 64 << 20;

/// The timeout for discarding, and the idle timeout while discarding.
const MAX_LINGER: Duration = Duration::from_secs(10);
const MAX_IDLE: Duration = Duration::from_secs(2);

/// The timeouts of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionTimeouts {
    /// Until the first byte of the next request.
    idle: Duration,
    /// For a head, from its first byte.
    head: Duration,
    /// For a write, until some bytes are accepted.
    write: Duration,
}

impl From<&ServerSettings> for ConnectionTimeouts {
    fn from(settings: &ServerSettings) -> Self {
        Self {
            idle: settings.idle_timeout,
            head: settings.head_timeout,
            write: settings.write_timeout,
        }
    }
}

/// The socket of a client.
pub(super) struct ClientIo {
    stream: TcpStream,
    state: Arc<ConnectionState>,
    timeouts: ConnectionTimeouts,
    intake: Intake,
    /// Runs while the connection waits for bytes.
    reading: Timer,
    /// The phase that `reading` is the deadline of.
    awaited: Option<ConnectionPhase>,
    /// Runs while a write is blocked.
    writing: Timer,
    /// `Some` once the client has closed its sending side.
    half_close: Option<HalfClose>,
    linger: Option<Linger>,
}

/// A closing connection whose client still sends.
struct Linger {
    ends: Instant,
    left: usize,
}

impl ClientIo {
    pub(super) fn new(
        stream: TcpStream,
        state: Arc<ConnectionState>,
        timeouts: ConnectionTimeouts,
    ) -> Self {
        Self {
            stream,
            state,
            timeouts,
            intake: Intake::default(),
            reading: Timer::default(),
            awaited: None,
            writing: Timer::default(),
            half_close: None,
            linger: None,
        }
    }

    /// Checks the deadline of a connection without input.
    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.phase() == ConnectionPhase::Finished
            && !self.writing.is_set()
            && self.has_read_all()
        {
            let has_started = self.intake.has_excess(self.state.body_length());
            self.state.rest(has_started);
        }
        let phase = self.state.phase();
        let limit = match phase {
            ConnectionPhase::Idle => self.timeouts.idle,
            ConnectionPhase::Head => self.timeouts.head,
            ConnectionPhase::Evicted => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            ConnectionPhase::Request
            | ConnectionPhase::Response
            | ConnectionPhase::Finished
            | ConnectionPhase::Lingering => {
                self.awaited = None;
                self.reading.clear();
                return Poll::Pending;
            }
        };
        if self.awaited != Some(phase) {
            self.awaited = Some(phase);
            self.reading.set(Instant::now() + limit);
        }
        self.state.register(context);
        if self.state.phase() == ConnectionPhase::Evicted {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.reading
            .poll(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Whether the request has arrived completely.
    fn has_read_all(&self) -> bool {
        self.state.body() == BodyProgress::Complete
            || self.intake.is_complete(self.state.body_length())
    }

    /// Whether the client may be sending bytes that are not read.
    fn has_unread_input(&self) -> bool {
        match self.state.phase() {
            ConnectionPhase::Idle | ConnectionPhase::Evicted => false,
            ConnectionPhase::Head | ConnectionPhase::Lingering => true,
            ConnectionPhase::Request | ConnectionPhase::Response | ConnectionPhase::Finished => {
                !self.has_read_all()
            }
        }
    }

    /// Returns the result of a write, or an error if it has been blocked for too long.
    fn poll_progress<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.writing.clear();
            return progress;
        }
        if !self.writing.is_set() {
            self.writing.set(Instant::now() + self.timeouts.write);
        }
        let expired = self.writing.poll(context);
        expired.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Discards what the client still sends. Otherwise the system would send a reset, which
    /// discards the response before the client has read it.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| {
            self.state.linger();
            let now = Instant::now();
            self.reading.set(now + MAX_IDLE);
            Linger {
                ends: now + MAX_LINGER,
                left: MAX_DISCARDED,
            }
        });
        let mut scratch = [MaybeUninit::<u8>::uninit(); 8 << 10];
        loop {
            let mut buffer = ReadBuf::uninit(&mut scratch);
            let read = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
            let count = buffer.filled().len();
            match read {
                Poll::Ready(Ok(())) if count > 0 => {
                    let Some(left) = linger.left.checked_sub(count) else {
                        return Poll::Ready(());
                    };
                    linger.left = left;
                    self.reading.set(linger.ends.min(Instant::now() + MAX_IDLE));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        self.state.register(context);
        match self.state.phase() {
            ConnectionPhase::Evicted => Poll::Ready(()),
            _ => self.reading.poll(context),
        }
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.half_close.is_none() {
            let filled = buffer.filled().len();
            match Pin::new(&mut this.stream).poll_read(context, buffer) {
                Poll::Ready(Ok(())) if buffer.filled().len() > filled => {
                    if this.state.received() {
                        this.intake = Intake::default();
                    }
                    this.intake
                        .read(buffer.filled().get(filled..).unwrap_or_default());
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(())) => this.state.end_input(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return this.poll_wait(context),
            }
        }
        let half_close = this.half_close.get_or_insert_default();
        half_close.poll(context, &mut this.stream, &this.state)
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_progress(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.poll_progress(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes after writing everything, and does not read again before bytes arrive: the
        // wait for the next request starts here. It cannot be over yet.
        if self.state.phase() == ConnectionPhase::Finished {
            let has_ended = match &mut self.half_close {
                Some(half_close) => half_close.is_first_response(),
                None => self.poll_wait(context).is_ready(),
            };
            if has_ended {
                context.waker().wake_by_ref();
            }
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if self.half_close.is_some() || !self.has_unread_input() {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_linger(context).map(Ok)
    }
}
