//! What requests used and cost is stored, however they end, and each caller sees its own.

use bedrock_simulator::{Fault, Script};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use outcrop::allowances::{Allowance, Budget, BudgetPeriod, KeyGrant, UsageAllowance, parse_usd};
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry};
use outcrop::store::{Store, StoredUsage, UsageDimension, UsageQuery};
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, Reply, non_streaming, streamed};

/// Longer than any test.
const NEVER: u64 = 600_000;

struct Stored {
    harness: Harness,
    store: Store,
}

fn key(name: &str, team: &str) -> KeyEntry {
    KeyEntry {
        caller: name.to_owned(),
        digest: KeyDigest::of(&format!("sk-{name}")),
        access_key: None,
        chat: ChatOverrides::default(),
        grant: KeyGrant {
            team: Some(team.to_owned()),
            ..KeyGrant::default()
        },
    }
}

impl Stored {
    async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let name = format!("outcrop-usage-{:016x}.db", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        let store = Store::at(&path);
        let harness = Harness::with(|config| {
            config.store.path = path;
            config.usage.enabled = Some(true);
            config.bedrock.retry.max_attempts = 1;
            config.keys = vec![key("ann", "search"), key("bob", "ads")];
            change(config);
        });
        Self {
            harness: harness.await,
            store,
        }
    }

    fn request(&self, key: &str, method: Method, path: &str, body: &str) -> Request<Full<Bytes>> {
        let mut request = self.harness.request(method, path, body.to_owned());
        let key = HeaderValue::from_str(&format!("Bearer sk-{key}")).unwrap();
        request.headers_mut().insert(AUTHORIZATION, key);
        request
    }

    async fn get(&self, key: &str, path: &str) -> Reply {
        self.harness
            .send(self.request(key, Method::GET, path, ""))
            .await
    }

    async fn post(&self, key: &str, path: &str, body: &Value) -> Reply {
        let request = self.request(key, Method::POST, path, &body.to_string());
        self.harness.send(request).await
    }

    async fn chat(&self, key: &str, body: &Value) -> Reply {
        self.post(key, "/v1/chat/completions", body).await
    }

    /// The stored records, once there have been `settled` of them.
    async fn records(&self, settled: usize) -> Vec<StoredUsage> {
        self.harness.records.take(settled).await;
        self.harness.records.stored().await;
        let records = self.store.usage_records((None, None), None, 100).await;
        records.unwrap()
    }

    async fn sums(&self, by: &[UsageDimension]) -> Vec<(Vec<String>, i64, i64)> {
        let query = UsageQuery {
            from: None,
            to: None,
            caller: None,
            by,
            limit: 100,
        };
        let rows = self.store.usage(query).await.unwrap().into_iter();
        rows.map(|row| (row.group, row.sums.requests, row.sums.cost))
            .collect()
    }
}

