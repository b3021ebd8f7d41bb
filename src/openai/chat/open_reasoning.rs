//! A block of the model's reasoning that is not whole yet.

use super::piece::{OutputEvent, OutputWriter};
use super::plan::OutputOptions;
use crate::converse::content::{ReasoningBlock, ReasoningText};
use crate::converse::event::Delta;

/// A block of the model's reasoning that is not whole yet.
#[derive(Debug, Default)]
pub(super) struct OpenReasoning {
    /// The text so far, as far as it is kept.
    text: String,
    signature: Option<String>,
    /// Text that may become the provider's placeholder.
    held: String,
    /// What is done with the text.
    shown: ReasoningVisibility,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ReasoningVisibility {
    /// It may be the placeholder.
    #[default]
    Undecided,
    Yes,
    No,
}

impl OpenReasoning {
    /// Takes the next delta of the block.
    pub(super) fn delta(
        &mut self,
        delta: &Delta,
        plan: &OutputOptions,
        sink: &mut impl OutputWriter,
    ) {
        match delta {
            Delta::Reasoning(text) => {
                if plan.keeps_reasoning {
                    self.text.push_str(text);
                }
                self.show(text, plan, sink);
            }
            Delta::Signature(part) => self.signature.get_or_insert_default().push_str(part),
            _ => {}
        }
    }

    fn show(&mut self, text: &str, plan: &OutputOptions, sink: &mut impl OutputWriter) {
        let placeholder = plan.reasoning_placeholder.as_str();
        if self.shown == ReasoningVisibility::Undecided {
            self.held.push_str(text);
            if placeholder.is_empty() || !placeholder.starts_with(self.held.as_str()) {
                self.shown = match !placeholder.is_empty() && self.held.starts_with(placeholder) {
                    true => ReasoningVisibility::No,
                    false => ReasoningVisibility::Yes,
                };
                let held = std::mem::take(&mut self.held);
                if self.shown == ReasoningVisibility::Yes && !held.is_empty() {
                    sink.piece(OutputEvent::Reasoning(&held));
                }
            }
        } else if self.shown == ReasoningVisibility::Yes && !text.is_empty() {
            sink.piece(OutputEvent::Reasoning(text));
        }
    }

    /// The block as it is given back to the model.
    pub(super) fn close(
        self,
        plan: &OutputOptions,
        sink: &mut impl OutputWriter,
    ) -> Option<ReasoningBlock> {
        let is_placeholder = self.held == plan.reasoning_placeholder;
        if !self.held.is_empty() && !is_placeholder {
            sink.piece(OutputEvent::Reasoning(&self.held));
        }
        let signature = self.signature?;
        Some(ReasoningBlock::ReasoningText(ReasoningText {
            text: self.text,
            signature: Some(signature),
        }))
    }
}
