//! The content of a message: Bedrock's blocks one after another, whatever the order of their events.

use super::block_writer::BlockWriter;
use super::open_block::OpenBlock;
use super::text::CompletionText;
use super::turn::TurnRecord;
use super::{OutputOptions, OutputWriter};
use crate::converse::event::Event;
use crate::converse::response::StopReason;
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The maximum number of events that wait for the end of the open block. If there are more, its stop
/// event is missing.
const MAX_WAITING: usize = 4096;

/// The content of a message between its events.
#[derive(Debug)]
pub(super) struct MessageContent {
    /// The open block, by `contentBlockIndex`; `None` if it is plain text.
    pub(super) open: Option<(u32, OpenBlock)>,
    /// The blocks that began before the end of the open one, with their events so far. Converse has
    /// none; the tool calls of other upstreams may be interleaved.
    waiting: Vec<(u32, Vec<Event>)>,
    pub(super) text: CompletionText,
    pub(super) turn: TurnRecord,
    /// The number of events that could not be delivered to the client.
    pub(super) undelivered: u64,
    /// The number of tool calls that the request does not allow.
    pub(super) withheld_calls: u64,
}

impl MessageContent {
    /// The content before the first event.
    pub(super) fn new(options: &OutputOptions) -> Self {
        Self {
            open: None,
            waiting: Vec::new(),
            text: CompletionText::new(options),
            turn: TurnRecord::default(),
            undelivered: 0,
            withheld_calls: 0,
        }
    }

    /// Handles an event of the block `index`.
    pub(super) fn accept(
        &mut self,
        index: u32,
        event: &Event,
        options: &OutputOptions,
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) {
        match &self.open {
            Some((open, _)) if *open != index => self.wait(index, event),
            _ => self.handle(index, event, options, out),
        }
        let waiting: usize = self.waiting.iter().map(|(_, events)| events.len()).sum();
        if waiting > MAX_WAITING {
            self.close(options, out);
        }
        self.resume(options, out);
    }

    /// Ends blocks without a stop event, so that what they hold is not lost.
    pub(super) fn finish(
        &mut self,
        options: &OutputOptions,
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) {
        while self.open.is_some() {
            self.close(options, out);
            self.resume(options, out);
        }
        self.text.finish_block(out);
        self.text.finish(out);
        out.stop();
    }

    /// Handles an event later, after the end of the open block.
    pub(super) fn wait(&mut self, index: u32, event: &Event) {
        let mut waiting = self.waiting.iter_mut();
        match waiting.find(|(block, _)| *block == index) {
            Some((_, events)) => events.push(event.clone()),
            None => self.waiting.push((index, vec![event.clone()])),
        }
    }

    /// Handles the waiting blocks in order, up to one that is still open.
    fn resume(&mut self, options: &OutputOptions, out: &mut BlockWriter<'_, impl OutputWriter>) {
        while self.open.is_none() && !self.waiting.is_empty() {
            let (index, events) = self.waiting.remove(0);
            for event in &events {
                self.handle(index, event, options, out);
            }
        }
    }

    /// The reason of the end in terms of what the client received: a tool call that it did not
    /// receive is no reason to wait for its result.
    ///
    /// # Errors
    ///
    /// If the model's output is malformed and the client has received none of it.
    pub(super) fn client_reason(&self, stop_reason: &StopReason) -> Result<StopReason, ApiError> {
        let done = match self.turn.has_calls() {
            true => StopReason::ToolUse,
            false => StopReason::EndTurn,
        };
        Ok(match stop_reason {
            StopReason::EndTurn | StopReason::ToolUse => done,
            StopReason::MalformedModelOutput | StopReason::MalformedToolUse => {
                if !self.text.has_started() && !self.turn.has_calls() {
                    return Err(ApiError::new(
                        ErrorKind::BadGateway,
                        "the model returned a malformed response; retry the request",
                    )
                    .code(ErrorCode::MalformedModelOutput));
                }
                done
            }
            StopReason::Other => done,
            known => *known,
        })
    }
}
