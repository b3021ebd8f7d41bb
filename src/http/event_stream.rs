//! Responses of Bedrock's own API: unchanged bytes.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;

use super::shutdown::{Shutdown, ShutdownPhase, restarting};
use crate::error::ApiError;
use crate::passthrough::{PassthroughBody, PassthroughStream};
use crate::server::App;

impl App {
    /// A response with Bedrock's status and headers.
    pub fn passthrough_response(&self, response: http::Response<PassthroughBody>) -> Response {
        response.map(|passed| match passed {
            PassthroughBody::Complete(bytes) => Body::from(bytes),
            PassthroughBody::Stream(stream) => body(*stream, self.shutdown.clone()),
        })
    }
}

/// The body of a streaming response. The server drops it when the client disconnects, which cancels
/// the call to Bedrock. There are no keepalives: the format has none.
fn body(mut stream: PassthroughStream, shutdown: Shutdown) -> Body {
    Body::from_stream(async_stream::stream! {
        let ending = shutdown.reached(ShutdownPhase::Ending);
        tokio::pin!(ending);
        loop {
            let step = tokio::select! {
                biased;
                step = stream.next() => step,
                () = &mut ending => Err(restarting()),
            };
            match step {
                Ok(Some(bytes)) => yield Ok::<_, Infallible>(bytes),
                Ok(None) => return,
                Err(error) => {
                    note_broken(&stream, &error);
                    yield Ok(stream.fail(&error));
                    return;
                }
            }
        }
    })
}

fn note_broken(stream: &PassthroughStream, error: &ApiError) {
    stream.ledger().broken();
    stream.ledger().failed(error);
}
