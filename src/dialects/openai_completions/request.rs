//! Translates a completion request to chat requests.

use super::prompt::Prompt;
use super::types::CompletionRequest;
use crate::converse::JsonText;
use crate::dialects::openai_chat::{ChatMessage, ChatRequest, Content};
use crate::error::ApiError;
use crate::models::Tokenizer;
use crate::wire::misspelling;

/// A translated completion request.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletionPrompts {
    /// A chat request for each prompt, in order, at least one.
    pub requests: Vec<ChatRequest>,
    /// The prompts, if they are echoed before the completions; empty if not.
    pub echoed: Vec<String>,
}

/// Splits `request` into chat requests, with the same meaning of all shared fields. All prompts
/// together may have at most `max_n` choices.
///
/// Fails with an error that names the unsupported field.
pub fn chat_requests(
    request: CompletionRequest,
    max_n: u32,
) -> Result<CompletionPrompts, ApiError> {
    // Destructured without `..`, so that a new field does not compile until it is handled here.
    let CompletionRequest {
        model,
        prompt,
        suffix,
        max_tokens,
        temperature,
        top_p,
        n,
        best_of,
        stream,
        stream_options,
        logprobs,
        echo,
        stop,
        presence_penalty,
        frequency_penalty,
        logit_bias,
        seed,
        user,
        tokenizer,
        top_k,
        guardrail_config,
        performance_config,
        request_metadata,
        additional_model_request_fields,
        additional_model_response_field_paths,
        unknown,
    } = request;
    check_suffix(suffix)?;
    check_best_of(best_of, n)?;
    let prompt = prompt.ok_or_else(|| {
        let misspelling = misspelling(&unknown, "prompt", CompletionRequest::FIELDS);
        let message = format!("`prompt` is missing; send the text to complete{misspelling}");
        ApiError::missing("prompt", message)
    })?;
    let prompts = prompts(prompt, tokenizer.as_deref())?;
    check_count(prompts.len(), n, max_n)?;
    let settings = ChatRequest {
        model,
        max_tokens,
        temperature,
        top_p,
        stop,
        stream,
        stream_options,
        n,
        top_k,
        frequency_penalty,
        presence_penalty,
        seed,
        logit_bias,
        logprobs: requested_logprobs(logprobs),
        user,
        guardrail_config,
        performance_config,
        request_metadata,
        additional_model_request_fields,
        additional_model_response_field_paths,
        unknown,
        ..ChatRequest::default()
    };
    let echoed = match echo {
        Some(true) => prompts.clone(),
        _ => Vec::new(),
    };
    let requests = prompts.into_iter().map(|prompt| ChatRequest {
        messages: Some(vec![Box::new(user_message(prompt))]),
        ..settings.clone()
    });
    Ok(CompletionPrompts {
        requests: requests.collect(),
        echoed,
    })
}

fn user_message(text: String) -> ChatMessage {
    ChatMessage {
        role: Some("user".to_owned()),
        content: Some(Content::Text(text)),
        ..ChatMessage::default()
    }
}

/// The texts to complete.
fn prompts(prompt: Prompt, tokenizer: Option<&str>) -> Result<Vec<String>, ApiError> {
    let (texts, is_list) = match prompt {
        Prompt::Text(text) => (vec![text], false),
        Prompt::Texts(texts) => (texts, true),
        Prompt::Tokens(tokens) => {
            let text = self::tokenizer(tokenizer)?.text(&tokens, "prompt")?;
            (vec![text], false)
        }
        Prompt::TokenLists(lists) => {
            let tokenizer = self::tokenizer(tokenizer)?;
            let texts = lists.iter().enumerate();
            let texts = texts.map(|(index, list)| tokenizer.text(list, &path(index)));
            (texts.collect::<Result<_, _>>()?, true)
        }
    };
    if texts.is_empty() {
        let message = "`prompt` is an empty list; send at least one text";
        return Err(ApiError::invalid("prompt", message));
    }
    let is_blank = |text: &String| text.trim().is_empty();
    match texts.iter().position(is_blank) {
        Some(index) if is_list => Err(blank(&path(index))),
        Some(_) => Err(blank("prompt")),
        None => Ok(texts),
    }
}

/// The requested tokenizer, or the default of OpenAI's models for this endpoint.
fn tokenizer(name: Option<&str>) -> Result<Tokenizer, ApiError> {
    let Some(name) = name else {
        return Ok(Tokenizer::default());
    };
    Tokenizer::parse(name).ok_or_else(|| {
        let names = Tokenizer::NAMES;
        let message = format!("unknown `tokenizer` `{name}`; use {names}");
        ApiError::unsupported_value("tokenizer", message)
    })
}

fn path(index: usize) -> String {
    format!("prompt[{index}]")
}

fn blank(path: &str) -> ApiError {
    ApiError::invalid(
        path,
        format!("`{path}` has no text; Bedrock's models require a prompt"),
    )
}

fn check_suffix(suffix: Option<JsonText>) -> Result<(), ApiError> {
    match suffix {
        Some(suffix) if !suffix.is_neutral() => Err(ApiError::unsupported(
            "suffix",
            "`suffix` is not supported: Bedrock's models do not insert text; describe in the prompt \
             what follows",
        )),
        _ => Ok(()),
    }
}

/// Even 0 requests the log probabilities of the completion tokens, which chat requests with
/// `true`.
fn requested_logprobs(logprobs: Option<JsonText>) -> Option<JsonText> {
    let requested = logprobs.filter(|logprobs| !matches!(logprobs.as_str(), "null" | "false"));
    requested.and_then(|_| JsonText::of(&true).ok())
}

