//! What a chat dialect provides: requests that are translated, and formats of responses. The gateway
//! uses nothing else of a dialect.

use bytes::Bytes;

use super::media::RemoteAddress;
use super::output::{OutputOptions, OutputWriter, ResponseSummary};
use super::translation::{ChatTranslation, TranslationContext};
use crate::error::{ApiError, FieldNames};

/// An event without data would crash both OpenAI SDKs.
const KEEPALIVE_COMMENT: Bytes = Bytes::from_static(b": keepalive\n\n");

/// A request with one conversation.
pub trait DialectRequest: Send {
    /// The paths of the hub's fields in the client's request.
    fn names(&self) -> &dyn FieldNames;

    /// The length of the body, in bytes.
    fn length(&self) -> usize;

    /// Whether the parsed request is in memory. A translation consumes it, and the next one parses
    /// the body again.
    fn is_parsed(&self) -> bool;

    /// The files at URLs. Empty after a translation.
    fn remote_addresses(&self) -> Vec<RemoteAddress>;

    /// Translates the request, again if it has to be revised.
    ///
    /// # Errors
    ///
    /// If a field is invalid or not supported, in the client's terms.
    fn translate(&mut self, context: &TranslationContext<'_>) -> Result<ChatTranslation, ApiError>;
}

/// The format of the response to one request.
pub trait ResponseFormat {
    /// Writes all choices of a stream.
    type Stream: StreamWriter;
    /// Collects one choice of a non-streaming response.
    type Choice: OutputWriter;

    /// The paths of the hub's fields in the response.
    fn names(&self) -> &dyn FieldNames;

    /// The writer of a stream.
    fn stream(&self, output_options: &OutputOptions) -> Self::Stream;

    /// The collector of the choice `index`, from 0.
    fn choice(&self, index: u32, output_options: &OutputOptions) -> Self::Choice;

    /// The JSON of a non-streaming response.
    ///
    /// # Errors
    ///
    /// If the response is not what the client requested, in its terms.
    fn json(
        &self,
        choices: &[Self::Choice],
        output_options: &OutputOptions,
        summary: &ResponseSummary,
    ) -> Result<Vec<u8>, ApiError>;
}

/// Writes output events as server-sent events of a dialect.
pub trait StreamWriter: OutputWriter + Send {
    /// Takes the bytes written since the last call.
    fn take(&mut self) -> Bytes;

    /// Whether there are no bytes to take.
    fn is_empty(&self) -> bool;

    /// Selects the choice that the next output events belong to, from 0.
    fn choose(&mut self, choice: u32);

    /// What is sent after a time without events, with everything to take. By default a comment,
    /// which clients ignore and proxies count as traffic.
    fn keepalive(&mut self) -> Bytes {
        KEEPALIVE_COMMENT
    }

    /// Ends the stream, with the fields of `summary` that were requested.
    fn done(&mut self, summary: &ResponseSummary);

    /// Ends the stream with an error.
    fn error(&mut self, error: &ApiError);
}
