use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::allowances::{
    Allowance, Budget, BudgetIncrease, BudgetPeriod, Level, LevelAllowance, ModelAllowance,
    ModelPattern, UsageAllowance,
};
use crate::error::{ErrorCode, ErrorKind};
use crate::limits::settings::{BudgetSettings, UnpricedModels};
use crate::limits::{RateState, ThresholdQueue, Thresholds};

const MODEL: CalledModel<'_> = CalledModel {
    requested: "smart",
    id: "anthropic.claude-opus-5",
};

/// 2026-11-30 at noon, in UTC.
const NOW: Moment = Moment {
    nanos: 1_000_000_000,
    unix_ms: 1_796_040_000_000,
};

fn after(seconds: i64) -> Moment {
    Moment {
        nanos: NOW.nanos + seconds * 1_000_000_000,
        unix_ms: NOW.unix_ms + seconds * 1000,
    }
}

fn registry() -> (LimitRegistry, Thresholds) {
    registry_with(BudgetSettings::default())
}

fn registry_with(settings: BudgetSettings) -> (LimitRegistry, Thresholds) {
    let (queue, thresholds) = ThresholdQueue::new();
    (LimitRegistry::new(&settings, queue), thresholds)
}

fn level(level: Level, name: &str, usage: UsageAllowance) -> LevelAllowance {
    LevelAllowance {
        level,
        name: name.into(),
        allowance: Arc::new(Allowance {
            usage,
            ..Allowance::default()
        }),
    }
}

fn rates(requests: Option<u32>, tokens: Option<u64>) -> UsageAllowance {
    UsageAllowance {
        requests_per_minute: requests,
        tokens_per_minute: tokens,
        ..UsageAllowance::default()
    }
}

fn budget(dollars: i64, per: BudgetPeriod, hard: bool) -> Budget {
    Budget {
        usd: Usd::from_nanodollars(dollars * 1_000_000_000),
        per,
        hard,
        increase: None,
    }
}

fn budgets(budgets: Vec<Budget>) -> UsageAllowance {
    UsageAllowance {
        budgets,
        ..UsageAllowance::default()
    }
}

fn limits(registry: &LimitRegistry, levels: &[LevelAllowance]) -> Arc<CallerLimits> {
    registry.limits("caller", levels).expect("limits")
}

/// A request of `input` and `output` tokens that costs `dollars`.
fn demand(limits: &CallerLimits, input: u64, output: u64, dollars: i64) -> Demand {
    let prompt = PromptSize {
        bytes: 0,
        media_tokens: input,
    };
    let output = OutputSize::UpTo(output);
    Demand {
        tokens: Some(limits.expect(&"model".into(), prompt, output, 1)),
        cost: Some(ExpectedCost {
            input: Usd::from_nanodollars(dollars * 1_000_000_000),
            output: Usd::default(),
        }),
    }
}

fn settlement(tokens: u64, dollars: i64) -> Settlement {
    Settlement {
        tokens,
        cost: Usd::from_nanodollars(dollars * 1_000_000_000),
        reported: None,
    }
}

#[test]
fn all_levels_are_reserved_or_none() {
    let (registry, _thresholds) = registry();
    let limits = limits(
        &registry,
        &[
            level(Level::Organization, "", rates(Some(100), None)),
            level(Level::Team, "research", rates(None, Some(1000))),
            level(Level::Key, "key", rates(Some(10), Some(200))),
        ],
    );
    let small = demand(&limits, 50, 50, 0);
    let first = limits.reserve(MODEL, &small, NOW).expect("room");
    let second = limits.reserve(MODEL, &small, NOW).expect("room");
    let states = |moment| {
        let states = limits.states(moment).into_iter();
        let left = |state: Option<RateState>| state.map(|state| state.remaining);
        states
            .map(|state| (left(state.requests), left(state.tokens)))
            .collect::<Vec<_>>()
    };
    let expected = [(Some(98), None), (None, Some(800)), (Some(8), Some(0))];
    assert_eq!(states(NOW), expected);
    let refusal = limits.reserve(MODEL, &small, NOW).expect_err("no tokens");
    assert_eq!(states(NOW), expected, "a refusal takes nothing");
    assert_eq!(refusal.error.kind, ErrorKind::TokenRateLimited);
    assert_eq!(
        refusal.error.message.as_text(),
        "Rate limit reached for this API key on tokens per min (TPM): Limit 200, Used 200, \
         Requested 100. Please try again in 30s."
    );
    assert_eq!(refusal.error.retry_after, Some(Duration::from_secs(30)));
    assert_eq!(refusal.rates.tokens.map(|state| state.remaining), Some(0));
    drop((first, second));
}

