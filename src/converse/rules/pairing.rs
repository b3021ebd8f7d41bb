//! H6 to H8: tool calls and results. All results are in the user message after their calls, each
//! call has one result, and each result has a call.
//!
//! H12: the blocks of an assistant message keep their order, because signed reasoning is bound to
//! the blocks before it.

use std::collections::HashSet;

use crate::converse::content::{ContentBlock, ToolResultBlock, ToolResultContent, ToolUseBlock};
use crate::converse::request::{Message, Role};
use crate::error::{CallField, Field, MessageField, Position};
use crate::reply::Adjustments;

/// Collects the results of each call in the next message, and repairs missing and stray results.
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
        let calls = unique_call_ids(&mut message, adjustments);
        paired.push(message);
        if calls.is_empty() {
            continue;
        }
        // All messages up to the next assistant message belong to this turn.
        let mut replies = Vec::new();
        while let Some(reply) = rest.next_if(|message| message.role != Role::Assistant) {
            replies.push(reply);
        }
        pair_results(&calls, replies, &mut paired, adjustments);
    }
    *messages = paired;
}

/// Moves tool results to the start of their message.
pub(super) fn results_first(messages: &mut [Message]) {
    for message in messages {
        message
            .content
            .sort_by_key(|block| !matches!(block, ContentBlock::ToolResult(_)));
    }
}

/// Whether the conversation has tool calls or results.
pub(super) fn has_calls(messages: &[Message]) -> bool {
    messages.iter().any(has_tool_block)
}

fn has_tool_block(message: &Message) -> bool {
    message.content.iter().any(ContentBlock::is_tool_block)
}

/// The ids of a message's calls, in order; calls with a duplicate id are removed.
fn unique_call_ids(message: &mut Message, adjustments: &mut Adjustments) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    message.content.retain(|block| {
        let ContentBlock::ToolUse(ToolUseBlock { tool_use_id, .. }) = block else {
            return true;
        };
        if !seen.insert(tool_use_id.clone()) {
            adjustments.note(
                Field::any_message(MessageField::Call(Position::Any, CallField::Id)),
                "tool call removed; its id is a duplicate",
            );
            return false;
        }
        ids.push(tool_use_id.clone());
        true
    });
    ids
}

/// Adds a message with one result for each of `calls`, then the other messages of the turn.
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
            // A cache point after a result stays after it.
            false => results.append(&mut reply.content),
        }
    }
    for id in calls.iter().filter(|id| waiting.contains(id.as_str())) {
        adjustments.note(
            Field::Messages,
            "empty result added for a tool call without a result",
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

/// H7: Bedrock rejects results without a call; their content is kept as text.
fn turn_strays_to_text(message: &mut Message, adjustments: &mut Adjustments) {
    let mut content = Vec::with_capacity(message.content.len());
    for block in message.content.drain(..) {
        match block {
            ContentBlock::ToolResult(result) => {
                adjustments.note(
                    Field::Messages,
                    "tool result without a tool call sent as text",
                );
                content.extend(super::tools::result_to_text(result));
            }
            other => content.push(other),
        }
    }
    message.content = content;
}
