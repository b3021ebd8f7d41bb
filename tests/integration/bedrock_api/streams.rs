//! Streams of Bedrock's own API in passing.

use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use outcrop::bedrock::{Decode, Frame, FrameCutter};
use outcrop::server::ShutdownPhase;
use serde_json::json;

use super::{path, said, world};
use crate::stream_ends::{CONNECTIONS, patient, within_limit, without_metadata};
use crate::world::{MODEL, World};

fn request(world: &World, model: &str, action: &str, body: String) -> Request<Full<Bytes>> {
    let mut request = world.request(Method::POST, &path(model, action), body);
    let bearer = HeaderValue::from_static("Bearer sk-team-a");
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request
}

/// A stream whose head is there.
async fn open(world: &World) -> Response<Incoming> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let asked = request(world, MODEL, "converse-stream", said("hi").to_string());
    client.request(asked).await.unwrap()
}

async fn frames(response: Response<Incoming>) -> Vec<Frame> {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let mut cutter = FrameCutter::default();
    let mut frames = Vec::new();
    cutter.push(&body, &mut frames).unwrap();
    cutter.finish().unwrap();
    frames
}

/// The name of each event, and of the exception at the end.
fn names(frames: &[Frame]) -> Vec<String> {
    let name = |frame: &Frame| match &frame.event {
        Ok(event) => event.clone(),
        Err(failure) => failure.code.clone(),
    };
    frames.iter().map(name).collect()
}

fn exception(after_events: usize, message: &str) -> Fault {
    Fault::Exception {
        after_events,
        code: "throttlingException".to_owned(),
        message: message.to_owned(),
        original_status_code: None,
    }
}

#[tokio::test]
async fn the_head_and_the_frames_pass_as_they_are() {
    let world = world(|_| {}).await;
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    let client = Client::builder(TokioExecutor::new()).build_http();
    let asked = request(
        &world,
        MODEL,
        "invoke-with-response-stream",
        body.to_string(),
    );
    let response = client.request(asked).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers();
    assert_eq!(
        headers["content-type"],
        "application/vnd.amazon.eventstream"
    );
    assert_eq!(headers["x-amzn-bedrock-content-type"], "application/json");
    assert!(headers.contains_key("x-amzn-requestid"));
    assert!(
        names(&frames(response).await)
            .iter()
            .all(|name| name == "chunk")
    );
}

#[tokio::test]
async fn a_stream_is_begun_again_until_its_first_event_and_never_after() {
    let world = world(|_| {}).await;
    world
        .simulator
        .push(Script::fault(exception(0, "slow")).times(2));
    let found = names(&frames(open(&world).await).await);
    assert_eq!(found.last().map(String::as_str), Some("metadata"));
    assert_eq!(world.simulator.requests().len(), 3);

    world.simulator.clear();
    world
        .simulator
        .push(Script::fault(exception(2, "slow")).times(0));
    let found = names(&frames(open(&world).await).await);
    assert_eq!(
        found.last().map(String::as_str),
        Some("ThrottlingException")
    );
    assert_eq!(found.len(), 3);
    assert_eq!(world.simulator.requests().len(), 1);
}