#[test]
fn the_longest_wait_is_told() {
    let (registry, _thresholds) = registry();
    let limits = limits(
        &registry,
        &[
            level(Level::Team, "research", rates(Some(1), None)),
            level(Level::Key, "key", rates(Some(6), None)),
        ],
    );
    assert!(limits.reserve(MODEL, &Demand::free(), NOW).is_ok());
    for _ in 0..5 {
        let now = after(0);
        let refusal = limits
            .reserve(MODEL, &Demand::free(), now)
            .expect_err("one");
        let message = refusal.error.message.as_text().into_owned();
        let expected = "Rate limit reached for team `research` on requests per min (RPM): Limit 1, \
                        Used 1, Requested 1. Please try again in 60s.";
        assert_eq!(message, expected);
    }
}

#[test]
fn settlement_gives_back_or_books_debt() {
    let (registry, _thresholds) = registry();
    let limits = limits(
        &registry,
        &[level(Level::Key, "key", rates(None, Some(1000)))],
    );
    let left = |now| limits.states(now)[0].tokens.expect("a limit").remaining;
    let mut reservation = limits
        .reserve(MODEL, &demand(&limits, 100, 900, 0), NOW)
        .expect("room");
    reservation.settle_at(settlement(300, 0), NOW);
    assert_eq!(left(NOW), 700);
    // `max_tokens: 1` is no way around the limit.
    let mut dodge = limits
        .reserve(MODEL, &demand(&limits, 1, 1, 0), NOW)
        .expect("room");
    dodge.settle_at(settlement(1700, 0), NOW);
    assert_eq!(left(NOW), 0);
    let one = demand(&limits, 1, 0, 0);
    let refusal = limits.reserve(MODEL, &one, NOW).expect_err("in debt");
    let minute = Some(Duration::from_secs(60));
    assert_eq!(refusal.error.retry_after, minute, "the wait is longer");
    assert_eq!(refusal.error.should_retry, Some(false));
    assert!(limits.reserve(MODEL, &one, after(61)).is_ok());
}

#[test]
fn a_request_above_the_limit_is_too_large_unless_its_length_is_a_guess() {
    let (registry, _thresholds) = registry();
    let limits = limits(
        &registry,
        &[level(Level::Key, "key", rates(None, Some(500)))],
    );
    let refusal = limits
        .reserve(MODEL, &demand(&limits, 100, 401, 0), NOW)
        .expect_err("too large");
    assert_eq!(
        refusal.error.message.as_text(),
        "Request too large for this API key on tokens per min (TPM): Limit 500, Requested 501. The \
         input or output tokens must be reduced in order to run successfully."
    );
    let prompt = PromptSize {
        bytes: 0,
        media_tokens: 100,
    };
    let guess = Demand {
        tokens: Some(limits.expect(&"model".into(), prompt, OutputSize::Unknown, 1)),
        ..Demand::free()
    };
    let _held = limits.reserve(MODEL, &guess, NOW).expect("room");
    assert_eq!(limits.states(NOW)[0].tokens.expect("a limit").remaining, 0);
}

#[test]
fn concurrent_requests_end_when_the_reservation_is_dropped() {
    let (registry, _thresholds) = registry();
    let usage = UsageAllowance {
        max_concurrent_requests: Some(1),
        ..UsageAllowance::default()
    };
    let limits = limits(&registry, &[level(Level::User, "research/ann", usage)]);
    let first = limits.reserve(MODEL, &Demand::free(), NOW).expect("a slot");
    let refusal = limits
        .reserve(MODEL, &Demand::free(), NOW)
        .expect_err("no slot");
    assert_eq!(
        refusal.error.message.as_text(),
        "Rate limit reached for user `ann` of team `research` on concurrent requests: Limit 1, Used \
         1, Requested 1. Please try again in 1s."
    );
    drop(first);
    assert_eq!(limits.states(NOW)[0].in_flight, Some((0, 1)));
    assert!(limits.reserve(MODEL, &Demand::free(), NOW).is_ok());
}

