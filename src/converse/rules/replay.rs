//! Filters the reasoning of earlier messages that is sent back to the model.

use crate::converse::content::{ContentBlock, ReasoningBlock};
use crate::converse::request::{Message, Role};
use crate::error::{Field, MessageField};
use crate::models::{Capabilities, ReasoningReplay};
use crate::reply::Adjustments;

/// Removes earlier reasoning that the family does not accept.
pub(super) fn keep_supported_reasoning(
    messages: &mut [Message],
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let replay = capabilities.reasoning_replay;
    take_out(
        messages,
        "not sent; the model does not accept it",
        adjustments,
        |block| match (replay, block) {
            (ReasoningReplay::None, _) => false,
            (
                ReasoningReplay::Signed | ReasoningReplay::Redacted,
                ReasoningBlock::RedactedContent(_),
            ) => true,
            (ReasoningReplay::Redacted, ReasoningBlock::ReasoningText(_)) => false,
            (ReasoningReplay::Signed, ReasoningBlock::ReasoningText(text)) => {
                text.signature.is_some()
            }
            (ReasoningReplay::Text, ReasoningBlock::ReasoningText(text)) => {
                text.signature.is_none()
            }
            (ReasoningReplay::Text, ReasoningBlock::RedactedContent(_)) => false,
        },
    );
}

/// Removes reasoning for which `stays` is false, and notes it.
pub(super) fn take_out(
    messages: &mut [Message],
    action: &str,
    adjustments: &mut Adjustments,
    stays: impl Fn(&ReasoningBlock) -> bool,
) {
    for message in messages {
        message.content.retain(|block| {
            let ContentBlock::ReasoningContent(reasoning) = block else {
                return true;
            };
            let stays = stays(reasoning);
            if !stays {
                let field = match reasoning {
                    ReasoningBlock::ReasoningText(text) if text.signature.is_none() => {
                        Field::any_message(MessageField::Reasoning)
                    }
                    _ => Field::any_message(MessageField::ThinkingBlocks),
                };
                adjustments.note(field, action);
            }
            stays
        });
    }
}

/// Whether the request continues after tool results without the reasoning before their calls.
/// With a budget, Claude rejects that for its last message ("Expected `thinking` or
/// `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant`
/// message must start with a thinking block").
pub(super) fn lacks_reasoning(messages: &[Message]) -> bool {
    let last = messages.iter().rposition(|m| m.role == Role::Assistant);
    let Some((model, after)) = last.and_then(|last| messages.get(last..)?.split_first()) else {
        return false;
    };
    let has_results = |message: &Message| {
        let mut blocks = message.content.iter();
        blocks.any(|block| matches!(block, ContentBlock::ToolResult(_)))
    };
    let first = model.content.first();
    after.iter().any(has_results) && !matches!(first, Some(ContentBlock::ReasoningContent(_)))
}

/// Removes reasoning if the client no longer sends its tools, on families that bind reasoning to
/// the tool list. Reasoning before the first call may predate the tools and stays, so that
/// earlier messages do not change.
pub(super) fn drop_unbound(
    messages: &mut [Message],
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let is_call = |block: &ContentBlock| matches!(block, ContentBlock::ToolUse(_));
    let has_call = |message: &Message| message.content.iter().any(is_call);
    let first = messages.iter().position(has_call);
    let from_first = first.and_then(|first| messages.get_mut(first..));
    if let Some(from_first) = from_first.filter(|_| capabilities.binds_thinking) {
        let action = "removed; bound to tools that are not in the request";
        take_out(from_first, action, adjustments, |_| false);
    }
}

/// Removes all earlier reasoning after the model rejected it in this conversation.
pub(super) fn drop_refused(messages: &mut [Message], adjustments: &mut Adjustments) {
    let action = "removed; the model rejected it in this conversation";
    take_out(messages, action, adjustments, |_| false);
}
