//! Restricts the guardrail to the last user message: if a request has `guardContent`, the
//! guardrail evaluates nothing else.

use super::request_options::LastTurnGuard;
use crate::converse::content::{ContentBlock, GuardBlock, GuardText};
use crate::converse::request::{Message, Role};
use crate::error::{Field, GuardrailField};
use crate::models::Capabilities;
use crate::reply::Adjustments;

/// Wraps the last user message in `guardContent`, which is part of the prompt: \[R\]
/// conv-nova-dee2f507 has 54 input tokens and convs-titan-95c791aa 28, although their texts alone
/// have about 30 and 17. Unwrapping a message in the next request would change the prompt, so all
/// user messages are wrapped on families whose prefix must stay unchanged.
pub(super) fn last_turn(
    messages: &mut [Message],
    requested_by: LastTurnGuard,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let user_messages = messages
        .iter_mut()
        .rev()
        .filter(|message| has_user_text(message));
    let wrapped = match capabilities.keeps_prefix() {
        true => user_messages.map(wrap).count(),
        false => user_messages.take(1).map(wrap).count(),
    };
    if wrapped > 1 && requested_by == LastTurnGuard::Request {
        adjustments.note(
            Field::Guardrail(GuardrailField::LastTurn),
            "applied to all user messages; earlier messages must stay unchanged",
        );
    }
}

/// Whether the message has text of the user.
fn has_user_text(message: &Message) -> bool {
    let is_text = |block: &ContentBlock| matches!(block, ContentBlock::Text(_));
    message.role == Role::User && message.content.iter().any(is_text)
}

fn wrap(message: &mut Message) {
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
