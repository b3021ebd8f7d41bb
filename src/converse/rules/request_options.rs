//! What a client wants that Converse has no one word for: each family is asked in its own way.

use serde_json::Number;

use super::tool_choice::AllowedCalls;
use crate::converse::JsonText;
use crate::converse::content::CacheTtl;
use crate::converse::options::Fields;
use crate::models::Effort;

/// What is wanted of the rules, beside what the request says itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestOptions {
    /// Which tools may be called.
    pub allowed_calls: AllowedCalls,
    /// One tool is to be called at the most.
    pub one_call: bool,
    /// Whether and how much to reason.
    pub reasoning: ReasoningRequest,
    /// Whether the model has refused the reasoning of before in this conversation.
    pub without_reasoning: bool,
    /// How many of the likeliest tokens are drawn from.
    pub top_k: Option<Number>,
    /// −2 to 2.
    pub frequency_penalty: Option<Number>,
    /// −2 to 2.
    pub presence_penalty: Option<Number>,
    /// The form of the answer.
    pub json: Option<JsonFormat>,
    /// Whether the web is searched.
    pub web_search: bool,
    /// What is cached.
    pub caching: CachePolicy,
    /// Who wants the guardrail to look at the last of the user's turns alone.
    pub last_turn_guard: Option<LastTurnGuard>,
    /// The most tokens that the model can write, where that is known.
    pub output_limit: Option<u32>,
    /// Keys of the provider's own, as the client wrote them.
    pub provider_fields: Fields,
}

/// Whether and how much to reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReasoningRequest {
    /// `reasoning_effort`
    pub effort: Option<EffortOption>,
    /// `thinking`
    pub thinking: Option<Thinking>,
    /// Whether the limit of tokens has to stay: the operator has set a ceiling.
    pub keeps_limit: bool,
}

/// OpenAI's way to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffortOption {
    /// `none`
    None,
    /// Any other word.
    Level(Effort),
}

/// Anthropic's way to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Disabled,
    /// Nothing but short updates between calls of tools.
    BetweenTools,
    /// As much as the model finds right.
    Adaptive,
    /// With so many tokens.
    Enabled {
        /// `budget_tokens`
        budget: u32,
    },
}

/// An answer that is one JSON value.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonFormat {
    /// The schema's name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The schema; absent where any object will do.
    pub schema: Option<JsonText>,
}

/// Who wants the guardrail to look at the last of the user's turns alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastTurnGuard {
    /// The request, which is told what becomes of it.
    Request,
    /// The operator.
    Operator,
}

/// What is cached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CachePolicy {
    /// Whether points are placed where the client has placed none.
    pub automatic: bool,
    /// How long those are kept.
    pub ttl: Option<CacheTtl>,
}

impl ReasoningRequest {
    /// The field that says it, for notes.
    pub(super) fn field(&self) -> &'static str {
        match self.thinking {
            Some(_) => "thinking",
            None => "reasoning_effort",
        }
    }
}
