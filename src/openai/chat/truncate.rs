//! Leaving out the oldest turns of a conversation that is too long for its model.

use super::content::Content;
use super::types::{ChatMessage, ChatRequest, ContentPart};
use crate::fault::Fault;

/// What a part that is not text counts as: no more than a guess of what it is to the model.
const MEDIUM: usize = 6000;

/// Leaves out the oldest turns until at most `share` of a thousand parts of the conversation are
/// left, and says how many messages that was.
///
/// Instructions stay. A turn goes whole, from what the user said to the last result before the user
/// speaks again, so that no call is without its result. The last turn stays; where nothing but it
/// is left, the conversation is too long for good.
pub fn drop_oldest(request: &mut ChatRequest, share: u32) -> Result<usize, Fault> {
    let messages = request.messages.take().unwrap_or_default();
    let (mut kept, turns) = turns(messages);
    let sizes: Vec<usize> = turns
        .iter()
        .map(|turn| turn.iter().map(message_size).sum())
        .collect();
    let whole: usize = sizes.iter().sum::<usize>() + kept.iter().map(message_size).sum::<usize>();
    let goal = whole / 1000 * share as usize;
    let mut left = whole;
    let last = turns.len().saturating_sub(1);
    let mut dropped = 0;
    for (position, (turn, size)) in turns.into_iter().zip(sizes).enumerate() {
        if left > goal && position < last {
            left -= size;
            dropped += turn.len();
        } else {
            kept.extend(turn);
        }
    }
    if left > goal && dropped == 0 {
        return Err(Fault::invalid(
            "messages",
            "the instructions and the last turn alone are too long for this model; shorten them",
        )
        .code("context_length_exceeded"));
    }
    request.messages = Some(kept);
    Ok(dropped)
}

/// The instructions at the beginning, and the turns behind them.
fn turns(messages: Vec<ChatMessage>) -> (Vec<ChatMessage>, Vec<Vec<ChatMessage>>) {
    let is_instruction =
        |message: &ChatMessage| matches!(message.role.as_deref(), Some("system" | "developer"));
    let mut instructions = Vec::new();
    let mut turns: Vec<Vec<ChatMessage>> = Vec::new();
    for message in messages {
        let begins_turn = message.role.as_deref() == Some("user");
        match turns.last_mut() {
            _ if is_instruction(&message) => instructions.push(message),
            Some(turn) if !begins_turn => turn.push(message),
            _ => turns.push(vec![message]),
        }
    }
    (instructions, turns)
}

fn message_size(message: &ChatMessage) -> usize {
    let content = match &message.content {
        None => 0,
        Some(Content::Text(text)) => text.len(),
        Some(Content::Parts(parts)) => parts.iter().map(part_size).sum(),
    };
    let calls = message.tool_calls.iter().flatten();
    let arguments = calls.filter_map(|call| call.function.as_ref()?.arguments.as_ref());
    content + arguments.map(String::len).sum::<usize>()
}

fn part_size(part: &ContentPart) -> usize {
    match &part.text {
        Some(text) => text.len(),
        None => MEDIUM,
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
    fn whole_turns_go_and_instructions_stay() {
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
        let fault = drop_oldest(&mut request, 0).err();
        assert_eq!(
            fault.and_then(|fault| fault.code),
            Some("context_length_exceeded")
        );
    }
}
