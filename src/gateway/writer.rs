//! Writes streams in the format of the requested endpoint.

use bytes::Bytes;

use crate::converse::output::{OutputEvent, OutputWriter, ResponseSummary};
use crate::dialects::openai_chat::ChunkWriter;
use crate::dialects::openai_completions::{CompletionFieldNames, TextWriter};
use crate::error::ApiError;
use crate::wire::error::ErrorBody;

/// Writes output events in the format of the requested endpoint.
#[derive(Debug)]
pub(super) enum EndpointWriter {
    /// `/v1/chat/completions`
    Chat(ChunkWriter),
    /// `/v1/completions`
    Text(TextWriter),
}

impl EndpointWriter {
    /// Takes the bytes written since the last call.
    pub(super) fn take(&mut self) -> Bytes {
        match self {
            Self::Chat(writer) => writer.take(),
            Self::Text(writer) => writer.take(),
        }
    }

    /// Whether there are no bytes to take.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Chat(writer) => writer.is_empty(),
            Self::Text(writer) => writer.is_empty(),
        }
    }

    /// Selects the choice that the next output events belong to, from 0.
    pub(super) fn choose(&mut self, choice: u32) {
        match self {
            Self::Chat(writer) => writer.choose(choice),
            Self::Text(writer) => writer.choose(choice),
        }
    }

    /// Ends the stream.
    pub(super) fn done(&mut self, summary: &ResponseSummary) {
        match self {
            Self::Chat(writer) => writer.done(summary),
            Self::Text(writer) => writer.done(summary),
        }
    }

    /// Ends the stream with an error.
    pub(super) fn error(&mut self, error: &ApiError) {
        match self {
            Self::Chat(writer) => writer.error(&ErrorBody::from(error)),
            Self::Text(writer) => {
                // The prompts of a request share its stream.
                let names = CompletionFieldNames { prompt: None };
                let error = error.clone().named(&names);
                writer.error(&ErrorBody::from(&error));
            }
        }
    }
}

impl OutputWriter for EndpointWriter {
    fn output(&mut self, output: OutputEvent<'_>) {
        match self {
            Self::Chat(writer) => writer.output(output),
            Self::Text(writer) => writer.output(output),
        }
    }
}
