//! A gateway with files and batches enabled, and client calls for both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use outcrop::bedrock::{Bedrock, SimulatedBedrock};
use outcrop::config::{CatalogList, Config};
use outcrop::http::{Shutdown, ShutdownPhase};
use outcrop::server::Router;
use outcrop::server::{App, Cores, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Harness, Reply, forms};

pub const BUCKET: &str = "outcrop-example";
pub const ROLE: &str = "arn:aws:iam::123456789012:role/outcrop-batches";

/// Longer than any batch of these tests takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The path of a new database file.
pub fn scratch() -> PathBuf {
    let name = format!("{:016x}.db", fastrand::u64(..));
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Enables files and batches.
pub fn with_batches(config: &mut Config) {
    config.s3.bucket = Some(BUCKET.to_owned());
    config.s3.path_style = true;
    config.batches.enabled = true;
    config.batches.poll_interval = Duration::from_millis(5);
    config.store.path = scratch();
}

pub async fn harness(change: impl FnOnce(&mut Config)) -> Harness {
    Harness::with(|config| {
        with_batches(config);
        change(config);
    })
    .await
}

/// A line of a batch file.
pub fn line(custom_id: &str, model: &str, text: &str) -> Value {
    json!({
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": model, "messages": [{"role": "user", "content": text}]},
    })
}

pub fn lines(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A form with text fields and at most one file, as `/v1/files` takes it.
pub fn form(texts: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Bytes {
    let file = file.map(|(name, content)| ("file", name, content));
    forms::form(texts, file.as_slice())
}

pub async fn post_form(harness: &Harness, form: Bytes) -> Reply {
    let mut request = harness.request(Method::POST, "/v1/files", form);
    let form = HeaderValue::from_static(forms::FORM);
    request.headers_mut().insert(CONTENT_TYPE, form);
    harness.send(request).await
}

/// Uploads a batch file and returns its id.
pub async fn upload(harness: &Harness, content: &str) -> String {
    let form = form(
        &[("purpose", "batch")],
        Some(("in.jsonl", content.as_bytes())),
    );
    let reply = post_form(harness, form).await;
    reply.json()["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", reply.text))
        .to_owned()
}

/// Creates a batch of these lines and returns its id.
pub async fn start_batch(harness: &Harness, content: &str) -> String {
    let file = upload(harness, content).await;
    let reply = create(harness, &file).await;
    reply.json()["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", reply.text))
        .to_owned()
}

pub async fn create(harness: &Harness, file: &str) -> Reply {
    create_for(harness, file, "/v1/chat/completions").await
}

/// Creates a batch of requests to `endpoint`.
pub async fn create_for(harness: &Harness, file: &str, endpoint: &str) -> Reply {
    let body = json!({
        "input_file_id": file,
        "endpoint": endpoint,
        "completion_window": "24h",
        "metadata": {"job": "nightly"},
    });
    harness.post("/v1/batches", &body).await
}

/// Polls the batch until `condition` is true for it.
pub async fn batch_when(harness: &Harness, id: &str, condition: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/v1/batches/{id}");
    let mut seen = Value::Null;
    let finished = tokio::time::timeout(PATIENCE, async {
        loop {
            seen = harness.get(&path).await.json();
            if condition(&seen) {
                return;
            }
        }
    });
    assert!(finished.await.is_ok(), "{seen:#}");
    seen
}

/// Polls the batch until it has a final status.
pub async fn end_of(harness: &Harness, id: &str) -> Value {
    let over = ["completed", "failed", "expired", "cancelled"];
    batch_when(harness, id, |batch| {
        over.contains(&batch["status"].as_str().unwrap())
    })
    .await
}

/// The lines of the file whose id is in `field` of the batch.
pub async fn file_of(harness: &Harness, batch: &Value, field: &str) -> Vec<Value> {
    let Some(id) = batch[field].as_str() else {
        return Vec::new();
    };
    let reply = harness.get(&format!("/v1/files/{id}/content")).await;
    let lines = reply.text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Shuts down the gateway of `harness`.
pub async fn stop(harness: &Harness) {
    harness.shutdown.advance(ShutdownPhase::Closing);
    harness.app.batches.as_ref().unwrap().stopped().await;
}

/// Replaces the gateway of `harness` by a new one on the same simulator.
pub async fn restart(harness: &mut Harness, config: &mut Config) {
    stop(harness).await;
    let (app, address, shutdown) = start_second_gateway(harness, config).await;
    harness.app = app;
    harness.address = address;
    harness.shutdown = shutdown;
}

/// A second gateway on the simulator of `harness`.
pub async fn start_second_gateway(
    harness: &Harness,
    config: &mut Config,
) -> (Arc<App>, std::net::SocketAddr, Shutdown) {
    config.bedrock.simulated = Some(SimulatedBedrock::at(harness.simulator.url()));
    config.bedrock.retry.base_delay = Duration::from_millis(1);
    config.catalog.list = CatalogList::Configured;
    let bedrock = Bedrock::connect(&config.bedrock).await.unwrap();
    let shutdown = Shutdown::default();
    let app = App::new(
        config,
        bedrock,
        harness.records.queue.clone(),
        shutdown.clone(),
    )
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (settings, shutdown_signal) = (config.server.clone(), shutdown.clone());
    let routes = Router::new(Arc::clone(&app));
    tokio::spawn(async move {
        let cores = Cores::current();
        serve(listener, routes, &cores, shutdown_signal, &settings).await;
    });
    (app, address, shutdown)
}
