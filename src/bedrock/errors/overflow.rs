//! The error for a prompt that exceeds the context window, in the words that clients match:
//! OpenAI's ("This model's maximum context length is"; LiteLLM), Anthropic's ("prompt is too long";
//! LangChain, Claude Code) and those of OpenAI's streams ("exceeds the context window").

/// The phrases for this error in Bedrock's messages, in lower case.
const TOO_LONG: &[&str] = &[
    "input is too long",
    "prompt is too long",
    "too many input tokens",
    "input tokens exceeded",
    "too many tokens",
    "expected maxlength:",
    "prompt: length: 1..",
    "exceed model maximum",
    "exceeds the maximum number of tokens",
    "maximum context length",
    "exceed context limit",
];

/// Whether `detail`, the message of a validation error, is about a prompt that is too long.
pub(super) fn is_overflow(detail: &str) -> bool {
    let detail = detail.to_lowercase();
    TOO_LONG.iter().any(|words| detail.contains(words))
}

/// How a message begins.
const START: &str = "This model's maximum context length is ";

/// The placeholder for the length if Bedrock does not report it.
const UNKNOWN_LENGTH: &str = "exceeded";

/// `message` with the context window, if it has none.
pub(super) fn with_window(message: &str, window: Option<u32>) -> String {
    match (message.strip_prefix(START), window) {
        (None, _) => with_window(&self::message(message), window),
        (Some(rest), Some(window)) => match rest.strip_prefix(UNKNOWN_LENGTH) {
            Some(rest) => format!("{START}{window} tokens{rest}"),
            None => message.to_owned(),
        },
        (Some(_), None) => message.to_owned(),
    }
}

/// The message for the client. `detail` is Bedrock's, without the operator's identifiers.
pub(super) fn message(detail: &str) -> String {
    if detail.starts_with(START) {
        return format!("{detail} (prompt is too long)");
    }
    let detail = detail.trim_start_matches("The model returned the following errors: ");
    let detail = detail.trim_end_matches('.');
    let (length, excess) = match Numbers::of(detail) {
        Numbers::Prompt { tokens, limit } => (
            format!("{limit} tokens"),
            format!("your messages resulted in {tokens} tokens"),
        ),
        Numbers::Request {
            prompt,
            completion,
            limit,
        } => (
            format!("{limit} tokens"),
            format!(
                "you requested {} tokens ({prompt} in the messages, {completion} in the completion)",
                prompt.saturating_add(completion)
            ),
        ),
        Numbers::None => (
            UNKNOWN_LENGTH.to_owned(),
            "your messages resulted in more".to_owned(),
        ),
    };
    let quoted = match detail {
        "" => "prompt is too long".to_owned(),
        detail if detail.to_lowercase().contains("prompt is too long") => detail.to_owned(),
        detail => format!("prompt is too long: {detail}"),
    };
    format!(
        "{START}{length}. However, {excess}. Please reduce the length of the messages. The input \
         exceeds the context window ({quoted})."
    )
}

/// The lengths in a message.
#[derive(Debug, PartialEq, Eq)]
enum Numbers {
    /// The prompt alone is too long.
    Prompt {
        tokens: u64,
        limit: u64,
    },
    /// The prompt and the requested completion together are too long.
    Request {
        prompt: u64,
        completion: u64,
        limit: u64,
    },
    None,
}

impl Numbers {
    /// Parses "prompt is too long: 215000 tokens > 200000 maximum", or "input length and
    /// `max_tokens` exceed context limit: 190000 + 20000 > 200000".
    fn of(detail: &str) -> Self {
        let after = |words: &str| detail.split_once(words).map(|(_, rest)| numbers(rest));
        if let Some(found) = after("prompt is too long: ")
            && let [tokens, limit, ..] = found[..]
        {
            return Self::Prompt { tokens, limit };
        }
        if let Some(found) = after("exceed context limit: ")
            && let [prompt, completion, limit, ..] = found[..]
        {
            return Self::Request {
                prompt,
                completion,
                limit,
            };
        }
        Self::None
    }
}

fn numbers(text: &str) -> Vec<u64> {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers
        .filter_map(|number| number.parse().ok())
        .take(3)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_the_words_of_every_client() {
        for (detail, window, expected) in [
            (
                "prompt is too long: 215000 tokens > 200000 maximum",
                Some(1),
                "This model's maximum context length is 200000 tokens. However, your messages \
                 resulted in 215000 tokens. Please reduce the length of the messages. The input \
                 exceeds the context window (prompt is too long: 215000 tokens > 200000 maximum).",
            ),
            (
                "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
                None,
                "This model's maximum context length is 200000 tokens. However, you requested \
                 210000 tokens (190000 in the messages, 20000 in the completion). Please reduce \
                 the length of the messages. The input exceeds the context window (prompt is too \
                 long: input length and `max_tokens` exceed context limit: 190000 + 20000 > \
                 200000).",
            ),
            (
                "The model returned the following errors: Input is too long for requested model.",
                Some(128_000),
                "This model's maximum context length is 128000 tokens. However, your messages \
                 resulted in more. Please reduce the length of the messages. The input exceeds \
                 the context window (prompt is too long: Input is too long for requested model).",
            ),
            (
                "This model's maximum context length is 131072 tokens. Please reduce the length of \
                 the prompt",
                Some(1),
                "This model's maximum context length is 131072 tokens. Please reduce the length of \
                 the prompt (prompt is too long)",
            ),
            (
                "",
                None,
                "This model's maximum context length is exceeded. However, your messages resulted \
                 in more. Please reduce the length of the messages. The input exceeds the context \
                 window (prompt is too long).",
            ),
        ] {
            assert_eq!(with_window(&message(detail), window), expected);
        }
    }
}
