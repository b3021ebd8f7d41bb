//! What newer Claude's reasoning is bound to: the prompt in front of it (tools, system, and every
//! earlier block that is no reasoning; cache points are not compared) and the block of reasoning
//! before it. Blocks may be left out from the front of that chain, and not from its middle
//! (pydantic-ai's live checks of 2026-11).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::conversation::{Block, Conversation, text};

/// What a block of reasoning is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The digest of the prompt in front of the block.
    pub(crate) prompt: [u8; 32],
    /// The digest of the seal before this one; zeros where this is the first.
    pub(crate) predecessor: [u8; 32],
}

/// A prompt that is read block by block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prefix {
    prompt: Sha256,
    predecessor: [u8; 32],
}

impl Prefix {
    /// What stands in front of the first turn.
    pub(crate) fn before_first_turn(conversation: &Conversation<'_>) -> Self {
        let mut prefix = Self::default();
        let tools = conversation.tools.iter().flat_map(|tools| &tools.entries);
        tools.for_each(|entry| prefix.push("tools", entry));
        let system = conversation.system.iter();
        system.for_each(|block| prefix.push("system", block));
        prefix
    }

    /// What stands in front of an answer.
    pub(crate) fn of(conversation: &Conversation<'_>) -> Self {
        let mut prefix = Self::before_first_turn(conversation);
        for message in &conversation.messages {
            let blocks = message.content.iter();
            blocks.for_each(|block| prefix.push(message.role, block));
        }
        prefix
    }

    /// Reads the next block, which stands in `section`: `tools`, `system` or a role.
    pub(crate) fn push(&mut self, section: &str, block: &Block<'_>) {
        let value = match block.kind {
            "cachePoint" => return,
            "reasoningContent" => {
                self.predecessor = Sha256::digest(seal(block.value).as_bytes()).into();
                return;
            }
            // An answer has more members than what is sent back, and its keys are sorted.
            "toolUse" => {
                let mut call = json!({
                    "id": block.value.get("toolUseId"),
                    "name": block.value.get("name"),
                    "input": block.value.get("input"),
                });
                call.sort_all_objects();
                call
            }
            _ => block.value.clone(),
        };
        for part in [section, block.kind, &value.to_string()] {
            self.prompt.update(part.as_bytes());
            self.prompt.update([0]);
        }
    }

    /// What a block of reasoning would be bound to that stands here.
    pub(crate) fn bound(&self) -> Bound {
        Bound {
            prompt: self.prompt.clone().finalize().into(),
            predecessor: self.predecessor,
        }
    }

    /// Whether a block that is bound to this may stand here.
    pub(crate) fn holds(&self, bound: &Bound) -> bool {
        let current = self.bound();
        let is_first = current.predecessor == [0; 32];
        current.prompt == bound.prompt && (is_first || current.predecessor == bound.predecessor)
    }
}

impl Bound {
    /// As bytes, to be sealed.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [self.prompt, self.predecessor].concat()
    }

    /// From such bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (prompt, rest) = bytes.split_first_chunk()?;
        let (predecessor, rest) = rest.split_first_chunk()?;
        rest.is_empty().then_some(Self {
            prompt: *prompt,
            predecessor: *predecessor,
        })
    }
}

/// The seal of a `reasoningContent`: its signature, or all of it where it is redacted.
pub(crate) fn seal(reasoning: &Value) -> &str {
    let signature = reasoning.pointer("/reasoningText/signature");
    text(signature.or(reasoning.get("redactedContent")))
}
