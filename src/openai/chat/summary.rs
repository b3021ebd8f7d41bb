//! The fields at the end of a response: usage, and optional fields such as the guardrail trace.

use crate::converse::JsonText;
use crate::converse::response::Usage;

/// The fields at the end of a response, for one choice or for all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseSummary {
    /// The token usage; `None` if Bedrock did not report it.
    pub usage: Option<TokenCounts>,
    /// The guardrail trace, if requested.
    pub trace: Option<JsonText>,
    /// The provider-specific response fields, if requested.
    pub response_fields: Option<JsonText>,
    /// OpenAI's name of the service tier, if the request set one.
    pub service_tier: Option<String>,
}

impl ResponseSummary {
    /// The summary of all choices of a request. Like OpenAI, it counts the prompt once.
    pub fn of_all(summaries: impl IntoIterator<Item = ResponseSummary>) -> Self {
        let mut summaries = summaries.into_iter();
        let mut all = summaries.next().unwrap_or_default();
        for summary in summaries {
            if let (Some(usage), Some(more)) = (all.usage.as_mut(), summary.usage) {
                usage.completion = usage.completion.saturating_add(more.completion);
                usage.reasoning = usage.reasoning.saturating_add(more.reasoning);
            }
            all.trace = all.trace.or(summary.trace);
        }
        all
    }

    /// The summary of a request with several prompts. `summaries` has `choices` entries per prompt,
    /// in order.
    pub fn of_prompts(summaries: &[ResponseSummary], choices: u32) -> Self {
        let prompts = summaries.chunks(choices.max(1) as usize);
        let mut prompts = prompts.map(|summaries| Self::of_all(summaries.iter().cloned()));
        let mut all = prompts.next().unwrap_or_default();
        for summary in prompts {
            if let (Some(usage), Some(more)) = (all.usage.as_mut(), summary.usage) {
                usage.add(more);
            }
            all.trace = all.trace.or(summary.trace);
        }
        all
    }
}

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
        } = usage;
        Self {
            prompt: input_tokens
                .saturating_add(cache_read_input_tokens)
                .saturating_add(cache_write_input_tokens),
            completion: output_tokens,
            cached: cache_read_input_tokens,
            cache_write: cache_write_input_tokens,
            reasoning: 0,
        }
    }
}
