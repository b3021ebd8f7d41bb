//! Streaming responses: server-sent events, and the event streams of Bedrock's own API.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::HttpContext;
use super::reply::{ReplyBody, events_response};
use super::shutdown::{Shutdown, ShutdownPhase, restarting};
use crate::converse::dialect::StreamWriter;
use crate::gateway::ChatBody;
use crate::reply::ResponseStream;

/// In the extensions of a response whose body is a stream of events: the body sends a keepalive when
/// it is notified, so that the system of a disconnected client responds with a reset.
#[derive(Debug, Clone)]
pub(crate) struct Probe(pub(crate) Arc<Notify>);

/// When a stream sends a keepalive.
struct Keepalive {
    /// After this time without an event.
    interval: Duration,
    /// When this is notified, once.
    probe: Arc<Notify>,
}

impl HttpContext {
    /// The response to a chat request: JSON, or server-sent events with keepalives.
    pub fn chat_response<W: StreamWriter + 'static>(&self, body: ChatBody<W>) -> Response {
        match body {
            ChatBody::Complete(json) => json.into_response(),
            ChatBody::Stream(stream) => self.events(*stream),
        }
    }

    /// A response of server-sent events with keepalives.
    pub fn events<S: ResponseStream + Send + 'static>(&self, stream: S) -> Response {
        let probe = Arc::new(Notify::new());
        let keepalive = Keepalive {
            interval: self.settings.keepalive,
            probe: Arc::clone(&probe),
        };
        let body = body_of(stream, Some(keepalive), self.shutdown.clone());
        let mut response = events_response(body);
        response.extensions_mut().insert(Probe(probe));
        response
    }

    /// The body of a stream in a format without keepalives.
    pub fn stream_body<S: ResponseStream + Send + 'static>(&self, stream: S) -> Body {
        body_of(stream, None, self.shutdown.clone())
    }
}

/// The body of a streaming response. The server drops it when the client disconnects, which cancels
/// the call to Bedrock.
fn body_of<S: ResponseStream + Send + 'static>(
    mut stream: S,
    keepalive: Option<Keepalive>,
    shutdown: Shutdown,
) -> Body {
    Body::from_stream(async_stream::stream! {
        let ending = shutdown.reached(ShutdownPhase::Ending);
        let interval = keepalive.as_ref().map(|keepalive| keepalive.interval);
        let probed = async {
            match &keepalive {
                Some(keepalive) => keepalive.probe.notified().await,
                None => std::future::pending().await,
            }
        };
        let mut is_probed = false;
        let mut last_write = Instant::now();
        let quiet = tokio::time::sleep(interval.unwrap_or_default());
        tokio::pin!(ending, quiet, probed);
        loop {
            let step = tokio::select! {
                biased;
                step = stream.next() => step,
                () = &mut ending => Err(restarting()),
                () = &mut probed, if !is_probed => {
                    is_probed = true;
                    last_write = Instant::now();
                    yield Ok::<_, Infallible>(stream.keepalive());
                    continue;
                }
                () = &mut quiet, if interval.is_some() => {
                    let interval = interval.unwrap_or_default();
                    // The timer is reset when it fires, not at each of many writes.
                    if last_write.elapsed() >= interval {
                        last_write = Instant::now();
                        yield Ok(stream.keepalive());
                    }
                    quiet.as_mut().reset(last_write + interval);
                    continue;
                }
            };
            last_write = Instant::now();
            match step {
                Ok(Some(bytes)) => yield Ok(bytes),
                Ok(None) => break,
                // The response is complete: a later error of the stream does not matter.
                Err(_) if stream.is_finished() => break,
                Err(error) => {
                    stream.ledger().broken();
                    stream.ledger().failed(&error);
                    yield Ok(stream.fail(&error));
                    return;
                }
            }
        }
        let last = stream.done();
        if !last.is_empty() {
            yield Ok(last);
        }
    })
}
