use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::limits::RefusedLimit;
use crate::models::{CostBreakdown, ModelId, Usd};
use crate::usage::{
    Cost, FailedAttempts, Principal, RequestHead, RequestOutcome, Target, TokenCounts,
};

/// Reads a kind of tokens.
type Count = fn(TokenCounts) -> u64;

const NOVA: &str = "us.amazon.nova-2-lite-v1:0";

/// Metrics that count records.
struct Counted {
    requests: RequestMetrics,
    metrics: Metrics,
}

impl Counted {
    fn observe(&self, record: &UsageRecord) {
        self.requests.observe(record);
    }

    fn text(&self, format: MetricsFormat) -> String {
        self.metrics.text(format)
    }
}

fn metrics() -> Counted {
    let builder = MetricsBuilder::new(|name| name == "gpt-4o");
    Counted {
        requests: builder.requests(),
        metrics: builder.build(),
    }
}

/// A record without a model.
fn record() -> UsageRecord {
    UsageRecord::new(RequestHead::default(), SystemTime::UNIX_EPOCH)
}

fn caller_of(team: Option<&str>) -> Arc<Principal> {
    Arc::new(Principal {
        team: team.map(Arc::from),
        ..Principal::named("someone")
    })
}

fn team_of(record: &UsageRecord) -> &str {
    let caller = record.caller.as_ref();
    let team = caller.and_then(|caller| caller.team.as_deref());
    team.unwrap_or("none")
}

/// A completed request for `model`, which Bedrock knows as `id`.
fn completed(model: &str, id: &str) -> UsageRecord {
    let id = ModelId::parse(id).expect("an id");
    UsageRecord {
        route: "/v1/chat/completions".into(),
        model: Some(model.to_owned()),
        target: Some(Target::Model {
            id: id.clone(),
            base: id,
        }),
        status: Some(200),
        outcome: RequestOutcome::Completed,
        attempts: 1,
        ..record()
    }
}

/// A request for a model that does not exist.
fn misspelt(model: &str) -> UsageRecord {
    UsageRecord {
        status: Some(404),
        failed_attempts: FailedAttempts {
            throttled: 0,
            other: 1,
        },
        ..completed(model, model)
    }
}

fn series(metrics: &Counted) -> Vec<String> {
    let text = metrics.text(MetricsFormat::Prometheus);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| line.rsplit_once(' '));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The sum of a metric over the series whose labels contain `part`.
fn sum(metrics: &Counted, name: &str, part: &str) -> f64 {
    let text = metrics.text(MetricsFormat::Prometheus);
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    let of_name = lines.filter(|(series, _)| {
        let rest = series.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('{')) && series.contains(part)
    });
    of_name
        .map(|(_, value)| value.parse::<f64>().expect("a number"))
        .sum()
}

#[test]
fn misspelt_models_add_no_series() {
    let metrics = metrics();
    metrics.observe(&completed(NOVA, NOVA));
    metrics.observe(&misspelt("us.amazon.nova-2-life-v1:0"));
    let before = series(&metrics);
    for number in 0..10_000 {
        metrics.observe(&misspelt(&format!("us.amazon.nova-2-lite-v1:{number}1")));
    }
    assert_eq!(series(&metrics).len(), before.len());
    let other = sum(&metrics, "outcrop_requests_total", "model=\"other\"");
    assert_eq!(other, 10_001.0);
}

#[test]
fn an_alias_is_the_model_of_its_requests_and_an_id_once_bedrock_accepts_it() {
    let metrics = metrics();
    let count = |model: &str| {
        let label = format!("model=\"{model}\"");
        sum(&metrics, "outcrop_requests_total", &label)
    };
    metrics.observe(&UsageRecord {
        status: Some(429),
        ..completed("gpt-4o", NOVA)
    });
    assert_eq!((count("gpt-4o"), count("other")), (1.0, 0.0));
    metrics.observe(&UsageRecord {
        status: Some(429),
        ..completed(NOVA, NOVA)
    });
    assert_eq!((count(NOVA), count("other")), (0.0, 1.0));
    metrics.observe(&completed(NOVA, NOVA));
    metrics.observe(&UsageRecord {
        status: Some(429),
        ..completed(NOVA, NOVA)
    });
    assert_eq!((count(NOVA), count("other")), (2.0, 1.0));
    metrics.observe(&record());
    metrics.observe(&UsageRecord {
        model: Some("gpt-4oh".to_owned()),
        ..record()
    });
    metrics.observe(&UsageRecord {
        target: Some(Target::Guardrail("gr-1".into())),
        ..record()
    });
    assert_eq!(
        (count("none"), count("guardrail"), count("other")),
        (1.0, 1.0, 2.0)
    );
}

