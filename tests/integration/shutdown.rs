//! The end of the process.

use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use outcrop::server::ShutdownPhase;

use crate::world::{World, streamed};

#[tokio::test]
async fn readiness_goes_first_while_requests_are_still_taken() {
    let world = World::start().await;
    world.shutdown.advance(ShutdownPhase::Draining);
    assert_eq!(world.get("/readyz").await.status, 503);
    assert_eq!(world.get("/healthz").await.status, 200);
    assert_eq!(world.chat(&streamed("hi")).await.last_event(), "[DONE]");
}

#[tokio::test]
async fn a_stream_under_way_is_finished() {
    let world = World::start().await;
    let drip = Fault::Drip { delay_ms: 10 };
    world
        .simulator
        .push(Script::text("one two three four").with(drip));
    let mut stream = world.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    world.shutdown.advance(ShutdownPhase::Closing);
    let events = stream.rest().await;
    assert_eq!(events.last().map(String::as_str), Some("data: [DONE]"));
    world.server.await.expect("the server ends by itself");
}

#[tokio::test]
async fn what_is_left_after_the_grace_period_ends_with_an_error_event() {
    let world = World::with(|config| config.server.grace_period = Duration::from_millis(50)).await;
    world
        .simulator
        .push(Script::fault(Fault::Silence { after_events: 2 }));
    let mut stream = world.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    world.shutdown.advance(ShutdownPhase::Closing);
    let events = stream.rest().await;
    let last = events.last().expect("an event");
    assert!(
        last.contains("\"error\"") && last.contains("service_unavailable"),
        "{last}"
    );
    world.server.await.expect("the server ends by itself");
    world.simulator.abandoned_at_least(1).await;
}
