//! H1 to H5 and H10: the order of turns, and what may stand in them.

use crate::adjustments::Adjustments;
use crate::converse::request::{ContentBlock, ConverseRequest, Message, Role, SystemBlock};
use crate::models::{BesideToolResult, Facts};

/// What is said where Bedrock wants a turn and the conversation has none; white space is refused.
const FILLER: &str = ".";

/// What is said after an assistant's turn that the model does not go on writing.
const CONTINUE: &str = "Continue.";

/// H5: text with nothing in it, and turns that held nothing else.
pub(super) fn drop_blank_text(request: &mut ConverseRequest) {
    let ConverseRequest {
        messages, system, ..
    } = request;
    system.retain(|SystemBlock::Text(text)| !text.trim().is_empty());
    for message in messages.iter_mut() {
        message.content.retain(|block| !block.is_blank());
    }
    messages.retain(|message| !message.content.is_empty());
}

/// Instructions where the family takes them: in turns of their own, in the user's turns, or, for
/// families without a system prompt, in the first of the user's turns.
pub(super) fn place_instructions(request: &mut ConverseRequest, facts: &Facts) {
    let ConverseRequest {
        messages, system, ..
    } = request;
    if !facts.system_turns {
        for message in messages.iter_mut() {
            if message.role == Role::System {
                message.role = Role::User;
            }
        }
    }
    if facts.system || system.is_empty() {
        return;
    }
    let texts = system
        .drain(..)
        .map(|SystemBlock::Text(text)| ContentBlock::Text(text));
    let content: Vec<ContentBlock> = texts.collect();
    let leading = Message {
        role: Role::User,
        content,
    };
    messages.insert(0, leading);
}

/// H1: turns of one role that follow one another become one.
pub(super) fn merge_turns(messages: &mut Vec<Message>) {
    messages.dedup_by(|next, previous| {
        let same = next.role == previous.role;
        if same {
            previous.content.append(&mut next.content);
        }
        same
    });
}

/// H10: families that take tool results alone get what stood beside them in a turn of its own.
pub(super) fn separate_results(messages: &mut Vec<Message>, facts: &Facts) {
    if facts.beside_tool_result == BesideToolResult::Anything {
        return;
    }
    let mut separated = Vec::with_capacity(messages.len());
    for message in messages.drain(..) {
        let is_result = |block: &ContentBlock| matches!(block, ContentBlock::ToolResult(_));
        let (results, others): (Vec<_>, Vec<_>) = message.content.into_iter().partition(is_result);
        let role = message.role;
        let both = !results.is_empty() && !others.is_empty();
        if !results.is_empty() {
            separated.push(Message {
                role,
                content: results,
            });
        }
        if both {
            separated.push(filler(Role::Assistant, FILLER));
        }
        if !others.is_empty() {
            separated.push(Message {
                role,
                content: others,
            });
        }
    }
    *messages = separated;
}

/// H2 to H4: the first turn is the user's, and there is one; the last is not the assistant's,
/// unless the family goes on writing it.
pub(super) fn first_and_last_turn(
    messages: &mut Vec<Message>,
    facts: &Facts,
    adjustments: &mut Adjustments,
) {
    let first = messages.first().map(|message| message.role);
    let starts_well = match first {
        Some(Role::User) => true,
        Some(Role::Assistant) => facts.leading_assistant,
        Some(Role::System) | None => false,
    };
    if !starts_well {
        messages.insert(0, filler(Role::User, FILLER));
    }
    let Some(last) = messages.last_mut().filter(|m| m.role == Role::Assistant) else {
        return;
    };
    if !facts.prefill {
        messages.push(filler(Role::User, CONTINUE));
        adjustments.note(
            "messages",
            "a user turn added, this model does not continue its own",
        );
        return;
    }
    // A text to be continued may not end in white space.
    if let Some(ContentBlock::Text(text)) = last.content.last_mut() {
        text.truncate(text.trim_end().len());
    }
}

fn filler(role: Role, text: &str) -> Message {
    Message {
        role,
        content: vec![ContentBlock::Text(text.to_owned())],
    }
}
