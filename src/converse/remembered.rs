//! The parts of a response that the gateway remembers until the client sends the message back:
//! reasoning, and parts that OpenAI's API has no field for.

use sha2::{Digest, Sha256};

use super::content::{ReasoningBlock, ReasoningText};

/// The parts of an assistant message that OpenAI's fields cannot represent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RememberedTurn {
    /// The reasoning blocks, in order.
    pub reasoning: Vec<ReasoningBlock>,
    /// The gateway's instructions at the end of the prompt, for families that bind reasoning to
    /// the prompt: they must be at the same position in later requests.
    pub instructions: Vec<String>,
    /// The order of the message's parts; empty for the default order: reasoning, text, tool
    /// calls.
    pub order: Vec<TurnPart>,
}

/// A part of an assistant message in the client's representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnPart {
    /// The next reasoning block.
    Reasoning,
    /// The next characters of the text, this many.
    Text(usize),
    /// The next tool call.
    Call,
}

impl RememberedTurn {
    /// Whether it contains more than reasoning.
    pub fn is_special(&self) -> bool {
        !self.instructions.is_empty() || !self.order.is_empty()
    }

    /// The lookup key for messages without tool calls, and for clients that send the reasoning
    /// back themselves.
    pub fn key(&self) -> Option<String> {
        self.reasoning.first().map(reasoning_key)
    }

    /// The approximate memory use in bytes.
    pub fn bytes(&self) -> usize {
        let reasoning = self
            .reasoning
            .iter()
            .map(|block| sealed(block).map_or(0, str::len) + text(block).len());
        let instructions = self.instructions.iter().map(String::len);
        reasoning.chain(instructions).sum::<usize>() + size_of_val(self.order.as_slice())
    }
}

/// The lookup key of a message that starts with this reasoning block.
pub fn reasoning_key(block: &ReasoningBlock) -> String {
    let digest = Sha256::digest(sealed(block).unwrap_or_else(|| text(block)).as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("reasoning:{digest}")
}

/// Whether the parts are in the default order.
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
