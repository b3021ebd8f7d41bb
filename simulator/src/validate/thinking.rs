//! Reasoning: its configuration, and reasoning blocks in later requests.

use serde_json::Value;

use super::subject::Subject;
use crate::binding;
use crate::conversation::{Block, text};
use crate::error::AwsError;
use crate::families::{Maker, Reasoning};
use crate::reasoning;
use crate::signatures;

/// Claude's minimum thinking budget.
const MIN_BUDGET: u64 = 1024;
/// With this beta, thinking may occur between tool calls and exceed one response.
const INTERLEAVED: &str = "interleaved-thinking-2025-05-14";

pub(super) fn kind_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Some(thinking) = claudes(subject) else {
        return Ok(());
    };
    let message = match (subject.family.reasoning, reasoning::kind(thinking)) {
        (Reasoning::None, _) => "thinking: Extra inputs are not permitted",
        (Reasoning::Budget, "adaptive") => "adaptive thinking is not supported on this model",
        (Reasoning::Adaptive | Reasoning::AlwaysAdaptive, "enabled") => {
            "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior."
        }
        (Reasoning::AlwaysAdaptive, "disabled") => {
            "\"thinking.type.disabled\" is not supported for this model."
        }
        (_, "enabled" | "adaptive" | "disabled") => return Ok(()),
        (_, "between_tools") if subject.family.between_tools => return Ok(()),
        (_, other) => {
            return Err(AwsError::by_model(format!(
                "thinking: Input tag '{other}' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'"
            )));
        }
    };
    Err(AwsError::by_model(message))
}

/// Parameters that conflict with Claude's thinking.
pub(super) fn consistent(subject: &Subject<'_>) -> Result<(), AwsError> {
    let conversation = &subject.conversation;
    let Some(thinking) =
        claudes(subject).filter(|thinking| reasoning::kind(thinking) != "disabled")
    else {
        return Ok(());
    };
    let budgeted = reasoning::kind(thinking) == "enabled";
    let budget = thinking.get("budget_tokens").and_then(Value::as_u64);
    let number = |name: &str| conversation.inference.get(name).and_then(Value::as_f64);
    let choice = conversation.tools.as_ref().and_then(|tools| tools.choice);
    let message = if budgeted && budget.is_none_or(|budget| budget < MIN_BUDGET) {
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    } else if budgeted
        && !has_beta(subject, INTERLEAVED)
        && conversation
            .max_tokens()
            .is_some_and(|limit| Some(limit) <= budget)
    {
        "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
    } else if number("temperature").is_some_and(|temperature| temperature != 1.0) {
        "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking"
    } else if number("topP").is_some_and(|top_p| top_p < 0.95) {
        "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking"
    } else if conversation.additional.get("top_k").is_some() {
        "`top_k` must be unset when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking"
    } else if choice.is_some_and(|choice| choice.kind != "auto") {
        "Thinking may not be enabled when tool_choice forces tool use."
    } else {
        return Ok(());
    };
    Err(AwsError::by_model(message))
}

pub(super) fn claudes<'a>(subject: &Subject<'a>) -> Option<&'a Value> {
    reasoning::thinking(&subject.conversation).filter(|_| subject.family.maker == Maker::Anthropic)
}

pub(super) fn has_beta(subject: &Subject<'_>, name: &str) -> bool {
    let betas = subject.conversation.additional.get("anthropic_beta");
    betas
        .and_then(Value::as_array)
        .is_some_and(|betas| betas.iter().any(|beta| beta == name))
}

/// Nova's high effort excludes output limits and sampling parameters
/// (<https://github.com/UKGovernmentBEIS/inspect_ai/issues/3767>); the wording is unknown.
pub(super) fn nova_high_effort_alone(subject: &Subject<'_>) -> Result<(), AwsError> {
    let conversation = &subject.conversation;
    let config = conversation.additional.get("reasoningConfig");
    let is_high = config.is_some_and(|config| {
        reasoning::kind(config) == "enabled" && text(config.get("maxReasoningEffort")) == "high"
    });
    let conflicting_field = ["maxTokens", "temperature", "topP"]
        .into_iter()
        .find(|name| conversation.inference.get(name).is_some());
    match conflicting_field {
        Some(name) if is_high && subject.family.reasoning == Reasoning::Nova => {
            Err(AwsError::by_model(format!(
                "Malformed input request: {name} must be unset when maxReasoningEffort is high, please reformat your input and try again."
            )))
        }
        _ => Ok(()),
    }
}

