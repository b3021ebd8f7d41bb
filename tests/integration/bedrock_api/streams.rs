//! Streams of Bedrock's API, passed through.

use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use outcrop::bedrock::{Decode, Frame, FrameCutter};
use outcrop::http::ShutdownPhase;
use serde_json::json;

use super::{converse_request, harness, path};
use crate::chat::stream_ends::{CONNECTIONS, patient, within_limit, without_metadata};
use crate::harness::{Harness, MODEL};

fn request(harness: &Harness, model: &str, action: &str, body: String) -> Request<Full<Bytes>> {
    let mut request = harness.request(Method::POST, &path(model, action), body);
    let bearer = HeaderValue::from_static("Bearer sk-team-a");
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request
}

/// A stream whose response headers have arrived.
async fn open(harness: &Harness) -> Response<Incoming> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let stream_request = request(
        harness,
        MODEL,
        "converse-stream",
        converse_request("hi").to_string(),
    );
    client.request(stream_request).await.unwrap()
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
        Err(error) => error.code.clone(),
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
async fn the_head_and_the_frames_are_forwarded_unchanged() {
    let harness = harness(|_| {}).await;
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    let client = Client::builder(TokioExecutor::new()).build_http();
    let stream_request = request(
        &harness,
        MODEL,
        "invoke-with-response-stream",
        body.to_string(),
    );
    let response = client.request(stream_request).await.unwrap();
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
async fn a_stream_is_retried_until_its_first_event_and_never_after() {
    let harness = harness(|_| {}).await;
    harness
        .simulator
        .push(Script::fault(exception(0, "slow")).times(2));
    let event_names = names(&frames(open(&harness).await).await);
    assert_eq!(event_names.last().map(String::as_str), Some("metadata"));
    assert_eq!(harness.simulator.requests().len(), 3);

    harness.simulator.clear();
    harness
        .simulator
        .push(Script::fault(exception(2, "slow")).times(0));
    let event_names = names(&frames(open(&harness).await).await);
    assert_eq!(
        event_names.last().map(String::as_str),
        Some("ThrottlingException")
    );
    assert_eq!(event_names.len(), 3);
    assert_eq!(harness.simulator.requests().len(), 1);
}

#[tokio::test]
async fn an_exception_as_the_first_event_is_forwarded_with_status_200() {
    let harness = harness(|_| {}).await;
    let message = "role arn:aws:iam::123456789012:role/gateway may not";
    let mut fault = exception(0, message);
    if let Fault::Exception { code, .. } = &mut fault {
        *code = "validationException".to_owned();
    }
    harness.simulator.push(Script::fault(fault).times(0));
    let response = open(&harness).await;
    assert_eq!(response.status(), StatusCode::OK);
    let frames = frames(response).await;
    assert_eq!(names(&frames), ["ValidationException"]);
    let text = String::from_utf8_lossy(&frames[0].bytes).into_owned();
    assert!(text.contains("role [arn] may not"), "{text}");
    assert_eq!(harness.simulator.requests().len(), 1);
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_exception() {
    for fault in [
        Fault::Cut { after_events: 2 },
        Fault::TruncatedFrame { after_events: 2 },
        Fault::End { after_events: 2 },
    ] {
        let harness = harness(|_| {}).await;
        harness
            .simulator
            .push(Script::fault(fault.clone()).times(0));
        let event_names = names(&frames(open(&harness).await).await);
        assert_eq!(
            event_names.last().map(String::as_str),
            Some("InternalServerException"),
            "{fault:?}"
        );
        assert!(event_names.len() >= 2, "earlier events are delivered");
    }
}

#[tokio::test]
async fn a_stalled_stream_is_ended() {
    let harness =
        harness(|config| config.bedrock.timeouts.stream_idle = Duration::from_millis(50)).await;
    let silence = Fault::Stall { after_events: 2 };
    harness.simulator.push(Script::fault(silence));
    let event_names = names(&frames(open(&harness).await).await);
    assert_eq!(
        event_names.last().map(String::as_str),
        Some("ModelStreamErrorException")
    );
    harness.simulator.wait_for_abandoned(1).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_last_event_not_with_the_connection() {
    let harness = harness(patient).await;
    for fault in CONNECTIONS {
        harness.simulator.clear();
        harness.simulator.push(Script::fault(fault.clone()));
        let event_names = names(&within_limit(frames(open(&harness).await)).await);
        assert_eq!(event_names.last().map(String::as_str), Some("metadata"));
        within_limit(harness.simulator.idle()).await;

        harness
            .simulator
            .push(without_metadata().with(fault.clone()));
        let event_names = names(&within_limit(frames(open(&harness).await)).await);
        assert_eq!(event_names.last().map(String::as_str), Some("messageStop"));
        within_limit(harness.simulator.idle()).await;
    }
}

#[tokio::test]
async fn an_invoke_stream_ends_after_its_metrics() {
    let harness = harness(patient).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for fault in CONNECTIONS {
        harness.simulator.push(Script::fault(fault));
        let action = "invoke-with-response-stream";
        let stream_request = request(&harness, MODEL, action, body.to_string());
        let response = client.request(stream_request).await.unwrap();
        let event_names = names(&within_limit(frames(response)).await);
        assert!(
            event_names.iter().all(|name| name == "chunk"),
            "{event_names:?}"
        );
        within_limit(harness.simulator.idle()).await;
    }
}

#[tokio::test]
async fn a_client_disconnect_cancels_the_call_and_releases_its_slot() {
    let harness = harness(|config| {
        config.limits.target = outcrop::config::LimitSettings::calls(1);
    })
    .await;
    let silence = Fault::Stall { after_events: 2 };
    harness.simulator.push(Script::fault(silence));
    let mut response = open(&harness).await;
    assert!(response.body_mut().frame().await.is_some());
    assert_eq!(open(&harness).await.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(response);
    harness.simulator.wait_for_abandoned(1).await;
    harness.simulator.idle().await;
    assert_eq!(open(&harness).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_disconnect_before_the_response_cancels_the_call() {
    let harness = harness(|_| {}).await;
    for action in ["converse", "converse-stream"] {
        harness.simulator.clear();
        let slow = Fault::SlowResponse { delay_ms: 600_000 };
        harness.simulator.push(Script::fault(slow));
        let stream_request = request(&harness, MODEL, action, converse_request("hi").to_string());
        tokio::select! {
            _ = harness.send(stream_request) => panic!("the response arrived"),
            () = harness.simulator.wait_for_received(1) => {}
        }
        harness.simulator.wait_for_abandoned(1).await;
        assert_eq!(
            harness.simulator.requests().len(),
            1,
            "the call is not retried"
        );
    }
}

#[tokio::test]
async fn shutdown_ends_an_active_stream_with_an_exception() {
    let harness = harness(|config| config.server.grace_period = Duration::from_millis(50)).await;
    let silence = Fault::Stall { after_events: 2 };
    harness.simulator.push(Script::fault(silence));
    let mut response = open(&harness).await;
    assert!(response.body_mut().frame().await.is_some());
    harness.shutdown.advance(ShutdownPhase::Closing);
    let event_names = names(&frames(response).await);
    assert_eq!(
        event_names.last().map(String::as_str),
        Some("ServiceUnavailableException")
    );
    harness.server.await.expect("the server shuts down in time");
}

#[tokio::test(flavor = "current_thread")]
async fn usage_and_cost_of_a_stream_are_logged() {
    let claude = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for (action, body) in [
        ("converse-stream", converse_request("hi")),
        ("invoke-with-response-stream", claude),
    ] {
        crate::harness::logs::begin();
        let harness = harness(|_| {}).await;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let stream_request = request(&harness, MODEL, action, body.to_string());
        frames(client.request(stream_request).await.unwrap()).await;
        let line = crate::harness::logs::request_line().await;
        for part in [
            "stream=true",
            "outcome=\"completed\"",
            "cost_usd=\"0.0",
            "time_to_first_token_ms=",
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        for part in ["prompt_tokens=0", "completion_tokens=0", "tokens_estimated"] {
            assert!(!line.contains(part), "{part} is in {line}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_broken_stream_is_logged_with_its_cause_and_estimated_usage() {
    crate::harness::logs::begin();
    let harness = harness(|_| {}).await;
    harness
        .simulator
        .push(Script::fault(exception(3, "slow")).times(0));
    frames(open(&harness).await).await;
    let line = crate::harness::logs::request_line().await;
    for part in [
        "outcome=\"broken\"",
        "error=\"ThrottlingException\"",
        "tokens_estimated=true",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}
