//! Budgets.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use outcrop::allowances::{BudgetPeriod, parse_usd};
use outcrop::limits::{AllowanceScope, Span, SpendHistory, SpentFuture, UnpricedModels};
use parking_lot::Mutex;
use serde_json::json;

use super::{allowance, budget, chat, harness, post, settled, spent, team};
use crate::harness::batches::with_batches;
use crate::harness::{MODEL, non_streaming, streamed};

#[tokio::test]
async fn a_budget_is_the_sum_of_the_records_and_then_refuses() {
    let harness = harness(|config| {
        team(config).allowance = allowance(budget("0.04", BudgetPeriod::Month));
    })
    .await;
    let mut body = non_streaming("hi");
    body["max_tokens"] = json!(2000);
    let mut sum = 0;
    let refused = loop {
        let reply = chat(&harness, "sk-ann", &body).await;
        let record = settled(&harness, 1).await.remove(0);
        if reply.status != 200 {
            break reply;
        }
        sum += record.cost.unwrap().total().unwrap().nanodollars();
        assert_eq!(spent(&harness, "sk-ann"), sum);
        assert!(sum <= 40_000_000);
    };
    assert_eq!(refused.status, 429);
    let error = refused.error();
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("insufficient_quota"), &json!("insufficient_quota"))
    );
    let message = error["message"].as_str().unwrap();
    let expected = "You exceeded your current quota: the budget of team `research` per month. Limit \
                    $0.04, Used $";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(chat(&harness, "sk-other", &body).await.status, 200);
    assert_eq!(chat(&harness, "sk-bob", &body).await.status, 429);
}

