//! Removes the oldest turns of a conversation that exceeds the model's context window.

use super::content::Content;
use super::types::{ChatMessage, ChatRequest, ContentPart};
use crate::error::{ApiError, ErrorCode, Field};

/// The size of a part that is not text, in bytes of text: a rough estimate.
const MEDIA_SIZE: usize = 6000;

/// Removes the oldest turns until at most `share` thousandths of the conversation remain. Returns
/// the number of removed messages.
///
/// Instructions stay. A turn, from a user message to the last message before the next one, is
/// removed as a whole, so that every tool call keeps its result. The last turn stays.
///
/// # Errors
///
/// `context_length_exceeded` if the instructions and the last turn alone are too long.
pub fn drop_oldest(request: &mut ChatRequest, share: u32) -> Result<usize, ApiError> {
    let mut messages = request.messages.take().unwrap_or_default();
    let sizes: Vec<usize> = messages
        .iter()
        .map(|message| message_size(message))
        .collect();
    let size_at = |index: &usize| sizes.get(*index).copied().unwrap_or_default();
    let turns = turns(&messages);
    let total: usize = sizes.iter().sum();
    let goal = total / 1000 * share as usize;
    let mut remaining = total;
    let mut dropped: Vec<usize> = Vec::new();
    for turn in turns.iter().take(turns.len().saturating_sub(1)) {
        if remaining > goal {
            remaining -= turn.iter().map(size_at).sum::<usize>();
            dropped.extend(turn);
        }
    }
    if remaining > goal && dropped.is_empty() {
        return Err(ApiError::invalid(
            Field::Messages,
            "This model's maximum context length is exceeded: the prompt is too long even with the \
             instructions and the last turn alone. Please shorten them.",
        )
        .code(ErrorCode::ContextLengthExceeded));
    }
    dropped.sort_unstable();
    remove_at(&mut messages, &dropped);
    request.messages = Some(messages);
    Ok(dropped.len())
}

/// Removes the elements at `indices`, which are sorted, from `list`.
fn remove_at<T>(list: &mut Vec<T>, indices: &[usize]) {
    let mut index = 0;
    list.retain(|_| {
        let stays = indices.binary_search(&index).is_err();
        index += 1;
        stays
    });
}

/// The message indices of each turn; instructions belong to no turn.
fn turns(messages: &[Box<ChatMessage>]) -> Vec<Vec<usize>> {
    let mut turns: Vec<Vec<usize>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message.role.as_deref();
        match turns.last_mut() {
            _ if matches!(role, Some("system" | "developer")) => {}
            Some(turn) if role != Some("user") => turn.push(index),
            _ => turns.push(vec![index]),
        }
    }
    turns
}

fn message_size(message: &ChatMessage) -> usize {
    let content = match &message.content {
        None => 0,
        Some(Content::Text(text)) => text.len(),
        Some(Content::Parts(parts)) => parts.iter().map(|part| part_size(part)).sum(),
    };
    let calls = message.tool_calls.iter().flatten();
    let arguments = calls.filter_map(|call| call.function.as_ref()?.arguments.as_ref());
    content + arguments.map(String::len).sum::<usize>()
}

fn part_size(part: &ContentPart) -> usize {
    match &part.text {
        Some(text) => text.len(),
        None => MEDIA_SIZE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(messages: &str) -> ChatRequest {
        serde_json::from_str(&format!(r#"{{"messages":{messages}}}"#)).expect("a request")
    }

    fn roles(request: &ChatRequest) -> Vec<&str> {
        let messages = request.messages.iter().flatten();
        messages
            .filter_map(|message| message.role.as_deref())
            .collect()
    }

    #[test]
    fn truncation_removes_whole_turns_and_keeps_instructions() {
        let long = "x".repeat(1000);
        let mut request = request(&format!(
            r#"[{{"role":"system","content":"s"}},
                {{"role":"user","content":"{long}"}},
                {{"role":"assistant","tool_calls":[{{"id":"1","function":{{"name":"f","arguments":"{long}"}}}}]}},
                {{"role":"tool","tool_call_id":"1","content":"{long}"}},
                {{"role":"assistant","content":"a"}},
                {{"role":"user","content":"{long}"}},
                {{"role":"assistant","content":"b"}},
                {{"role":"user","content":"last"}}]"#
        ));
        assert_eq!(drop_oldest(&mut request, 900).ok(), Some(4));
        assert_eq!(roles(&request), ["system", "user", "assistant", "user"]);
        assert_eq!(drop_oldest(&mut request, 500).ok(), Some(2));
        assert_eq!(roles(&request), ["system", "user"]);
        let error = drop_oldest(&mut request, 0).err();
        assert_eq!(
            error.and_then(|error| error.code),
            Some(ErrorCode::ContextLengthExceeded)
        );
    }
}
