//! The listener for operators: metrics and health, tokens, and the admin API.

mod callers;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bedrock_simulator::Script;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use outcrop::admin::{AdminListener, AdminServer, AdminState};
use outcrop::config::{AdminSettings, Config, KeyDigest};
use outcrop::server::Router;
use outcrop::telemetry::{MetricsBuilder, RequestMetrics};
use outcrop::usage::UsageRecord;
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, Reply, non_streaming, streamed};

/// The number of the next store.
static NEXT: AtomicU32 = AtomicU32::new(0);

const TOKEN: &str = "an-admin-token-of-operators";

/// A gateway, and its listener for operators.
struct Operated {
    gateway: Harness,
    metrics: RequestMetrics,
    admin: AdminServer,
    address: SocketAddr,
}

/// A new file for a store.
fn scratch_file() -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("outcrop-admin-{}-{number}.db", std::process::id());
    let file = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&file);
    file
}

impl Operated {
    async fn start(settings: AdminSettings) -> Self {
        Self::with(settings, |_| {}).await
    }

    async fn with(settings: AdminSettings, change: impl FnOnce(&mut Config)) -> Self {
        let settings = AdminSettings {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            ..settings
        };
        let metrics = MetricsBuilder::new(|_| false);
        let listener = AdminListener::bind(&settings).await.unwrap().unwrap();
        let address = listener.address().unwrap();
        let file = scratch_file();
        let gateway = Harness::with(|config| {
            config.store.path = file;
            change(config);
        })
        .await;
        Self {
            metrics: metrics.requests(),
            admin: listener.start(AdminState {
                metrics: metrics.build(),
                shutdown: gateway.shutdown.clone(),
                router: Router::new(Arc::clone(&gateway.app)),
                reload: None,
            }),
            gateway,
            address,
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers, "").await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let url = format!("http://{}{path}", self.address);
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        self.gateway.send(request.body(body).unwrap()).await
    }

    /// A request to the admin API with `token`.
    async fn api(&self, method: Method, path: &str, token: &str, body: Value) -> Reply {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let authorization = format!("Bearer {token}");
        let headers = [(AUTHORIZATION.as_str(), authorization.as_str())];
        let path = format!("/admin/v1{path}");
        self.send(method, &path, &headers, &body).await
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

fn with_token() -> AdminSettings {
    AdminSettings {
        token: Some(KeyDigest::of(TOKEN)),
        ..AdminSettings::default()
    }
}

#[tokio::test]
async fn tokens_are_created_used_and_revoked_through_the_api() {
    let operated = Operated::start(with_token()).await;
    let new = json!({"name": "ci", "scope": "read", "expires_at": "2100-01-01T00:00:00Z"});
    let created = operated
        .api(Method::POST, "/tokens", TOKEN, new.clone())
        .await;
    assert_eq!(created.status, 201, "{}", created.text);
    let created = created.json();
    let token = created["token"].as_str().unwrap();
    assert_eq!(created["expires_at"], "2100-01-01T00:00:00Z");

    let read = operated
        .api(Method::GET, "/audit", token, Value::Null)
        .await;
    assert_eq!(read.status, 200, "{}", read.text);
    let refused = operated.api(Method::POST, "/tokens", token, new).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.error()["code"], "insufficient_scope");

    let listed = operated
        .api(Method::GET, "/tokens", TOKEN, Value::Null)
        .await;
    assert!(!listed.text.contains(token));
    assert_eq!(listed.json()["data"][0]["name"], "ci");
    let path = format!("/tokens/{}", created["id"].as_str().unwrap());
    let revoked = operated
        .api(Method::DELETE, &path, TOKEN, Value::Null)
        .await;
    assert!(revoked.json()["revoked_at"].is_string(), "{}", revoked.text);
    let read = operated
        .api(Method::GET, "/audit", token, Value::Null)
        .await;
    assert_eq!(read.status, StatusCode::UNAUTHORIZED);

    let audit = operated
        .api(Method::GET, "/audit?limit=1", TOKEN, Value::Null)
        .await;
    let audit = audit.json();
    assert_eq!(audit["has_more"], true);
    assert_eq!(audit["data"][0]["action"], "token.revoke");
    assert_eq!(audit["data"][0]["actor"], "token of the configuration");
    let path = format!("/audit?before={}", audit["data"][0]["id"].as_str().unwrap());
    let older = operated.api(Method::GET, &path, TOKEN, Value::Null).await;
    assert!(!older.text.contains(token), "a secret is in the audit log");
    let older = older.json();
    assert_eq!(older["data"][0]["action"], "token.create");
    assert_eq!(older["data"][0]["after"]["name"], "ci");
}

#[tokio::test]
async fn wrong_requests_name_what_is_wrong() {
    let operated = Operated::start(with_token()).await;
    for (method, path, body, status, code, param) in [
        (
            Method::POST,
            "/tokens",
            json!({"name": "", "scope": "all"}),
            400,
            "invalid_value",
            "name",
        ),
        (
            Method::POST,
            "/tokens",
            json!({"name": "a", "scope": "x"}),
            400,
            "invalid_body",
            "scope",
        ),
        (
            Method::POST,
            "/tokens",
            json!({"name": "a", "scope": "all", "x": 1}),
            400,
            "invalid_body",
            "x",
        ),
        (
            Method::POST,
            "/tokens",
            json!({"name": "a", "scope": "all", "expires_at": "2001-01-01T00:00:00Z"}),
            400,
            "invalid_value",
            "expires_at",
        ),
        (
            Method::GET,
            "/audit?limit=0",
            Value::Null,
            400,
            "invalid_value",
            "limit",
        ),
        (
            Method::GET,
            "/audit?x=0",
            Value::Null,
            400,
            "invalid_parameter",
            "x",
        ),
    ] {
        let reply = operated.api(method, path, TOKEN, body).await;
        let error = reply.error();
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text);
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!(code), &json!(param)),
            "{path}"
        );
    }
    let missing = operated
        .api(Method::DELETE, "/tokens/adm_0", TOKEN, Value::Null)
        .await;
    assert_eq!(missing.status, 404);
    let unknown = operated
        .api(
            Method::GET,
            "/audit",
            "sk-an-api-key-of-a-client",
            Value::Null,
        )
        .await;
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn the_gateway_is_drained_and_its_configuration_shown() {
    let operated = Operated::start(with_token()).await;
    let shown = operated
        .api(Method::GET, "/configuration", TOKEN, Value::Null)
        .await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let reloaded = operated
        .api(Method::POST, "/reload", TOKEN, Value::Null)
        .await;
    assert_eq!(reloaded.error()["code"], "not_reloadable");
    for _ in 0..2 {
        let drained = operated
            .api(Method::POST, "/drain", TOKEN, Value::Null)
            .await;
        assert_eq!(drained.status, 202, "{}", drained.text);
        assert_eq!(drained.json()["phase"], "draining");
    }
    assert_eq!(operated.gateway.get("/readyz").await.status, 503);
    assert_eq!(
        operated.gateway.chat(&non_streaming("hi")).await.status,
        200
    );
    let audit = operated
        .api(Method::GET, "/audit?subject=gateway", TOKEN, Value::Null)
        .await;
    assert_eq!(audit.json()["data"].as_array().map(Vec::len), Some(1));
}
