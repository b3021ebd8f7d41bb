//! Sampling parameters, output limits, and `additionalModelResponseFieldPaths`.

use serde_json::Value;

use super::subject::Subject;
use crate::error::AwsError;
use crate::families::{Maker, Sampling};

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

/// Rejects even an empty list (<https://github.com/langchain4j/langchain4j/issues/3650>).
pub(super) fn stop_sequences_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let has_stop_sequences = subject
        .conversation
        .inference
        .get("stopSequences")
        .is_some();
    if has_stop_sequences && !subject.family.stop_sequences {
        return Err(AwsError::validation(
            "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
        ));
    }
    Ok(())
}

/// Claude's wording (<https://github.com/BerriAI/litellm/issues/3286>).
pub(super) fn stop_sequences_not_blank(subject: &Subject<'_>) -> Result<(), AwsError> {
    let is_blank = |text: &str| text.trim().is_empty();
    match subject.conversation.stop_sequences().any(is_blank) {
        true if subject.family.maker == Maker::Anthropic => Err(AwsError::by_model(
            "stop_sequences: each stop sequence must contain non-whitespace",
        )),
        _ => Ok(()),
    }
}

/// Wording from <https://github.com/sigoden/aichat/pull/813>.
pub(super) fn max_tokens_within_limit(subject: &Subject<'_>) -> Result<(), AwsError> {
    match (
        subject.conversation.max_tokens(),
        subject.family.max_output_tokens,
    ) {
        (Some(requested), Some(limit)) if requested > limit => Err(AwsError::validation(format!(
            "The maximum tokens you requested exceeds the model limit of {limit}. Try again with a maximum tokens value that is lower than {limit}."
        ))),
        _ => Ok(()),
    }
}

/// `additionalModelResponseFieldPaths` are JSON pointers.
pub(super) fn paths_are_pointers(subject: &Subject<'_>) -> Result<(), AwsError> {
    let paths = subject
        .request
        .get("additionalModelResponseFieldPaths")
        .and_then(Value::as_array);
    let is_pointer = |path: &Value| path.as_str().is_some_and(|path| path.starts_with('/'));
    match paths.into_iter().flatten().find(|path| !is_pointer(path)) {
        None => Ok(()),
        Some(path) => Err(AwsError::validation(format!(
            "The path {path} in additionalModelResponseFieldPaths is not a valid JSON Pointer."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    fn error_message(model: &str, request: Value) -> String {
        let mut full_request =
            json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }] }] });
        if let (Value::Object(full_request), Value::Object(request)) = (&mut full_request, request)
        {
            full_request.extend(request);
        }
        let message = refusal(model, full_request).unwrap_or_default();
        message.replace("The model returned the following errors: ", "")
    }

    #[test]
    fn sampling_parameters_are_validated_per_family() {
        let inference = |inference: Value| json!({ "inferenceConfig": inference });
        let both = inference(json!({ "temperature": 0.5, "topP": 0.9 }));
        let (sonnet_4_5, opus_4_7) = (
            "us.anthropic.claude-sonnet-4-5-x",
            "us.anthropic.claude-opus-4-7",
        );
        assert_eq!(error_message("amazon.nova-lite-v1:0", both.clone()), "");
        assert_eq!(
            error_message(sonnet_4_5, both),
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        );
        assert_eq!(
            error_message(opus_4_7, inference(json!({ "temperature": 0.5 }))),
            "`temperature` is deprecated for this model."
        );
        assert_eq!(
            error_message(opus_4_7, inference(json!({ "temperature": 1 }))),
            ""
        );
        assert_eq!(
            error_message(
                opus_4_7,
                json!({ "additionalModelRequestFields": { "top_k": 5 } })
            ),
            "`top_k` is deprecated for this model."
        );
    }

    #[test]
    fn max_tokens_limits_depend_on_the_family() {
        let inference = |inference: Value| json!({ "inferenceConfig": inference });
        assert_eq!(
            error_message(
                "openai.gpt-oss-20b-1:0",
                inference(json!({ "stopSequences": [] }))
            ),
            "This model doesn't support the stopSequences field. Remove stopSequences and try again."
        );
        assert_eq!(
            error_message(
                "amazon.nova-lite-v1:0",
                inference(json!({ "maxTokens": 10_001 }))
            ),
            "The maximum tokens you requested exceeds the model limit of 10000. Try again with a maximum tokens value that is lower than 10000."
        );
        assert_eq!(
            error_message(
                "amazon.nova-lite-v1:0",
                inference(json!({ "maxTokens": 10_000 }))
            ),
            ""
        );
    }

    #[test]
    fn claude_rejects_blank_stop_sequences() {
        let stop = |text: &str| json!({ "inferenceConfig": { "stopSequences": ["END", text] } });
        let claude = "us.anthropic.claude-sonnet-4-5-x";
        assert_eq!(error_message(claude, stop("\n.")), "");
        assert_eq!(error_message("amazon.nova-lite-v1:0", stop("\n")), "");
        assert_eq!(
            error_message(claude, stop("\n")),
            "stop_sequences: each stop sequence must contain non-whitespace"
        );
    }

    #[test]
    fn response_field_paths_are_json_pointers() {
        let paths = |path: &str| json!({ "additionalModelResponseFieldPaths": [path] });
        let claude = "us.anthropic.claude-sonnet-4-5-x";
        assert_eq!(error_message(claude, paths("/stop_sequence")), "");
        assert!(error_message(claude, paths("stop_sequence")).contains("not a valid JSON Pointer"));
    }
}
