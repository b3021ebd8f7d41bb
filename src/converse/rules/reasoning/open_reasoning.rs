//! A reasoning block that is still streaming.

use crate::converse::content::{ReasoningBlock, ReasoningText};
use crate::converse::event::Delta;
use crate::converse::output::OutputOptions;

/// A reasoning block that is still streaming.
#[derive(Debug, Default)]
pub(crate) struct OpenReasoning {
    /// The text so far; empty unless the reasoning has to be sent back to the model.
    text: String,
    signature: Option<String>,
    /// Text that may turn out to be the provider's placeholder.
    held: String,
    visibility: ReasoningVisibility,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ReasoningVisibility {
    /// The text may be the placeholder.
    #[default]
    Undecided,
    Visible,
    Hidden,
}

impl OpenReasoning {
    /// Adds the next delta of the block and passes the visible text to `out`, unless it is empty.
    pub(crate) fn delta(
        &mut self,
        delta: &Delta,
        output_options: &OutputOptions,
        out: &mut impl FnMut(&str),
    ) {
        match delta {
            Delta::Reasoning(text) => {
                if output_options.keeps_reasoning() {
                    self.text.push_str(text);
                }
                self.emit(text, output_options, out);
            }
            Delta::Signature(part) => self.signature.get_or_insert_default().push_str(part),
            _ => {}
        }
    }

    fn emit(&mut self, text: &str, output_options: &OutputOptions, out: &mut impl FnMut(&str)) {
        let placeholder = output_options.reasoning_placeholder.as_str();
        if self.visibility == ReasoningVisibility::Undecided {
            self.held.push_str(text);
            if placeholder.is_empty() || !placeholder.starts_with(self.held.as_str()) {
                self.visibility =
                    match !placeholder.is_empty() && self.held.starts_with(placeholder) {
                        true => ReasoningVisibility::Hidden,
                        false => ReasoningVisibility::Visible,
                    };
                let held = std::mem::take(&mut self.held);
                if self.visibility == ReasoningVisibility::Visible && !held.is_empty() {
                    out(&held);
                }
            }
        } else if self.visibility == ReasoningVisibility::Visible && !text.is_empty() {
            out(text);
        }
    }

    /// Ends the block and returns it if it has a signature, without which it cannot be sent back to
    /// the model.
    pub(crate) fn close(
        self,
        output_options: &OutputOptions,
        out: &mut impl FnMut(&str),
    ) -> Option<ReasoningBlock> {
        let is_placeholder = self.held == output_options.reasoning_placeholder;
        if !self.held.is_empty() && !is_placeholder {
            out(&self.held);
        }
        let signature = self.signature?;
        Some(ReasoningBlock::ReasoningText(ReasoningText {
            text: self.text,
            signature: Some(signature),
        }))
    }
}
