use std::mem;
use std::sync::Arc;

use super::decision::Turn;
use super::meters::{ScopeLimits, limit_of};
use super::refusal::Refusal;
use super::{CallerLimits, Demand, ExpectedCost};
use crate::limits::budgets::{BudgetWindow, ThresholdEvent};
use crate::limits::estimate::Lesson;
use crate::limits::meters::{BucketReceipt, Meter, Moment};
use crate::limits::rates::RateLimits;
use crate::models::{CostBreakdown, Usd};

/// What a request has reserved of its caller's limits. Whoever drops it settles it before;
/// otherwise nothing was used but the request itself.
#[derive(Debug)]
pub struct Reservation {
    limits: Arc<CallerLimits>,
    pub(super) held: Vec<HeldScope>,
    expected: Expected,
}

/// What a request has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settlement {
    /// The tokens as limits count them.
    pub tokens: u64,
    /// The cost.
    pub cost: Usd,
    /// Input and output tokens as Bedrock reports them; `None` for estimates.
    pub reported: Option<(u64, u64)>,
}

/// What the demands of the request have expected.
#[derive(Debug)]
struct Expected {
    input: u64,
    output: u64,
    /// `None` if the price of any of it is unknown.
    cost: Option<ExpectedCost>,
    lesson: Option<Lesson>,
}

/// What is reserved in one scope.
#[derive(Debug)]
pub(super) struct HeldScope {
    /// The index of the scope among the caller's.
    pub(super) scope: usize,
    pub(super) requests: Option<BucketReceipt>,
    pub(super) in_flight: u64,
    pub(super) tokens: Option<BucketReceipt>,
    /// The index of the period among the scope's, its window, and the estimate in nanodollars.
    pub(super) budgets: Vec<(usize, Arc<BudgetWindow>, i64)>,
}

impl Reservation {
    pub(super) fn new(limits: Arc<CallerLimits>, held: Vec<HeldScope>, demand: &Demand) -> Self {
        let mut expected = Expected {
            input: 0,
            output: 0,
            cost: Some(ExpectedCost::default()),
            lesson: None,
        };
        expected.add(demand);
        Self {
            limits,
            held,
            expected,
        }
    }

    /// Reserves more for the same request; a refusal changes nothing.
    pub fn extend(&mut self, demand: &Demand, now: Moment) -> Result<(), Box<Refusal>> {
        let limits = Arc::clone(&self.limits);
        limits.take(&mut self.held, demand, Turn::Later, now)?;
        self.expected.add(demand);
        Ok(())
    }

    /// The state of the rate limits that apply.
    pub fn rates(&self, now: Moment) -> RateLimits {
        self.limits.rates(&self.held, now)
    }

    /// The expected input tokens, and the cost of these and of `output` tokens, if the price is
    /// known: the estimate for a response that ended before Bedrock reported its usage.
    pub fn estimate(&self, output: u64) -> (u64, Option<CostBreakdown>) {
        let Expected {
            input,
            output: expected,
            cost,
            lesson,
        } = &self.expected;
        let breakdown = cost.map(|cost| {
            let per_token = cost.output.picodollars().checked_div((*expected).into());
            let per_token = Usd::from_picodollars(per_token.unwrap_or_default());
            match lesson {
                Some(_) => CostBreakdown {
                    input: cost.input,
                    output: per_token.times(output),
                    ..CostBreakdown::default()
                },
                None => CostBreakdown {
                    units: cost.input,
                    ..CostBreakdown::default()
                },
            }
        });
        (*input, breakdown)
    }

    /// Replaces what is reserved by what was used.
    pub fn settle(mut self, settlement: Settlement) {
        let now = self.limits.now();
        if let (Some(lesson), Some((input, output))) = (&self.expected.lesson, settlement.reported)
        {
            lesson.learn(input, output);
        }
        self.settle_at(settlement, now);
    }

