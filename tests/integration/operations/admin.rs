//! The listener for operators: metrics and health.

use std::net::SocketAddr;

use bedrock_simulator::Script;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::Full;
use outcrop::admin::{AdminListener, AdminServer, AdminState};
use outcrop::config::{AdminSettings, KeyDigest};
use outcrop::telemetry::{MetricsBuilder, RequestMetrics};
use outcrop::usage::UsageRecord;
use serde_json::json;

use crate::harness::{Harness, MODEL, Reply, non_streaming, streamed};

/// A gateway, and its listener for operators.
struct Operated {
    gateway: Harness,
    metrics: RequestMetrics,
    admin: AdminServer,
    address: SocketAddr,
}

impl Operated {
    async fn start(settings: AdminSettings) -> Self {
        let settings = AdminSettings {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            ..settings
        };
        let metrics = MetricsBuilder::new([]);
        let listener = AdminListener::bind(&settings).await.unwrap().unwrap();
        let address = listener.address().unwrap();
        Self {
            gateway: Harness::start().await,
            metrics: metrics.requests(),
            admin: listener.start(AdminState {
                metrics: metrics.build(),
            }),
            address,
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::new())).unwrap();
        self.gateway.send(request).await
    }

    /// Counts the records of the gateway's requests so far, and returns them.
    async fn settle(&self, count: usize) -> Vec<UsageRecord> {
        let records = self.gateway.records.take(count).await;
        records
            .iter()
            .for_each(|record| self.metrics.observe(record));
        records
    }

    /// The sum of a metric over the series whose labels contain all `parts`.
    async fn sum(&self, name: &str, parts: &[&str]) -> f64 {
        let text = self.get("/metrics", &[]).await.text;
        let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        let series = lines.filter(|(series, _)| {
            series.split('{').next() == Some(name) && parts.iter().all(|part| series.contains(part))
        });
        series.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
    }
}

#[tokio::test]
async fn metrics_of_requests_agree_with_their_records() {
    let operated = Operated::start(AdminSettings::default()).await;
    let gateway = &operated.gateway;
    gateway.chat(&non_streaming("one")).await;
    gateway.chat(&streamed("two")).await;
    let throttled = Script::error(429, "ThrottlingException", "slow down");
    gateway.simulator.push(throttled);
    gateway.chat(&non_streaming("three")).await;
    gateway.get("/v1/models").await;
    let records = operated.settle(4).await;

    let tokens = records.iter().filter_map(|record| record.tokens);
    let (input, output) = tokens.fold((0, 0), |(input, output), counts| {
        (input + counts.prompt, output + counts.completion)
    });
    let counted = operated
        .sum("outcrop_tokens_total", &["kind=\"input\""])
        .await;
    assert_eq!(counted, input as f64);
    let counted = operated
        .sum("outcrop_tokens_total", &["kind=\"output\""])
        .await;
    assert_eq!(counted, output as f64);
    let costs = records.iter().filter_map(|record| record.cost?.total());
    let cost: i64 = costs.map(|cost| cost.nanodollars()).sum();
    let counted = operated.sum("outcrop_cost_usd_total", &[]).await;
    assert!(cost > 0);
    assert_eq!((counted * 1e9).round() as i64, cost);

    let model = format!("model=\"{MODEL}\"");
    let chat = [
        "route=\"/v1/chat/completions\"",
        &model,
        "status_class=\"2xx\"",
    ];
    assert_eq!(operated.sum("outcrop_requests_total", &chat).await, 3.0);
    let listed = ["route=\"/v1/models\"", "model=\"none\"", "team=\"none\""];
    assert_eq!(operated.sum("outcrop_requests_total", &listed).await, 1.0);
    let attempts = "outcrop_attempts_total";
    assert_eq!(operated.sum(attempts, &["\"throttled\""]).await, 1.0);
    assert_eq!(operated.sum(attempts, &["\"success\""]).await, 3.0);
    let first_tokens = "outcrop_time_to_first_token_seconds_count";
    assert_eq!(operated.sum(first_tokens, &[&model]).await, 1.0);
}

#[tokio::test]
async fn models_that_do_not_exist_add_no_series() {
    let operated = Operated::start(AdminSettings::default()).await;
    let gateway = &operated.gateway;
    let unknown =
        |name: &str| json!({"model": name, "messages": [{"role": "user", "content": "hi"}]});
    let missing = Script::error(
        404,
        "ResourceNotFoundException",
        "The provided model identifier is invalid.",
    );
    gateway.simulator.push(missing.times(0));
    let mut series = Vec::new();
    for number in 0..20 {
        for name in ["gpt-unknown", "us.anthropic.claude-misspelt-v1:"] {
            let reply = gateway.chat(&unknown(&format!("{name}{number}"))).await;
            assert_eq!(reply.status, 404, "{}", reply.text);
        }
        operated.settle(2).await;
        let text = operated.get("/metrics", &[]).await.text;
        assert!(
            !text.contains("misspelt") && !text.contains("gpt-unknown"),
            "{text}"
        );
        // A request that had to wait adds its queue, whatever its model.
        let of_requests = |line: &&str| {
            line.starts_with("outcrop_requests_total{")
                || line.starts_with("outcrop_attempts_total{")
        };
        series.push(text.lines().filter(of_requests).count());
    }
    assert_eq!(series.first(), series.last());
}

#[tokio::test]
async fn the_format_is_negotiated() {
    let operated = Operated::start(AdminSettings::default()).await;
    let reply = operated.get("/metrics", &[]).await;
    let content_type = reply.header(CONTENT_TYPE.as_str()).unwrap();
    assert!(content_type.starts_with("text/plain; version=0.0.4"));
    assert!(!reply.text.contains("# EOF"));
    let accept = (
        ACCEPT.as_str(),
        "application/openmetrics-text;q=0.9,text/plain;q=0.5",
    );
    let reply = operated.get("/metrics", &[accept]).await;
    let content_type = reply.header(CONTENT_TYPE.as_str()).unwrap();
    assert!(content_type.starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(reply.text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_listener_has_its_own_routes_and_refuses_foreign_pages() {
    let operated = Operated::start(AdminSettings::default()).await;
    assert_eq!(operated.get("/healthz", &[]).await.text, "ok\n");
    let reply = operated.get("/v1/models", &[]).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.error()["code"], "unknown_url");
    assert_eq!(operated.gateway.get("/metrics").await.status, 404);
    let rebound = operated
        .get("/metrics", &[(HOST.as_str(), "evil.example")])
        .await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN);
    assert_eq!(rebound.error()["code"], "host_not_allowed");
    let page = operated
        .get("/metrics", &[("sec-fetch-site", "cross-site")])
        .await;
    assert_eq!(page.error()["code"], "origin_not_allowed");
}

#[tokio::test]
async fn a_configured_token_is_needed_for_metrics() {
    let operated = Operated::start(AdminSettings {
        metrics_token: Some(KeyDigest::of("a-token-of-prometheus")),
        ..AdminSettings::default()
    })
    .await;
    let reply = operated.get("/metrics", &[]).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.error()["code"], "invalid_token");
    let token = (AUTHORIZATION.as_str(), "Bearer a-token-of-prometheus");
    let reply = operated.get("/metrics", &[token]).await;
    assert_eq!(reply.status, StatusCode::OK);
    // Probes have no token.
    assert_eq!(operated.get("/healthz", &[]).await.status, StatusCode::OK);
    operated.admin.stop().await;
}
