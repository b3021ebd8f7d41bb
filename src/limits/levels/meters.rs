use std::num::NonZeroU32;
use std::sync::Arc;

use super::scope::AllowanceScope;
use crate::allowances::{Budget, BudgetPeriod, UsageAllowance};
use crate::limits::budgets::BudgetWindows;
use crate::limits::meters::{Bucket, InFlight, Moment, PerMinute};

/// What one scope uses. It lasts as long as a snapshot of callers or a request holds it.
#[derive(Debug)]
pub(in crate::limits) struct ScopeMeters {
    pub(in crate::limits) scope: AllowanceScope,
    pub(super) requests: Bucket,
    pub(super) tokens: Bucket,
    pub(super) in_flight: InFlight,
    pub(in crate::limits) budgets: PeriodWindows,
}

/// The windows of each period.
#[derive(Debug, Default)]
pub(in crate::limits) struct PeriodWindows {
    day: BudgetWindows,
    week: BudgetWindows,
    month: BudgetWindows,
    total: BudgetWindows,
}

/// The limits of one scope, with its meters.
#[derive(Debug)]
pub(super) struct ScopeLimits {
    pub(super) meters: Arc<ScopeMeters>,
    pub(super) requests: Option<PerMinute>,
    pub(super) tokens: Option<PerMinute>,
    pub(super) in_flight: Option<NonZeroU32>,
    pub(super) budgets: Box<[PeriodBudgets]>,
}

/// The budgets of one period, which count the same costs.
#[derive(Debug)]
pub(super) struct PeriodBudgets {
    pub(super) period: BudgetPeriod,
    pub(super) budgets: Box<[Budget]>,
}

impl ScopeMeters {
    pub(super) fn new(scope: AllowanceScope) -> Self {
        Self {
            scope,
            requests: Bucket::default(),
            tokens: Bucket::default(),
            in_flight: InFlight::default(),
            budgets: PeriodWindows::default(),
        }
    }
}

impl PeriodWindows {
    pub(super) fn of(&self, period: BudgetPeriod) -> &BudgetWindows {
        match period {
            BudgetPeriod::Day => &self.day,
            BudgetPeriod::Week => &self.week,
            BudgetPeriod::Month => &self.month,
            BudgetPeriod::Total => &self.total,
        }
    }

    pub(in crate::limits) fn all(&self) -> [&BudgetWindows; 4] {
        [&self.day, &self.week, &self.month, &self.total]
    }
}

impl ScopeLimits {
    /// The limits of `usage`. The smallest rate and concurrency is 1.
    pub(super) fn new(usage: &UsageAllowance, meters: Arc<ScopeMeters>) -> Self {
        let UsageAllowance {
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
        } = usage;
        let rate = |units: u64| PerMinute::new(units.max(1));
        let of_period = |period| PeriodBudgets {
            period,
            budgets: (budgets
                .iter()
                .filter(|budget| budget.per == period)
                .copied())
            .collect(),
        };
        let periods = [
            BudgetPeriod::Day,
            BudgetPeriod::Week,
            BudgetPeriod::Month,
            BudgetPeriod::Total,
        ];
        Self {
            meters,
            requests: requests_per_minute.and_then(|units| rate(units.into())),
            tokens: tokens_per_minute.and_then(rate),
            in_flight: max_concurrent_requests.and_then(|limit| NonZeroU32::new(limit.max(1))),
            budgets: periods
                .map(of_period)
                .into_iter()
                .filter(|period| !period.budgets.is_empty())
                .collect(),
        }
    }

    /// Whether `usage` limits anything.
    pub(super) fn limits(usage: &UsageAllowance) -> bool {
        *usage != UsageAllowance::default()
    }
}

impl PeriodBudgets {
    /// The lowest hard limit, in nanodollars.
    pub(super) fn hard_limit(&self, now: Moment) -> Option<i64> {
        let hard = self.budgets.iter().filter(|budget| budget.hard);
        hard.map(|budget| limit_of(budget, now)).min()
    }
}

/// The limit of a budget with its temporary increase, in nanodollars.
pub(super) fn limit_of(budget: &Budget, now: Moment) -> i64 {
    budget.limit_at(now.unix_ms).nanodollars()
}
