//! Graceful shutdown.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use bedrock_simulator::{Fault, Operation, Script};
use http::Request;
use http::header::HOST;
use outcrop::config::CatalogList;
use outcrop::http::ShutdownPhase;
use outcrop::server::{HttpService, Peer, Router};
use serde_json::json;

use crate::harness::batches::{self, upload};
use crate::harness::{Harness, MODEL, Reply, streamed};

/// Ends the gateway once AWS has received this call.
async fn end_during(harness: &Harness, method: &str, path: &str) {
    let is_called = || {
        let requests = harness.simulator.requests();
        requests
            .iter()
            .any(|request| request.method == method && request.path.contains(path))
    };
    while !is_called() {
        tokio::task::yield_now().await;
    }
    harness.shutdown.advance(ShutdownPhase::Ending);
}

/// A call of this operation that gets no response during the test.
fn stalled(operation: Operation) -> Script {
    let delay_ms = 3_600_000;
    Script::fault(Fault::SlowResponse { delay_ms }).for_operation(operation)
}

fn assert_restarting(reply: &Reply) {
    assert_eq!(reply.status, 503, "{}", reply.text);
    assert_eq!(reply.error()["code"], "service_unavailable");
}

#[tokio::test]
async fn readiness_fails_first_while_requests_are_still_accepted() {
    let harness = Harness::start().await;
    harness.shutdown.advance(ShutdownPhase::Draining);
    assert_eq!(harness.get("/readyz").await.status, 503);
    assert_eq!(harness.get("/healthz").await.status, 200);
    assert_eq!(harness.chat(&streamed("hi")).await.last_event(), "[DONE]");
}

#[tokio::test]
async fn an_active_stream_completes() {
    let harness = Harness::start().await;
    let drip = Fault::Drip { delay_ms: 10 };
    harness
        .simulator
        .push(Script::text("one two three four").with(drip));
    let mut stream = harness.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    harness.shutdown.advance(ShutdownPhase::Closing);
    let events = stream.rest().await;
    assert_eq!(events.last().map(String::as_str), Some("data: [DONE]"));
    harness.server.await.expect("the server shuts down in time");
}

#[tokio::test]
async fn streams_left_after_the_grace_period_end_with_an_error_event() {
    let harness =
        Harness::with(|config| config.server.grace_period = Duration::from_millis(50)).await;
    harness
        .simulator
        .push(Script::fault(Fault::Stall { after_events: 2 }));
    let mut stream = harness.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    harness.shutdown.advance(ShutdownPhase::Closing);
    let events = stream.rest().await;
    let last = events.last().expect("an event");
    assert!(
        last.contains("\"error\"") && last.contains("service_unavailable"),
        "{last}"
    );
    harness.server.await.expect("the server shuts down in time");
    harness.simulator.wait_for_abandoned(1).await;
}

#[tokio::test]
async fn an_explanation_that_waits_for_bedrock_is_cancelled() {
    let harness = Harness::start().await;
    harness.simulator.push(stalled(Operation::CountTokens));
    let request = json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]});
    let explained = harness.post("/v1/explain", &request);
    let (reply, ()) = tokio::join!(explained, end_during(&harness, "POST", "/count-tokens"));
    assert_restarting(&reply);
}

#[tokio::test]
async fn the_list_of_models_and_a_model_are_cancelled_while_they_wait_for_bedrock() {
    for path in ["/v1/models", "/v1/models/anthropic.of-tomorrow"] {
        let harness = Harness::with(|config| config.catalog.list = CatalogList::All).await;
        let stalled = stalled(Operation::ListFoundationModels);
        harness.simulator.push(stalled.times(0));
        let request = Request::get(path).header(HOST, "localhost");
        let request = request.body(Body::empty()).unwrap();
        let router = Router::new(Arc::clone(&harness.app));
        let mut response = pin!(router.serve(request, Peer::default()));
        let polled = poll_fn(|context| Poll::Ready(response.as_mut().poll(context)));
        assert!(polled.await.is_pending(), "the list is not loaded");
        harness.shutdown.advance(ShutdownPhase::Ending);
        assert_eq!(response.await.status(), 503, "{path}");
    }
}

#[tokio::test]
async fn a_file_whose_content_s3_does_not_return_is_cancelled() {
    let harness = batches::harness(|_| {}).await;
    let id = upload(&harness, "{}\n").await;
    harness.simulator.push(stalled(Operation::GetObject));
    let path = format!("/v1/files/{id}/content");
    let (reply, ()) = tokio::join!(harness.get(&path), end_during(&harness, "GET", &id));
    assert_restarting(&reply);
}
