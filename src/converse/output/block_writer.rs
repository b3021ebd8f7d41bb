//! Writes a message block by block: one block is open at a time, and the indices have no gaps.

use super::{CallKind, OutputBlock, OutputDelta, OutputEvent, OutputWriter, Span};
use crate::converse::JsonText;
use crate::converse::content::ReasoningText;
use crate::converse::response::{Citation, StopReason};

/// The position in the message that has been written so far.
#[derive(Debug, Default)]
pub(crate) struct BlockSequence {
    has_started: bool,
    /// The number of blocks so far.
    length: usize,
    open: Option<BlockKind>,
    /// Whether the next text is another block than the open one.
    is_text_complete: bool,
    /// Whether the text is one document, whatever Bedrock's blocks are.
    joins_text: bool,
}

/// The kind of an open block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    Text,
    Refusal,
    Reasoning,
    ToolCall,
}

/// Writes the blocks of a message to a writer.
#[derive(Debug)]
pub(crate) struct BlockWriter<'a, W> {
    sequence: &'a mut BlockSequence,
    writer: &'a mut W,
}

impl BlockSequence {
    /// The position before the message. `joins_text` if Bedrock's blocks of text are one block for
    /// the client, such as JSON.
    pub(super) fn new(joins_text: bool) -> Self {
        Self {
            joins_text,
            ..Self::default()
        }
    }

    /// Continues the message on `writer`.
    pub(super) fn on<'a, W: OutputWriter>(&'a mut self, writer: &'a mut W) -> BlockWriter<'a, W> {
        let sequence = self;
        BlockWriter { sequence, writer }
    }
}

impl<W: OutputWriter> BlockWriter<'_, W> {
    /// Writes the start of the message, once.
    pub(super) fn start_message(&mut self) {
        if !std::mem::replace(&mut self.sequence.has_started, true) {
            self.writer.output(OutputEvent::MessageStart);
        }
    }

    /// Writes the end of the message.
    pub(super) fn stop_message(&mut self, reason: &StopReason) {
        self.stop();
        self.writer.output(OutputEvent::MessageStop(reason));
    }

    /// Writes visible text.
    pub(super) fn text(&mut self, text: &str) {
        self.open(BlockKind::Text, OutputBlock::Text);
        self.delta(OutputDelta::Text(text));
    }

    /// Writes a refusal.
    pub(super) fn refusal(&mut self, text: &str) {
        self.open(BlockKind::Refusal, OutputBlock::Refusal);
        self.delta(OutputDelta::Refusal(text));
    }

    /// Writes reasoning text.
    pub(super) fn reasoning(&mut self, text: &str) {
        self.open(BlockKind::Reasoning, OutputBlock::Reasoning);
        self.delta(OutputDelta::Reasoning(text));
    }

    /// Completes a reasoning block, which need not have visible text.
    pub(super) fn sign(&mut self, reasoning: &ReasoningText) {
        self.open(BlockKind::Reasoning, OutputBlock::Reasoning);
        self.delta(OutputDelta::Signature(reasoning));
        self.stop();
    }

    /// Writes a block of encrypted reasoning.
    pub(super) fn redacted_reasoning(&mut self, data: &str) {
        self.start(None, OutputBlock::RedactedReasoning(data));
        self.end();
    }

    /// Starts a tool call.
    pub(super) fn tool_call(&mut self, id: &str, name: &str, kind: CallKind) {
        let block = OutputBlock::ToolCall { id, name, kind };
        self.start(Some(BlockKind::ToolCall), block);
    }

    /// Writes a fragment of the input of the open tool call.
    pub(super) fn input(&mut self, fragment: &str, kind: CallKind) {
        self.delta(OutputDelta::Input { fragment, kind });
    }

    /// Writes a citation. If the block with the text has ended in Bedrock, it is still open here:
    /// Nova's citations follow in a block without text.
    pub(super) fn citation(&mut self, citation: &Citation, span: Span) {
        if self.sequence.open != Some(BlockKind::Text) {
            self.start(Some(BlockKind::Text), OutputBlock::Text);
        }
        self.delta(OutputDelta::Citation { citation, span });
    }

    /// Writes the probabilities of the tokens of the open text.
    pub(super) fn logprobs(&mut self, logprobs: &JsonText) {
        if !matches!(
            self.sequence.open,
            Some(BlockKind::Text | BlockKind::Refusal)
        ) {
            self.start(Some(BlockKind::Text), OutputBlock::Text);
        }
        self.delta(OutputDelta::Logprobs(logprobs));
    }

    /// Ends a block of Bedrock's. Text that follows is another block; until then the text is open.
    pub(super) fn end_block(&mut self) {
        match self.sequence.open {
            Some(BlockKind::Text | BlockKind::Refusal) => {
                self.sequence.is_text_complete = !self.sequence.joins_text;
            }
            Some(BlockKind::Reasoning | BlockKind::ToolCall) | None => self.stop(),
        }
    }

    /// Writes the end of the open block, if any.
    pub(super) fn stop(&mut self) {
        if self.sequence.open.take().is_some() {
            self.end();
        }
    }

    /// Starts a block, unless the open block is of this kind and goes on.
    fn open(&mut self, kind: BlockKind, block: OutputBlock<'_>) {
        if self.sequence.open != Some(kind) || self.sequence.is_text_complete {
            self.start(Some(kind), block);
        }
    }

    fn start(&mut self, kind: Option<BlockKind>, block: OutputBlock<'_>) {
        self.stop();
        self.sequence.open = kind;
        self.sequence.is_text_complete = false;
        let index = self.sequence.length;
        self.sequence.length += 1;
        self.writer.output(OutputEvent::BlockStart { index, block });
    }

    fn delta(&mut self, delta: OutputDelta<'_>) {
        let index = self.index();
        self.writer.output(OutputEvent::BlockDelta { index, delta });
    }

    fn end(&mut self) {
        let index = self.index();
        self.writer.output(OutputEvent::BlockStop { index });
    }

    /// The index of the last block.
    fn index(&self) -> usize {
        self.sequence.length.saturating_sub(1)
    }
}
