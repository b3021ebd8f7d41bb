//! Position check of newer Claude models' reasoning blocks. A block is bound to the prompt in front
//! of it (tools, system and every earlier block except reasoning; cache points are ignored) and to
//! the previous reasoning block. Blocks may be omitted from the start of that chain but not from
//! its middle (pydantic-ai's live checks of 2026-11).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::conversation::{Block, Conversation, text};

/// The prompt and predecessor that a reasoning block is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Digest of the prompt in front of the block.
    pub(crate) prompt: [u8; 32],
    /// Digest of the previous block's seal; zeros for the first block.
    pub(crate) predecessor: [u8; 32],
}

/// Running digest of a prompt, block by block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prefix {
    prompt: Sha256,
    predecessor: [u8; 32],
}

impl Prefix {
    /// The prompt without its messages.
    pub(crate) fn before_first_turn(conversation: &Conversation<'_>) -> Self {
        let mut prefix = Self::default();
        let tools = conversation.tools.iter().flat_map(|tools| &tools.entries);
        tools.for_each(|entry| prefix.push("tools", entry));
        let system = conversation.system.iter();
        system.for_each(|block| prefix.push("system", block));
        prefix
    }

    /// The prompt in front of the next response.
    pub(crate) fn of(conversation: &Conversation<'_>) -> Self {
        let mut prefix = Self::before_first_turn(conversation);
        for message in &conversation.messages {
            let blocks = message.content.iter();
            blocks.for_each(|block| prefix.push(message.role, block));
        }
        prefix
    }

    /// Adds the next block. `section` is `tools`, `system` or a role.
    pub(crate) fn push(&mut self, section: &str, block: &Block<'_>) {
        let value = match block.kind {
            "cachePoint" => return,
            "reasoningContent" => {
                self.predecessor = Sha256::digest(seal(block.value).as_bytes()).into();
                return;
            }
            // Responses contain keys that clients do not send back, and clients sort keys.
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

    /// The binding of a reasoning block at this position.
    pub(crate) fn bound(&self) -> Bound {
        Bound {
            prompt: self.prompt.clone().finalize().into(),
            predecessor: self.predecessor,
        }
    }

    /// Whether a reasoning block with this binding is valid at this position.
    pub(crate) fn holds(&self, bound: &Bound) -> bool {
        let current = self.bound();
        let is_first = current.predecessor == [0; 32];
        current.prompt == bound.prompt && (is_first || current.predecessor == bound.predecessor)
    }
}

impl Bound {
    /// The bytes that a seal carries.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [self.prompt, self.predecessor].concat()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (prompt, rest) = bytes.split_first_chunk()?;
        let (predecessor, rest) = rest.split_first_chunk()?;
        rest.is_empty().then_some(Self {
            prompt: *prompt,
            predecessor: *predecessor,
        })
    }
}

/// The seal of a `reasoningContent` block: its signature, or the whole redacted content.
pub(crate) fn seal(reasoning: &Value) -> &str {
    let signature = reasoning.pointer("/reasoningText/signature");
    text(signature.or(reasoning.get("redactedContent")))
}