    /// The same at a time.
    pub fn settle_at(&mut self, settlement: Settlement, now: Moment) {
        let cost = settlement.cost.nanodollars();
        for held in mem::take(&mut self.held) {
            let Some(scope) = self.limits.scopes.get(held.scope) else {
                continue;
            };
            scope.meters.in_flight.settle(held.in_flight, 0, now);
            if let Some(receipt) = held.tokens {
                // Images, videos and ranked documents are not limited by the token.
                let has_tokens = self.expected.lesson.is_some();
                let used = if has_tokens { settlement.tokens } else { 0 };
                scope.meters.tokens.settle(receipt, used, now);
            }
            let mut settled = None;
            for (period, window, estimate) in held.budgets {
                // A request that spans two windows costs what it costs in the first.
                let cost = if settled == Some(period) { 0 } else { cost };
                settled = Some(period);
                let before_and_after = window.settle_cost(estimate, cost);
                self.report(scope, period, &window, before_and_after, now);
            }
        }
    }

    /// Reports the thresholds that a settlement has crossed.
    fn report(
        &self,
        scope: &ScopeLimits,
        period: usize,
        window: &BudgetWindow,
        settled: (i64, i64),
        now: Moment,
    ) {
        let budgets = scope.budgets.get(period);
        for budget in budgets.iter().flat_map(|period| period.budgets.iter()) {
            let limit = limit_of(budget, now);
            for threshold in ThresholdEvent::crossed(limit, settled) {
                self.limits.context.thresholds.report(ThresholdEvent {
                    scope: scope.meters.scope.clone(),
                    period: budget.per,
                    is_hard: budget.hard,
                    threshold,
                    limit: Usd::from_nanodollars(limit),
                    spent: Usd::from_nanodollars(settled.1),
                    span: window.span,
                    at: now.unix_ms,
                });
            }
        }
    }

    /// Drops a reservation that holds nothing.
    pub(super) fn forget(mut self) {
        self.held.clear();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.held.is_empty() {
            let now = self.limits.now();
            self.settle_at(Settlement::default(), now);
        }
    }
}

impl HeldScope {
    pub(super) fn new(scope: usize) -> Self {
        Self {
            scope,
            requests: None,
            in_flight: 0,
            tokens: None,
            budgets: Vec::new(),
        }
    }

    /// Adds what the same request has reserved of the same scope later.
    pub(super) fn add(&mut self, later: Self) {
        let both = |own: Option<BucketReceipt>, later: Option<BucketReceipt>| match (own, later) {
            (Some(own), Some(later)) => Some(own.and(later)),
            (own, later) => own.or(later),
        };
        self.requests = both(self.requests, later.requests);
        self.tokens = both(self.tokens, later.tokens);
        self.in_flight += later.in_flight;
        for (period, window, estimate) in later.budgets {
            let same = |(own, held, _): &&mut (usize, Arc<BudgetWindow>, i64)| {
                *own == period && Arc::ptr_eq(held, &window)
            };
            match self.budgets.iter_mut().find(same) {
                Some((_, _, own)) => *own = own.saturating_add(estimate),
                None => self.budgets.push((period, window, estimate)),
            }
        }
        self.budgets
            .sort_by_key(|(period, window, _)| (*period, window.span.start));
    }

    /// Gives everything back, the request too.
    pub(super) fn give_back(self, scopes: &[ScopeLimits], now: Moment) {
        let Some(scope) = scopes.get(self.scope) else {
            return;
        };
        let meters = &scope.meters;
        meters.in_flight.settle(self.in_flight, 0, now);
        if let Some(receipt) = self.requests {
            meters.requests.settle(receipt, 0, now);
        }
        if let Some(receipt) = self.tokens {
            meters.tokens.settle(receipt, 0, now);
        }
        for (_, window, estimate) in self.budgets {
            window.settle_cost(estimate, 0);
        }
    }
}

impl Expected {
    fn add(&mut self, demand: &Demand) {
        if let Some(tokens) = &demand.tokens {
            self.input = self.input.saturating_add(tokens.input);
            self.output = self.output.saturating_add(tokens.output);
            let later = tokens.lesson();
            self.lesson = Some(match self.lesson.take() {
                Some(own) => own.and(later),
                None => later,
            });
        }
        self.cost = self.cost.zip(demand.cost).map(|(own, more)| ExpectedCost {
            input: own.input + more.input,
            output: own.output + more.output,
        });
    }
}
