//! The order of messages, and their text.

use serde_json::Value;

use super::shape;
use super::subject::Subject;
use crate::conversation::Message;
use crate::error::AwsError;

pub(super) fn has_messages(subject: &Subject<'_>) -> Result<(), AwsError> {
    if subject.conversation.messages.is_empty() && !shape::is_prompt(subject.model) {
        Err(needs_user_first())
    } else {
        Ok(())
    }
}

pub(super) fn no_empty_messages(subject: &Subject<'_>) -> Result<(), AwsError> {
    match subject
        .conversation
        .messages
        .iter()
        .position(|message| message.content.is_empty())
    {
        None => Ok(()),
        Some(turn) => Err(AwsError::validation(format!(
            "The content field in the Message object at messages.{turn} is empty. Add a ContentBlock object to the content field and try again."
        ))),
    }
}

pub(super) fn user_first(subject: &Subject<'_>) -> Result<(), AwsError> {
    let first = subject
        .conversation
        .messages
        .first()
        .map(|message| message.role);
    if first == Some("assistant") && !subject.family.leading_assistant {
        return Err(needs_user_first());
    }
    Ok(())
}

fn needs_user_first() -> AwsError {
    AwsError::validation(
        "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
    )
}

pub(super) fn roles_alternate(subject: &Subject<'_>) -> Result<(), AwsError> {
    let messages = &subject.conversation.messages;
    let repeats = messages
        .iter()
        .zip(messages.iter().skip(1))
        .any(|(one, next)| one.role == next.role);
    if repeats && !subject.family.same_role_runs {
        return Err(AwsError::validation(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
        ));
    }
    Ok(())
}

/// Few models accept system messages in the middle of a conversation.
pub(super) fn system_turns_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let messages = &subject.conversation.messages;
    match messages.iter().position(|message| message.role == "system") {
        Some(turn) if !subject.family.system_turns => Err(AwsError::by_model(format!(
            "messages.{turn}.role: Input should be 'user' or 'assistant'"
        ))),
        _ => Ok(()),
    }
}

/// Blocks by role: media in user messages, tool calls in assistant messages, tool changes in system
/// messages (the documentation in botocore's model of `bedrock-runtime`; the wording is unknown).
pub(super) fn blocks_fit_their_role(subject: &Subject<'_>) -> Result<(), AwsError> {
    for (path, message, block) in subject.conversation.located_blocks() {
        let required_role = match block.kind {
            "image" | "document" | "video" | "audio" | "guardContent" | "searchResult" => "user",
            "toolUse" => "assistant",
            "toolAddition" | "toolRemoval" => "system",
            _ => continue,
        };
        // System messages may repeat blocks of any role.
        if message.role != required_role && message.role != "system" {
            return Err(AwsError::validation(format!(
                "The {} block at {path} can only be used in messages of the role {required_role}.",
                block.kind
            )));
        }
    }
    Ok(())
}

/// Empty texts are rejected; blank ones are rejected if the message has no other content. White
/// space next to a document is accepted (recordings `conv-claude-5d39d9af`,
/// `conv-claude-ad5e2630`).
pub(super) fn no_blank_text(subject: &Subject<'_>) -> Result<(), AwsError> {
    let is_wrong = |message: &Message<'_>, text: &str| {
        text.is_empty() || text.trim().is_empty() && is_all_blank(message)
    };
    let blank = subject
        .conversation
        .located_blocks()
        .find(|(_, message, block)| {
            block.kind == "text"
                && block
                    .value
                    .as_str()
                    .is_some_and(|text| is_wrong(message, text))
        });
    if let Some((path, _, _)) = blank {
        return Err(AwsError::validation(format!(
            "The text field in the ContentBlock object at {path} is blank. Add text to the text field, and try again."
        )));
    }
    let is_empty = |text: &Value| text.as_str().is_some_and(str::is_empty);
    let system = &subject.conversation.system;
    match system
        .iter()
        .position(|block| block.kind == "text" && is_empty(block.value))
    {
        None => Ok(()),
        Some(position) => Err(AwsError::validation(format!(
            "The text field in the SystemContentBlock object at system.{position} is blank. Add text to the text field, and try again."
        ))),
    }
}

fn is_all_blank(message: &Message<'_>) -> bool {
    message.content.iter().all(|block| {
        block.kind == "cachePoint"
            || block.kind == "text"
                && block
                    .value
                    .as_str()
                    .is_some_and(|text| text.trim().is_empty())
    })
}

