//! The context window.

use super::subject::Subject;
use crate::error::AwsError;
use crate::families::Maker;
use crate::usage;

/// Claude's message has both numbers (<https://github.com/aaif-goose/goose/issues/7442>), others do
/// not (<https://github.com/continuedev/continue/issues/6005>). Nova's begins with "Input Tokens
/// Exceeded"; the rest is uncertain.
pub(super) fn window(subject: &Subject<'_>) -> Result<(), AwsError> {
    let Some(window) = subject
        .runtime
        .options
        .context_window
        .or(subject.family.window)
    else {
        return Ok(());
    };
    let tokens = usage::of_request(subject.request);
    if tokens <= window {
        return Ok(());
    }
    Err(AwsError::by_model(match subject.family.maker {
        Maker::Anthropic => format!("prompt is too long: {tokens} tokens > {window} maximum"),
        Maker::Amazon => "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.".to_owned(),
        Maker::Other => "Input is too long for requested model.".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::conversation;
    use crate::options::Options;
    use crate::runtime::Runtime;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn oversized_prompts_are_rejected() {
        let error_message = |model: &str, options: &Options, length: usize| {
            let request = json!({ "messages": [
                { "role": "user", "content": [{ "text": "x".repeat(length) }] }] });
            conversation(
                model,
                &request,
                false,
                &Runtime::new(options.clone().into(), Arc::default()),
            )
            .err()
            .map(|error| error.message)
        };
        let (claude, llama) = (
            "us.anthropic.claude-sonnet-4-5-x",
            "us.meta.llama3-3-70b-instruct-v1:0",
        );
        let default = Options::default();
        assert_eq!(error_message(claude, &default, 700_000), None);
        assert!(
            error_message(claude, &default, 860_000).is_some_and(|message| {
                message
                    .starts_with("The model returned the following errors: prompt is too long: 215")
                    && message.ends_with("tokens > 200000 maximum")
            })
        );
        assert!(error_message(llama, &default, 520_000).is_some());
        let small = Options {
            context_window: Some(100),
            ..Options::default()
        };
        assert!(
            error_message("amazon.nova-lite-v1:0", &small, 500)
                .is_some_and(|message| message.contains("Input Tokens Exceeded: "))
        );
        assert_eq!(error_message(llama, &small, 200), None);
        assert_eq!(
            error_message(llama, &small, 500).as_deref(),
            Some("The model returned the following errors: Input is too long for requested model.")
        );
    }
}
