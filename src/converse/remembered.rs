//! What is remembered of a response for the time when the client gives it back: its reasoning, and
//! what a client of OpenAI's API has no field for.

use sha2::{Digest, Sha256};

use super::content::{ReasoningBlock, ReasoningText};

/// The model's turn as it was, as far as OpenAI's fields do not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RememberedTurn {
    /// The blocks of reasoning, in order.
    pub reasoning: Vec<ReasoningBlock>,
    /// What the gateway asked of the model at the end of the prompt, on families that bind their
    /// reasoning to the prompt: it has to stand there again.
    pub instructions: Vec<String>,
    /// The order of the turn's parts; empty for the usual one: reasoning, text, calls.
    pub order: Vec<TurnPart>,
}

/// A part of the model's turn, as the client has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnPart {
    /// The next block of reasoning.
    Reasoning,
    /// The next so many characters of the text.
    Text(usize),
    /// The next call.
    Call,
}

impl RememberedTurn {
    /// Whether there is more to it than its reasoning.
    pub fn is_special(&self) -> bool {
        !self.instructions.is_empty() || !self.order.is_empty()
    }

    /// What the turn is found by where it has no calls, or where the client gives its reasoning
    /// back itself.
    pub fn key(&self) -> Option<String> {
        self.reasoning.first().map(reasoning_key)
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let reasoning = self
            .reasoning
            .iter()
            .map(|block| sealed(block).map_or(0, str::len) + text(block).len());
        let instructions = self.instructions.iter().map(String::len);
        reasoning.chain(instructions).sum::<usize>() + size_of_val(self.order.as_slice())
    }
}

/// What a turn is found by that begins with this block of reasoning.
pub fn reasoning_key(block: &ReasoningBlock) -> String {
    let digest = Sha256::digest(sealed(block).unwrap_or_else(|| text(block)).as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("reasoning:{digest}")
}

/// Whether parts in this order are in the one that they are put in without a word.
pub fn is_default_order(order: &[TurnPart]) -> bool {
    let rank = |part: &TurnPart| match part {
        TurnPart::Reasoning => 0,
        TurnPart::Text(_) => 1,
        TurnPart::Call => 2,
    };
    let texts = order
        .iter()
        .filter(|part| matches!(part, TurnPart::Text(_)));
    order.is_sorted_by_key(rank) && texts.count() < 2
}

fn sealed(block: &ReasoningBlock) -> Option<&str> {
    match block {
        ReasoningBlock::ReasoningText(ReasoningText { signature, .. }) => signature.as_deref(),
        ReasoningBlock::RedactedContent(data) => Some(data),
    }
}

fn text(block: &ReasoningBlock) -> &str {
    match block {
        ReasoningBlock::ReasoningText(ReasoningText { text, .. }) => text,
        ReasoningBlock::RedactedContent(_) => "",
    }
}
