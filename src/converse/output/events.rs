//! Translates Converse events to output events, for streams and non-streaming responses.

use std::sync::Arc;

use super::block_writer::BlockSequence;
use super::content::MessageContent;
use super::metadata::ResponseMetadata;
use super::{OutputOptions, OutputWriter, ResponseSummary};
use crate::converse::event::Event;
use crate::converse::remembered::RememberedTurn;
use crate::converse::response::{StopReason, Usage};
use crate::converse::rules::property_keys::KeyRestorer;
use crate::error::ApiError;

/// The state of one choice between its events.
#[derive(Debug)]
pub struct OutputEvents {
    output_options: Arc<OutputOptions>,
    keys: KeyRestorer,
    content: MessageContent,
    /// What the client has received.
    sequence: BlockSequence,
    stop_reason: Option<StopReason>,
    metadata: ResponseMetadata,
}

impl OutputEvents {
    /// The state before the first event.
    pub fn new(output_options: Arc<OutputOptions>) -> Self {
        Self {
            keys: KeyRestorer::default(),
            content: MessageContent::new(&output_options),
            sequence: BlockSequence::new(output_options.json.is_some()),
            stop_reason: None,
            metadata: ResponseMetadata::default(),
            output_options,
        }
    }

    /// The reason of the end; `None` until the response has ended.
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.stop_reason.as_ref()
    }

    /// Bedrock's token usage; `None` until it is known.
    pub fn usage(&self) -> Option<Usage> {
        self.metadata.usage
    }

    /// Usage and the other fields sent at the end of the response.
    pub fn summary(&self) -> &ResponseSummary {
        &self.metadata.summary
    }

    /// Bedrock's name of the service tier of the response; `None` if not reported.
    pub fn tier(&self) -> Option<&'static str> {
        self.metadata.tier
    }

    /// The number of events that could not be delivered to the client, because their type is
    /// unknown or they are out of place.
    pub fn undelivered(&self) -> u64 {
        self.content.undelivered
    }

    /// The number of tool calls that the model made although the request does not allow them.
    pub fn withheld_calls(&self) -> u64 {
        self.content.withheld_calls
    }

    /// The turn to remember, which has to be sent back to the model, and its keys: the ids of the
    /// tool calls that the client received, and the key of its reasoning. `None` if the turn has no
    /// reasoning, or if the client received all that has to be sent back.
    pub fn remembered(&mut self) -> Option<(Vec<String>, RememberedTurn)> {
        let turn = std::mem::take(&mut self.content.turn);
        turn.remembered(self.content.text.length(), &self.output_options)
    }

    /// Writes the start of the choice, once.
    pub fn start(&mut self, writer: &mut impl OutputWriter) {
        self.sequence.on(writer).start_message();
    }

    /// Handles the next event and passes the resulting output events to `writer`.
    ///
    /// # Errors
    ///
    /// If the model's output is malformed and the client has received none of it.
    pub fn accept(
        &mut self,
        event: &Event,
        writer: &mut impl OutputWriter,
    ) -> Result<(), ApiError> {
        self.start(writer);
        if self.output_options.keys.is_empty() {
            return self.accept_restored(event, writer);
        }
        let events = self.keys.restore(event, &self.output_options.keys);
        let mut events = events.iter();
        events.try_for_each(|event| self.accept_restored(event, writer))
    }

    /// Handles an event whose properties have the client's names.
    fn accept_restored(
        &mut self,
        event: &Event,
        writer: &mut impl OutputWriter,
    ) -> Result<(), ApiError> {
        let mut out = self.sequence.on(writer);
        let options = &self.output_options;
        match event {
            Event::Metadata(metadata) => self.metadata.note(metadata, options),
            // Deltas after the end of the message are not sent.
            Event::BlockDelta { .. } if self.stop_reason.is_some() => {
                self.content.undelivered += 1;
            }
            _ if self.stop_reason.is_some() => {}
            Event::MessageStart => {}
            Event::Unknown => self.content.undelivered += 1,
            Event::BlockStart { index, .. }
            | Event::BlockDelta { index, .. }
            | Event::BlockStop { index } => {
                self.content.accept(*index, event, options, &mut out);
            }
            Event::MessageStop {
                stop_reason,
                additional_fields,
            } => {
                self.content.finish(options, &mut out);
                let fields = additional_fields.as_ref();
                self.metadata.note_fields(fields, options);
                let reason = self.content.client_reason(stop_reason)?;
                out.stop_message(self.stop_reason.insert(reason));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