pub(super) fn system_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    if !subject.conversation.system.is_empty() && !subject.family.system {
        return Err(AwsError::validation(
            "This model doesn't support system messages. Try again without a system message or use a model that supports system messages.",
        ));
    }
    Ok(())
}

pub(super) fn no_prefill(subject: &Subject<'_>) -> Result<(), AwsError> {
    let last = subject
        .conversation
        .messages
        .last()
        .map(|message| message.role);
    if last == Some("assistant") && !subject.family.prefill {
        return Err(AwsError::by_model(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    const CLAUDE: &str = "us.anthropic.claude-sonnet-4-6";
    const NOVA: &str = "amazon.nova-lite-v1:0";
    const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

    fn turns(roles: &[&str]) -> Value {
        let messages: Vec<Value> = roles
            .iter()
            .map(|role| json!({ "role": role, "content": [{ "text": "x" }] }))
            .collect();
        json!({ "messages": messages })
    }

    #[test]
    fn turn_order_is_validated_per_family() {
        for (model, roles, refused) in [
            (CLAUDE, &["user"][..], None),
            (CLAUDE, &[], Some("must start with a user message")),
            (CLAUDE, &["assistant", "user"], None),
            (
                NOVA,
                &["assistant", "user"],
                Some("must start with a user message"),
            ),
            (NOVA, &["user", "user"], None),
            (
                CLAUDE,
                &["user", "user"],
                Some("must alternate between user and assistant"),
            ),
            (
                LLAMA,
                &["user", "user"],
                Some("must alternate between user and assistant"),
            ),
            (NOVA, &["user", "assistant"], None),
            (
                CLAUDE,
                &["user", "assistant"],
                Some("does not support assistant message prefill"),
            ),
        ] {
            let message = refusal(model, turns(roles));
            match refused {
                None => assert_eq!(message, None, "{model} {roles:?}"),
                Some(part) => assert!(
                    message.clone().unwrap_or_default().contains(part),
                    "{message:?}"
                ),
            }
        }
    }

    #[test]
    fn blocks_are_restricted_to_their_roles() {
        let opus = "us.anthropic.claude-opus-5";
        let call = json!({ "toolUse": { "toolUseId": "a", "name": "t", "input": {} } });
        let bytes = "iVBORw0KGgoAAAANSUhEUgAAAAE=";
        let image = json!({ "image": { "format": "png", "source": { "bytes": bytes } } });
        let removal = json!({ "toolRemoval": { "tool": { "name": "t" } } });
        let text = json!({ "text": "x" });
        for (model, roles, block, refused) in [
            (CLAUDE, ["user", "assistant", "user"], &image, "role user"),
            (
                CLAUDE,
                ["assistant", "user", "assistant"],
                &call,
                "role assistant",
            ),
            (
                opus,
                ["assistant", "user", "assistant"],
                &removal,
                "role system",
            ),
            (opus, ["user", "system", "user"], &removal, ""),
            (
                CLAUDE,
                ["user", "system", "user"],
                &text,
                "messages.1.role: Input should be 'user' or 'assistant'",
            ),
        ] {
            let messages: Vec<Value> = roles
                .iter()
                .zip([&text, block, &text])
                .map(|(role, block)| json!({ "role": role, "content": [block] }))
                .collect();
            let message = refusal(model, json!({ "messages": messages })).unwrap_or_default();
            assert!(
                message.contains(refused) && refused.is_empty() == message.is_empty(),
                "{message}"
            );
        }
    }

    #[test]
    fn blank_text_is_rejected_without_other_content() {
        let with = |content: Value| {
            refusal(
                CLAUDE,
                json!({"messages": [{"role": "user", "content": content}]}),
            )
        };
        let blank = "The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and try again.";
        assert_eq!(with(json!([{ "text": "" }])).as_deref(), Some(blank));
        assert_eq!(with(json!([{ "text": " \n" }])).as_deref(), Some(blank));
        let document =
            json!({ "document": { "format": "txt", "name": "a", "source": { "text": "b" } } });
        assert_eq!(with(json!([{ "text": "\n" }, document])), None);
        assert!(
            with(json!([]))
                .unwrap_or_default()
                .contains("messages.0 is empty")
        );
    }
}
