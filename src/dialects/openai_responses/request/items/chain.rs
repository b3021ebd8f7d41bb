//! The reasoning of earlier turns: which of it the model receives again.

use crate::converse::translation::TranslationContext;
use crate::dialects::openai_responses::envelope::{Envelope, SealedReasoning};
use crate::reply::Adjustments;
use crate::resources::seals::is_seal;

/// The note of a seal that is left out, once for a request.
const NOT_READ: &str = "reasoning removed: of another model or sealed by another gateway";

/// The reasoning so far. Newer Claude models bind each block to the one before it: blocks may be left
/// out at the front, but not between others.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ReasoningChain {
    has_blocks: bool,
    /// Whether a block is missing after others, so that none after it is valid.
    is_broken: bool,
    /// When the summary was made that the conversation begins with, in Unix seconds.
    summary: Option<u64>,
}

impl ReasoningChain {
    /// The reasoning after a summary made at this time (Unix seconds).
    pub(super) fn after(summary: u64) -> Self {
        Self {
            summary: Some(summary),
            ..Self::default()
        }
    }

    /// The block in `seal`; `None` if the model must not receive it.
    pub(super) fn open(
        &mut self,
        seal: &str,
        context: &TranslationContext<'_>,
        adjustments: &mut Adjustments,
    ) -> Option<SealedReasoning> {
        let block = self.read(seal, context);
        if block.is_none() {
            adjustments.note("input[].encrypted_content", NOT_READ);
        }
        block
    }

    fn read(&mut self, seal: &str, context: &TranslationContext<'_>) -> Option<SealedReasoning> {
        // What another gateway sealed was never sent to this model.
        if !is_seal(seal) {
            return None;
        }
        let content = (context.unseal)(seal);
        let Some(Envelope::Reasoning(block)) = content.as_deref().and_then(Envelope::read) else {
            self.lose(context);
            return None;
        };
        let replay = context.capabilities.reasoning_replay;
        // Nor was that of other models.
        if !block.origin.is_accepted_by(context.origin, replay) || self.is_broken {
            return None;
        }
        // It is bound to the conversation that the summary replaces.
        let is_older = self.summary.is_some_and(|summary| block.made_at < summary);
        if is_older && context.capabilities.binds_thinking {
            return None;
        }
        self.has_blocks = true;
        Some(*block)
    }

    /// Whether the model may receive what the gateway remembers of the next turn.
    pub(super) fn recalls(&mut self) -> bool {
        self.has_blocks |= !self.is_broken;
        !self.is_broken
    }

    /// Notes that a block is missing here.
    pub(super) fn lose(&mut self, context: &TranslationContext<'_>) {
        self.is_broken |= self.has_blocks && context.capabilities.binds_thinking;
    }
}
