//! Streaming responses as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::shutdown::{Shutdown, ShutdownPhase, restarting};
use crate::error::ApiError;
use crate::gateway::stream::ResponseStream;

/// A comment, which clients ignore and proxies count as traffic. An event without data would crash
/// both OpenAI SDKs.
const KEEPALIVE: Bytes = Bytes::from_static(b": keepalive\n\n");

/// The body of a streaming response. The server drops it when the client disconnects, which cancels
/// the call to Bedrock. When `probe` is notified, a comment is sent to detect whether the client
/// has disconnected.
pub(super) fn body<S: ResponseStream + Send + 'static>(
    mut stream: S,
    keepalive: Duration,
    shutdown: Shutdown,
    probe: Arc<Notify>,
) -> Body {
    Body::from_stream(async_stream::stream! {
        let ending = shutdown.reached(ShutdownPhase::Ending);
        let (probed, mut is_probed) = (probe.notified(), false);
        let mut last_write = Instant::now();
        let quiet = tokio::time::sleep(keepalive);
        tokio::pin!(ending, quiet, probed);
        loop {
            let step = tokio::select! {
                biased;
                step = stream.next() => step,
                () = &mut ending => Err(restarting()),
                () = &mut probed, if !is_probed => {
                    is_probed = true;
                    last_write = Instant::now();
                    yield Ok::<_, Infallible>(KEEPALIVE);
                    continue;
                }
                () = &mut quiet => {
                    // The timer is reset when it fires, not at each of many writes.
                    if last_write.elapsed() >= keepalive {
                        last_write = Instant::now();
                        yield Ok(KEEPALIVE);
                    }
                    quiet.as_mut().reset(last_write + keepalive);
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
                    note_broken(&stream, &error);
                    yield Ok(stream.fail(&error));
                    return;
                }
            }
        }
        stream.ledger().completed();
        yield Ok(stream.done());
    })
}

fn note_broken(stream: &impl ResponseStream, error: &ApiError) {
    stream.ledger().broken();
    stream.ledger().failed(error);
}
