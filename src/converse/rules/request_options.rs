//! Options without a common Converse field, which each family supports in a different way.

use serde_json::Number;

use super::tool_choice::AllowedCalls;
use crate::converse::JsonText;
use crate::converse::content::CacheTtl;
use crate::converse::options::Fields;
use crate::error::{Field, ThinkingField};
use crate::models::{Capabilities, Effort};

/// Options for the rules, in addition to the Converse request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestOptions {
    /// Which tools may be called.
    pub allowed_calls: AllowedCalls,
    /// Whether parallel tool calls are disabled.
    pub one_call: bool,
    /// The reasoning options.
    pub reasoning: ReasoningRequest,
    /// The share of the conversation to remove, in thousandths, oldest turns first.
    pub dropped_share: u32,
    /// Whether the model rejected the earlier reasoning of this conversation.
    pub without_reasoning: bool,
    /// The number of most likely tokens to sample from.
    pub top_k: Option<Number>,
    /// −2 to 2.
    pub frequency_penalty: Option<Number>,
    /// −2 to 2.
    pub presence_penalty: Option<Number>,
    /// The format of the response.
    pub json: Option<JsonFormat>,
    /// Whether web search is enabled.
    pub web_search: bool,
    /// The caching policy.
    pub caching: CachePolicy,
    /// Restricts the guardrail to the last user message, if set.
    pub last_turn_guard: Option<LastTurnGuard>,
    /// The model's maximum number of completion tokens, if known.
    pub output_limit: Option<u32>,
    /// The client's own provider fields.
    pub provider_fields: Fields,
    /// Whether some of them are in Converse's form (`additionalModelRequestFields`).
    pub has_converse_fields: bool,
    /// The fields of the request that only chat-completions upstreams have, under their names
    /// there.
    pub upstream_fields: Fields,
    /// Whether the client's response can have token probabilities.
    pub returns_logprobs: bool,
}

/// The reasoning options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReasoningRequest {
    /// `reasoning_effort`
    pub effort: Option<EffortOption>,
    /// `thinking`
    pub thinking: Option<Thinking>,
    /// Whether the token limit must not be removed, because the operator set a maximum.
    pub keeps_limit: bool,
}

/// OpenAI's `reasoning_effort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffortOption {
    /// `none`
    None,
    /// Any other value.
    Level(Effort),
}

/// Anthropic's `thinking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Disabled.
    Disabled,
    /// Only short updates between tool calls.
    BetweenTools,
    /// Adaptive.
    Adaptive,
    /// Enabled with a token budget.
    Enabled {
        /// `budget_tokens`
        budget: u32,
    },
}

/// The format of a JSON response.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonFormat {
    /// The name of the schema.
    pub name: Option<String>,
    /// The purpose of the schema.
    pub description: Option<String>,
    /// The schema; `None` for any object.
    pub schema: Option<JsonText>,
    /// Whether the response must match the schema.
    pub strict: Option<bool>,
}

/// Who restricted the guardrail to the last user message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastTurnGuard {
    /// The request, which receives adjustment notes about it.
    Request,
    /// The operator's configuration.
    Operator,
}

/// The caching policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CachePolicy {
    /// Whether cache points are added automatically if the client set none.
    pub automatic: bool,
    /// The TTL of automatic cache points.
    pub ttl: Option<CacheTtl>,
}

impl ReasoningRequest {
    /// Whether a model that reasons unless this is disabled does so.
    pub(in crate::converse) fn reasons_by_default(&self, capabilities: &Capabilities) -> bool {
        let is_disabled = match self.thinking {
            Some(thinking) => matches!(thinking, Thinking::Disabled | Thinking::BetweenTools),
            None => self.effort == Some(EffortOption::None),
        };
        capabilities.always_reasons || capabilities.has_reasoning_control() && !is_disabled
    }

    /// The client's field that controls reasoning, for adjustment notes.
    pub(super) fn field(&self) -> Field {
        match self.thinking {
            Some(_) => Field::Thinking(ThinkingField::Whole),
            None => Field::ReasoningEffort,
        }
    }
}
