//! Cache points in tools, system and messages.

use serde_json::Value;

use super::Subject;
use crate::error::AwsError;

const MOST: usize = 4;

pub(super) fn supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    if count(subject) > 0 && !subject.family.cache_points {
        return Err(AwsError::validation(
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.",
        ));
    }
    Ok(())
}

pub(super) fn at_most_four(subject: &Subject<'_>) -> Result<(), AwsError> {
    match count(subject) {
        0..=MOST => Ok(()),
        found => Err(AwsError::by_model(format!(
            "A maximum of {MOST} blocks with cache_control may be provided. Found {found}."
        ))),
    }
}

pub(super) fn not_after_reasoning(subject: &Subject<'_>) -> Result<(), AwsError> {
    let follows = subject.conversation.messages.iter().any(|message| {
        let next = message.content.iter().skip(1);
        message
            .content
            .iter()
            .zip(next)
            .any(|(block, next)| block.kind == "reasoningContent" && next.kind == "cachePoint")
    });
    if follows {
        return Err(AwsError::validation(
            "Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.",
        ));
    }
    Ok(())
}

fn count(subject: &Subject<'_>) -> usize {
    let conversation = &subject.conversation;
    let in_messages: usize = conversation
        .messages
        .iter()
        .map(|message| message.of_kind("cachePoint").count())
        .sum();
    let in_system = conversation
        .system
        .iter()
        .filter(|block| block.kind == "cachePoint")
        .count();
    let in_tools: Vec<(usize, &Value)> = conversation
        .tools
        .iter()
        .flat_map(|tools| tools.of_kind("cachePoint"))
        .collect();
    in_messages + in_system + in_tools.len()
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    fn with_points(model: &str, count: usize) -> Option<String> {
        let mut content = vec![json!({ "text": "x" })];
        content.extend(vec![json!({ "cachePoint": { "type": "default" } }); count]);
        refusal(
            model,
            json!({ "messages": [{ "role": "user", "content": Value::from(content) }] }),
        )
    }

    #[test]
    fn cache_points_are_counted() {
        let claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(with_points(claude, 4), None);
        assert!(
            with_points(claude, 5)
                .unwrap_or_default()
                .contains("Found 5.")
        );
        assert!(
            with_points("qwen.qwen3-32b-v1:0", 1)
                .unwrap_or_default()
                .contains("unsupported model")
        );
    }
}
