//! The gateway's own time.

use std::time::Duration;

use bedrock_simulator::{Fault, Script};

use crate::harness::{Harness, non_streaming, streamed};

#[tokio::test]
async fn the_gateways_own_time_is_without_that_of_bedrock() {
    const DELAY: Duration = Duration::from_millis(200);
    let harness = Harness::start().await;
    for body in [non_streaming("hi"), streamed("hi")] {
        let slow = Fault::SlowResponse {
            delay_ms: DELAY.as_millis() as u64,
        };
        let overloaded = Script::error(503, "ServiceUnavailableException", "Try again.");
        harness.simulator.push(overloaded);
        harness.simulator.push(Script::fault(slow));
        assert_eq!(harness.chat(&body).await.status, 200);
        let record = harness.records.take(1).await.remove(0);
        let own = record.overhead.expect("Bedrock was called");
        assert!(
            own > Duration::ZERO && own + DELAY <= record.duration,
            "{own:?}"
        );
    }
    let mut choices = non_streaming("hi");
    choices["n"] = 3.into();
    assert_eq!(harness.chat(&choices).await.status, 200);
    let record = harness.records.take(1).await.remove(0);
    let own = record.overhead.expect("Bedrock was called");
    assert!(own > Duration::ZERO && own <= record.duration, "{own:?}");

    let mut refused = non_streaming("hi");
    refused["n"] = 0.into();
    assert_eq!(harness.chat(&refused).await.status, 400);
    let record = harness.records.take(1).await.remove(0);
    assert_eq!(record.overhead, None, "Bedrock was not called");
}
