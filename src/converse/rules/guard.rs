//! A guardrail that looks at the last of the user's turns alone: as soon as a request has
//! `guardContent`, the guardrail looks at nothing else.

use super::request_options::LastTurnGuard;
use crate::adjustments::Adjustments;
use crate::converse::content::{ContentBlock, GuardBlock, GuardText};
use crate::converse::request::{Message, Role};
use crate::models::Capabilities;

/// Marks what the user said last. `guardContent` is part of the prompt that the model reads: \[R\]
/// conv-nova-dee2f507 has 54 input tokens and convs-titan-95c791aa 28, where their texts alone are
/// about 30 and 17. A turn that loses its mark when the next one comes would be another turn, so
/// that families whose prefix has to stay as it is have all of the user's turns marked.
pub(super) fn last_turn(
    messages: &mut [Message],
    asked_by: LastTurnGuard,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let said = messages.iter_mut().rev().filter(|message| is_said(message));
    let marked = match capabilities.keeps_prefix() {
        true => said.map(mark).count(),
        false => said.take(1).map(mark).count(),
    };
    if marked > 1 && asked_by == LastTurnGuard::Request {
        adjustments.note(
            "guardrailConfig.onlyLastTurn",
            "all of the user's turns, the prompt of this model has to stay as it is",
        );
    }
}

/// Whether the user says something in a turn.
fn is_said(message: &Message) -> bool {
    let is_text = |block: &ContentBlock| matches!(block, ContentBlock::Text(_));
    message.role == Role::User && message.content.iter().any(is_text)
}

fn mark(message: &mut Message) {
    for block in &mut message.content {
        if let ContentBlock::Text(text) = block {
            let text = std::mem::take(text);
            *block = ContentBlock::GuardContent(GuardBlock::Text(GuardText {
                text,
                qualifiers: Vec::new(),
            }));
        }
    }
}
