//! Token counts, as OpenAI reports them.

use crate::models::Tokens;

/// The tokens of one or several calls. `prompt` includes the tokens read from and written to the
/// cache.
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
    /// Of `cache_write`, the tokens with a TTL of one hour
    pub cache_write_one_hour: u64,
    /// `completion_tokens_details.reasoning_tokens`; 0 if the provider does not report them
    pub reasoning: u64,
}

impl TokenCounts {
    /// The tokens of a call that has only input.
    pub fn of_input(tokens: u64) -> Self {
        Self {
            prompt: tokens,
            ..Self::default()
        }
    }

    /// Adds the usage of another response.
    pub fn add(&mut self, more: Self) {
        let Self {
            prompt,
            completion,
            cached,
            cache_write,
            cache_write_one_hour,
            reasoning,
        } = more;
        self.prompt = self.prompt.saturating_add(prompt);
        self.completion = self.completion.saturating_add(completion);
        self.cached = self.cached.saturating_add(cached);
        self.cache_write = self.cache_write.saturating_add(cache_write);
        self.cache_write_one_hour = self
            .cache_write_one_hour
            .saturating_add(cache_write_one_hour);
        self.reasoning = self.reasoning.saturating_add(reasoning);
    }

    /// The tokens as limits count them: those read from the cache weigh a tenth, as they are billed.
    pub fn limited(self) -> u64 {
        let uncached = self.prompt.saturating_sub(self.cached);
        let cached = self.cached.div_ceil(10);
        uncached
            .saturating_add(cached)
            .saturating_add(self.completion)
    }

    /// The tokens as Bedrock bills them: by kind, each token once. Cache writes have a TTL of five
    /// minutes unless Bedrock reports an hour.
    pub fn billed(self) -> Tokens {
        let Self {
            prompt,
            completion,
            cached,
            cache_write,
            cache_write_one_hour,
            reasoning: _,
        } = self;
        Tokens {
            input: prompt.saturating_sub(cached.saturating_add(cache_write)),
            output: completion,
            cache_read: cached,
            cache_write_5m: cache_write.saturating_sub(cache_write_one_hour),
            cache_write_1h: cache_write_one_hour,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_billed_once() {
        let counts = TokenCounts {
            prompt: 240,
            completion: 7,
            cached: 200,
            cache_write: 30,
            cache_write_one_hour: 20,
            reasoning: 5,
        };
        let billed = Tokens {
            input: 10,
            output: 7,
            cache_read: 200,
            cache_write_5m: 10,
            cache_write_1h: 20,
        };
        assert_eq!(counts.billed(), billed);
        assert_eq!(counts.limited(), 40 + 20 + 7);
    }
}
