//! The limits of callers: of their organization, team, user and key, and of model patterns on each.
//!
//! All of them are decided together, and refuse at once. What is reserved is settled by the ledger
//! when the request ends, on every path.

mod decision;
mod meters;
mod refusal;
mod registry;
mod report;
mod reservation;
mod scope;
#[cfg(test)]
mod tests;

pub use refusal::{Refusal, RefusedLimit};
pub use registry::{LimitRegistry, WallClock};
pub use report::{BudgetState, ScopeState};
pub use reservation::{Reservation, Settlement};
pub use scope::{AllowanceScope, CalledModel};

use std::fmt;
use std::sync::Arc;

use crate::limits::estimate::{CallerModels, ExpectedTokens, OutputSize, PromptSize};
use crate::limits::meters::Moment;
use crate::models::Usd;
use meters::ScopeLimits;
use registry::LimitContext;

/// The limits of one caller, in a snapshot of callers. The request path needs no look-up and no
/// lock for them.
pub struct CallerLimits {
    context: Arc<LimitContext>,
    scopes: Box<[ScopeLimits]>,
    models: Arc<CallerModels>,
}

/// What a request is expected to use.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// The tokens; `None` if it uses none.
    pub tokens: Option<ExpectedTokens>,
    /// The cost; `None` if the price is unknown.
    pub cost: Option<ExpectedCost>,
}

/// What a request is expected to cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpectedCost {
    /// The input, or what is not billed by the token.
    pub input: Usd,
    /// All of the output.
    pub output: Usd,
}

impl CallerLimits {
    /// What the `calls` of a request to the model `id` are expected to use, each with this prompt.
    pub fn expect(
        &self,
        id: &Arc<str>,
        prompt: PromptSize,
        output: OutputSize,
        calls: u32,
    ) -> ExpectedTokens {
        let models = &self.context.models;
        self.models.expect(models, id, prompt, output, calls)
    }

    /// The current time, on the clocks of these limits.
    pub fn now(&self) -> Moment {
        self.context.now()
    }
}

impl Demand {
    /// A request that uses no tokens and costs nothing.
    pub fn free() -> Self {
        Self {
            tokens: None,
            cost: Some(ExpectedCost::default()),
        }
    }

    /// A request that is not billed by the token; `None` if its price is unknown.
    pub fn of_units(cost: Option<Usd>) -> Self {
        Self {
            tokens: None,
            cost: cost.map(|input| ExpectedCost {
                input,
                ..ExpectedCost::default()
            }),
        }
    }

    /// All tokens.
    fn total_tokens(&self) -> u64 {
        let tokens = self.tokens.as_ref();
        tokens.map_or(0, |tokens| tokens.input.saturating_add(tokens.output))
    }

    /// The tokens that the request determines: all but a guessed output.
    fn certain_tokens(&self) -> u64 {
        match &self.tokens {
            Some(tokens) if tokens.is_guess => tokens.input,
            _ => self.total_tokens(),
        }
    }

    /// In nanodollars; 0 if it is unknown.
    fn total_cost(&self) -> u64 {
        let cost = self.cost.unwrap_or_default();
        let total = (cost.input + cost.output).nanodollars();
        u64::try_from(total).unwrap_or_default()
    }
}

/// Each snapshot has limits of its own.
impl PartialEq for CallerLimits {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for CallerLimits {}

/// Without the caller's name, which may be personal.
impl fmt::Debug for CallerLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CallerLimits({} scopes)", self.scopes.len())
    }
}
