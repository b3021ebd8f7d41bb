//! Token counts as OpenAI reports them.

use crate::converse::response::Usage;

/// Usage as OpenAI counts it: `prompt` includes the tokens read from and written to the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// `prompt_tokens`
    pub prompt: u64,
    /// `completion_tokens`, including reasoning
    pub completion: u64,
    /// `prompt_tokens_details.cached_tokens`
    pub cached: u64,
    /// `prompt_tokens_details.cache_write_tokens`
    pub cache_write: u64,
    /// `completion_tokens_details.reasoning_tokens`; 0 if the provider does not report them
    pub reasoning: u64,
}

impl TokenCounts {
    /// Adds the usage of another response.
    pub fn add(&mut self, more: Self) {
        let Self {
            prompt,
            completion,
            cached,
            cache_write,
            reasoning,
        } = more;
        self.prompt = self.prompt.saturating_add(prompt);
        self.completion = self.completion.saturating_add(completion);
        self.cached = self.cached.saturating_add(cached);
        self.cache_write = self.cache_write.saturating_add(cache_write);
        self.reasoning = self.reasoning.saturating_add(reasoning);
    }
}

impl From<Usage> for TokenCounts {
    fn from(usage: Usage) -> Self {
        let Usage {
            input_tokens,
            output_tokens,
            cache_read_input_tokens,
            cache_write_input_tokens,
            cache_write_one_hour_tokens: _,
            reasoning_tokens,
        } = usage;
        Self {
            prompt: input_tokens
                .saturating_add(cache_read_input_tokens)
                .saturating_add(cache_write_input_tokens),
            completion: output_tokens,
            cached: cache_read_input_tokens,
            cache_write: cache_write_input_tokens,
            reasoning: reasoning_tokens,
        }
    }
}