#[test]
fn metrics_agree_with_the_records() {
    let metrics = metrics();
    let cost = |picodollars| CostBreakdown {
        output: Usd::from_picodollars(picodollars),
        ..CostBreakdown::default()
    };
    let mut records = Vec::new();
    for number in 1..=50_u32 {
        let count = u64::from(number);
        records.push(UsageRecord {
            caller: Some(caller_of((number % 2 == 0).then_some("research"))),
            stream: number % 3 == 0,
            attempts: 3,
            failed_attempts: FailedAttempts {
                throttled: 1,
                other: 1,
            },
            tokens: Some(TokenCounts {
                prompt: 100 * count,
                completion: 7 * count,
                cached: 20 * count,
                cache_write: 3 * count,
                cache_write_one_hour: count,
                reasoning: 2 * count,
            }),
            cost: Some(Cost {
                breakdown: Some(cost(i128::from(count) * 123_456_789_012)),
                saved: Some(Usd::from_nanodollars(if number % 5 == 0 {
                    -30
                } else {
                    20
                })),
            }),
            first_token: Some(Duration::from_millis(300)),
            duration: Duration::from_secs(2),
            ..completed("gpt-4o", NOVA)
        });
    }
    records.push(UsageRecord {
        cost: Some(Cost::default()),
        duration: Duration::ZERO,
        ..completed("gpt-4o", NOVA)
    });
    records.iter().for_each(|record| metrics.observe(record));

    let nanodollars = |record: &UsageRecord| record.cost?.total().map(Usd::nanodollars);
    for team in ["none", "research"] {
        let label = format!("team=\"{team}\"");
        let of_team = |record: &&UsageRecord| team_of(record) == team;
        let of_team = || records.iter().filter(of_team);
        let requests = sum(&metrics, "outcrop_requests_total", &label);
        assert_eq!(requests, of_team().count() as f64);
        let cost: i64 = of_team().filter_map(nanodollars).sum();
        let counted = sum(&metrics, "outcrop_cost_usd_total", &label);
        assert_eq!((counted * 1e9).round() as i64, cost, "{team}");
        let billed = |kind: Count| {
            let counts = of_team().filter_map(|record| record.tokens);
            counts.map(kind).sum::<u64>() as f64
        };
        let kinds: [(&str, Count); 5] = [
            ("input", |counts| counts.billed().input),
            ("cache_read", |counts| counts.cached),
            ("cache_write", |counts| counts.cache_write),
            ("output", |counts| counts.completion),
            ("reasoning", |counts| counts.reasoning),
        ];
        for (kind, count) in kinds {
            let label = format!("{label},kind=\"{kind}\"");
            let counted = sum(&metrics, "outcrop_tokens_total", &label);
            assert_eq!(counted, billed(count), "{team} {kind}");
        }
    }
    let total = |name: &str| sum(&metrics, name, "");
    assert_eq!(total("outcrop_unpriced_requests_total"), 1.0);
    assert_eq!(
        (total("outcrop_cache_savings_usd_total") * 1e9).round(),
        800.0
    );
    assert_eq!(
        (total("outcrop_cache_surcharge_usd_total") * 1e9).round(),
        300.0
    );
    assert_eq!(total("outcrop_request_duration_seconds_count"), 51.0);
    assert_eq!(total("outcrop_request_duration_seconds_sum"), 100.0);
    // The time to the first token is that of streams.
    assert_eq!(total("outcrop_time_to_first_token_seconds_count"), 16.0);
    let attempts = |result: &str| sum(&metrics, "outcrop_attempts_total", result);
    assert_eq!(
        (
            attempts("success"),
            attempts("throttled"),
            attempts("error")
        ),
        (51.0, 50.0, 50.0)
    );
}

#[test]
fn refusals_are_counted_by_whose_limit_it_was() {
    let metrics = metrics();
    let refused = |scope, kind| UsageRecord {
        caller: Some(caller_of(Some("research"))),
        refused_limit: Some(RefusedLimit { scope, kind }),
        status: Some(429),
        ..completed("gpt-4o", NOVA)
    };
    metrics.observe(&refused("team", "tokens"));
    metrics.observe(&refused("team", "tokens"));
    metrics.observe(&refused("key", "budget"));
    metrics.observe(&completed("gpt-4o", NOVA));
    let count = |labels: &str| sum(&metrics, "outcrop_requests_limited_total", labels);
    assert_eq!(
        count("scope=\"team\",kind=\"tokens\",team=\"research\""),
        2.0
    );
    assert_eq!(count("kind=\"budget\""), 1.0);
    assert_eq!(count(""), 3.0);
}

