//! Tool calls and their results. Tools that Bedrock runs itself are excluded: their results are in
//! the same message (recording `conv-nova-7e923907`).

use std::collections::HashSet;

use serde_json::Value;

use super::subject::Subject;
use crate::conversation::text;
use crate::error::AwsError;
use crate::families::{CallIds, Maker};

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

/// Messages of Claude (<https://github.com/anthropics/claude-code/issues/20901>) and of Mistral
/// (<https://github.com/anomalyco/opencode/pull/48843>).
pub(super) fn ids_fit_the_family(subject: &Subject<'_>) -> Result<(), AwsError> {
    let mut seen = HashSet::new();
    let calls = subject.conversation.located_blocks();
    for (path, _, block) in calls.filter(|(_, _, block)| block.kind == "toolUse") {
        let id = text(block.value.get("toolUseId"));
        let consists_of = |fits: fn(char) -> bool| id.chars().all(fits);
        let is_word = consists_of(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let is_nine = id.len() == 9 && consists_of(|c| c.is_ascii_alphanumeric());
        let message = match subject.family.call_ids {
            CallIds::Words if !is_word => {
                format!("{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
            }
            CallIds::Words if !seen.insert(id) => format!("{path}: `tool_use` ids must be unique"),
            CallIds::Nine if !is_nine => not_nine(id),
            CallIds::NineOrMore if !is_nine && id.len() <= 9 => not_nine(id),
            _ => continue,
        };
        return Err(AwsError::by_model(message));
    }
    Ok(())
}

fn not_nine(id: &str) -> String {
    format!("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.")
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

pub(super) fn results_alone_in_turn(subject: &Subject<'_>) -> Result<(), AwsError> {
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

/// Images, documents and videos in results. Nova reports the path of the block that holds the
/// result (recordings `conv-nova-err400-0ecd558b`, `conv-nova-err400-a8b9d2b9`). Support by family
/// is from pydantic-ai's profile of Bedrock; the wording of other families is unknown.
pub(super) fn media_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    for (path, _, block) in subject.conversation.located_blocks() {
        if block.kind != "toolResult" {
            continue;
        }
        let content = block.value.get("content").and_then(Value::as_array);
        let inner = content.into_iter().flatten().filter_map(Value::as_object);
        for (kind, value) in inner.flatten() {
            if !MEDIA.contains(&kind.as_str()) {
                continue;
            }
            let supported = subject.family.tool_result_media.contains(&kind.as_str());
            let is_nova = subject.family.maker == Maker::Amazon;
            let fits = kind != "document" || matches!(text(value.get("format")), "csv" | "txt");
            if is_nova && !(supported && fits) {
                return Err(AwsError::by_model(format!(
                    "Malformed input request: #/{}: extraneous key [toolResult] is not permitted, please reformat your input and try again.",
                    path.replace('.', "/")
                )));
            }
            if !supported {
                return Err(AwsError::validation(format!(
                    "This model doesn't support the toolResult.content.{kind} field. Remove toolResult.content.{kind} and try again."
                )));
            }
        }
    }
    Ok(())
}

const MEDIA: [&str; 3] = ["image", "document", "video"];

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

    fn error_message(model: &str, calls: &[Value], results: &[Value]) -> Option<String> {
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
    fn tool_calls_and_results_must_match() {
        let nova = "amazon.nova-lite-v1:0";
        let text = json!({ "text": "so" });
        assert_eq!(
            error_message(nova, &[call("a"), call("b")], &[result("b"), result("a")]),
            None
        );
        assert_eq!(
            error_message(nova, &[call("a")], &[result("a"), text.clone()]),
            None
        );
        assert_eq!(
            error_message(nova, &[call("a"), call("b")], &[result("b")]).as_deref(),
            Some("Expected toolResult blocks at messages.2.content for the following Ids: a")
        );
        assert_eq!(
            error_message(nova, std::slice::from_ref(&text), &[result("a")]).as_deref(),
            Some(
                "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn."
            )
        );
        assert_eq!(
            error_message(nova, &[call("a"), call("a")], &[result("a")]).as_deref(),
            Some("The toolUse blocks at messages.1.content contain duplicate Ids: a")
        );
        assert_eq!(
            error_message(
                "us.meta.llama4-maverick-17b-instruct-v1:0",
                &[call("a")],
                &[result("a"), text]
            )
            .as_deref(),
            Some("Conversation blocks and tool result blocks cannot be provided in the same turn.")
        );
    }

    #[test]
    fn call_ids_are_validated_per_family() {
        let claude = "us.anthropic.claude-sonnet-4-6";
        let pixtral = "us.mistral.pixtral-large-2502-v1:0";
        let ministral = "mistral.ministral-3-14b-instruct";
        let not_nine = "must be a-z, A-Z, 0-9, with a length of 9.";
        for (model, id, refused) in [
            (claude, "tooluse_a-B1", ""),
            (
                claude,
                "functions.f:0",
                "String should match pattern '^[a-zA-Z0-9_-]+$'",
            ),
            ("moonshot.kimi-k2-thinking", "functions.f:0", ""),
            (pixtral, "a1B2c3D4e", ""),
            (pixtral, "tooluse_BO78QZ2Q-mQxGBOlx0zFg", ""),
            (pixtral, "a", not_nine),
            (ministral, "a1B2c3D4e", ""),
            (ministral, "tooluse_BO78QZ2Q-mQxGBOlx0zFg", not_nine),
        ] {
            let message = error_message(model, &[call(id)], &[result(id)]).unwrap_or_default();
            assert!(
                message.contains(refused) && refused.is_empty() == message.is_empty(),
                "{model}: {message}"
            );
        }
    }

    #[test]
    fn claude_rejects_a_repeated_call_id() {
        let turn = |role: &str, block: Value| json!({ "role": role, "content": [block] });
        let request = json!({
            "messages": [
                turn("user", json!({ "text": "hi" })),
                turn("assistant", call("a")), turn("user", result("a")),
                turn("assistant", call("a")), turn("user", result("a")),
            ],
            "toolConfig": { "tools": [
                { "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } }] },
        });
        let message = refusal("us.anthropic.claude-sonnet-4-6", request.clone());
        let message = message.unwrap_or_default();
        assert!(
            message.ends_with("messages.3.content.0: `tool_use` ids must be unique"),
            "{message}"
        );
        assert_eq!(refusal("amazon.nova-lite-v1:0", request), None);
    }

    #[test]
    fn media_in_tool_results_are_validated_per_family() {
        let png = json!({ "image": { "format": "png", "source": { "bytes": "iVBORw0KGgoAAAANSUhEUgAAAAE=" } } });
        let document = |format: &str| json!({ "document": { "format": format, "name": "a", "source": { "bytes": "JVBERi0xLjQK" } } });
        for (model, content, refused) in [
            ("us.anthropic.claude-sonnet-4-6", png.clone(), ""),
            ("us.anthropic.claude-sonnet-4-6", document("pdf"), ""),
            ("us.meta.llama4-maverick-17b-instruct-v1:0", png.clone(), ""),
            ("us.amazon.nova-2-lite-v1:0", png.clone(), ""),
            ("us.amazon.nova-2-lite-v1:0", document("csv"), ""),
            (
                "us.amazon.nova-2-lite-v1:0",
                document("pdf"),
                "#/messages/2/content/0: extraneous key [toolResult]",
            ),
            ("us.mistral.pixtral-large-2502-v1:0", document("pdf"), ""),
            (
                "us.mistral.pixtral-large-2502-v1:0",
                png.clone(),
                "toolResult.content.image field",
            ),
            (
                "qwen.qwen3-vl-235b-a22b",
                png,
                "toolResult.content.image field",
            ),
        ] {
            let id = "tooluse_of_ten";
            let result = json!({ "toolResult": { "toolUseId": id, "content": [content] } });
            let message = error_message(model, &[call(id)], &[result]).unwrap_or_default();
            assert!(
                message.contains(refused) && refused.is_empty() == message.is_empty(),
                "{model}: {message}"
            );
        }
    }
}
