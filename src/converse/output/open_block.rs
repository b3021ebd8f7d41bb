//! The open block of a message: what each of its events becomes for the client.

use super::block_writer::BlockWriter;
use super::content::MessageContent;
use super::{CallKind, OutputOptions, OutputWriter};
use crate::converse::content::ReasoningBlock;
use crate::converse::event::{BlockStart, Delta, Event};
use crate::converse::response::Citation;
use crate::converse::rules::JsonDelivery;
use crate::converse::rules::reasoning::open_reasoning::OpenReasoning;
use crate::converse::rules::tools::unescape::InputUnescape;

/// An open block, by the handling of its deltas.
#[derive(Debug)]
pub(super) enum OpenBlock {
    /// A function call sent to the client.
    Call {
        empty: bool,
    },
    /// A custom tool call sent to the client.
    CustomCall(InputUnescape),
    /// The tool call that carries the requested JSON, sent as text.
    Json {
        empty: bool,
    },
    /// Text with citations.
    Cited(Vec<Citation>),
    Reasoning(OpenReasoning),
    /// A block that the client does not receive.
    Hidden,
}

impl MessageContent {
    /// Handles an event of the open block, or of any block if none is open.
    pub(super) fn handle(
        &mut self,
        index: u32,
        event: &Event,
        options: &OutputOptions,
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) {
        match event {
            Event::BlockStart { start, .. } => {
                if self.open.is_some() {
                    self.close(options, out);
                }
                let block = match start {
                    BlockStart::ToolUse { id, name } => self.start_call(id, name, options, out),
                    BlockStart::Hidden => OpenBlock::Hidden,
                    // The deltas determine the type of the block, as for text blocks, which have no
                    // start.
                    BlockStart::Unknown => return,
                };
                self.open = Some((index, block));
            }
            Event::BlockDelta { delta, .. } => self.delta(index, event, delta, options, out),
            Event::BlockStop { .. } => self.close(options, out),
            Event::MessageStart
            | Event::MessageStop { .. }
            | Event::Metadata(_)
            | Event::Unknown => {}
        }
    }

    fn start_call(
        &mut self,
        id: &str,
        name: &str,
        options: &OutputOptions,
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) -> OpenBlock {
        if matches!(&options.json, Some(JsonDelivery::Tool(tool)) if tool == name) {
            // The client has the JSON already, as text or from an earlier tool call.
            if self.text.has_started() {
                return OpenBlock::Hidden;
            }
            self.text.discard_prose();
            return OpenBlock::Json { empty: true };
        }
        let one_is_enough = options.one_tool_call && self.turn.has_calls();
        if one_is_enough || !options.allowed_calls.allows(name) {
            self.withheld_calls += 1;
            return OpenBlock::Hidden;
        }
        self.text.finish(out);
        self.turn.note_call(id, self.text.length());
        let (kind, block) = match options.names.is_custom(name) {
            true => (
                CallKind::Custom,
                OpenBlock::CustomCall(InputUnescape::default()),
            ),
            false => (CallKind::Function, OpenBlock::Call { empty: true }),
        };
        out.tool_call(id, options.names.client_name(name), kind);
        block
    }

    fn delta(
        &mut self,
        index: u32,
        event: &Event,
        delta: &Delta,
        options: &OutputOptions,
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) {
        let open = self.open.as_mut().map(|(_, block)| block);
        match (open, delta) {
            (Some(OpenBlock::Hidden), _) => {}
            // Text is sent whatever the type of the block, but not within a tool call.
            (
                Some(OpenBlock::Call { .. } | OpenBlock::CustomCall(_)),
                Delta::Text(_) | Delta::Refusal(_) | Delta::Logprobs(_),
            ) => self.wait(index, event),
            (_, Delta::Text(text)) => self.text.push(text, out),
            (_, Delta::Refusal(text)) => out.refusal(text),
            (_, Delta::Logprobs(logprobs)) => out.logprobs(logprobs),
            (_, Delta::ToolInput(fragment)) if fragment.is_empty() => {}
            (Some(OpenBlock::Call { empty }), Delta::ToolInput(fragment)) => {
                *empty = false;
                out.input(fragment, CallKind::Function);
            }
            (Some(OpenBlock::CustomCall(input)), Delta::ToolInput(fragment)) => {
                input.push(fragment, &mut |text| out.input(text, CallKind::Custom));
            }
            (Some(OpenBlock::Json { empty }), Delta::ToolInput(fragment)) => {
                *empty = false;
                self.text.emit(fragment, out);
            }
            (Some(OpenBlock::Cited(citations)), Delta::Citation(citation)) => {
                citations.push(citation.clone());
            }
            (None, Delta::Citation(citation)) => {
                self.open = Some((index, OpenBlock::Cited(vec![citation.clone()])));
            }
            (Some(OpenBlock::Reasoning(open)), Delta::Reasoning(_) | Delta::Signature(_)) => {
                open.delta(delta, options, &mut |text| out.reasoning(text));
            }
            (None, Delta::Reasoning(_) | Delta::Signature(_)) => {
                let mut open = OpenReasoning::default();
                open.delta(delta, options, &mut |text| out.reasoning(text));
                self.open = Some((index, OpenBlock::Reasoning(open)));
            }
            (None | Some(OpenBlock::Reasoning(_)), Delta::RedactedReasoning(data)) => {
                let block = ReasoningBlock::RedactedContent(data.clone());
                self.keep_reasoning(block, options, out);
            }
            (_, Delta::Hidden | Delta::Citation(_))
            | (_, Delta::Reasoning(_) | Delta::Signature(_) | Delta::RedactedReasoning(_))
            | (_, Delta::ToolInput(_)) => self.undelivered += 1,
        }
    }

    /// Ends the open block.
    pub(super) fn close(
        &mut self,
        options: &OutputOptions,
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) {
        match self.open.take().map(|(_, block)| block) {
            // Clients parse the arguments as JSON: a tool call without arguments gets an empty
            // object.
            Some(OpenBlock::Call { empty: true }) => out.input("{}", CallKind::Function),
            Some(OpenBlock::Json { empty: true }) => self.text.emit("{}", out),
            Some(OpenBlock::CustomCall(mut input)) => {
                input.finish(&mut |text| out.input(text, CallKind::Custom));
            }
            Some(OpenBlock::Reasoning(open)) => {
                let kept = open.close(options, &mut |text| out.reasoning(text));
                if let Some(block) = kept {
                    self.keep_reasoning(block, options, out);
                }
            }
            Some(OpenBlock::Cited(citations)) => {
                self.text.finish_block(out);
                self.text.cite(&citations, out);
            }
            None => self.text.finish_block(out),
            Some(OpenBlock::Call { .. } | OpenBlock::Json { .. } | OpenBlock::Hidden) => {}
        }
        self.text.end_block();
        out.end_block();
    }

    fn keep_reasoning(
        &mut self,
        block: ReasoningBlock,
        options: &OutputOptions,
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) {
        if !options.keeps_reasoning() {
            return;
        }
        match &block {
            ReasoningBlock::ReasoningText(reasoning) => out.sign(reasoning),
            ReasoningBlock::RedactedContent(data) => out.redacted_reasoning(data),
        }
        self.turn.note_reasoning(block, self.text.length());
    }
}