#[test]
fn limits_of_a_pattern_apply_to_its_models_only() {
    let (registry, _thresholds) = registry();
    let mut team = level(Level::Team, "research", UsageAllowance::default());
    team.allowance = Arc::new(Allowance {
        models: vec![ModelAllowance {
            pattern: ModelPattern::parse("*opus*").expect("a pattern"),
            usage: rates(Some(1), None),
        }],
        ..Allowance::default()
    });
    let limits = limits(&registry, &[team]);
    assert!(limits.reserve(MODEL, &Demand::free(), NOW).is_ok());
    let refusal = limits
        .reserve(MODEL, &Demand::free(), NOW)
        .expect_err("one");
    let message = refusal.error.message.as_text().into_owned();
    assert!(
        message.contains("for team `research` and models `*opus*` on"),
        "{message}"
    );
    let other = CalledModel {
        requested: "nova",
        id: "amazon.nova-lite-v1:0",
    };
    for _ in 0..5 {
        assert!(limits.reserve(other, &Demand::free(), NOW).is_ok());
    }
}

#[test]
fn a_new_snapshot_finds_the_meters_again_and_a_changed_limit_keeps_its_fill() {
    let (registry, _thresholds) = registry();
    let old = limits(
        &registry,
        &[level(Level::Key, "key", rates(Some(10), None))],
    );
    for _ in 0..5 {
        assert!(old.reserve(MODEL, &Demand::free(), NOW).is_ok());
    }
    let new = limits(
        &registry,
        &[level(Level::Key, "key", rates(Some(100), None))],
    );
    drop(old);
    let left = |limits: &CallerLimits| limits.states(NOW)[0].requests.expect("a limit").remaining;
    assert_eq!(left(&new), 50, "half of it is left, as before");
    drop(new);
    let fresh = limits(
        &registry,
        &[level(Level::Key, "key", rates(Some(100), None))],
    );
    assert_eq!(left(&fresh), 100, "what no snapshot holds is dropped");
    assert!(registry.limits("caller", &[]).is_none());
}

#[test]
fn a_hard_budget_refuses_what_it_cannot_pay_for() {
    let (registry, _thresholds) = registry();
    let monthly = budgets(vec![budget(10, BudgetPeriod::Month, true)]);
    let limits = limits(&registry, &[level(Level::Team, "research", monthly)]);
    let mut first = limits
        .reserve(MODEL, &demand(&limits, 1, 1, 8), NOW)
        .expect("room");
    let refusal = limits
        .reserve(MODEL, &demand(&limits, 1, 1, 3), NOW)
        .expect_err("eight are reserved");
    assert_eq!(refusal.error.kind, ErrorKind::QuotaExhausted);
    assert_eq!(refusal.error.code, Some(ErrorCode::InsufficientQuota));
    assert_eq!(refusal.error.should_retry, Some(false));
    assert_eq!(
        refusal.error.message.as_text(),
        "You exceeded your current quota: the budget of team `research` per month. Limit $10, Used \
         $8, Requested $3. The next one begins at 2026-12-01 00:00 UTC."
    );
    first.settle_at(settlement(0, 2), NOW);
    assert!(
        limits
            .reserve(MODEL, &demand(&limits, 1, 1, 8), NOW)
            .is_ok()
    );
    assert!(limits.check_budgets(NOW).is_ok());
}

#[test]
fn a_month_that_ends_during_a_request_keeps_its_cost() {
    let berlin = BudgetSettings {
        time_zone: TimeZone::get("Europe/Berlin").expect("a time zone"),
        ..BudgetSettings::default()
    };
    let (registry, _thresholds) = registry_with(berlin);
    let monthly = budgets(vec![budget(10, BudgetPeriod::Month, true)]);
    let limits = limits(&registry, &[level(Level::Team, "research", monthly)]);
    let spent = |now| limits.states(now)[0].budgets[0].spent;
    let dollars = |dollars: i64| Some(Usd::from_nanodollars(dollars * 1_000_000_000));
    // In Berlin, December begins at 23:00 UTC.
    let (before, december) = (after(11 * 3600 - 1), after(11 * 3600));
    let mut request = limits
        .reserve(MODEL, &demand(&limits, 1, 1, 9), before)
        .expect("room");
    assert!(
        limits
            .reserve(MODEL, &demand(&limits, 1, 1, 9), before)
            .is_err()
    );
    assert!(
        limits
            .reserve(MODEL, &demand(&limits, 1, 1, 9), december)
            .is_ok()
    );
    request.settle_at(settlement(0, 9), december);
    assert_eq!(spent(december), dollars(0), "the request was November's");
    assert_eq!(
        spent(before),
        dollars(9),
        "a clock that is set back finds November again"
    );
}

