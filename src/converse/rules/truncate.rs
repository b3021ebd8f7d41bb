//! Removes the oldest turns of a conversation that exceeds the model's context window.

use crate::converse::content::ContentBlock;
use crate::converse::estimate::message_tokens;
use crate::converse::request::{ConverseRequest, Message, Role};
use crate::error::{ApiError, ErrorCode, Field};
use crate::reply::Adjustments;

/// Removes the oldest turns until at least `share` thousandths of the conversation are removed.
/// Returns whether messages were removed.
///
/// Instructions stay. A turn, from a user message to the last message before the next one, is
/// removed as a whole, so that every tool call keeps its result. The last turn stays.
///
/// # Errors
///
/// `context_length_exceeded` if the instructions and the last turn alone are too long.
pub(super) fn drop_oldest(
    request: &mut ConverseRequest,
    share: u32,
    adjustments: &mut Adjustments,
) -> Result<bool, ApiError> {
    if share == 0 {
        return Ok(false);
    }
    let messages = &mut request.messages;
    let sizes: Vec<u64> = messages.iter().map(message_tokens).collect();
    let turns = turns(messages);
    let total: u64 = sizes.iter().sum();
    let goal = total.saturating_mul(1000_u32.saturating_sub(share).into()) / 1000;
    let mut remaining = total;
    let mut dropped: Vec<usize> = Vec::new();
    for turn in turns.iter().take(turns.len().saturating_sub(1)) {
        if remaining > goal {
            let size = turn.iter().filter_map(|index| sizes.get(*index));
            remaining -= size.sum::<u64>();
            dropped.extend(turn);
        }
    }
    if dropped.is_empty() {
        return match remaining > goal {
            true => Err(too_long()),
            false => Ok(false),
        };
    }
    let mut index = 0;
    messages.retain(|_| {
        let stays = dropped.binary_search(&index).is_err();
        index += 1;
        stays
    });
    let count = dropped.len();
    adjustments.note(
        Field::Messages,
        format!("the {count} oldest removed: the conversation was too long"),
    );
    Ok(true)
}

fn too_long() -> ApiError {
    ApiError::invalid(
        Field::Messages,
        "This model's maximum context length is exceeded: the prompt is too long even with the \
         instructions and the last turn alone. Please shorten them.",
    )
    .code(ErrorCode::ContextLengthExceeded)
}

/// The message indices of each turn, in order; instructions belong to no turn.
fn turns(messages: &[Message]) -> Vec<Vec<usize>> {
    let mut turns: Vec<Vec<usize>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        match turns.last_mut() {
            _ if message.role == Role::System => {}
            Some(turn) if !starts_turn(message) => turn.push(index),
            _ => turns.push(vec![index]),
        }
    }
    turns
}

/// Whether a message of the user starts a turn: tool results continue theirs.
fn starts_turn(message: &Message) -> bool {
    let is_result = |block: &ContentBlock| matches!(block, ContentBlock::ToolResult(_));
    message.role == Role::User && !message.content.iter().any(is_result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::converse::content::{ToolResultBlock, ToolResultContent, ToolUseBlock};

    fn text(role: Role, text: &str) -> Message {
        Message {
            role,
            content: vec![ContentBlock::Text(text.to_owned())],
        }
    }

    fn roles(request: &ConverseRequest) -> Vec<Role> {
        request
            .messages
            .iter()
            .map(|message| message.role)
            .collect()
    }

    #[test]
    fn truncation_removes_whole_turns_and_keeps_instructions() {
        let long = "x".repeat(1000);
        let call = ContentBlock::ToolUse(ToolUseBlock {
            tool_use_id: "1".to_owned(),
            name: "f".to_owned(),
            input: JsonText::of(&long).expect("a string"),
        });
        let result = ContentBlock::ToolResult(ToolResultBlock {
            tool_use_id: "1".to_owned(),
            content: vec![ToolResultContent::Text(long.clone())],
            status: None,
        });
        let message = |role, block: ContentBlock| Message {
            role,
            content: vec![block],
        };
        let mut request = ConverseRequest {
            messages: vec![
                text(Role::User, &long),
                message(Role::Assistant, call),
                message(Role::User, result),
                text(Role::Assistant, "a"),
                text(Role::System, "s"),
                text(Role::User, &long),
                text(Role::Assistant, "b"),
                text(Role::User, "last"),
            ],
            ..ConverseRequest::default()
        };
        let mut adjustments = Adjustments::default();
        let mut drop = |request: &mut ConverseRequest, share| {
            drop_oldest(request, share, &mut adjustments).map_err(|error| error.code)
        };
        assert_eq!(drop(&mut request, 0), Ok(false));
        assert_eq!(drop(&mut request, 100), Ok(true));
        let expected = [Role::System, Role::User, Role::Assistant, Role::User];
        assert_eq!(roles(&request), expected);
        assert_eq!(drop(&mut request, 500), Ok(true));
        assert_eq!(roles(&request), [Role::System, Role::User]);
        let too_long = Err(Some(ErrorCode::ContextLengthExceeded));
        assert_eq!(drop(&mut request, 1000), too_long);
        let notes: Vec<String> = adjustments.iter().map(ToString::to_string).collect();
        assert!(notes[0].contains("the 4 oldest removed"), "{notes:?}");
        assert!(notes[1].contains("the 2 oldest removed"), "{notes:?}");
    }
}