/// Reasoning blocks belong to assistant messages, and few families accept them.
pub(super) fn reasoning_input_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    for (_, message, block) in subject.conversation.located_blocks() {
        if block.kind != "reasoningContent" {
            continue;
        }
        if message.role == "user" {
            return Err(AwsError::validation(
                "User messages cannot contain reasoning content. Please remove the reasoning content and try again.",
            ));
        }
        let signed = block.value.pointer("/reasoningText/signature").is_some();
        let is_redacted = block.value.get("redactedContent").is_some();
        let field = match (subject.family.accepts_reasoning, subject.family.maker) {
            _ if is_redacted && subject.family.encrypted_reasoning => continue,
            (false, _) => "reasoningContent",
            (true, Maker::Other) if signed && subject.family.reasoning == Reasoning::Always => {
                "reasoningContent.reasoningText.signature"
            }
            _ => continue,
        };
        return Err(AwsError::validation(format!(
            "This model doesn't support the {field} field. Remove {field} and try again."
        )));
    }
    Ok(())
}

/// Claude requires its reasoning unchanged and with its signature
/// (<https://github.com/run-llama/llama_index/issues/20851>,
/// <https://github.com/anthropics/anthropic-sdk-python/issues/1598>).
pub(super) fn signed(subject: &Subject<'_>) -> Result<(), AwsError> {
    if subject.family.maker != Maker::Anthropic {
        return Ok(());
    }
    let checked = !subject.runtime.options.foreign_signatures
        && reasoning::is_on(&subject.family, &subject.conversation);
    for (path, _, block) in subject.conversation.located_blocks() {
        let Some(content) = (block.kind == "reasoningContent").then_some(block.value) else {
            continue;
        };
        let is_known = match (content.get("reasoningText"), content.get("redactedContent")) {
            (Some(reasoning), _) => match reasoning.get("signature").and_then(Value::as_str) {
                None => {
                    return Err(AwsError::by_model(format!(
                        "{path}.thinking.signature: Field required"
                    )));
                }
                Some(signature) => {
                    signatures::is_signature(signature, text(reasoning.get("text")))
                        || subject.runtime.seals.knows(signature)
                }
            },
            (_, redacted) => {
                let redacted = text(redacted);
                signatures::is_redacted(redacted) || subject.runtime.seals.knows(redacted)
            }
        };
        if checked && !is_known {
            let kind = if content.get("reasoningText").is_some() {
                "`signature` in `thinking`"
            } else {
                "`data` in `redacted_thinking`"
            };
            return Err(AwsError::by_model(format!("{path}: Invalid {kind} block")));
        }
    }
    Ok(())
}

/// Reasoning in the latest assistant message must keep its position
/// (<https://github.com/maximhq/bifrost/issues/6342>).
pub(super) fn last_turn_unmodified(subject: &Subject<'_>) -> Result<(), AwsError> {
    let messages = &subject.conversation.messages;
    let turn = messages.iter().rposition(|it| it.role == "assistant");
    let on = reasoning::is_on(&subject.family, &subject.conversation);
    let Some((turn, last)) = turn.and_then(|turn| Some((turn, messages.get(turn)?))) else {
        return Ok(());
    };
    if subject.family.maker != Maker::Anthropic || !on {
        return Ok(());
    }
    let mut before: Option<String> = None;
    for (position, block) in last.content.iter().enumerate() {
        if block.kind == "cachePoint" {
            continue;
        }
        let scripted = subject.runtime.seals.scripted(binding::seal(block.value));
        let expected_predecessor = scripted.and_then(|scripted| scripted.before);
        if block.kind == "reasoningContent"
            && expected_predecessor.is_some()
            && expected_predecessor != before
        {
            return Err(AwsError::by_model(format!(
                "messages.{turn}.content.{position}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response."
            )));
        }
        before = Some(signatures::block_identity(block));
    }
    Ok(())
}

