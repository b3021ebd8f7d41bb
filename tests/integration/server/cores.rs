//! Connections on several cores, as `serve` runs them: what requests share holds over all cores.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bedrock_simulator::{Fault, Script};
use outcrop::config::Config;
use outcrop::http::ShutdownPhase;
use outcrop::server::{Cores, Router, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::images::png_bytes;
use crate::harness::{Harness, non_streaming, streamed};

/// The gateway of `harness`, on two cores.
async fn on_two_cores(change: impl FnOnce(&mut Config)) -> (Harness, JoinHandle<()>) {
    let mut harness = Harness::with(change).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    harness.address = listener.local_addr().unwrap();
    let (app, shutdown) = (Arc::clone(&harness.app), harness.shutdown.clone());
    let server = tokio::spawn(async move {
        let cores = Cores::start(NonZero::new(2).unwrap()).unwrap();
        let settings = &app.http.settings;
        serve(
            listener,
            Router::new(Arc::clone(&app)),
            &cores,
            shutdown,
            settings,
        )
        .await;
        cores.stop().await;
    });
    (harness, server)
}

/// A stream that ends when the gateway or its client does.
fn stalled() -> Script {
    Script::fault(Fault::Stall { after_events: 2 })
}

#[tokio::test]
async fn a_limit_holds_over_all_cores() {
    let (harness, _server) = on_two_cores(|config| {
        config.limits.target.max_concurrent_requests = 1;
        config.limits.target.max_wait = Duration::ZERO;
    })
    .await;
    harness.simulator.push(stalled());
    let mut stream = harness.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    // The second connection is served by the core without a request.
    let refused = harness.chat(&non_streaming("hi")).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    drop(stream);
    harness.simulator.wait_for_abandoned(1).await;
    while harness.chat(&non_streaming("hi")).await.status == 429 {
        tokio::task::yield_now().await;
    }
}

/// A request with a body of more than a megabyte, which is long work.
fn long(stream: bool) -> Value {
    let image = [&png_bytes(1, 1)[..], &vec![0; 1 << 20]].concat();
    let url = format!("data:image/png;base64,{}", STANDARD.encode(image));
    let mut request = non_streaming("hi");
    request["stream"] = json!(stream);
    request["messages"][0]["content"] = json!([
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]);
    request
}

#[tokio::test]
async fn a_long_request_is_served_away_from_its_core() {
    let (harness, _server) = on_two_cores(|_| {}).await;
    let reply = harness.chat(&long(false)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let stream = harness.chat(&long(true)).await;
    assert_eq!(stream.last_event(), "[DONE]", "{}", stream.text);
}

#[tokio::test]
async fn the_call_of_a_long_request_ends_with_its_client() {
    let (harness, _server) = on_two_cores(|_| {}).await;
    let delay_ms = 3_600_000;
    harness
        .simulator
        .push(Script::fault(Fault::SlowResponse { delay_ms }));
    let request = long(false);
    tokio::select! {
        reply = harness.chat(&request) => panic!("a response: {}", reply.text),
        () = harness.simulator.wait_for_received(1) => {}
    }
    harness.simulator.wait_for_abandoned(1).await;
}

#[tokio::test]
async fn streams_on_all_cores_end_with_an_error_event_at_the_end_of_the_grace_period() {
    let (harness, server) =
        on_two_cores(|config| config.server.grace_period = Duration::from_millis(50)).await;
    harness.simulator.push(stalled().times(4));
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = harness.open(&streamed("hi")).await;
        assert!(stream.next().await.is_some());
        streams.push(stream);
    }
    harness.shutdown.advance(ShutdownPhase::Closing);
    for stream in streams {
        let events = stream.rest().await;
        let last = events.last().expect("an event");
        assert!(last.contains("service_unavailable"), "{last}");
    }
    server.await.expect("the server shuts down in time");
    harness.simulator.wait_for_abandoned(4).await;
}
