//! Clients that have closed their sending side.
//!
//! A client that leaves and a client that has nothing more to send both send a FIN. Only bytes tell
//! them apart: the system of one that has left answers them with a reset. So the gateway sends some
//! that every client passes over, `102 Processing` before a response and a comment within a stream
//! of events, and watches for the reset.

use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

use super::state::{BodyProgress, ConnectionPhase, ConnectionState, ResponseKind};

/// Clients have to pass over interim responses (RFC 9110, 15.2). Of these, `100 Continue` makes
/// some (undici) give up where they have not asked for it.
const INTERIM: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";

/// What is known of a client that sends nothing more.
#[derive(Default)]
pub(super) struct HalfClose {
    /// Whether bytes have been sent since that one who has left would answer with a reset.
    is_probed: bool,
    /// Whether a response has been sent since, after which the end of the input counts.
    has_responded: bool,
    /// Is done when the reset arrives.
    reset: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HalfClose {
    /// What the reader of the connection is told: the end of the input where the client has left or
    /// cannot be told from one that has, and nothing while it listens.
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
                // The rest of the body is missing, or hyper has it and nobody has asked for it.
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
                // The head of the response has been sent since, which is a probe as well.
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

    /// Notes that a response is sent; whether it is the first.
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
                // Without a descriptor for it, a reset would go unnoticed.
                Err(_) => return Poll::Ready(Ok(())),
            },
        };
        reset
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::ConnectionReset.into()))
    }
}

/// Whether the interim response was sent in one piece; nothing else is on its way at that time.
fn send_interim(context: &mut Context<'_>, stream: &mut TcpStream) -> bool {
    let sent = Pin::new(stream).poll_write(context, INTERIM);
    matches!(sent, Poll::Ready(Ok(written)) if written == INTERIM.len())
}

/// Waits for an error of the socket. The end of its input is always there to be read, so that its
/// readiness to be read tells nothing; a descriptor of its own has its own readiness.
fn watch(stream: &TcpStream) -> io::Result<impl Future<Output = ()> + Send + use<>> {
    let same = stream.as_fd().try_clone_to_owned()?;
    let same = TcpStream::from_std(same.into())?;
    Ok(async move {
        // A readiness that cannot be waited for is an error as well.
        let _ = same.ready(Interest::ERROR).await;
    })
}
