//! What a response contains that has to be sent back to the model with the next request.

use super::OutputOptions;
use crate::converse::content::ReasoningBlock;
use crate::converse::remembered::{RememberedTurn, TurnPart, is_default_order};

/// The parts of the turn, in the order in which the client receives them.
#[derive(Debug, Default)]
pub(super) struct TurnRecord {
    /// The ids of the tool calls.
    calls: Vec<String>,
    reasoning: Vec<ReasoningBlock>,
    /// The parts, without the text since the last part.
    order: Vec<TurnPart>,
    /// The number of characters of text in `order`.
    ordered_text: usize,
}

impl TurnRecord {
    /// Whether the client has received a tool call.
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Adds a tool call after `text` characters of visible text.
    pub(super) fn note_call(&mut self, id: &str, text: usize) {
        self.note_part(TurnPart::Call, text);
        self.calls.push(id.to_owned());
    }

    /// Adds a complete reasoning block after `text` characters of visible text.
    pub(super) fn note_reasoning(&mut self, block: ReasoningBlock, text: usize) {
        self.note_part(TurnPart::Reasoning, text);
        self.reasoning.push(block);
    }

    fn note_part(&mut self, part: TurnPart, text: usize) {
        self.note_text(text);
        self.order.push(part);
    }

    fn note_text(&mut self, text: usize) {
        let new = text.saturating_sub(self.ordered_text);
        if new > 0 {
            self.ordered_text += new;
            self.order.push(TurnPart::Text(new));
        }
    }

    /// The turn with `text` characters of visible text, and the keys to remember it by: the ids of
    /// its tool calls, and the key of its reasoning. `None` if the turn has no reasoning, or if the
    /// client received all that has to be sent back.
    pub(super) fn remembered(
        mut self,
        text: usize,
        options: &OutputOptions,
    ) -> Option<(Vec<String>, RememberedTurn)> {
        if self.reasoning.is_empty() {
            return None;
        }
        self.note_text(text);
        if is_default_order(&self.order) {
            self.order.clear();
        }
        let turn = RememberedTurn {
            reasoning: self.reasoning,
            instructions: options.instructions.clone(),
            order: self.order,
        };
        let mut keys = self.calls;
        keys.extend(turn.key().filter(|_| turn.is_special()));
        (!keys.is_empty()).then_some((keys, turn))
    }
}
