//! Clients that have closed their sending side.
//!
//! A client that disconnects and a client that only finishes sending both send a FIN. Only further
//! bytes distinguish them: the system of a disconnected client responds with a reset. So the
//! gateway sends bytes that every client ignores (`102 Processing` before a response, a comment
//! within a stream of events) and waits for the reset.

use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

use super::state::{BodyProgress, ConnectionPhase, ConnectionState, ResponseKind};

/// Clients have to ignore interim responses (RFC 9110, 15.2). `100 Continue` makes some (undici)
/// fail if they have not requested it.
const INTERIM: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";

/// The state of a connection after the client's FIN.
#[derive(Default)]
pub(super) struct HalfClose {
    /// Whether bytes have been sent since, which a disconnected client's system answers with a
    /// reset.
    is_probed: bool,
    /// Whether a response has been sent since; after it the end of the input counts.
    has_responded: bool,
    /// Completes when the reset arrives.
    reset: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HalfClose {
    /// What the reader of the connection gets: the end of the input if the client has disconnected
    /// or cannot be distinguished from one that has; otherwise pending.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut TcpStream,
        state: &ConnectionState,
    ) -> Poll<io::Result<()>> {
        state.register(context);
        match state.phase() {
            ConnectionPhase::Request => match state.body() {
                BodyProgress::Complete if state.is_http_1_0() => return Poll::Ready(Ok(())),
                BodyProgress::Complete => {
                    if !self.is_probed && !send_interim(context, stream) {
                        return Poll::Ready(Ok(()));
                    }
                    self.is_probed = true;
                }
                // The body is incomplete, or hyper has it and it has not been requested.
                BodyProgress::Reading if state.is_starved() => return Poll::Ready(Ok(())),
                BodyProgress::Reading | BodyProgress::Dropped => return Poll::Pending,
            },
            ConnectionPhase::Response => match state.response() {
                ResponseKind::Complete => {}
                ResponseKind::Events(probe) if !self.is_probed => {
                    self.is_probed = true;
                    probe.notify_one();
                }
                ResponseKind::Events(_) => {}
                // The head of the response has been sent since, which is a probe too.
                ResponseKind::Opaque if self.is_probed => {}
                ResponseKind::Opaque => return Poll::Ready(Ok(())),
            },
            ConnectionPhase::Idle
            | ConnectionPhase::Head
            | ConnectionPhase::Finished
            | ConnectionPhase::Lingering
            | ConnectionPhase::Evicted => {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_reset(context, stream)
    }

    /// Records that a response is sent; `true` for the first.
    pub(super) fn is_first_response(&mut self) -> bool {
        !std::mem::replace(&mut self.has_responded, true)
    }

    fn poll_reset(
        &mut self,
        context: &mut Context<'_>,
        stream: &TcpStream,
    ) -> Poll<io::Result<()>> {
        let reset = match &mut self.reset {
            Some(reset) => reset,
            none => match watch(stream) {
                Ok(watch) => none.insert(Box::pin(watch)),
                // Without a second descriptor, a reset cannot be detected.
                Err(_) => return Poll::Ready(Ok(())),
            },
        };
        reset
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::ConnectionReset.into()))
    }
}

/// Sends the interim response; `true` if it was written completely. Nothing else is being written
/// at that time.
fn send_interim(context: &mut Context<'_>, stream: &mut TcpStream) -> bool {
    let sent = Pin::new(stream).poll_write(context, INTERIM);
    matches!(sent, Poll::Ready(Ok(written)) if written == INTERIM.len())
}

/// Waits for an error of the socket. The end of the input keeps the socket readable, so read
/// readiness says nothing; a duplicated descriptor has its own readiness.
fn watch(stream: &TcpStream) -> io::Result<impl Future<Output = ()> + Send + use<>> {
    let same = stream.as_fd().try_clone_to_owned()?;
    let same = TcpStream::from_std(same.into())?;
    Ok(async move {
        // A failed wait is an error too.
        let _ = same.ready(Interest::ERROR).await;
    })
}
