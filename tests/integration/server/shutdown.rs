//! Graceful shutdown.

use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use outcrop::server::ShutdownPhase;

use crate::harness::{Harness, streamed};

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