#[test]
fn values_kept_elsewhere_are_read_at_each_scrape() {
    let read = std::sync::atomic::AtomicU32::new(0);
    let next = move || f64::from(read.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let builder = MetricsBuilder::new(|_| false)
        .gauge("outcrop_gauge", "A gauge", next)
        .counter("outcrop_counter", "A counter", || 0.5);
    let metrics = Counted {
        requests: builder.requests(),
        metrics: builder.build(),
    };
    assert_eq!(sum(&metrics, "outcrop_gauge", ""), 0.0);
    assert_eq!(sum(&metrics, "outcrop_gauge", ""), 1.0);
    assert_eq!(sum(&metrics, "outcrop_counter_total", ""), 0.5);
}

#[test]
fn aliases_that_are_added_later_have_series_of_their_own() {
    let aliases = Arc::new(parking_lot::Mutex::new(vec!["old".to_owned()]));
    let current = Arc::clone(&aliases);
    let builder = MetricsBuilder::new(move |name| current.lock().iter().any(|alias| alias == name));
    let metrics = Counted {
        requests: builder.requests(),
        metrics: builder.build(),
    };
    let failed = |name: &str| UsageRecord {
        model: Some(name.to_owned()),
        ..record()
    };
    metrics.observe(&failed("new"));
    aliases.lock().push("new".to_owned());
    metrics.observe(&failed("new"));
    let count = |labels: &str| sum(&metrics, "outcrop_requests_total", labels);
    assert_eq!(
        (count("model=\"new\""), count("model=\"other\"")),
        (1.0, 1.0)
    );
}

#[test]
fn the_share_of_a_budget_has_level_team_period_and_kind() {
    use crate::allowances::{BudgetPeriod, Level};
    let budget = |level, team: &str, ratio| UsedBudget {
        level,
        team: team.to_owned(),
        per: BudgetPeriod::Month,
        is_hard: true,
        ratio,
    };
    let builder = MetricsBuilder::new(|_| false).budgets(move || {
        let mut budgets = vec![
            budget(Level::Organization, "", 0.25),
            budget(Level::Team, "research", 1.5),
        ];
        budgets.extend((0..3_000).map(|team| budget(Level::Team, &team.to_string(), 0.0)));
        budgets
    });
    let metrics = Counted {
        requests: builder.requests(),
        metrics: builder.build(),
    };
    let ratio = |labels: &str| sum(&metrics, "outcrop_budget_used_ratio", labels);
    let labels = "level=\"team\",team=\"research\",per=\"month\",kind=\"hard\"";
    assert_eq!(ratio(labels), 1.5);
    assert_eq!(ratio("level=\"organization\""), 0.25);
    let text = metrics.text(MetricsFormat::Prometheus);
    let series = text
        .lines()
        .filter(|line| line.starts_with("outcrop_budget"));
    assert_eq!(series.count(), 2_000, "the number of series is bounded");
}

#[test]
fn the_gateways_own_time_is_observed_once_bedrock_was_called() {
    let metrics = metrics();
    metrics.observe(&record());
    metrics.observe(&UsageRecord {
        overhead: Some(Duration::from_micros(80)),
        ..completed(NOVA, NOVA)
    });
    assert_eq!(sum(&metrics, "outcrop_overhead_seconds_count", ""), 1.0);
    assert_eq!(
        sum(&metrics, "outcrop_overhead_seconds_bucket", "le=\"0.0001\""),
        1.0
    );
}

#[test]
fn the_process_and_the_version_are_described() {
    let metrics = metrics();
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(sum(&metrics, "outcrop_build_info", &version), 1.0);
    if cfg!(target_os = "linux") {
        for name in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
            "process_threads",
            "process_start_time_seconds",
        ] {
            assert!(series(&metrics).contains(&name.to_owned()), "{name}");
        }
        assert!(sum(&metrics, "process_resident_memory_bytes", "") > 1e6);
        assert!(sum(&metrics, "process_start_time_seconds", "") > 1e9);
    }
}

#[test]
fn openmetrics_has_a_request_as_an_example_of_each_bucket() {
    let metrics = metrics();
    let mut slow = completed(NOVA, NOVA);
    slow.head.request_id = "req_slow".to_owned();
    slow.duration = Duration::from_secs(30);
    metrics.observe(&slow);
    let openmetrics = metrics.text(MetricsFormat::OpenMetrics);
    let mut lines = openmetrics.lines();
    let bucket = lines.find(|line| line.contains("# {request_id=\"req_slow\"} 30"));
    let bucket = bucket.expect("an example");
    assert!(
        bucket.starts_with("outcrop_request_duration_seconds_bucket{le=\"40.96\""),
        "{bucket}"
    );
    assert!(!metrics.text(MetricsFormat::Prometheus).contains("req_slow"));
}

#[test]
fn openmetrics_ends_with_its_mark_and_prometheus_without() {
    let metrics = metrics();
    metrics.observe(&completed(NOVA, NOVA));
    let openmetrics = metrics.text(MetricsFormat::OpenMetrics);
    assert!(openmetrics.ends_with("# EOF\n"));
    assert!(openmetrics.contains("# TYPE outcrop_requests counter\n"));
    let prometheus = metrics.text(MetricsFormat::Prometheus);
    assert!(!prometheus.contains("# EOF"));
    assert!(prometheus.contains("# TYPE outcrop_requests_total counter\n"));
}
