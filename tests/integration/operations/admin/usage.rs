//! Usage in the admin API.

use http::Method;
use outcrop::config::Config;
use outcrop::store::StoredUsage;
use serde_json::{Value, json};

use super::{Operated, TOKEN, with_token};
use crate::harness::{MODEL, Reply, non_streaming};

/// More than a page of an export.
const RECORDS: usize = 2_500;

impl Operated {
    async fn usage(&self, path: &str) -> Reply {
        let path = format!("/usage{path}");
        self.api(Method::GET, &path, TOKEN, Value::Null).await
    }
}

fn stores_usage(config: &mut Config) {
    config.usage.enabled = Some(true);
}

#[tokio::test]
async fn usage_is_summed_by_the_dimensions_of_the_query() {
    let operated = Operated::with(with_token(), stores_usage).await;
    let gateway = &operated.gateway;
    for _ in 0..2 {
        gateway.chat(&non_streaming("hi")).await;
    }
    let records = gateway.records.take(2).await;
    gateway.records.stored().await;
    let report = operated.usage("").await.json();
    let costs = records.iter().filter_map(|record| record.cost?.total());
    let cost: i64 = costs.map(|cost| cost.nanodollars()).sum();
    let row = &report["data"][0];
    assert_eq!((&row["team"], &row["model"]), (&Value::Null, &json!(MODEL)));
    assert_eq!(row["requests"], 2);
    let stated = (row["cost_usd"].as_f64().unwrap() * 1e9).round() as i64;
    assert_eq!(stated, cost);
    assert_eq!(report["has_more"], false);

    let day = operated.usage("?by=day,key").await.json()["data"][0].clone();
    let key = day["key"].as_str().unwrap();
    let path = format!(
        "?by=day&key={key}&from={0}&to={0}",
        day["day"].as_str().unwrap()
    );
    assert_eq!(operated.usage(&path).await.json()["data"][0]["requests"], 2);
    for path in ["?key=key_0", "?from=2000-01-01&to=2000-01-31"] {
        assert_eq!(operated.usage(path).await.json()["data"], json!([]));
    }
    for (path, param) in [
        ("?by=team,team", "by"),
        ("?by=week", "by"),
        ("?by=", "by"),
        ("?from=yesterday", "from"),
        ("?to=2026-02-30", "to"),
        ("/export?format=xml", "format"),
        ("/export?format=focus&records=true", "format"),
        ("/export?records=1", "records"),
    ] {
        let reply = operated.usage(path).await;
        assert_eq!(reply.status, 400, "{path}");
        assert_eq!(reply.error()["param"], param, "{path}");
    }
}

#[tokio::test]
async fn usage_is_exported_in_every_format() {
    let operated = Operated::with(with_token(), stores_usage).await;
    let empty = operated.usage("/export").await;
    assert_eq!(empty.status, 200, "{}", empty.text);
    assert_eq!(empty.text.lines().count(), 1, "the names of the columns");
    let record = |number: usize| StoredUsage {
        at: number as i64,
        id: format!("req_{number}"),
        day: "2026-11-22".to_owned(),
        caller: format!("key_{number}"),
        model_requested: Some("gpt-4o".to_owned()),
        cost: Some(1_500),
        tags: Some(r#"{"a":"b"}"#.to_owned()),
        ..StoredUsage::default()
    };
    let records: Vec<StoredUsage> = (0..RECORDS).map(record).collect();
    let store = &operated.gateway.app.store;
    store.add_usage(&records).await.unwrap();

    for (query, content_type, lines) in [
        ("", "text/csv; charset=utf-8", RECORDS + 1),
        (
            "?format=csv&records=true",
            "text/csv; charset=utf-8",
            RECORDS + 1,
        ),
        ("?format=jsonl", "application/jsonl", RECORDS),
        ("?format=jsonl&records=true", "application/jsonl", RECORDS),
        ("?format=focus", "text/csv; charset=utf-8", RECORDS + 1),
        ("?format=jsonl&from=2026-11-23", "application/jsonl", 0),
    ] {
        let reply = operated.usage(&format!("/export{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        assert_eq!(reply.header("content-type"), Some(content_type), "{query}");
        assert_eq!(reply.text.lines().count(), lines, "{query}");
    }
    let reply = operated.usage("/export?format=jsonl&records=true").await;
    let last: Value = serde_json::from_str(reply.text.lines().last().unwrap()).unwrap();
    assert_eq!(last["key"], "key_2499");
    assert_eq!(last["cost_usd"], 0.0000015);
    assert_eq!(last["tags"], json!({"a": "b"}));
}

#[tokio::test]
async fn reading_usage_creates_no_store() {
    let operated = Operated::start(with_token()).await;
    assert_eq!(operated.usage("").await.json()["data"], json!([]));
    assert_eq!(operated.usage("/export").await.status, 200);
    assert!(!operated.gateway.app.store.exists());
}
