//! The fields at the end of a response: usage, and optional fields such as the guardrail trace.

use crate::converse::JsonText;
use crate::usage::TokenCounts;

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
