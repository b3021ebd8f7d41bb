//! The reasoning of before: which of it goes back to the model.

use crate::adjustments::Adjustments;
use crate::converse::content::{ContentBlock, ReasoningBlock};
use crate::converse::request::{Message, Role};
use crate::models::{Capabilities, ReasoningReplay};

/// Takes out the reasoning of before that the family does not take back.
pub(super) fn keep_supported_reasoning(
    messages: &mut [Message],
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let replay = capabilities.reasoning_replay;
    take_out(
        messages,
        "not given back to this model",
        adjustments,
        |block| match (replay, block) {
            (ReasoningReplay::None, _) => false,
            (ReasoningReplay::Signed, ReasoningBlock::RedactedContent(_)) => true,
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

/// Takes out the reasoning that is not to `stay`, and says so.
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
                        "messages[].reasoning_content"
                    }
                    _ => "messages[].thinking_blocks",
                };
                adjustments.note(field, action);
            }
            stays
        });
    }
}

/// Whether the model is to go on from the results of calls that it has no reasoning before: with a
/// budget Claude refuses that of the last of its turns ("Expected `thinking` or
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

/// Drops the reasoning of a conversation whose tools the client has taken away, on families that
/// bind it: the list of tools is part of what it is bound to. That in front of the first call may be
/// of a time without tools, and stays, so that a turn is the same whatever comes after it.
pub(super) fn drop_unbound(
    messages: &mut [Message],
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let is_call = |block: &ContentBlock| matches!(block, ContentBlock::ToolUse(_));
    let has_call = |message: &Message| message.content.iter().any(is_call);
    let first = messages.iter().position(has_call);
    let behind = first.and_then(|first| messages.get_mut(first..));
    if let Some(behind) = behind.filter(|_| capabilities.binds_thinking) {
        let action = "left out, it is bound to tools that this request does not offer";
        take_out(behind, action, adjustments, |_| false);
    }
}

/// Drops all reasoning of before, which this model has refused in this conversation.
pub(super) fn drop_refused(messages: &mut [Message], adjustments: &mut Adjustments) {
    let action = "left out, the model refuses it in this conversation";
    take_out(messages, action, adjustments, |_| false);
}
