//! H6 to H8: calls and their results. All results of a turn stand in the user's turn right after
//! it, each call has one, and each result has a call.
//!
//! H12: the blocks of the model's turn stay in the order in which its messages were written. A
//! signed block of reasoning is bound to what stands before it, so that nothing is sorted here.

use std::collections::HashSet;

use crate::adjustments::Adjustments;
use crate::converse::content::{ContentBlock, ToolResultBlock, ToolResultContent, ToolUseBlock};
use crate::converse::request::{Message, Role};

/// Brings every call's results together in the turn after it, in the place of what was wrong.
pub(super) fn pair_tool_results(messages: &mut Vec<Message>, adjustments: &mut Adjustments) {
    if !has_calls(messages) {
        return;
    }
    super::turns::merge_turns(messages);
    let mut paired: Vec<Message> = Vec::with_capacity(messages.len() + 1);
    let mut rest = std::mem::take(messages).into_iter().peekable();
    while let Some(mut message) = rest.next() {
        if message.role != Role::Assistant {
            turn_strays_to_text(&mut message, adjustments);
            paired.push(message);
            continue;
        }
        let calls = name_calls(&mut message, adjustments);
        paired.push(message);
        if calls.is_empty() {
            continue;
        }
        // Everything up to the model's next turn answers this one.
        let mut replies = Vec::new();
        while let Some(reply) = rest.next_if(|message| message.role != Role::Assistant) {
            replies.push(reply);
        }
        pair_results(&calls, replies, &mut paired, adjustments);
    }
    *messages = paired;
}

/// Results stand before anything else in their turn.
pub(super) fn results_first(messages: &mut [Message]) {
    for message in messages {
        message
            .content
            .sort_by_key(|block| !matches!(block, ContentBlock::ToolResult(_)));
    }
}

/// Whether the conversation has calls of tools.
pub(super) fn has_calls(messages: &[Message]) -> bool {
    messages.iter().any(has_tool_block)
}

fn has_tool_block(message: &Message) -> bool {
    message.content.iter().any(ContentBlock::is_tool_block)
}

/// The ids of a turn's calls, in order; a call whose id was there already is left out.
fn name_calls(message: &mut Message, adjustments: &mut Adjustments) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    message.content.retain(|block| {
        let ContentBlock::ToolUse(ToolUseBlock { tool_use_id, .. }) = block else {
            return true;
        };
        if !seen.insert(tool_use_id.clone()) {
            adjustments.note(
                "messages[].tool_calls[].id",
                "a call with the id of another of its turn left out",
            );
            return false;
        }
        ids.push(tool_use_id.clone());
        true
    });
    ids
}

/// Puts the results of `calls` first, one each, then what else was said before the next turn.
fn pair_results(
    calls: &[String],
    replies: Vec<Message>,
    paired: &mut Vec<Message>,
    adjustments: &mut Adjustments,
) {
    let mut waiting: HashSet<&str> = calls.iter().map(String::as_str).collect();
    let mut results = Vec::with_capacity(calls.len());
    let mut others = Vec::with_capacity(replies.len());
    for mut reply in replies {
        let mut kept = Vec::with_capacity(reply.content.len());
        for block in reply.content {
            match block {
                ContentBlock::ToolResult(result) if waiting.remove(result.tool_use_id.as_str()) => {
                    results.push(ContentBlock::ToolResult(result));
                }
                other => kept.push(other),
            }
        }
        reply.content = kept;
        turn_strays_to_text(&mut reply, adjustments);
        match reply.content.iter().any(ContentBlock::is_substance) {
            true => others.push(reply),
            // The end of a cached prefix behind a result stays behind it.
            false => results.append(&mut reply.content),
        }
    }
    for id in calls.iter().filter(|id| waiting.contains(id.as_str())) {
        adjustments.note(
            "messages",
            "a tool call without a result given an empty one",
        );
        results.push(ContentBlock::ToolResult(ToolResultBlock {
            tool_use_id: id.clone(),
            content: vec![ToolResultContent::no_output()],
            status: None,
        }));
    }
    paired.push(Message {
        role: Role::User,
        content: results,
    });
    paired.extend(others);
}

/// H7: a result that answers no call is refused as a result; what it says stays, as text.
fn turn_strays_to_text(message: &mut Message, adjustments: &mut Adjustments) {
    let mut content = Vec::with_capacity(message.content.len());
    for block in message.content.drain(..) {
        match block {
            ContentBlock::ToolResult(result) => {
                adjustments.note("messages", "a tool result without its call sent as text");
                content.extend(super::tools::result_to_text(result));
            }
            other => content.push(other),
        }
    }
    message.content = content;
}
