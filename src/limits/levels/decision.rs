//! Decides all limits of a caller together: all are reserved, or none.

use std::sync::Arc;

use super::meters::{PeriodBudgets, ScopeLimits};
use super::refusal::{Limited, Refusal, RefusedLimit};
use super::reservation::{HeldScope, Reservation};
use super::scope::AllowanceScope;
use super::{CalledModel, CallerLimits, Demand};
use crate::error::ApiError;
use crate::limits::budgets::BudgetWindow;
use crate::limits::meters::{Bucket, BucketReceipt, Meter, Moment, PerMinute};
use crate::limits::rates::{RateLimits, RateState};
use crate::models::Usd;

/// Whether a demand is the first of its request, or a later one of the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It counts as a request.
    First,
    /// The request is counted already.
    Later,
}

/// A limit without room, and whose it is.
pub(super) struct Shortage<'a> {
    scope: &'a ScopeLimits,
    limited: Limited,
}

impl CallerLimits {
    /// Reserves what a request is expected to use.
    pub fn reserve(
        self: &Arc<Self>,
        model: CalledModel<'_>,
        demand: &Demand,
        now: Moment,
    ) -> Result<Reservation, Box<Refusal>> {
        let applies = |(_, scope): &(usize, &ScopeLimits)| scope.meters.scope.includes(model);
        let scopes = self.scopes.iter().enumerate().filter(applies);
        let held = scopes.map(|(index, _)| HeldScope::new(index)).collect();
        let mut reservation = Reservation::new(Arc::clone(self), held, demand);
        match self.take(&mut reservation.held, demand, Turn::First, now) {
            Ok(()) => Ok(reservation),
            Err(refusal) => {
                reservation.forget();
                Err(refusal)
            }
        }
    }

    /// Reserves `demand` for the scopes in `held`; a refusal changes nothing.
    pub(super) fn take(
        &self,
        held: &mut [HeldScope],
        demand: &Demand,
        turn: Turn,
        now: Moment,
    ) -> Result<(), Box<Refusal>> {
        let scopes = || held.iter().filter_map(|held| self.scopes.get(held.scope));
        // All limits are read first, for the longest of their waits.
        let shortages = scopes().filter_map(|scope| self.shortage(scope, demand, turn, now));
        if let Some(shortage) = longest(shortages) {
            return Err(self.refusal(shortage, scopes(), now));
        }
        let mut taken: Vec<HeldScope> = Vec::with_capacity(held.len());
        for held in held.iter() {
            let Some(scope) = self.scopes.get(held.scope) else {
                continue;
            };
            let mut own = HeldScope::new(held.scope);
            let reserved = self.reserve_scope(scope, &mut own, demand, turn, now);
            taken.push(own);
            // Another request was faster.
            if let Err(limited) = reserved {
                for own in taken {
                    own.give_back(&self.scopes, now);
                }
                let shortage = Shortage { scope, limited };
                return Err(self.refusal(shortage, scopes(), now));
            }
        }
        for (held, taken) in held.iter_mut().zip(taken) {
            held.add(taken);
        }
        Ok(())
    }

    /// The state of the rate limits in `held`.
    pub(super) fn rates(&self, held: &[HeldScope], now: Moment) -> RateLimits {
        let scopes = held.iter().filter_map(|held| self.scopes.get(held.scope));
        self.rates_of(scopes, now)
    }

