//! A block of the model's reasoning that is not whole yet.

use super::piece::{Piece, Sink};
use super::plan::AnswerPlan;
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
    shown: Shown,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// It may be the placeholder.
    #[default]
    Undecided,
    Yes,
    No,
}

impl OpenReasoning {
    /// Takes the next delta of the block.
    pub(super) fn delta(&mut self, delta: &Delta, plan: &AnswerPlan, sink: &mut impl Sink) {
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

    fn show(&mut self, text: &str, plan: &AnswerPlan, sink: &mut impl Sink) {
        let placeholder = plan.reasoning_placeholder.as_str();
        if self.shown == Shown::Undecided {
            self.held.push_str(text);
            if placeholder.is_empty() || !placeholder.starts_with(self.held.as_str()) {
                self.shown = match !placeholder.is_empty() && self.held.starts_with(placeholder) {
                    true => Shown::No,
                    false => Shown::Yes,
                };
                let held = std::mem::take(&mut self.held);
                if self.shown == Shown::Yes && !held.is_empty() {
                    sink.piece(Piece::Reasoning(&held));
                }
            }
        } else if self.shown == Shown::Yes && !text.is_empty() {
            sink.piece(Piece::Reasoning(text));
        }
    }

    /// The block as it is given back to the model.
    pub(super) fn close(self, plan: &AnswerPlan, sink: &mut impl Sink) -> Option<ReasoningBlock> {
        let is_placeholder = self.held == plan.reasoning_placeholder;
        if !self.held.is_empty() && !is_placeholder {
            sink.piece(Piece::Reasoning(&self.held));
        }
        let signature = self.signature?;
        Some(ReasoningBlock::ReasoningText(ReasoningText {
            text: self.text,
            signature: Some(signature),
        }))
    }
}
