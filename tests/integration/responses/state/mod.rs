//! Stored responses: what continues them, and the routes about them.

mod background;
mod owners;
mod references;
mod retrieval;
mod storage;

use http::Method;
use outcrop::config::{Config, ResponseStorage};
use serde_json::{Value, json};

use crate::harness::batches::scratch;
use crate::harness::{Harness, Reply};
use crate::support::response_events::parsed;

const NOVA: &str = "amazon.nova-lite-v1:0";

async fn create(harness: &Harness, body: &Value) -> Reply {
    harness.post("/v1/responses", body).await
}

/// Creates a response, which must succeed.
async fn created(harness: &Harness, body: &Value) -> Value {
    let reply = create(harness, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

async fn delete(harness: &Harness, path: &str) -> Reply {
    harness
        .send(harness.request(Method::DELETE, path, ""))
        .await
}

fn path_of(response: &Value) -> String {
    format!("/v1/responses/{}", response["id"].as_str().unwrap())
}

/// The terminal response of a stream.
fn last(reply: &Reply) -> Value {
    parsed(&reply.text).pop().unwrap()["response"].clone()
}

/// Responses in a database of its own.
fn on_disk(config: &mut Config) {
    config.responses.store = ResponseStorage::Disk;
    config.store.path = scratch();
}

/// A gateway for each store.
async fn harnesses() -> [Harness; 2] {
    [Harness::start().await, Harness::with(on_disk).await]
}

/// What Bedrock received last, as bytes would differ.
fn sent(harness: &Harness) -> String {
    harness.sent_upstream().pop().unwrap().to_string()
}

fn weather() -> Value {
    json!([{"type": "function", "name": "weather",
        "parameters": {"type": "object", "properties": {}}}])
}