    fn rates_of<'a>(
        &self,
        scopes: impl Iterator<Item = &'a ScopeLimits>,
        now: Moment,
    ) -> RateLimits {
        let shows_budget = self.context.shows_budget();
        let mut rates = RateLimits::default();
        for scope in scopes {
            rates.merge(RateLimits {
                requests: requests_state(scope, now),
                tokens: tokens_state(scope, now),
                budget_left: (shows_budget.then(|| self.budget_left(scope, now))).flatten(),
            });
        }
        rates
    }

    /// What is left of the hard budget of `scope` with the least left; `None` if there is none, or it
    /// is not known yet.
    fn budget_left(&self, scope: &ScopeLimits, now: Moment) -> Option<Usd> {
        let left = scope.budgets.iter().filter_map(|budgets| {
            let limit = budgets.hard_limit(now)?;
            let window = self.window(scope, budgets, now);
            let left = limit.saturating_sub(window.spent()).max(0);
            window.is_seeded().then(|| Usd::from_nanodollars(left))
        });
        left.min()
    }

    /// Refuses work of any model whose budget is used up.
    pub fn check_budgets(&self, now: Moment) -> Result<(), ApiError> {
        let includes = |scope: &AllowanceScope| scope.pattern.is_none();
        self.check_budgets_of(includes, &Demand::free(), now)
    }

    /// Refuses work of `model` whose budget is used up, or whose price must be known and is not:
    /// for work that reserves nothing, since its cost is known only at its end.
    pub fn check_budgets_for(
        &self,
        model: CalledModel<'_>,
        has_price: bool,
        now: Moment,
    ) -> Result<(), ApiError> {
        let demand = Demand::of_units(has_price.then(Usd::default));
        self.check_budgets_of(|scope| scope.includes(model), &demand, now)
    }

    fn check_budgets_of(
        &self,
        includes: impl Fn(&AllowanceScope) -> bool,
        demand: &Demand,
        now: Moment,
    ) -> Result<(), ApiError> {
        let scopes = || {
            let all = self.scopes.iter();
            all.filter(|scope| includes(&scope.meters.scope))
        };
        let shortages = scopes().flat_map(|scope| {
            let budgets = scope.budgets.iter();
            budgets.filter_map(move |budgets| {
                let limited = self.budget_shortage(scope, budgets, demand, now)?;
                Some(Shortage { scope, limited })
            })
        });
        match longest(shortages) {
            None => Ok(()),
            Some(shortage) => Err(self.refusal(shortage, scopes(), now).error),
        }
    }

    /// A reservation for work of `model` that has ended, which no limit can refuse any more. Its
    /// settlement adds the cost to the budgets; nothing else is counted.
    pub fn reserve_ended(self: &Arc<Self>, model: CalledModel<'_>, now: Moment) -> Reservation {
        let applies = |(_, scope): &(usize, &ScopeLimits)| scope.meters.scope.includes(model);
        let scopes = self.scopes.iter().enumerate().filter(applies);
        let held = scopes.map(|(index, scope)| {
            let mut held = HeldScope::new(index);
            for (period, budgets) in scope.budgets.iter().enumerate() {
                let window = self.window(scope, budgets, now);
                held.budgets.push((period, window, 0));
            }
            held
        });
        Reservation::new(Arc::clone(self), held.collect(), &Demand::free())
    }

    /// Whether everything that was spent before is counted, in the current windows of all budgets.
    pub fn has_counted_all(&self, now: Moment) -> bool {
        self.scopes.iter().all(|scope| {
            let budgets = scope.budgets.iter();
            budgets
                .map(|budgets| self.window(scope, budgets, now))
                .all(|window| window.is_seeded())
        })
    }

    /// The limit of `scope` with the longest wait, of those without room.
    fn shortage<'a>(
        &self,
        scope: &'a ScopeLimits,
        demand: &Demand,
        turn: Turn,
        now: Moment,
    ) -> Option<Shortage<'a>> {
        let meters = &scope.meters;
        let is_first = turn == Turn::First;
        let requests = scope.requests.filter(|_| is_first).and_then(|rate| {
            let full = meters.requests.check(rate, 1, now).err()?;
            Some(Limited::requests(rate, full))
        });
        let in_flight = scope.in_flight.filter(|_| is_first).and_then(|limit| {
            let full = meters.in_flight.check(limit, 1, now).err()?;
            Some(Limited::in_flight(limit, full))
        });
        let tokens = scope.tokens.and_then(|rate| {
            let cost = token_cost(rate, demand);
            let full = (cost > 0).then(|| meters.tokens.check(rate, cost, now).err())??;
            Some(Limited::tokens(rate, cost, full))
        });
        let budgets = scope.budgets.iter();
        let budgets = budgets.filter_map(|all| self.budget_shortage(scope, all, demand, now));
        let limited = [requests, in_flight, tokens].into_iter().flatten();
        let all = limited
            .chain(budgets)
            .map(|limited| Shortage { scope, limited });
        longest(all)
    }

    fn budget_shortage(
        &self,
        scope: &ScopeLimits,
        budgets: &PeriodBudgets,
        demand: &Demand,
        now: Moment,
    ) -> Option<Limited> {
        let limit = budgets.hard_limit(now)?;
        let window = self.window(scope, budgets, now);
        if !window.is_seeded() {
            return Some(Limited::Unseeded);
        }
        if demand.cost.is_none() && !self.context.allows_unpriced() {
            return Some(Limited::Unpriced);
        }
        let cost = demand.total_cost();
        let full = window.check(limit, cost, now).err()?;
        Some(Limited::budget(
            budgets.period,
            limit,
            cost,
            full,
            window.span,
        ))
    }

    fn reserve_scope(
        &self,
        scope: &ScopeLimits,
        held: &mut HeldScope,
        demand: &Demand,
        turn: Turn,
        now: Moment,
    ) -> Result<(), Limited> {
        let meters = &scope.meters;
        if turn == Turn::First {
            if let Some(rate) = scope.requests {
                let receipt = meters.requests.reserve(rate, 1, now);
                held.requests = Some(receipt.map_err(|full| Limited::requests(rate, full))?);
            }
            if let Some(limit) = scope.in_flight {
                let receipt = meters.in_flight.reserve(limit, 1, now);
                held.in_flight = receipt.map_err(|full| Limited::in_flight(limit, full))?;
            }
        }
        if let Some(rate) = scope.tokens {
            let cost = token_cost(rate, demand);
            held.tokens = Some(match cost {
                // Not refused in debt, and settled all the same.
                0 => BucketReceipt::of_nothing(rate),
                cost => (meters.tokens.reserve(rate, cost, now))
                    .map_err(|full| Limited::tokens(rate, cost, full))?,
            });
        }
        let cost = demand.total_cost();
        for (index, budgets) in scope.budgets.iter().enumerate() {
            let window = self.window(scope, budgets, now);
            let estimate = match budgets.hard_limit(now) {
                None => {
                    let estimate = i64::try_from(cost).unwrap_or(i64::MAX);
                    window.add(estimate);
                    estimate
                }
                Some(limit) => window.reserve(limit, cost, now).map_err(|full| {
                    Limited::budget(budgets.period, limit, cost, full, window.span)
                })?,
            };
            held.budgets.push((index, window, estimate));
        }
        Ok(())
    }

    pub(super) fn window(
        &self,
        scope: &ScopeLimits,
        budgets: &PeriodBudgets,
        now: Moment,
    ) -> Arc<BudgetWindow> {
        let windows = scope.meters.budgets.of(budgets.period);
        self.context.window(windows, budgets.period, now)
    }

    fn refusal<'a>(
        &self,
        shortage: Shortage<'_>,
        scopes: impl Iterator<Item = &'a ScopeLimits>,
        now: Moment,
    ) -> Box<Refusal> {
        let Shortage { scope, limited } = shortage;
        Box::new(Refusal {
            error: limited.error(&scope.meters.scope, &self.context.calendar),
            rates: self.rates_of(scopes, now),
            limit: RefusedLimit {
                scope: scope.meters.scope.level.as_str(),
                kind: limited.kind(),
            },
        })
    }
}

/// The tokens to reserve: a guess is cut to what the rate allows at all.
fn token_cost(rate: PerMinute, demand: &Demand) -> u64 {
    let certain = demand.certain_tokens();
    demand.total_tokens().min(rate.units().max(certain))
}

fn longest<'a>(shortages: impl Iterator<Item = Shortage<'a>>) -> Option<Shortage<'a>> {
    shortages.max_by_key(|shortage| shortage.limited.wait())
}

pub(super) fn requests_state(scope: &ScopeLimits, now: Moment) -> Option<RateState> {
    Some(rate_state(&scope.meters.requests, scope.requests?, now))
}

pub(super) fn tokens_state(scope: &ScopeLimits, now: Moment) -> Option<RateState> {
    Some(rate_state(&scope.meters.tokens, scope.tokens?, now))
}

fn rate_state(bucket: &Bucket, rate: PerMinute, now: Moment) -> RateState {
    RateState {
        limit: rate.units(),
        remaining: bucket.remaining(rate, now),
        reset: bucket.reset(now),
    }
}
