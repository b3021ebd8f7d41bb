//! Newer Claude models bind their reasoning to the prompt in front of it.

use super::subject::Subject;
use super::thinking::{claudes, has_beta};
use crate::binding::{self, Prefix};
use crate::error::AwsError;
use crate::{reasoning, signatures};

/// The beta of `thinking.block_binding`.
const BINDING_CONTROLS: &str = "thinking-binding-controls-2026-08-01";

/// The control of the check below, which only the models that have the check accept, and only with
/// its beta (<https://github.com/anomalyco/opencode/issues/46848>).
pub(super) fn controls(subject: &Subject<'_>) -> Result<(), AwsError> {
    let thinking = claudes(subject);
    let Some(thinking) = thinking.filter(|thinking| thinking.get("block_binding").is_some()) else {
        return Ok(());
    };
    if subject.family.binds_thinking && has_beta(subject, BINDING_CONTROLS) {
        return Ok(());
    }
    let kind = reasoning::kind(thinking);
    Err(AwsError::by_model(format!(
        "thinking.{kind}.block_binding: Extra inputs are not permitted"
    )))
}

/// Newer Claude models accept reasoning only after the prompt that it was generated for
/// (pydantic-ai's live checks of 2026-11). With `block_binding` they would drop it; here it is
/// rejected, so that a changed prompt does not remain unnoticed.
pub(super) fn bound(subject: &Subject<'_>) -> Result<(), AwsError> {
    let conversation = &subject.conversation;
    if !subject.family.binds_thinking || !reasoning::is_on(&subject.family, conversation) {
        return Ok(());
    }
    let mut prefix = Prefix::before_first_turn(conversation);
    for (path, message, block) in conversation.located_blocks() {
        let seal = binding::seal(block.value);
        let scripted = subject.runtime.seals.scripted(seal);
        let bound = scripted.and_then(|scripted| scripted.bound);
        let bound = bound.or_else(|| signatures::bound(seal));
        if block.kind == "reasoningContent" && bound.is_some_and(|bound| !prefix.holds(&bound)) {
            return Err(AwsError::by_model(format!(
                "{path}: The block is bound to a different conversation"
            )));
        }
        prefix.push(message.role, &block);
    }
    Ok(())
}
