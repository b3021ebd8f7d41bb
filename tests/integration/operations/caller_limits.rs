//! The limits and budgets of organization, team, user and key.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bedrock_simulator::{Fault, Script};
use futures_util::FutureExt;
use http::header::AUTHORIZATION;
use http::{Method, Request};
use http_body_util::Full;
use outcrop::allowances::{
    Allowance, Budget, BudgetPeriod, KeyGrant, ModelAllowance, ModelPattern, Team, UsageAllowance,
    parse_usd,
};
use outcrop::config::{Config, KeyDigest, KeyEntry};
use outcrop::limits::{AllowanceScope, ScopeState, Span, SpendHistory, SpentFuture};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::harness::batches::with_batches;
use crate::harness::{Harness, MODEL, Reply, non_streaming, streamed};

fn tokens(tokens_per_minute: u64) -> UsageAllowance {
    UsageAllowance {
        tokens_per_minute: Some(tokens_per_minute),
        ..UsageAllowance::default()
    }
}

fn requests(requests_per_minute: u32) -> UsageAllowance {
    UsageAllowance {
        requests_per_minute: Some(requests_per_minute),
        ..UsageAllowance::default()
    }
}

fn budget(usd: &str, per: BudgetPeriod) -> UsageAllowance {
    UsageAllowance {
        budgets: vec![Budget {
            usd: parse_usd(usd).unwrap(),
            per,
            hard: true,
            increase: None,
        }],
        ..UsageAllowance::default()
    }
}

fn allowance(usage: UsageAllowance) -> Allowance {
    Allowance {
        usage,
        ..Allowance::default()
    }
}

/// Keys `sk-ann` and `sk-bob` of users of the team `research`, and `sk-other` of another team.
fn with_keys(config: &mut Config) {
    let key = |name: &str, team: &str| KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: Default::default(),
        grant: KeyGrant {
            team: Some(team.to_owned()),
            user: Some(name.to_owned()),
            ..KeyGrant::default()
        },
    };
    config.keys = vec![
        key("ann", "research"),
        key("bob", "research"),
        key("other", "sales"),
    ];
    for team in ["research", "sales"] {
        let teams = &mut config.organization.teams;
        teams.insert(team.to_owned(), Team::default());
    }
}

fn team(config: &mut Config) -> &mut Team {
    config.organization.teams.get_mut("research").unwrap()
}

async fn harness(change: impl FnOnce(&mut Config)) -> Harness {
    Harness::with(|config| {
        with_keys(config);
        change(config);
    })
    .await
}

fn request(harness: &Harness, key: &str, path: &str, body: &Value) -> Request<Full<bytes::Bytes>> {
    let mut request = harness.request(Method::POST, path, body.to_string());
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

async fn post(harness: &Harness, key: &str, path: &str, body: &Value) -> Reply {
    harness.send(request(harness, key, path, body)).await
}

async fn chat(harness: &Harness, key: &str, body: &Value) -> Reply {
    post(harness, key, "/v1/chat/completions", body).await
}

/// The limits of a key, the widest level first.
fn states(harness: &Harness, key: &str) -> Vec<ScopeState> {
    let caller = harness.app.http.callers.identify(Some(key));
    let caller = caller.now_or_never().expect("no token").unwrap();
    let limits = caller.profile().limits.as_ref().unwrap();
    limits.states(limits.now())
}

fn tokens_left(harness: &Harness, key: &str) -> u64 {
    states(harness, key)[0].tokens.unwrap().remaining
}

fn spent(harness: &Harness, key: &str) -> i64 {
    let spent = states(harness, key)[0].budgets[0].spent;
    spent.unwrap().nanodollars()
}

/// Waits until everything that is reserved is settled.
async fn settled(harness: &Harness, count: usize) -> Vec<outcrop::usage::UsageRecord> {
    harness.simulator.idle().await;
    harness.records.take(count).await
}

#[tokio::test]
async fn each_level_refuses_and_names_itself() {
    type Change = fn(&mut Config);
    let cases: [(Change, &str, &[&str]); 5] = [
        (
            |config| config.organization.allowance = allowance(requests(1)),
            "the organization",
            &["sk-bob", "sk-other"],
        ),
        (
            |config| team(config).allowance = allowance(requests(1)),
            "team `research`",
            &["sk-bob"],
        ),
        (
            |config| team(config).user = allowance(requests(1)),
            "user `ann` of team `research`",
            &[],
        ),
        (
            |config| config.keys[0].grant.allowance = allowance(requests(1)),
            "this API key",
            &[],
        ),
        (
            |config| {
                team(config).allowance.models = vec![ModelAllowance {
                    pattern: ModelPattern::parse("*sonnet*").unwrap(),
                    usage: requests(1),
                }];
            },
            "team `research` and models `*sonnet*`",
            &["sk-bob"],
        ),
    ];
    for (change, owner, others) in cases {
        let harness = harness(change).await;
        let body = non_streaming("hi");
        let first = chat(&harness, "sk-ann", &body).await;
        assert_eq!(first.status, 200, "{owner}: {}", first.text);
        assert_eq!(first.header("x-ratelimit-limit-requests"), Some("1"));
        assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("0"));
        let refused = chat(&harness, "sk-ann", &body).await;
        assert_eq!(refused.status, 429, "{owner}");
        let error = refused.error();
        let expected = format!(
            "Rate limit reached for {owner} on requests per min (RPM): Limit 1, Used 1, Requested \
             1. Please try again in "
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&expected), "{message}");
        assert_eq!(error["type"], "requests");
        assert_eq!(error["code"], "rate_limit_exceeded");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        for key in ["sk-bob", "sk-other"] {
            let status = chat(&harness, key, &body).await.status;
            let expected = if others.contains(&key) { 429 } else { 200 };
            assert_eq!(status, expected, "{owner}: {key}");
        }
    }
}

