//! `usage` in responses of the chat-completions upstream.

use serde::Deserialize;

use crate::converse::JsonText;
use crate::converse::response::Usage;
use crate::usage::TokenCounts;

/// `usage` as OpenAI counts it: `prompt_tokens` includes the tokens read from and written to the
/// cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ChatUpstreamUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<UpstreamPromptDetails>,
    completion_tokens_details: Option<UpstreamCompletionDetails>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct UpstreamPromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct UpstreamCompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl ChatUpstreamUsage {
    /// Parses `usage`; `None` if it is `null` or malformed.
    pub(super) fn read(text: &JsonText) -> Option<Self> {
        serde_json::from_str::<Option<Self>>(text.as_str()).ok()?
    }

    /// The token counts as OpenAI reports them.
    pub fn counts(self) -> TokenCounts {
        let prompt = self.prompt_tokens_details.unwrap_or_default();
        let completion = self.completion_tokens_details.unwrap_or_default();
        TokenCounts {
            prompt: self.prompt_tokens,
            completion: self.completion_tokens,
            cached: prompt.cached_tokens.unwrap_or_default(),
            cache_write: prompt.cache_write_tokens.unwrap_or_default(),
            reasoning: completion.reasoning_tokens.unwrap_or_default(),
        }
    }

    /// The usage as Bedrock counts and bills it: input tokens exclude the cached ones.
    pub fn billed(self) -> Usage {
        let TokenCounts {
            prompt,
            completion,
            cached,
            cache_write,
            reasoning: _,
        } = self.counts();
        Usage {
            input_tokens: prompt.saturating_sub(cached.saturating_add(cache_write)),
            output_tokens: completion,
            cache_read_input_tokens: cached,
            cache_write_input_tokens: cache_write,
            cache_write_one_hour_tokens: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(text: &str) -> Option<ChatUpstreamUsage> {
        ChatUpstreamUsage::read(&JsonText::parse(text.to_owned()).expect("JSON"))
    }

    #[test]
    fn cached_tokens_are_part_of_the_prompt_and_billed_separately() {
        let usage = usage(
            r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
                "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":8}}"#,
        );
        let usage = usage.expect("usage");
        assert_eq!(usage.counts().prompt, 100);
        assert_eq!(usage.counts().reasoning, 8);
        assert_eq!(usage.billed().input_tokens, 40);
        assert_eq!(usage.billed().cache_read_input_tokens, 60);
    }

    #[test]
    fn usage_may_be_absent() {
        assert_eq!(usage("null"), None);
        let bare = usage(r#"{"prompt_tokens":1,"prompt_tokens_details":null}"#);
        assert_eq!(bare.map(|usage| usage.billed().input_tokens), Some(1));
    }
}