#[tokio::test]
async fn every_outcome_is_stored_and_the_sums_are_those_of_the_records() {
    let stored = Stored::start(|_| {}).await;
    let simulator = &stored.harness.simulator;
    assert_eq!(stored.chat("ann", &non_streaming("hi")).await.status, 200);
    assert_eq!(stored.chat("bob", &streamed("hi")).await.status, 200);
    let embedding = json!({"model": "amazon.titan-embed-text-v2:0", "input": "hi"});
    assert_eq!(
        stored
            .post("ann", "/v1/embeddings", &embedding)
            .await
            .status,
        200
    );
    let image = json!({"model": "stability.stable-image-core-v1:1", "prompt": "a lake"});
    let image = stored.post("ann", "/v1/images/generations", &image).await;
    assert_eq!(image.status, 200, "{}", image.text);
    let unknown = json!({"model": "misspelt", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(stored.chat("ann", &unknown).await.status, 404);
    simulator.push(Script::error(429, "ThrottlingException", "Too many tokens"));
    assert_eq!(stored.chat("ann", &non_streaming("hi")).await.status, 429);
    simulator.push(Script::text("one two").with(Fault::Cut { after_events: 3 }));
    assert_eq!(stored.chat("ann", &streamed("hi")).await.status, 200);
    // Neither requests without a valid key are stored, nor those that name no model.
    assert_eq!(
        stored.chat("nobody", &non_streaming("hi")).await.status,
        401
    );
    assert_eq!(stored.get("ann", "/v1/models").await.status, 200);
    simulator.push(Script::fault(Fault::SlowResponse { delay_ms: NEVER }));
    let received = simulator.received();
    let body = non_streaming("hi");
    tokio::select! {
        _ = stored.chat("bob", &body) => panic!("a response"),
        () = simulator.wait_for_received(received + 1) => {}
    }

    let records = stored.records(10).await;
    let ends: Vec<(&str, &str, Option<i64>, &str)> = records
        .iter()
        .map(|record| {
            let (caller, team) = (record.caller.as_str(), record.team.as_deref().unwrap());
            (caller, team, record.status, record.outcome.as_str())
        })
        .collect();
    let expected = [
        ("ann", "search", Some(200), "completed"),
        ("bob", "ads", Some(200), "completed"),
        ("ann", "search", Some(200), "completed"),
        ("ann", "search", Some(200), "completed"),
        ("ann", "search", Some(404), "completed"),
        ("ann", "search", Some(429), "completed"),
        ("ann", "search", Some(200), "broken"),
        ("bob", "ads", None, "abandoned"),
    ];
    assert_eq!(ends, expected);
    assert_eq!(records[3].unit.as_deref(), Some("images"));
    assert_eq!(records[4].model_requested.as_deref(), Some("misspelt"));
    assert!(records[6].estimated);
    let cost = |records: &[&StoredUsage]| records.iter().filter_map(|record| record.cost).sum();
    let (ann, bob): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.caller == "ann");
    assert_eq!(
        stored.sums(&[UsageDimension::Key]).await,
        [
            (vec!["ann".to_owned()], 6, cost(&ann)),
            (vec!["bob".to_owned()], 2, cost(&bob)),
        ]
    );
    assert!(cost(&ann) > 0);
    let models = stored.sums(&[UsageDimension::Model]).await;
    let models: Vec<&str> = models.iter().map(|(group, ..)| group[0].as_str()).collect();
    let expected = [
        "",
        "amazon.titan-embed-text-v2:0",
        "stability.stable-image-core-v1:1",
        MODEL,
    ];
    assert_eq!(models, expected, "misspelt names are only in records");
}

#[tokio::test]
async fn a_caller_sees_its_own_usage_by_day_and_model() {
    let stored = Stored::start(|_| {}).await;
    let completion = stored.chat("ann", &non_streaming("hi")).await.json();
    stored.chat("bob", &non_streaming("hi")).await;
    stored.records(2).await;
    let usage = stored.get("ann", "/v1/usage").await;
    assert_eq!(usage.status, 200, "{}", usage.text);
    let usage = usage.json();
    assert_eq!(usage["data"].as_array().unwrap().len(), 1);
    let row = &usage["data"][0];
    assert_eq!(row["day"], usage["to"]);
    assert_eq!(row["model"], MODEL);
    assert_eq!(row["requests"], 1);
    assert_eq!(row["input_tokens"], completion["usage"]["prompt_tokens"]);
    assert_eq!(
        row["output_tokens"],
        completion["usage"]["completion_tokens"]
    );
    assert!(row["cost_usd"].as_f64().unwrap() > 0.0);
    assert_eq!(usage["total"]["cost_usd"], row["cost_usd"]);
    assert_eq!(usage["time_zone"], "UTC");
    assert_eq!(usage["has_more"], false);
    let before = stored
        .get("ann", "/v1/usage?from=2020-01-01&to=2020-01-31")
        .await;
    assert_eq!(before.json()["data"], json!([]));
    let wrong = stored.get("ann", "/v1/usage?from=yesterday").await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.error()["param"]),
        (400, &json!("from"))
    );
}

#[tokio::test]
async fn without_stored_usage_the_error_names_the_setting() {
    let stored = Stored::start(|config| config.usage.enabled = Some(false)).await;
    let refused = stored.get("ann", "/v1/usage").await;
    assert_eq!(refused.status, 404);
    assert!(
        refused.text.contains("`[usage] enabled = true`"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn a_caller_sees_what_its_key_may_use() {
    let stored = Stored::start(|config| {
        let budget = Budget {
            usd: parse_usd("12.50").unwrap(),
            per: BudgetPeriod::Month,
            hard: true,
            increase: None,
        };
        config.keys[0].grant.allowance = Allowance {
            usage: UsageAllowance {
                requests_per_minute: Some(60),
                budgets: vec![budget],
                ..UsageAllowance::default()
            },
            ..Allowance::default()
        };
    })
    .await;
    let key = stored.get("ann", "/v1/key").await;
    assert_eq!(key.status, 200, "{}", key.text);
    let key = key.json();
    for (name, value) in [
        ("object", json!("key")),
        ("id", json!("ann")),
        ("name", json!("ann")),
        ("team", json!("search")),
        ("user", Value::Null),
        ("expires_at", Value::Null),
    ] {
        assert_eq!(key[name], value, "{name}");
    }
    let level = &key["allowances"][0];
    assert_eq!(
        (&level["level"], &level["name"]),
        (&json!("key"), &json!("ann"))
    );
    assert_eq!(level["limits"][0]["requests_per_minute"], 60);
    assert_eq!(
        level["limits"][0]["budgets"],
        json!([{"usd": "12.5", "per": "month", "hard": true}])
    );
    assert_eq!(level["limits"][0]["remaining"]["requests"], 60);
    let reply = stored.chat("ann", &non_streaming("hi")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let key = stored.get("ann", "/v1/key").await.json();
    let remaining = &key["allowances"][0]["limits"][0]["remaining"];
    assert_eq!(
        (&remaining["requests"], &remaining["tokens"]),
        (&json!(59), &Value::Null)
    );
    let budget = &remaining["budgets"][0];
    assert_eq!(budget["per"], "month");
    let usd: f64 = budget["usd"].as_str().unwrap().parse().unwrap();
    assert!(0.0 < usd && usd < 12.5, "{budget}");
}
