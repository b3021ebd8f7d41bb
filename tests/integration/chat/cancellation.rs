//! A client disconnect cancels the call to Bedrock in every phase.

use bedrock_simulator::{Fault, Script};
use serde_json::Value;

use crate::harness::{Harness, non_streaming, streamed};

/// The client disconnects after Bedrock has received the call.
async fn disconnects(fault: Fault, request: Value) {
    let harness = Harness::start().await;
    harness.simulator.push(Script::fault(fault));
    tokio::select! {
        _ = harness.chat(&request) => panic!("the response arrived"),
        () = harness.simulator.wait_for_received(1) => {}
    }
    harness.simulator.wait_for_abandoned(1).await;
    assert_eq!(harness.sent_upstream().len(), 1, "the call is not retried");
}

#[tokio::test]
async fn while_waiting_for_a_non_streaming_response() {
    disconnects(
        Fault::SlowResponse { delay_ms: 600_000 },
        non_streaming("hi"),
    )
    .await;
}

#[tokio::test]
async fn while_waiting_for_the_head_of_a_stream() {
    disconnects(Fault::SlowResponse { delay_ms: 600_000 }, streamed("hi")).await;
}

#[tokio::test]
async fn while_waiting_for_the_first_event() {
    disconnects(Fault::SlowFirstEvent { delay_ms: 600_000 }, streamed("hi")).await;
}

#[tokio::test]
async fn during_a_stream_the_call_is_cancelled_and_its_slot_released() {
    let harness = Harness::with(|config| {
        config.limits.target = outcrop::config::LimitSettings::calls(1);
    })
    .await;
    harness
        .simulator
        .push(Script::fault(Fault::Stall { after_events: 2 }));
    let mut stream = harness.open(&streamed("hi")).await;
    assert!(stream.next().await.is_some());
    assert_eq!(
        harness.chat(&non_streaming("hi")).await.status,
        429,
        "the only slot is in use"
    );
    drop(stream);
    harness.simulator.wait_for_abandoned(1).await;
    harness.simulator.idle().await;
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
}