/// Bedrock returns no log probabilities to choose the best completion.
fn check_best_of(best_of: Option<i64>, n: Option<i64>) -> Result<(), ApiError> {
    let n = n.unwrap_or(1);
    match best_of {
        Some(best_of) if best_of < n => Err(ApiError::invalid(
            "best_of",
            format!("`best_of` is {best_of}; it must be at least `n`, which is {n}"),
        )),
        Some(best_of) if best_of > n => Err(ApiError::unsupported_value(
            "best_of",
            format!(
                "`best_of` is {best_of}: Bedrock returns no log probabilities to choose the best \
                 completions; omit it, and request all of them with `n`"
            ),
        )),
        _ => Ok(()),
    }
}

fn check_count(prompts: usize, n: Option<i64>, max: u32) -> Result<(), ApiError> {
    let each = usize::try_from(n.unwrap_or(1)).unwrap_or(1);
    // `n` itself is validated by the chat translation.
    if prompts == 1 || prompts.saturating_mul(each) <= max as usize {
        return Ok(());
    }
    Err(ApiError::unsupported_value(
        "prompt",
        format!(
            "`prompt` has {prompts} texts with {each} choices each, and this gateway returns at \
             most {max} choices per request; send several requests"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn prompted(json: &str) -> Result<CompletionPrompts, ApiError> {
        chat_requests(serde_json::from_str(json).expect("a request"), 8)
    }

    fn refused(json: &str) -> (Option<String>, Option<&'static str>) {
        let error = prompted(json).expect_err(json);
        (
            error.path().map(Into::into),
            error.code.map(ErrorCode::as_str),
        )
    }

    #[test]
    fn each_prompt_becomes_one_user_message() {
        let parsed = prompted(r#"{"prompt": ["a", "b"], "temperature": 0.5, "odd": 1}"#);
        let parsed = parsed.expect("two requests");
        let texts: Vec<_> = parsed.requests.iter().map(|r| r.messages.clone()).collect();
        let message = |text: &str| Some(vec![Box::new(user_message(text.to_owned()))]);
        assert_eq!(texts, [message("a"), message("b")]);
        assert!(parsed.requests.iter().all(|r| r.temperature.is_some()));
        assert!(parsed.requests.iter().all(|r| r.unknown.len() == 1));
        assert!(parsed.echoed.is_empty());
    }

    #[test]
    fn unsupported_fields_are_rejected_by_name() {
        for (json, field, code) in [
            (r#"{}"#, "prompt", "missing_required_parameter"),
            (
                r#"{"prompt": null}"#,
                "prompt",
                "missing_required_parameter",
            ),
            (r#"{"prompt": ""}"#, "prompt", "invalid_value"),
            (r#"{"prompt": []}"#, "prompt", "invalid_value"),
            (r#"{"prompt": ["a", " "]}"#, "prompt[1]", "invalid_value"),
            (r#"{"prompt": [9906, -1]}"#, "prompt[1]", "invalid_value"),
            (r#"{"prompt": [[9906], []]}"#, "prompt[1]", "invalid_value"),
            (
                r#"{"prompt": [1], "tokenizer": "r50k_base"}"#,
                "tokenizer",
                "unsupported_value",
            ),
            (
                r#"{"prompt": ["a", "b", "c"], "n": 3}"#,
                "prompt",
                "unsupported_value",
            ),
            (
                r#"{"prompt": "a", "suffix": "z"}"#,
                "suffix",
                "unsupported_parameter",
            ),
            (
                r#"{"prompt": "a", "best_of": 3}"#,
                "best_of",
                "unsupported_value",
            ),
            (
                r#"{"prompt": "a", "best_of": 1, "n": 2}"#,
                "best_of",
                "invalid_value",
            ),
        ] {
            assert_eq!(
                refused(json),
                (Some(field.to_owned()), Some(code)),
                "{json}"
            );
        }
    }

    #[test]
    fn token_ids_are_decoded_to_text() {
        let texts = prompted(r#"{"prompt": [[9906], [9906, 11, 1917, 0]]}"#).map(|p| p.requests);
        let expected = prompted(r#"{"prompt": ["Hello", "Hello, world!"]}"#).map(|p| p.requests);
        assert_eq!(texts, expected);
        let one = prompted(r#"{"prompt": [13225], "tokenizer": "o200k_base"}"#);
        assert_eq!(one, prompted(r#"{"prompt": "Hello"}"#));
    }

    #[test]
    fn neutral_values_are_accepted() {
        let plain = prompted(r#"{"prompt": "a", "n": 2}"#);
        let harmless = r#"{"prompt": "a", "n": 2, "suffix": null, "logprobs": null, "best_of": 2,
            "echo": false, "stop": null, "user": null}"#;
        assert_eq!(prompted(harmless), plain);
        assert!(prompted(r#"{"prompt": "a", "suffix": "", "best_of": 1}"#).is_ok());
    }

    #[test]
    fn zero_logprobs_still_requests_token_logprobs() {
        for (json, expected) in [
            (r#"{"prompt": "a", "logprobs": 0}"#, true),
            (r#"{"prompt": "a", "logprobs": 5}"#, true),
            (r#"{"prompt": "a", "logprobs": null}"#, false),
            (r#"{"prompt": "a"}"#, false),
        ] {
            let requests = prompted(json).expect(json).requests;
            assert!(
                requests.iter().all(|r| r.logprobs.is_some() == expected),
                "{json}"
            );
        }
    }
}
