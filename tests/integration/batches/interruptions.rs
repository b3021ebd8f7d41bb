//! Batches that are cancelled, expire, or outlive their gateway.

use http::StatusCode;
use outcrop::config::{Config, LimitSettings};
use outcrop::store::{Lease, Store};
use serde_json::{Value, json};

use super::{cancel, many};
use crate::harness::MODEL;
use crate::harness::batches::{
    batch_when, end_of, file_of, harness, lines, restart, start_batch, start_second_gateway, stop,
    with_batches,
};

/// Allows one call to each model, and no second one for a long time.
fn one_call(config: &mut Config) {
    let mut limits = LimitSettings::calls(10).at_rate(0.001);
    limits.burst = 1;
    config.limits.target = limits;
}

#[tokio::test]
async fn a_batch_processed_call_by_call_is_cancelled_between_calls() {
    let harness = harness(one_call).await;
    let id = start_batch(&harness, &lines(&many(MODEL, "a", 3))).await;
    batch_when(&harness, &id, |batch| {
        batch["request_counts"]["completed"] == 1
    })
    .await;
    let cancelling = cancel(&harness, &id).await.json();
    assert_eq!(cancelling["status"], json!("cancelling"));
    assert!(cancelling["cancelling_at"].is_i64());
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("cancelled"));
    assert!(batch["cancelled_at"].is_i64());
    assert_eq!(
        batch["request_counts"],
        json!({"total": 3, "completed": 1, "failed": 0})
    );
    assert_eq!(file_of(&harness, &batch, "output_file_id").await.len(), 1);
    assert_eq!(
        cancel(&harness, &id).await.json()["status"],
        json!("cancelled")
    );
}

#[tokio::test]
async fn a_finished_batch_cannot_be_cancelled() {
    let harness = harness(|_| {}).await;
    let id = start_batch(&harness, &lines(&many(MODEL, "a", 1))).await;
    end_of(&harness, &id).await;
    let reply = cancel(&harness, &id).await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(reply.header("x-should-retry"), Some("false"));
}

#[tokio::test]
async fn a_batch_resumes_after_the_gateway_restarts() {
    let mut config = Config::default();
    with_batches(&mut config);
    let store = config.store.path.clone();
    let mut harness = harness(|config| {
        one_call(config);
        config.store.path = store;
    })
    .await;
    let id = start_batch(&harness, &lines(&many(MODEL, "a", 3))).await;
    batch_when(&harness, &id, |batch| {
        batch["request_counts"]["completed"] == 1
    })
    .await;
    restart(&mut harness, &mut config).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(
        batch["request_counts"],
        json!({"total": 3, "completed": 3, "failed": 0})
    );
    assert_eq!(harness.sent_upstream().len(), 3, "no request is sent twice");
}

#[tokio::test]
async fn requests_not_sent_within_the_window_are_reported_as_expired() {
    let mut config = Config::default();
    with_batches(&mut config);
    let store = config.store.path.clone();
    let mut harness = harness(|config| {
        one_call(config);
        config.store.path = store.clone();
    })
    .await;
    let id = start_batch(&harness, &lines(&many(MODEL, "a", 3))).await;
    batch_when(&harness, &id, |batch| {
        batch["request_counts"]["completed"] == 1
    })
    .await;
    // A day passes while the gateway is down.
    stop(&harness).await;
    let store = Store::at(&store);
    let lease = Lease {
        owner: "time",
        now: 0,
        until: i64::MAX,
    };
    let leased = store.lease_batch(&id, lease).await.unwrap().unwrap();
    let mut document: Value = serde_json::from_str(&leased.document).unwrap();
    document["batch"]["expires_at"] = json!(1);
    let saved = store
        .save_batch(&id, "time", &document.to_string(), true)
        .await;
    assert!(saved.unwrap());
    store.release_batch(&id, "time").await.unwrap();
    restart(&mut harness, &mut config).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("expired"));
    assert!(batch["expired_at"].is_i64());
    assert_eq!(
        batch["request_counts"],
        json!({"total": 3, "completed": 1, "failed": 2})
    );
    let errors = file_of(&harness, &batch, "error_file_id").await;
    assert_eq!(errors[0]["error"]["code"], json!("batch_expired"));
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn two_gateways_on_one_store_do_not_duplicate_work() {
    let mut config = Config::default();
    with_batches(&mut config);
    let first = config.clone();
    let harness = harness(|config| {
        *config = Config {
            bedrock: config.bedrock.clone(),
            ..first
        }
    })
    .await;
    let (second_gateway, _, _) = start_second_gateway(&harness, &mut config).await;
    let mut batches = Vec::new();
    for number in 0..5 {
        batches.push(start_batch(&harness, &lines(&many(MODEL, &format!("{number}-"), 10))).await);
    }
    for id in &batches {
        let batch = end_of(&harness, id).await;
        assert_eq!(batch["request_counts"]["completed"], json!(10));
    }
    assert_eq!(harness.sent_upstream().len(), 50);
    drop(second_gateway);
}
