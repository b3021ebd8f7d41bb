//! When the client leaves, the call to Bedrock ends: in every phase.

use bedrock_simulator::{Fault, Script};
use serde_json::Value;

use crate::world::{World, streamed, whole};

/// A client that leaves once Bedrock has been asked.
async fn leaves(fault: Fault, request: Value) {
    let world = World::start().await;
    world.simulator.push(Script::fault(fault));
    tokio::select! {
        _ = world.chat(&request) => panic!("the answer should not have come"),
        () = world.simulator.received_at_least(1) => {}
    }
    world.simulator.abandoned_at_least(1).await;
    assert_eq!(world.asked().len(), 1, "and it is not asked again");
}

#[tokio::test]
async fn while_a_whole_answer_is_waited_for() {
    leaves(Fault::SlowAnswer { delay_ms: 600_000 }, whole("hi")).await;
}

#[tokio::test]
async fn while_the_head_of_a_stream_is_waited_for() {
    leaves(Fault::SlowAnswer { delay_ms: 600_000 }, streamed("hi")).await;
}

#[tokio::test]
async fn while_the_first_event_is_waited_for() {
    leaves(Fault::SlowFirstEvent { delay_ms: 600_000 }, streamed("hi")).await;
}

#[tokio::test]
async fn in_the_middle_of_a_stream_and_its_place_is_given_back() {
    let world = World::with(|config| {
        config.limits.target = outcrop::config::LimitSettings::calls(1);
    })
    .await;
    world
        .simulator
        .push(Script::fault(Fault::Silence { after_events: 2 }));
    let mut stream = world.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    assert_eq!(
        world.chat(&whole("hi")).await.status,
        429,
        "the one place is taken"
    );
    drop(stream);
    world.simulator.abandoned_at_least(1).await;
    world.simulator.idle().await;
    assert_eq!(world.chat(&whole("hi")).await.status, 200);
}
