//! Streams of responses.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::ApiError;
use crate::usage::Ledger;

/// A response stream that is written to a client event by event.
pub trait ResponseStream {
    /// The ledger of the request.
    fn ledger(&self) -> &Arc<Ledger>;

    /// The next bytes for the client, with everything that has arrived; `None` at the end. Cancel
    /// safe.
    ///
    /// Fails if the response was cut off. [`ResponseStream::fail`] then returns the last bytes.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, ApiError>> + Send;

    /// The event that reports `error` and ends the stream.
    fn fail(&mut self, error: &ApiError) -> Bytes;

    /// What is sent after a time without events. Empty for formats without keepalives.
    fn keepalive(&mut self) -> Bytes {
        Bytes::new()
    }

    /// Whether everything has arrived, so that only the end of the stream is missing.
    fn is_finished(&self) -> bool;

    /// Records the end of a complete stream, and returns its last bytes.
    fn done(&mut self) -> Bytes;
}
