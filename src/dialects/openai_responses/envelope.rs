//! What `encrypted_content` contains: all that a later request needs of an item, since clients return
//! nothing else of it reliably.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::converse::content::ReasoningBlock;
use crate::converse::origin::Origin;
use crate::resources::seals::Sealer;

/// The content of a seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Envelope {
    /// A block of reasoning.
    Reasoning(Box<SealedReasoning>),
    /// The summary of a conversation, which replaces it.
    Summary(SealedSummary),
}

/// A block of reasoning, as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedReasoning {
    /// The model.
    pub origin: Origin,
    /// When its response was created, in Unix seconds.
    pub made_at: u64,
    /// The block.
    pub block: ReasoningBlock,
    /// The gateway's instructions at the end of the prompt, to which the model may bind its
    /// reasoning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<String>,
}

/// The summary of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSummary {
    /// When its response was created, in Unix seconds.
    pub made_at: u64,
    /// The summary.
    pub text: String,
}

impl Envelope {
    /// Reads the content of a seal; `None` if a later version wrote it.
    pub fn read(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }

    /// The seal of the envelope, the item `index` of its response.
    pub(super) fn seal(&self, sealer: &Sealer, index: usize) -> Option<String> {
        let content = serde_json::to_vec(self).ok()?;
        sealer.seal(u32::try_from(index).ok()?, &content)
    }
}

/// Seals the reasoning of one response.
#[derive(Debug, Clone)]
pub(super) struct ReasoningSealer {
    pub(super) sealer: Sealer,
    pub(super) origin: Arc<Origin>,
    pub(super) made_at: u64,
    pub(super) instructions: Vec<String>,
    /// Whether the model accepts reasoning without a signature.
    pub(super) seals_text: bool,
}

impl ReasoningSealer {
    /// The seal of `block`, the item `index`.
    pub(super) fn seal(&self, index: usize, block: ReasoningBlock) -> Option<String> {
        let envelope = Envelope::Reasoning(Box::new(SealedReasoning {
            origin: Origin::clone(&self.origin),
            made_at: self.made_at,
            block,
            instructions: self.instructions.clone(),
        }));
        envelope.seal(&self.sealer, index)
    }
}