#[test]
fn an_increase_ends_in_time() {
    let (registry, _thresholds) = registry();
    let until = jiff::Timestamp::from_millisecond(after(60).unix_ms).expect("a time");
    let increased = Budget {
        increase: Some(BudgetIncrease {
            usd: Usd::from_nanodollars(5_000_000_000),
            until,
        }),
        ..budget(10, BudgetPeriod::Total, true)
    };
    let levels = [level(Level::Key, "key", budgets(vec![increased]))];
    let limits = limits(&registry, &levels);
    let mut request = limits
        .reserve(MODEL, &demand(&limits, 1, 1, 12), after(59))
        .expect("room");
    request.settle_at(settlement(0, 12), after(59));
    let free = Demand::free();
    assert!(limits.reserve(MODEL, &free, after(59)).is_ok());
    let refusal = limits
        .reserve(MODEL, &free, after(60))
        .expect_err("it has ended");
    assert_eq!(
        refusal.error.message.as_text(),
        "You exceeded your current quota: the budget of this API key in total. Limit $10, Used $12, \
         Requested $0. Ask the operator of this gateway to raise it."
    );
    assert!(limits.check_budgets(after(60)).is_err());
}

#[tokio::test]
async fn thresholds_are_reported_once_and_soft_budgets_refuse_nothing() {
    let (registry, mut thresholds) = registry();
    let soft = budgets(vec![budget(10, BudgetPeriod::Month, false)]);
    let limits = limits(&registry, &[level(Level::Team, "research", soft)]);
    for _ in 0..12 {
        let mut request = limits
            .reserve(MODEL, &demand(&limits, 1, 1, 1), NOW)
            .expect("a soft budget");
        request.settle_at(settlement(0, 1), NOW);
    }
    drop((limits, registry));
    let mut reported = Vec::new();
    while let Some(event) = thresholds.next().await {
        reported.push((event.threshold, event.spent.to_string(), event.is_hard));
    }
    let expected = [(50, "5"), (80, "8"), (95, "10"), (100, "10")];
    let expected = expected.map(|(threshold, spent)| (threshold, spent.to_owned(), false));
    assert_eq!(reported, expected);
}

#[test]
fn a_request_without_a_price_needs_a_soft_budget_or_permission() {
    let unpriced = Demand::of_units(None);
    for (hard, allowed, expected) in [
        (true, false, false),
        (true, true, true),
        (false, false, true),
    ] {
        let settings = BudgetSettings {
            unpriced: match allowed {
                true => UnpricedModels::Allow,
                false => UnpricedModels::Refuse,
            },
            ..BudgetSettings::default()
        };
        let (registry, _thresholds) = registry_with(settings);
        let usage = budgets(vec![budget(10, BudgetPeriod::Day, hard)]);
        let limits = limits(&registry, &[level(Level::Key, "key", usage)]);
        let reserved = limits.reserve(MODEL, &unpriced, NOW);
        let code = reserved
            .as_ref()
            .err()
            .and_then(|refusal| refusal.error.code);
        assert_eq!(reserved.is_ok(), expected);
        assert_eq!(code, (!expected).then_some(ErrorCode::UnknownPrice));
    }
}

#[test]
fn a_later_demand_of_a_request_counts_no_second_request() {
    let (registry, _thresholds) = registry();
    let usage = UsageAllowance {
        max_concurrent_requests: Some(1),
        budgets: vec![budget(10, BudgetPeriod::Day, true)],
        ..rates(Some(10), Some(1000))
    };
    let limits = limits(&registry, &[level(Level::Key, "key", usage)]);
    let mut request = limits.reserve(MODEL, &Demand::free(), NOW).expect("room");
    let more = demand(&limits, 100, 100, 3);
    assert!(request.extend(&more, NOW).is_ok());
    assert!(request.extend(&more, NOW).is_ok());
    let refusal = request.extend(&demand(&limits, 700, 0, 0), NOW);
    assert!(refusal.is_err(), "the tokens are not there");
    let state = &limits.states(NOW)[0];
    assert_eq!(state.requests.map(|state| state.remaining), Some(9));
    assert_eq!(state.tokens.map(|state| state.remaining), Some(600));
    assert_eq!(
        state.budgets[0]
            .spent
            .map(|spent| spent.to_string())
            .as_deref(),
        Some("6")
    );
    request.settle_at(settlement(50, 1), NOW);
    drop(request);
    let state = &limits.states(NOW)[0];
    assert_eq!(state.tokens.map(|state| state.remaining), Some(950));
    assert_eq!(state.in_flight, Some((0, 1)));
    assert_eq!(
        state.budgets[0]
            .spent
            .map(|spent| spent.to_string())
            .as_deref(),
        Some("1")
    );
}
