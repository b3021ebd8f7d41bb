use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde::Serialize;
use utoipa::ToSchema;

use crate::allowances::{Budget, BudgetPeriod, LevelAllowance, ModelPattern, UsageAllowance};
use crate::identity::Caller;
use crate::limits::{BudgetState, ScopeState};
use crate::models::Usd;
use crate::store::{UsageDimension, UsageRow, UsageSums};
use crate::usage::ReportRow;

/// The dimensions of a caller's usage.
pub(super) const BY: &[UsageDimension] = &[UsageDimension::Day, UsageDimension::Model];

/// The usage of a caller.
#[derive(Debug, Serialize)]
pub(super) struct CallerUsage<'a> {
    object: &'static str,
    from: &'a str,
    to: &'a str,
    time_zone: &'a str,
    /// By day and model.
    data: Vec<ReportRow<'a>>,
    /// The sums of `data`.
    total: ReportRow<'a>,
    /// Whether there is more usage than `data` has; then `from` and `to` select less.
    has_more: bool,
}

impl<'a> CallerUsage<'a> {
    /// The usage in `rows`, whose sums are `total`.
    pub(super) fn new(
        (from, to): (&'a str, &'a str),
        time_zone: &'a str,
        (rows, has_more): (&'a [UsageRow], bool),
        total: &'a UsageSums,
    ) -> Self {
        let row = |row: &'a UsageRow| ReportRow {
            by: BY,
            group: &row.group,
            key_name: row.key_name.as_deref(),
            sums: &row.sums,
        };
        Self {
            object: "list",
            from,
            to,
            time_zone,
            data: rows.iter().map(row).collect(),
            total: ReportRow {
                by: &[],
                group: &[],
                key_name: None,
                sums: total,
            },
            has_more,
        }
    }
}

/// What a caller may use.
#[derive(Debug, Serialize)]
pub(super) struct KeyInfo<'a> {
    object: &'static str,
    id: &'a str,
    name: &'a str,
    team: Option<&'a str>,
    user: Option<&'a str>,
    tags: &'a BTreeMap<String, String>,
    /// In Unix seconds.
    expires_at: Option<u64>,
    /// All of them apply.
    allowances: Vec<LevelInfo<'a>>,
}

/// What one level may use, and what is left of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelInfo<'a> {
    /// `organization`, `team`, `user` or `key`.
    level: &'static str,
    name: &'a str,
    /// `null` for all models.
    #[schema(value_type = Option<Vec<ModelPattern>>)]
    allowed_models: Option<&'a [ModelPattern]>,
    /// Limits for all models together, and for the models of a pattern.
    limits: Vec<LimitInfo<'a>>,
}

/// The limits of all models, or of those of a pattern.
#[derive(Debug, Serialize, ToSchema)]
struct LimitInfo<'a> {
    /// `null` for all models together.
    #[schema(value_type = Option<ModelPattern>)]
    models: Option<&'a ModelPattern>,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u64>,
    max_concurrent_requests: Option<u32>,
    #[schema(value_type = Vec<Budget>)]
    budgets: &'a [Budget],
    remaining: Remaining,
}

/// What is left of limits; `null` without a limit.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Remaining {
    requests: Option<u64>,
    tokens: Option<u64>,
    concurrent_requests: Option<u32>,
    budgets: Vec<RemainingBudget>,
}

/// What is left of a budget in its current window.
#[derive(Debug, Serialize, ToSchema)]
struct RemainingBudget {
    per: BudgetPeriod,
    /// What is left, with a temporary increase; `null` until the gateway knows what is spent.
    #[schema(value_type = Option<String>)]
    usd: Option<Usd>,
    /// What is spent, with the estimates for requests in flight.
    #[schema(value_type = Option<String>)]
    spent_usd: Option<Usd>,
}

impl<'a> KeyInfo<'a> {
    pub(super) fn of(caller: &'a Caller) -> Self {
        let profile = caller.profile();
        let principal = caller.principal();
        Self {
            object: "key",
            id: caller.id(),
            name: caller.name(),
            team: principal.team.as_deref(),
            user: principal.user.as_deref(),
            tags: &principal.tags,
            expires_at: profile.expires_at.map(|at| {
                let since = at.duration_since(UNIX_EPOCH);
                since.unwrap_or_default().as_secs()
            }),
            allowances: levels_of(caller),
        }
    }
}

/// What the levels of a caller may use, the widest first, and what is left of it.
pub fn levels_of(caller: &Caller) -> Vec<LevelInfo<'_>> {
    let profile = caller.profile();
    let limits = profile.limits.as_deref();
    let states = limits.map(|limits| limits.states(limits.now()));
    let states = states.unwrap_or_default();
    let levels = profile.levels.iter();
    levels.map(|level| LevelInfo::of(level, &states)).collect()
}

impl<'a> LevelInfo<'a> {
    fn of(level: &'a LevelAllowance, states: &[ScopeState]) -> Self {
        let allowance = &level.allowance;
        let state = |models: Option<&ModelPattern>| {
            states.iter().find(|ScopeState { scope, .. }| {
                let is_same_level = scope.level == level.level && scope.name == level.name;
                is_same_level && scope.pattern.as_ref() == models
            })
        };
        let models = allowance.models.iter();
        let models = models.map(|models| (Some(&models.pattern), &models.usage));
        let all = std::iter::once((None, &allowance.usage)).chain(models);
        let limits = all.filter(|(_, usage)| **usage != UsageAllowance::default());
        Self {
            level: level.level.as_str(),
            name: &level.name,
            allowed_models: allowance.allowed_models.as_deref(),
            limits: limits
                .map(|(models, usage)| LimitInfo::of(models, usage, state(models)))
                .collect(),
        }
    }
}

impl<'a> LimitInfo<'a> {
    fn of(
        models: Option<&'a ModelPattern>,
        usage: &'a UsageAllowance,
        state: Option<&ScopeState>,
    ) -> Self {
        let UsageAllowance {
            requests_per_minute,
            tokens_per_minute,
            max_concurrent_requests,
            budgets,
        } = usage;
        Self {
            models,
            requests_per_minute: *requests_per_minute,
            tokens_per_minute: *tokens_per_minute,
            max_concurrent_requests: *max_concurrent_requests,
            budgets,
            remaining: state.map(Remaining::of).unwrap_or_default(),
        }
    }
}

impl Remaining {
    fn of(state: &ScopeState) -> Self {
        let ScopeState {
            scope: _,
            requests,
            tokens,
            in_flight,
            budgets,
        } = state;
        Self {
            requests: requests.map(|state| state.remaining),
            tokens: tokens.map(|state| state.remaining),
            concurrent_requests: in_flight.map(|(active, max)| max.saturating_sub(active)),
            budgets: budgets.iter().map(RemainingBudget::of).collect(),
        }
    }
}

impl RemainingBudget {
    fn of(budget: &BudgetState) -> Self {
        let BudgetState {
            period,
            span: _,
            limit,
            spent,
            is_hard: _,
        } = budget;
        Self {
            per: *period,
            usd: spent.map(|spent| (*limit - spent).max(Usd::default())),
            spent_usd: *spent,
        }
    }
}
