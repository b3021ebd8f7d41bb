//! H1 to H5 and H10: the order and content of messages.

use crate::converse::content::ContentBlock;
use crate::converse::request::{ConverseRequest, Message, Role, SystemBlock};
use crate::error::Field;
use crate::models::{Capabilities, ToolResultCompanions};
use crate::reply::Adjustments;

/// The text of filler messages; white space is rejected.
pub(super) const FILLER: &str = ".";

/// The user message added after an assistant message that the model does not continue.
const CONTINUE: &str = "Continue.";

/// H5: removes blank text, and messages without other content.
pub(super) fn drop_blank_text(request: &mut ConverseRequest) {
    let ConverseRequest {
        messages, system, ..
    } = request;
    system.retain(|block| !matches!(block, SystemBlock::Text(text) if text.trim().is_empty()));
    for message in messages.iter_mut() {
        message.content.retain(|block| !block.is_blank());
    }
    // The rest of a message may be only a cache point.
    messages.retain(|message| message.content.iter().any(ContentBlock::is_substance));
}

/// Adds instructions of the gateway. On families whose prefix must stay unchanged they are at the
/// end of the prompt, after the last user message, because the next request may have others.
pub(super) fn instruct(
    request: &mut ConverseRequest,
    words: Vec<String>,
    capabilities: &Capabilities,
) {
    if !capabilities.keeps_prefix() {
        let blocks = words.into_iter().map(SystemBlock::Text);
        request.system.extend(blocks);
        return;
    }
    if words.is_empty() {
        return;
    }
    let messages = &mut request.messages;
    // A final assistant message is for the model to continue.
    let index = messages.iter().rposition(|m| m.role != Role::Assistant);
    let blocks = words.into_iter().map(ContentBlock::Instruction);
    match index.and_then(|index| messages.get_mut(index)) {
        Some(message) => message.content.extend(blocks),
        None => {
            let leading = Message {
                role: Role::User,
                content: blocks.collect(),
            };
            messages.insert(0, leading);
        }
    }
}

/// Moves instructions to where the family accepts them: in system messages, in user messages, or,
/// for families without a system prompt, in the first user message.
pub(super) fn move_instructions(request: &mut ConverseRequest, capabilities: &Capabilities) {
    let ConverseRequest {
        messages, system, ..
    } = request;
    if !capabilities.system_turns {
        for message in messages.iter_mut() {
            if message.role == Role::System {
                message.role = Role::User;
            }
        }
    }
    if capabilities.system || system.is_empty() {
        return;
    }
    let blocks = system.drain(..).map(|block| match block {
        SystemBlock::Text(text) => ContentBlock::Text(text),
        SystemBlock::CachePoint(point) => ContentBlock::CachePoint(point),
    });
    let content: Vec<ContentBlock> = blocks.collect();
    // The rest of blank instructions may be only a cache point.
    if !content.iter().any(ContentBlock::is_substance) {
        return;
    }
    let leading = Message {
        role: Role::User,
        content,
    };
    messages.insert(0, leading);
}

/// H1: merges consecutive messages of the same role.
pub(super) fn merge_turns(messages: &mut Vec<Message>) {
    messages.dedup_by(|next, previous| {
        let same = next.role == previous.role;
        if same {
            previous.content.append(&mut next.content);
        }
        same
    });
}

/// H10: on families that accept only tool results in a message, moves other content to a separate
/// message.
pub(super) fn separate_results(messages: &mut Vec<Message>, capabilities: &Capabilities) {
    if capabilities.tool_result_companions == ToolResultCompanions::Any {
        return;
    }
    let is_result = |block: &ContentBlock| matches!(block, ContentBlock::ToolResult(_));
    let is_other = |block: &ContentBlock| !is_result(block) && block.is_substance();
    let mut separated = Vec::with_capacity(messages.len());
    for message in messages.drain(..) {
        let has_both =
            message.content.iter().any(is_result) && message.content.iter().any(is_other);
        if !has_both {
            separated.push(message);
            continue;
        }
        let role = message.role;
        let (results, others) = message.content.into_iter().partition(is_result);
        separated.push(Message {
            role,
            content: results,
        });
        separated.push(filler(Role::Assistant, FILLER));
        separated.push(Message {
            role,
            content: others,
        });
    }
    *messages = separated;
}

/// H2 to H4: the first message must be the user's, and the last must not be the assistant's
/// unless the family continues it.
pub(super) fn first_and_last_turn(
    messages: &mut Vec<Message>,
    reasons: bool,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let first = messages.first().map(|message| message.role);
    let is_valid_start = match first {
        Some(Role::User) => true,
        Some(Role::Assistant) => capabilities.leading_assistant,
        Some(Role::System) | None => false,
    };
    if !is_valid_start {
        messages.insert(0, filler(Role::User, FILLER));
    }
    let Some(last) = messages.last_mut().filter(|m| m.role == Role::Assistant) else {
        return;
    };
    // A model that reasons cannot continue a message.
    if !capabilities.prefill || reasons && capabilities.has_reasoning_control() {
        messages.push(filler(Role::User, CONTINUE));
        adjustments.note(
            Field::Messages,
            "user message added; the model does not continue its own",
        );
        return;
    }
    // Text to be continued must not end with white space.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::content::{CachePoint, ToolResultBlock, ToolResultContent};

    #[test]
    fn a_trailing_cache_point_is_not_separated_from_tool_results() {
        let result = ContentBlock::ToolResult(ToolResultBlock {
            tool_use_id: "1".to_owned(),
            content: vec![ToolResultContent::no_output()],
            status: None,
        });
        let point = ContentBlock::CachePoint(CachePoint::new(None));
        let turn = |content: &[ContentBlock]| Message {
            role: Role::User,
            content: content.to_vec(),
        };
        let capabilities = Capabilities::default();
        let mut messages = vec![turn(&[result.clone(), point.clone()])];
        separate_results(&mut messages, &capabilities);
        assert_eq!(messages, [turn(&[result.clone(), point])]);

        let text = ContentBlock::Text("a".to_owned());
        let mut messages = vec![turn(&[result.clone(), text.clone()])];
        separate_results(&mut messages, &capabilities);
        let expected = [
            turn(&[result]),
            filler(Role::Assistant, FILLER),
            turn(&[text]),
        ];
        assert_eq!(messages, expected);
    }
}
