//! Sampling, thinking and structured output.

use serde_json::Value;

use super::Subject;
use crate::error::AwsError;
use crate::families::{Maker, Sampling};

/// The least thinking Claude takes.
const LEAST_BUDGET: u64 = 1024;

pub(super) fn sampling_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let inference = subject.conversation.inference;
    let temperature = inference.get("temperature").and_then(Value::as_f64);
    let top_p = inference.get("topP").and_then(Value::as_f64);
    let message = match (subject.family.sampling, temperature, top_p) {
        (Sampling::OneOfTwo, Some(_), Some(_)) => {
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        }
        (Sampling::Deprecated, Some(temperature), _) if temperature != 1.0 => {
            "`temperature` is deprecated for this model."
        }
        (Sampling::Deprecated, _, Some(_)) => "`top_p` is deprecated for this model.",
        (Sampling::Deprecated, ..) if subject.conversation.additional.get("top_k").is_some() => {
            "`top_k` is deprecated for this model."
        }
        _ => return Ok(()),
    };
    Err(AwsError::by_model(message))
}

/// Claude's thinking, where it is switched on with a budget.
pub(super) fn thinking_consistent(subject: &Subject<'_>) -> Result<(), AwsError> {
    let conversation = &subject.conversation;
    let thinking = conversation.additional.get("thinking");
    let enabled =
        thinking.and_then(|thinking| thinking.get("type")) == Some(&Value::from("enabled"));
    if !enabled || subject.family.maker != Maker::Anthropic {
        return Ok(());
    }
    let budget = thinking
        .and_then(|thinking| thinking.get("budget_tokens"))
        .and_then(Value::as_u64);
    let temperature = conversation
        .inference
        .get("temperature")
        .and_then(Value::as_f64);
    let choice = conversation.tools.as_ref().and_then(|tools| tools.choice);
    let message = if subject.family.sampling == Sampling::Deprecated {
        "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior."
    } else if budget.is_none_or(|budget| budget < LEAST_BUDGET) {
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    } else if conversation
        .max_tokens()
        .is_some_and(|limit| Some(limit) <= budget)
    {
        "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
    } else if temperature.is_some_and(|temperature| temperature != 1.0) {
        "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking"
    } else if choice.is_some_and(|choice| choice.kind != "auto") {
        "Thinking may not be enabled when tool_choice forces tool use."
    } else {
        return Ok(());
    };
    Err(AwsError::by_model(message))
}

pub(super) fn output_schema_is_json(subject: &Subject<'_>) -> Result<(), AwsError> {
    let schema = subject
        .request
        .pointer("/outputConfig/textFormat/structure/jsonSchema/schema");
    match schema {
        None => Ok(()),
        Some(Value::String(text)) if serde_json::from_str::<Value>(text).is_ok() => Ok(()),
        Some(_) => Err(AwsError::validation(
            "The value at outputConfig.textFormat.structure.jsonSchema.schema is not a valid JSON schema string.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    fn judged(model: &str, inference: Value, additional: Value) -> String {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
            "inferenceConfig": inference,
            "additionalModelRequestFields": additional,
        });
        let message = refusal(model, request).unwrap_or_default();
        message.replace("The model returned the following errors: ", "")
    }

    #[test]
    fn sampling_is_judged_by_family() {
        let both = json!({ "temperature": 0.5, "topP": 0.9 });
        let (sonnet_4_5, opus_4_7) = (
            "us.anthropic.claude-sonnet-4-5-x",
            "us.anthropic.claude-opus-4-7",
        );
        assert_eq!(judged("amazon.nova-lite-v1:0", both.clone(), json!({})), "");
        assert_eq!(
            judged(sonnet_4_5, both, json!({})),
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        );
        assert_eq!(
            judged(opus_4_7, json!({ "temperature": 0.5 }), json!({})),
            "`temperature` is deprecated for this model."
        );
        assert_eq!(judged(opus_4_7, json!({ "temperature": 1 }), json!({})), "");
    }

    #[test]
    fn thinking_has_its_own_rules() {
        let thinking =
            |budget: u64| json!({ "thinking": { "type": "enabled", "budget_tokens": budget } });
        let model = "us.anthropic.claude-sonnet-4-5-x";
        assert_eq!(
            judged(model, json!({ "maxTokens": 4096 }), thinking(1024)),
            ""
        );
        assert!(
            judged(model, json!({ "maxTokens": 4096 }), thinking(10))
                .contains("greater than or equal to 1024")
        );
        assert!(
            judged(model, json!({ "maxTokens": 1024 }), thinking(1024))
                .starts_with("`max_tokens` must be greater")
        );
        assert!(
            judged(model, json!({ "temperature": 0.5 }), thinking(1024))
                .contains("may only be set to 1")
        );
    }
}