/// With a thinking budget, an assistant message that continues (after tool results, or as a
/// prefill) must begin with reasoning. Adaptive thinking does not require this (Anthropic's
/// documentation of adaptive thinking, "validation changes").
pub(super) fn last_turn_starts_with_reasoning(subject: &Subject<'_>) -> Result<(), AwsError> {
    let messages = &subject.conversation.messages;
    let enabled = claudes(subject).is_some_and(|thinking| reasoning::kind(thinking) == "enabled");
    let must_continue = messages
        .last()
        .is_some_and(|last| last.role == "assistant" || last.has("toolResult"));
    let last = messages
        .iter()
        .rposition(|message| message.role == "assistant")
        .and_then(|turn| messages.get(turn).map(|message| (turn, message)));
    match last {
        Some((turn, message)) if enabled && must_continue => match message.content.first() {
            Some(first) if first.kind != "reasoningContent" => Err(AwsError::by_model(format!(
                "messages.{turn}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking",
                claudes_name(first)
            ))),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn claudes_name<'a>(block: &Block<'a>) -> &'a str {
    match block.kind {
        "toolUse" => "tool_use",
        "toolResult" => "tool_result",
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use crate::signatures;
    use serde_json::{Value, json};

    const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-x";

    fn error_message(model: &str, inference: Value, additional: Value) -> String {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "inferenceConfig": inference,
            "additionalModelRequestFields": additional,
        });
        bare(refusal(model, request))
    }

    fn bare(message: Option<String>) -> String {
        message
            .unwrap_or_default()
            .replace("The model returned the following errors: ", "")
    }

    fn budget(tokens: u64) -> Value {
        json!({ "thinking": { "type": "enabled", "budget_tokens": tokens } })
    }

    #[test]
    fn thinking_constraints_are_enforced() {
        for (inference, additional, expected) in [
            (json!({ "maxTokens": 4096 }), budget(1024), ""),
            (json!({ "maxTokens": 4096, "topP": 0.95 }), budget(1024), ""),
            (json!({}), budget(10), "greater than or equal to 1024"),
            (
                json!({ "maxTokens": 1024 }),
                budget(1024),
                "`max_tokens` must be greater",
            ),
            (
                json!({ "temperature": 0.5 }),
                budget(1024),
                "may only be set to 1",
            ),
            (
                json!({ "topP": 0.9 }),
                budget(1024),
                "`top_p` must be greater than or equal to 0.95",
            ),
            (
                json!({}),
                json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 }, "top_k": 5 }),
                "`top_k` must be unset",
            ),
            (
                json!({ "temperature": 0.5 }),
                json!({ "thinking": { "type": "disabled" } }),
                "",
            ),
            (
                json!({ "maxTokens": 1024 }),
                json!({ "thinking": { "type": "enabled", "budget_tokens": 2048 },
                    "anthropic_beta": ["interleaved-thinking-2025-05-14"] }),
                "",
            ),
            (
                json!({}),
                json!({ "thinking": { "type": "on" } }),
                "thinking: Input tag 'on' found using 'type'",
            ),
        ] {
            let message = error_message(SONNET_4_5, inference.clone(), additional.clone());
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{inference} {additional}: {message}"
            );
        }
    }

    #[test]
    fn thinking_types_are_validated_per_family() {
        let of = |kind: &str| json!({ "thinking": { "type": kind } });
        for (model, additional, expected) in [
            (
                "us.anthropic.claude-3-haiku-x",
                budget(1024),
                "thinking: Extra inputs are not permitted",
            ),
            (
                SONNET_4_5,
                of("adaptive"),
                "adaptive thinking is not supported on this model",
            ),
            ("us.anthropic.claude-sonnet-4-6", of("adaptive"), ""),
            ("us.anthropic.claude-sonnet-4-6", budget(1024), ""),
            (
                "us.anthropic.claude-opus-4-7",
                budget(1024),
                "\"thinking.type.enabled\" is not supported",
            ),
            ("us.anthropic.claude-opus-4-7", of("disabled"), ""),
            (
                "us.anthropic.claude-fable-5",
                of("disabled"),
                "\"thinking.type.disabled\" is not supported",
            ),
            ("us.anthropic.claude-opus-5-5", of("adaptive"), ""),
            ("us.anthropic.claude-sonnet-5-5", of("between_tools"), ""),
            (
                "us.anthropic.claude-sonnet-5-5",
                of("disabled"),
                "\"thinking.type.disabled\" is not supported",
            ),
            (
                "us.anthropic.claude-opus-5-5",
                of("between_tools"),
                "thinking: Input tag 'between_tools' found using 'type'",
            ),
        ] {
            let message = error_message(model, json!({}), additional.clone());
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{model} {additional}: {message}"
            );
        }
    }

    #[test]
    fn novas_high_effort_allows_no_other_parameters() {
        let nova = "us.amazon.nova-2-lite-v1:0";
        let effort = |effort: &str| json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": effort } });
        let limit = json!({ "maxTokens": 100 });
        assert_eq!(error_message(nova, limit.clone(), effort("low")), "");
        assert_eq!(error_message(nova, json!({}), effort("high")), "");
        assert!(error_message(nova, limit, effort("high")).contains("maxTokens must be unset"));
    }

    /// A tool loop whose assistant message begins with these blocks.
    fn loop_of(model: &str, leading: &[Value], thinking: Value) -> String {
        let mut turn = leading.to_vec();
        turn.push(json!({ "toolUse": { "toolUseId": "a", "name": "t", "input": {} } }));
        bare(refusal(
            model,
            json!({
                "messages": [
                    { "role": "user", "content": [{ "text": "hi" }] },
                    { "role": "assistant", "content": turn },
                    { "role": "user", "content": [
                        { "toolResult": { "toolUseId": "a", "content": [{ "text": "x" }] } }] },
                ],
                "toolConfig": { "tools": [
                    { "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } }] },
                "additionalModelRequestFields": thinking,
            }),
        ))
    }

    #[test]
    fn a_tool_loop_must_return_its_reasoning_unchanged() {
        let reasoning = |text: &str, signature: Option<String>| {
            json!({ "reasoningContent": {
            "reasoningText": { "text": text, "signature": signature } } })
        };
        let unsigned = json!({ "reasoningContent": { "reasoningText": { "text": "Hm." } } });
        let redacted =
            |content: String| json!({ "reasoningContent": { "redactedContent": content } });
        let seal = || Some(signatures::signature("Hm.", None));
        for (leading, expected) in [
            (vec![reasoning("Hm.", seal())], ""),
            (vec![redacted(signatures::redacted("Hm.", None))], ""),
            (
                vec![],
                "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
            ),
            (
                vec![json!({ "text": "So." }), reasoning("Hm.", seal())],
                "but found `text`",
            ),
            (
                vec![reasoning("Hm!", seal())],
                "messages.1.content.0: Invalid `signature` in `thinking` block",
            ),
            (
                vec![reasoning("Hm.", Some("c2ln".to_owned()))],
                "messages.1.content.0: Invalid `signature` in `thinking` block",
            ),
            (
                vec![unsigned.clone()],
                "messages.1.content.0.thinking.signature: Field required",
            ),
            (
                vec![redacted("c2ln".to_owned())],
                "Invalid `data` in `redacted_thinking` block",
            ),
        ] {
            let message = loop_of(SONNET_4_5, &leading, budget(1024));
            assert!(
                message.contains(expected) && expected.is_empty() == message.is_empty(),
                "{leading:?}: {message}"
            );
        }
        assert_eq!(loop_of(SONNET_4_5, &[], json!({})), "");
        let adaptive = json!({ "thinking": { "type": "adaptive" } });
        assert_eq!(loop_of("us.anthropic.claude-sonnet-4-6", &[], adaptive), "");
        assert!(
            loop_of("us.amazon.nova-2-lite-v1:0", &[unsigned], json!({}))
                .contains("doesn't support the reasoningContent field")
        );
    }

    #[test]
    fn prefill_is_rejected_with_thinking() {
        let request = json!({
            "messages": [
                { "role": "user", "content": [{ "text": "hi" }] },
                { "role": "assistant", "content": [{ "text": "Well" }] },
            ],
            "additionalModelRequestFields": budget(1024),
        });
        assert!(bare(refusal(SONNET_4_5, request)).contains("but found `text`"));
    }

    #[test]
    fn user_turns_cannot_contain_reasoning() {
        let request = json!({ "messages": [{ "role": "user", "content": [
            { "reasoningContent": { "reasoningText": { "text": "Hm." } } }] }] });
        assert!(
            bare(refusal("us.deepseek.r1-v1:0", request))
                .starts_with("User messages cannot contain reasoning content.")
        );
    }
}
