//! Calls of tools and their results. Tools that Bedrock runs itself are left out: their results
//! stand in the same turn (recording `conv-nova-7e923907`).

use std::collections::HashSet;

use super::Subject;
use crate::error::AwsError;

pub(super) fn no_duplicate_ids(subject: &Subject<'_>) -> Result<(), AwsError> {
    for (turn, message) in subject.conversation.messages.iter().enumerate() {
        for kind in ["toolUse", "toolResult"] {
            let mut seen = HashSet::new();
            if let Some(id) = message
                .tool_ids(kind)
                .into_iter()
                .find(|id| !seen.insert(*id))
            {
                return Err(AwsError::validation(format!(
                    "The {kind} blocks at messages.{turn}.content contain duplicate Ids: {id}"
                )));
            }
        }
    }
    Ok(())
}

pub(super) fn every_call_has_its_result(subject: &Subject<'_>) -> Result<(), AwsError> {
    let messages = &subject.conversation.messages;
    for (turn, message) in messages.iter().enumerate() {
        let results = messages
            .get(turn + 1)
            .map(|next| next.tool_ids("toolResult"))
            .unwrap_or_default();
        let calls = message.tool_ids("toolUse");
        let missing: Vec<&str> = calls
            .into_iter()
            .filter(|id| !results.contains(id))
            .collect();
        if !missing.is_empty() {
            return Err(AwsError::validation(format!(
                "Expected toolResult blocks at messages.{}.content for the following Ids: {}",
                turn + 1,
                missing.join(", ")
            )));
        }
    }
    Ok(())
}

pub(super) fn no_surplus_results(subject: &Subject<'_>) -> Result<(), AwsError> {
    let mut calls_before = 0;
    for (turn, message) in subject.conversation.messages.iter().enumerate() {
        if message.tool_ids("toolResult").len() > calls_before {
            return Err(AwsError::validation(format!(
                "The number of toolResult blocks at messages.{turn}.content exceeds the number of toolUse blocks of previous turn."
            )));
        }
        calls_before = message.tool_ids("toolUse").len();
    }
    Ok(())
}

pub(super) fn alone_in_their_turn(subject: &Subject<'_>) -> Result<(), AwsError> {
    let mixed = subject.conversation.messages.iter().any(|message| {
        message.has("toolResult")
            && message
                .content
                .iter()
                .any(|block| block.kind != "toolResult")
    });
    if mixed && subject.family.tool_results_alone {
        return Err(AwsError::validation(
            "Conversation blocks and tool result blocks cannot be provided in the same turn.",
        ));
    }
    Ok(())
}

pub(super) fn status_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let has_status = subject
        .conversation
        .located_blocks()
        .any(|(_, _, block)| block.kind == "toolResult" && block.value.get("status").is_some());
    if has_status && !subject.family.tool_result_status {
        return Err(AwsError::validation(
            "This model doesn't support the status field. Remove status and try again.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    fn call(id: &str) -> Value {
        json!({ "toolUse": { "toolUseId": id, "name": "t", "input": {} } })
    }

    fn result(id: &str) -> Value {
        json!({ "toolResult": { "toolUseId": id, "content": [{ "text": "x" }] } })
    }

    fn judged(model: &str, calls: &[Value], results: &[Value]) -> Option<String> {
        refusal(
            model,
            json!({
                "messages": [
                    { "role": "user", "content": [{ "text": "hi" }] },
                    { "role": "assistant", "content": calls },
                    { "role": "user", "content": results },
                ],
                "toolConfig": { "tools": [
                    { "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } }] },
            }),
        )
    }

    #[test]
    fn calls_and_results_must_pair() {
        let nova = "amazon.nova-lite-v1:0";
        let text = json!({ "text": "so" });
        assert_eq!(
            judged(nova, &[call("a"), call("b")], &[result("b"), result("a")]),
            None
        );
        assert_eq!(
            judged(nova, &[call("a")], &[result("a"), text.clone()]),
            None
        );
        assert_eq!(
            judged(nova, &[call("a"), call("b")], &[result("b")]).as_deref(),
            Some("Expected toolResult blocks at messages.2.content for the following Ids: a")
        );
        assert_eq!(
            judged(nova, std::slice::from_ref(&text), &[result("a")]).as_deref(),
            Some(
                "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn."
            )
        );
        assert_eq!(
            judged(nova, &[call("a"), call("a")], &[result("a")]).as_deref(),
            Some("The toolUse blocks at messages.1.content contain duplicate Ids: a")
        );
        assert_eq!(
            judged(
                "us.meta.llama4-maverick-17b-instruct-v1:0",
                &[call("a")],
                &[result("a"), text]
            )
            .as_deref(),
            Some("Conversation blocks and tool result blocks cannot be provided in the same turn.")
        );
    }
}