#[tokio::test]
async fn a_refusal_of_one_level_takes_nothing_from_the_others() {
    let harness = harness(|config| {
        config.organization.allowance = allowance(requests(100));
        config.keys[0].grant.allowance = allowance(tokens(1500));
    })
    .await;
    let mut body = non_streaming("hi");
    body["max_tokens"] = json!(2000);
    let refused = chat(&harness, "sk-ann", &body).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.error()["type"]),
        (429, &json!("tokens"))
    );
    let message = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Request too large for this API key on tokens per min (TPM)"));
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    assert_eq!(refused.header("x-ratelimit-remaining-tokens"), Some("1500"));
    let organization = &states(&harness, "sk-ann")[0];
    assert_eq!(organization.requests.unwrap().remaining, 100);
    assert_eq!(harness.sent_upstream().len(), 0, "Bedrock is not called");
}

#[tokio::test]
async fn tokens_are_settled_however_a_request_ends() {
    let harness = harness(|config| {
        config.organization.allowance = allowance(tokens(6000));
    })
    .await;
    let began = Instant::now();
    let used_since = |before: u64| before.saturating_sub(tokens_left(&harness, "sk-ann"));
    // A hundred come back each second.
    let restored = || began.elapsed().as_millis() as u64 / 10 + 1;
    // Completed: what Bedrock reports.
    for body in [non_streaming("hi"), streamed("hi")] {
        let before = tokens_left(&harness, "sk-ann");
        let reply = chat(&harness, "sk-ann", &body).await;
        assert_eq!(reply.status, 200);
        let record = settled(&harness, 1).await.remove(0);
        let (used, reported) = (used_since(before), record.tokens.unwrap().limited());
        assert!(
            used <= reported && used + restored() >= reported,
            "{used} of {reported}"
        );
    }
    // Failed, and refused after the reservation: nothing but the request.
    harness
        .simulator
        .push(Script::error(403, "AccessDeniedException", "not allowed"));
    let mut invalid = non_streaming("hi");
    invalid["temperature"] = json!(7);
    for body in [non_streaming("hi"), invalid] {
        let before = tokens_left(&harness, "sk-ann");
        let status = chat(&harness, "sk-ann", &body).await.status;
        assert!(matches!(status.as_u16(), 400 | 403), "{status}");
        settled(&harness, 1).await;
        assert_eq!(used_since(before), 0, "{body}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_charged_by_estimate() {
    let harness = harness(|config| {
        config.organization.allowance = allowance(budget("100", BudgetPeriod::Total));
    })
    .await;
    let stall = Script::fault(Fault::Stall { after_events: 4 });
    harness.simulator.push(stall);
    let request = request(&harness, "sk-ann", "/v1/chat/completions", &streamed("hi"));
    let mut stream = harness.open_request(request).await;
    assert!(stream.next().await.is_some());
    let reserved = spent(&harness, "sk-ann");
    assert!(
        reserved > 16_000_000,
        "1,024 output tokens are expected: {reserved}"
    );
    drop(stream);
    harness.simulator.wait_for_abandoned(1).await;
    let record = settled(&harness, 1).await.remove(0);
    assert!(record.estimated, "{record:?}");
    let tokens = record.tokens.unwrap();
    assert!(tokens.prompt > 0 && tokens.completion > 0, "{tokens:?}");
    let cost = record.cost.unwrap().total().unwrap().nanodollars();
    assert_eq!(
        spent(&harness, "sk-ann"),
        cost,
        "the budget is the sum of the records"
    );
    assert!(cost > 0 && cost < reserved, "{cost} of {reserved}");
}

#[tokio::test]
async fn concurrent_requests_are_counted_until_they_end() {
    let harness = harness(|config| {
        let allowance = &mut team(config).allowance;
        allowance.usage.max_concurrent_requests = Some(1);
    })
    .await;
    let stall = Script::fault(Fault::Stall { after_events: 2 });
    harness.simulator.push(stall);
    let open = request(&harness, "sk-ann", "/v1/chat/completions", &streamed("hi"));
    let mut stream = harness.open_request(open).await;
    assert!(stream.next().await.is_some());
    let refused = chat(&harness, "sk-bob", &non_streaming("hi")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(
        refused.error()["message"],
        "Rate limit reached for team `research` on concurrent requests: Limit 1, Used 1, Requested \
         1. Please try again in 1s."
    );
    drop(stream);
    harness.simulator.wait_for_abandoned(1).await;
    settled(&harness, 2).await;
    assert_eq!(
        chat(&harness, "sk-bob", &non_streaming("hi")).await.status,
        200
    );
}

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
