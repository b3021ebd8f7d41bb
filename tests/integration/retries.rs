//! When Bedrock is asked again, and when it is not.

use bedrock_simulator::{Fault, Script};

use crate::world::{World, streamed, whole};

fn throttled() -> Script {
    Script::error(429, "ThrottlingException", "Too many requests")
}

#[tokio::test]
async fn a_throttled_call_is_asked_again_until_it_is_answered() {
    for request in [whole("hi"), streamed("hi")] {
        let world = World::start().await;
        world.simulator.push(throttled().times(3));
        let reply = world.chat(&request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(world.asked().len(), 4);
    }
}

#[tokio::test]
async fn there_are_as_many_attempts_as_configured() {
    let world = World::with(|config| config.bedrock.retry.attempts = 3).await;
    world.simulator.push(throttled().times(0));
    assert_eq!(world.chat(&whole("hi")).await.status, 429);
    assert_eq!(world.asked().len(), 3);
}

#[tokio::test]
async fn what_cannot_succeed_is_asked_once() {
    let world = World::start().await;
    for (status, name) in [
        (400, "ValidationException"),
        (400, "ServiceQuotaExceededException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
    ] {
        world.simulator.clear();
        world
            .simulator
            .push(Script::error(status, name, "no").times(0));
        world.chat(&whole("hi")).await;
        assert_eq!(world.asked().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_stream_is_begun_again_until_its_first_event_and_never_after() {
    let world = World::start().await;
    let exception = |after_events| Fault::Exception {
        after_events,
        code: "throttlingException".to_owned(),
        message: "slow down".to_owned(),
        original_status_code: None,
    };
    world.simulator.push(Script::fault(exception(0)).times(2));
    let reply = world.chat(&streamed("hi")).await;
    assert_eq!(reply.last_event(), "[DONE]");
    assert_eq!(world.asked().len(), 3);

    world.simulator.clear();
    world.simulator.push(Script::fault(exception(2)).times(0));
    let reply = world.chat(&streamed("hi")).await;
    assert!(reply.last_event().contains("error"), "{}", reply.text);
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn a_wait_that_bedrock_asks_for_beyond_the_deadline_is_passed_on() {
    let world = World::start().await;
    let mut script = throttled().times(0);
    if let bedrock_simulator::Answer::Error { retry_after, .. } = &mut script.answer {
        *retry_after = Some(45);
    }
    world.simulator.push(script);
    let reply = world.chat(&whole("hi")).await;
    assert_eq!(reply.header("retry-after"), Some("45"));
    assert_eq!(world.asked().len(), 1);
}
