//! The limits of a caller and what is left of them, for those who ask.

use super::CallerLimits;
use super::decision::{requests_state, tokens_state};
use super::meters::{ScopeLimits, limit_of};
use super::scope::AllowanceScope;
use crate::allowances::BudgetPeriod;
use crate::limits::budgets::Span;
use crate::limits::meters::Moment;
use crate::limits::rates::RateState;
use crate::models::Usd;

/// The limits of one scope, and what is left of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeState {
    /// What they are for.
    pub scope: AllowanceScope,
    /// Requests per minute.
    pub requests: Option<RateState>,
    /// Tokens per minute.
    pub tokens: Option<RateState>,
    /// The concurrent requests, and their maximum.
    pub in_flight: Option<(u32, u32)>,
    /// The budgets.
    pub budgets: Vec<BudgetState>,
}

/// A budget in its current window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The period.
    pub period: BudgetPeriod,
    /// The window.
    pub span: Span,
    /// The amount, with a temporary increase.
    pub limit: Usd,
    /// What is spent, with the estimates for requests in flight; `None` until it is known.
    pub spent: Option<Usd>,
    /// Whether requests beyond it are refused.
    pub is_hard: bool,
}

impl CallerLimits {
    /// The state of all limits, the widest level first.
    pub fn states(&self, now: Moment) -> Vec<ScopeState> {
        let scopes = self.scopes.iter();
        scopes.map(|scope| self.state(scope, now)).collect()
    }

    fn state(&self, scope: &ScopeLimits, now: Moment) -> ScopeState {
        let meters = &scope.meters;
        let budgets = scope.budgets.iter().flat_map(|period| {
            let window = self.window(scope, period, now);
            let budgets = period.budgets.iter();
            budgets.map(move |budget| BudgetState {
                period: budget.per,
                span: window.span,
                limit: Usd::from_nanodollars(limit_of(budget, now)),
                spent: (window.is_seeded()).then(|| Usd::from_nanodollars(window.spent())),
                is_hard: budget.hard,
            })
        });
        ScopeState {
            scope: meters.scope.clone(),
            requests: requests_state(scope, now),
            tokens: tokens_state(scope, now),
            in_flight: (scope.in_flight).map(|limit| (meters.in_flight.requests(), limit.get())),
            budgets: budgets.collect(),
        }
    }
}