#[tokio::test]
async fn an_exception_in_place_of_the_first_event_passes_under_its_200() {
    let world = world(|_| {}).await;
    let message = "role arn:aws:iam::123456789012:role/gateway may not";
    let mut fault = exception(0, message);
    if let Fault::Exception { code, .. } = &mut fault {
        *code = "validationException".to_owned();
    }
    world.simulator.push(Script::fault(fault).times(0));
    let response = open(&world).await;
    assert_eq!(response.status(), StatusCode::OK);
    let frames = frames(response).await;
    assert_eq!(names(&frames), ["ValidationException"]);
    let told = String::from_utf8_lossy(&frames[0].bytes).into_owned();
    assert!(told.contains("role [arn] may not"), "{told}");
    assert_eq!(world.simulator.requests().len(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_exception() {
    for fault in [
        Fault::Cut { after_events: 2 },
        Fault::TruncatedFrame { after_events: 2 },
        Fault::End { after_events: 2 },
    ] {
        let world = world(|_| {}).await;
        world.simulator.push(Script::fault(fault.clone()).times(0));
        let found = names(&frames(open(&world).await).await);
        assert_eq!(
            found.last().map(String::as_str),
            Some("InternalServerException"),
            "{fault:?}"
        );
        assert!(found.len() >= 2, "what came before it is there");
    }
}

#[tokio::test]
async fn a_silent_stream_is_ended() {
    let world = world(|config| config.bedrock.timeouts.silence = Duration::from_millis(50)).await;
    let silence = Fault::Silence { after_events: 2 };
    world.simulator.push(Script::fault(silence));
    let found = names(&frames(open(&world).await).await);
    assert_eq!(
        found.last().map(String::as_str),
        Some("ModelStreamErrorException")
    );
    world.simulator.abandoned_at_least(1).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_last_event_and_not_with_the_connection() {
    let world = world(patient).await;
    for fault in CONNECTIONS {
        world.simulator.clear();
        world.simulator.push(Script::fault(fault.clone()));
        let found = names(&within_limit(frames(open(&world).await)).await);
        assert_eq!(found.last().map(String::as_str), Some("metadata"));
        within_limit(world.simulator.idle()).await;

        world.simulator.push(without_metadata().with(fault.clone()));
        let found = names(&within_limit(frames(open(&world).await)).await);
        assert_eq!(found.last().map(String::as_str), Some("messageStop"));
        within_limit(world.simulator.idle()).await;
    }
}

#[tokio::test]
async fn a_models_own_stream_ends_after_its_metrics() {
    let world = world(patient).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for fault in CONNECTIONS {
        world.simulator.push(Script::fault(fault));
        let action = "invoke-with-response-stream";
        let asked = request(&world, MODEL, action, body.to_string());
        let response = client.request(asked).await.unwrap();
        let found = names(&within_limit(frames(response)).await);
        assert!(found.iter().all(|name| name == "chunk"), "{found:?}");
        within_limit(world.simulator.idle()).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_and_gives_its_place_back() {
    let world = world(|config| {
        config.limits.target = outcrop::config::LimitSettings::calls(1);
    })
    .await;
    let silence = Fault::Silence { after_events: 2 };
    world.simulator.push(Script::fault(silence));
    let mut response = open(&world).await;
    assert!(response.body_mut().frame().await.is_some());
    assert_eq!(open(&world).await.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(response);
    world.simulator.abandoned_at_least(1).await;
    world.simulator.idle().await;
    assert_eq!(open(&world).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_call() {
    let world = world(|_| {}).await;
    for action in ["converse", "converse-stream"] {
        world.simulator.clear();
        let slow = Fault::SlowAnswer { delay_ms: 600_000 };
        world.simulator.push(Script::fault(slow));
        let asked = request(&world, MODEL, action, said("hi").to_string());
        tokio::select! {
            _ = world.send(asked) => panic!("the answer should not have come"),
            () = world.simulator.received_at_least(1) => {}
        }
        world.simulator.abandoned_at_least(1).await;
        assert_eq!(
            world.simulator.requests().len(),
            1,
            "and it is not asked again"
        );
    }
}

#[tokio::test]
async fn when_the_process_ends_a_stream_under_way_ends_with_an_exception() {
    let world = world(|config| config.server.grace_period = Duration::from_millis(50)).await;
    let silence = Fault::Silence { after_events: 2 };
    world.simulator.push(Script::fault(silence));
    let mut response = open(&world).await;
    assert!(response.body_mut().frame().await.is_some());
    world.shutdown.advance(ShutdownPhase::Closing);
    let found = names(&frames(response).await);
    assert_eq!(
        found.last().map(String::as_str),
        Some("ServiceUnavailableException")
    );
    world.server.await.expect("the server ends by itself");
}

#[tokio::test(flavor = "current_thread")]
async fn usage_and_cost_of_a_stream_are_written_down() {
    let claude = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for (action, body) in [
        ("converse-stream", said("hi")),
        ("invoke-with-response-stream", claude),
    ] {
        crate::logs::begin();
        let world = world(|_| {}).await;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let asked = request(&world, MODEL, action, body.to_string());
        frames(client.request(asked).await.unwrap()).await;
        let line = crate::logs::request_line().await;
        for part in [
            "stream=true",
            "ending=\"answered\"",
            "cost_usd=\"0.0",
            "first_token_ms=",
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        for part in ["prompt_tokens=0", "completion_tokens=0", "tokens_estimated"] {
            assert!(!line.contains(part), "{part} is in {line}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_that_broke_is_written_down_with_its_cause_and_an_estimate() {
    crate::logs::begin();
    let world = world(|_| {}).await;
    world
        .simulator
        .push(Script::fault(exception(3, "slow")).times(0));
    frames(open(&world).await).await;
    let line = crate::logs::request_line().await;
    for part in [
        "ending=\"broken\"",
        "error=\"ThrottlingException\"",
        "tokens_estimated=true",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}