#[tokio::test]
async fn every_endpoint_charges_its_own_unit() {
    let harness = harness(|config| {
        config.organization.allowance = allowance(budget("100", BudgetPeriod::Total));
    })
    .await;
    let image = json!({"model": "amazon.nova-canvas-v1:0", "prompt": "a hill", "n": 2});
    let embedding = json!({"model": "amazon.titan-embed-text-v2:0", "input": ["one", "two"]});
    let rerank = json!({"model": "cohere.rerank-v3-5:0", "query": "q", "documents": ["a", "b"]});
    let completion = json!({"model": MODEL, "prompt": ["one", "two"], "max_tokens": 50});
    let response = json!({"model": MODEL, "input": "hi"});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let converse_path = format!("/model/{MODEL}/converse");
    let mut sum = 0;
    for (path, body) in [
        ("/v1/images/generations", &image),
        ("/v1/embeddings", &embedding),
        ("/v1/rerank", &rerank),
        ("/v1/completions", &completion),
        ("/v1/responses/input_tokens", &response),
        ("/v1/moderations", &json!({"input": "hi"})),
        (converse_path.as_str(), &converse),
    ] {
        let reply = post(&harness, "sk-ann", path, body).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        let record = settled(&harness, 1).await.remove(0);
        let cost = record.cost.and_then(|cost| cost.total());
        sum += cost.unwrap_or_default().nanodollars();
        assert_eq!(spent(&harness, "sk-ann"), sum, "{path}");
    }
    assert!(sum > 0);
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_under_a_hard_budget() {
    let harness = harness(|config| {
        team(config).user = allowance(budget("100", BudgetPeriod::Day));
    })
    .await;
    let mut body = non_streaming("hi");
    // No table has the surcharge for optimized latency.
    body["performanceConfig"] = json!({"latency": "optimized"});
    let refused = chat(&harness, "sk-ann", &body).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(refused.error()["code"], "unknown_price");
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    harness.reload(|config| config.budgets.unpriced = UnpricedModels::Allow);
    assert_eq!(chat(&harness, "sk-ann", &body).await.status, 200);
}

#[tokio::test]
async fn a_header_has_what_is_left_of_the_budget_with_the_least_left() {
    const LEFT: &str = "x-outcrop-budget-remaining-usd";
    let harness = harness(|config| {
        config.budgets.remaining_header = true;
        config.organization.allowance = allowance(budget("100", BudgetPeriod::Month));
        team(config).allowance = allowance(budget("0.04", BudgetPeriod::Day));
        let soft = &mut team(config).user;
        *soft = allowance(budget("0.00001", BudgetPeriod::Day));
        soft.usage.budgets[0].hard = false;
    })
    .await;
    let left = |reply: &crate::harness::Reply| -> f64 {
        let text = reply
            .header(LEFT)
            .unwrap_or_else(|| panic!("{}", reply.text));
        text.parse().unwrap()
    };
    let mut before = 0.04;
    for body in [non_streaming("hi"), streamed("hi")] {
        let reply = chat(&harness, "sk-ann", &body).await;
        assert_eq!(reply.status, 200);
        let now = left(&reply);
        assert!(0.0 < now && now < before, "{now} of {before}");
        settled(&harness, 1).await;
        before = 0.04 - spent(&harness, "sk-ann") as f64 / 1e9;
    }
    let other = left(&chat(&harness, "sk-other", &non_streaming("hi")).await);
    assert!((99.0..100.0).contains(&other), "{other}");
    let mut long = non_streaming("hi");
    long["max_tokens"] = json!(60_000);
    let refused = chat(&harness, "sk-ann", &long).await;
    assert_eq!(refused.status, 429);
    assert!((left(&refused) - before).abs() < 1e-9, "{before}");

    harness.reload(|config| config.budgets.remaining_header = false);
    let reply = chat(&harness, "sk-ann", &non_streaming("hi")).await;
    assert_eq!((reply.status.as_u16(), reply.header(LEFT)), (200, None));
}

#[tokio::test]
async fn a_months_end_and_a_clock_that_jumps_find_the_right_window() {
    let harness = harness(|config| {
        team(config).allowance = allowance(budget("100", BudgetPeriod::Month));
    })
    .await;
    /// 2026-11-30 at 23:59:59 in UTC.
    const END: u64 = 1_796_083_199;
    let now = Arc::new(Mutex::new(UNIX_EPOCH + Duration::from_secs(END)));
    let clock = Arc::clone(&now);
    harness
        .app
        .limits
        .set_wall_clock(Box::new(move || *clock.lock()));
    let set = |seconds: u64| *now.lock() = UNIX_EPOCH + Duration::from_secs(seconds);
    let spend = async || {
        assert_eq!(
            chat(&harness, "sk-ann", &non_streaming("hi")).await.status,
            200
        );
        settled(&harness, 1).await;
        spent(&harness, "sk-ann")
    };
    let first = spend().await;
    assert_eq!(spend().await, 2 * first);
    set(END + 1);
    assert_eq!(spend().await, first, "December begins");
    set(END);
    assert_eq!(
        spend().await,
        3 * first,
        "the clock is set back, and November is known"
    );
    set(END + 40 * 86_400);
    assert_eq!(spend().await, first, "the clock jumps into January");
}

#[derive(Debug)]
struct History {
    /// What each scope has spent; `None` while it cannot be read.
    nanodollars: Mutex<Option<i64>>,
}

impl SpendHistory for History {
    fn spent<'a>(&'a self, scope: &'a AllowanceScope, _span: Span) -> SpentFuture<'a> {
        let spent = *self.nanodollars.lock();
        assert_eq!(&*scope.name, "research");
        Box::pin(async move { spent.ok_or_else(|| "the store is away".to_owned()) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_hard_budget_waits_for_what_was_spent_before() {
    use outcrop::allowances::{Level, LevelAllowance};
    use outcrop::limits::{BudgetSettings, CalledModel, Demand, LimitRegistry, ThresholdQueue};
    let (queue, _thresholds) = ThresholdQueue::new();
    let registry = Arc::new(LimitRegistry::new(&BudgetSettings::default(), queue));
    let level = LevelAllowance {
        level: Level::Team,
        name: "research".into(),
        allowance: Arc::new(allowance(budget("10", BudgetPeriod::Month))),
    };
    let limits = registry.limits("ann", &[level]).unwrap();
    let history = Arc::new(History {
        nanodollars: Mutex::new(None),
    });
    let shared: Arc<dyn SpendHistory> = history.clone();
    registry.seed_from(shared);
    let reserve = || limits.reserve(CalledModel::default(), &Demand::free(), limits.now());
    for _ in 0..3 {
        let refusal = reserve().unwrap_err();
        assert_eq!(refusal.error.kind.status(), 503);
        assert_eq!(refusal.error.retry_after, Some(Duration::from_secs(1)));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    *history.nanodollars.lock() = Some(9_000_000_000);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(reserve().is_ok());
    let spent = limits.states(limits.now())[0].budgets[0].spent;
    assert_eq!(spent.map(|spent| spent.to_string()).as_deref(), Some("9"));
}

#[tokio::test]
async fn batches_are_refused_once_the_budget_is_used_up() {
    let harness = harness(|config| {
        with_batches(config);
        team(config).allowance = allowance(budget("0.000001", BudgetPeriod::Day));
    })
    .await;
    let body = json!({
        "input_file_id": "file-1",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    });
    let caller = harness.app.http.callers.identify(Some("sk-ann"));
    let caller = caller.await.unwrap();
    let limits = caller.profile().limits.clone().unwrap();
    assert!(limits.check_budgets(limits.now()).is_ok());
    let mut request = limits
        .reserve(
            outcrop::limits::CalledModel::default(),
            &outcrop::limits::Demand::free(),
            limits.now(),
        )
        .unwrap();
    let spent = outcrop::limits::Settlement {
        cost: parse_usd("1").unwrap(),
        ..Default::default()
    };
    request.settle_at(spent, limits.now());
    let refused = post(&harness, "sk-ann", "/v1/batches", &body).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(refused.error()["code"], "insufficient_quota");
}
