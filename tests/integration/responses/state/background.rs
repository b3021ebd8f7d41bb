//! Responses in the background.

use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use http::Method;
use outcrop::config::ResponseStorage;
use outcrop::http::ShutdownPhase;
use outcrop::store::Lease;
use serde_json::{Value, json};

use super::{NOVA, create, created, harnesses, path_of};
use crate::harness::batches::scratch;
use crate::harness::{Harness, Reply};
use crate::support::response_events::parsed;

/// Longer than any response of these tests takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn request() -> Value {
    json!({"model": NOVA, "input": "Good morning", "background": true})
}

/// The response when its status is one of `statuses`.
async fn when(harness: &Harness, response: &Value, statuses: &[&str]) -> Value {
    let path = path_of(response);
    let polled = async {
        loop {
            let found = harness.get(&path).await.json();
            if statuses.contains(&found["status"].as_str().unwrap()) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, polled).await.unwrap()
}

async fn ended(harness: &Harness, response: &Value) -> Value {
    when(
        harness,
        response,
        &["completed", "incomplete", "failed", "cancelled"],
    )
    .await
}

async fn cancel(harness: &Harness, response: &Value) -> Reply {
    harness
        .post(&format!("{}/cancel", path_of(response)), &json!({}))
        .await
}

/// A call to the model that does not end.
fn stalled() -> Script {
    Script::fault(Fault::Stall { after_events: 2 })
}

/// Checks the numbers of the events, and returns them without keepalives.
fn numbered(stream: &str, first: u64) -> Vec<Value> {
    let mut events = parsed(stream);
    events.retain(|event| event["type"] != "keepalive");
    for (number, event) in (first..).zip(&events) {
        assert_eq!(event["sequence_number"], number);
    }
    events
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_response_is_queued_and_then_polled() {
    for harness in harnesses().await {
        let queued = created(&harness, &request()).await;
        assert_eq!(
            (&queued["status"], &queued["background"]),
            (&json!("queued"), &json!(true))
        );
        assert_eq!(
            (&queued["store"], &queued["output"]),
            (&json!(true), &json!([]))
        );
        let response = ended(&harness, &queued).await;
        assert_eq!(response["status"], "completed");
        for member in ["id", "created_at", "model", "background", "store"] {
            assert_eq!(response[member], queued[member], "{member}");
        }
        let by_hand = created(&harness, &json!({"model": NOVA, "input": "Good morning"})).await;
        assert_eq!(
            response["output"][0]["content"],
            by_hand["output"][0]["content"]
        );
        assert_eq!(response["usage"], by_hand["usage"]);
        // It is continued, listed and deleted like others.
        let continued =
            json!({"model": NOVA, "input": "x", "previous_response_id": response["id"]});
        created(&harness, &continued).await;
        let items = harness
            .get(&format!("{}/input_items", path_of(&response)))
            .await
            .json();
        assert_eq!(items["data"][0]["content"][0]["text"], "Good morning");
        assert_eq!(
            super::delete(&harness, &path_of(&response)).await.status,
            200
        );
        assert_eq!(harness.get(&path_of(&response)).await.status, 404);
    }
}

#[tokio::test]
async fn its_events_are_streamed_and_followed_from_any_number_on() {
    for harness in harnesses().await {
        let mut request = request();
        request["stream"] = json!(true);
        let reply = create(&harness, &request).await;
        assert_eq!(
            reply.header("content-type"),
            Some("text/event-stream; charset=utf-8")
        );
        let events = numbered(&reply.text, 0);
        let kinds = kinds(&events);
        assert_eq!(
            kinds[..3],
            [
                "response.created",
                "response.queued",
                "response.in_progress"
            ]
        );
        assert_eq!(kinds.last(), Some(&"response.completed"));
        let statuses: Vec<&Value> = events[..3]
            .iter()
            .map(|event| &event["response"]["status"])
            .collect();
        assert_eq!(statuses, ["queued", "queued", "in_progress"]);
        let response = &events.last().unwrap()["response"];
        let path = path_of(response);
        assert_eq!(&harness.get(&path).await.json(), response);
        let again = harness.get(&format!("{path}?stream=true")).await;
        assert_eq!(numbered(&again.text, 0), events);
        for after in [0, 2, 4, events.len() - 2] {
            let rest = harness
                .get(&format!("{path}?stream=true&starting_after={after}"))
                .await;
            assert_eq!(numbered(&rest.text, after as u64 + 1), events[after + 1..]);
        }
        for after in [events.len() - 1, 1000] {
            let rest = harness
                .get(&format!("{path}?stream=true&starting_after={after}"))
                .await;
            assert_eq!(rest.text, "");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_finds_the_response_complete() {
    for harness in harnesses().await {
        let mut request = request();
        request["stream"] = json!(true);
        let body = harness.request(Method::POST, "/v1/responses", request.to_string());
        let mut stream = harness.open_request(body).await;
        let first = format!("{}\n\n", stream.next().await.unwrap());
        let response = parsed(&first)[0]["response"].clone();
        drop(stream);
        // Another client follows it while it is generated.
        let path = format!("{}?stream=true&starting_after=1", path_of(&response));
        let rest = harness.get(&path).await;
        let events = numbered(&rest.text, 2);
        assert_eq!(kinds(&events).first(), Some(&"response.in_progress"));
        assert_eq!(
            events.last().unwrap()["response"],
            ended(&harness, &response).await
        );
    }
}

#[tokio::test]
async fn a_cancelled_response_stays_cancelled() {
    for harness in harnesses().await {
        harness.simulator.push(stalled());
        let response = created(&harness, &request()).await;
        when(&harness, &response, &["in_progress"]).await;
        let follow = harness.request(
            Method::GET,
            &format!("{}?stream=true", path_of(&response)),
            "",
        );
        let mut stream = harness.open_request(follow).await;
        stream.next().await.unwrap();

        let unfinished =
            json!({"model": NOVA, "input": "x", "previous_response_id": response["id"]});
        let reply = create(&harness, &unfinished).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.error()["code"]),
            (400, &json!("invalid_value"))
        );

        let cancelled = cancel(&harness, &response).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.text);
        assert_eq!(cancelled.json()["status"], "cancelled");
        let events = stream.rest().await;
        let last = events.last().unwrap();
        assert!(last.starts_with("event: response.incomplete"), "{last}");
        assert!(last.contains("\"status\":\"cancelled\""), "{last}");
        assert_eq!(cancel(&harness, &response).await.json(), cancelled.json());
        assert_eq!(
            harness.get(&path_of(&response)).await.json(),
            cancelled.json()
        );
        let reply = create(&harness, &unfinished).await;
        assert_eq!(reply.error()["code"], "previous_response_not_found");
    }
}

#[tokio::test]
async fn whoever_is_told_that_a_response_is_cancelled_never_finds_it_complete() {
    for harness in harnesses().await {
        let mut cancelled = Vec::new();
        for _ in 0..20 {
            let response = created(&harness, &request()).await;
            let answer = cancel(&harness, &response).await.json();
            match answer["status"].as_str().unwrap() {
                "cancelled" => cancelled.push(answer),
                status => assert_eq!(status, "completed"),
            }
        }
        // The worker takes responses in order: when this one is complete, the others have ended.
        let last = created(&harness, &request()).await;
        assert_eq!(ended(&harness, &last).await["status"], "completed");
        for response in cancelled {
            assert_eq!(harness.get(&path_of(&response)).await.json(), response);
        }
    }
}

#[tokio::test]
async fn a_response_that_is_deleted_while_it_is_generated_is_cancelled() {
    for harness in harnesses().await {
        harness.simulator.push(stalled());
        let mut request = request();
        request["stream"] = json!(true);
        let body = harness.request(Method::POST, "/v1/responses", request.to_string());
        let mut stream = harness.open_request(body).await;
        let first = format!("{}\n\n", stream.next().await.unwrap());
        let response = parsed(&first)[0]["response"].clone();
        when(&harness, &response, &["in_progress"]).await;
        assert_eq!(
            super::delete(&harness, &path_of(&response)).await.status,
            200
        );
        // The stream ends, since there is nothing to follow any more.
        let rest = stream.rest().await;
        assert!(
            !rest
                .iter()
                .any(|event| event.contains("response.completed")),
            "{rest:?}"
        );
        assert_eq!(harness.get(&path_of(&response)).await.status, 404);
    }
}

#[tokio::test]
async fn only_responses_in_progress_are_cancelled() {
    for harness in harnesses().await {
        let response = created(&harness, &request()).await;
        let response = ended(&harness, &response).await;
        assert_eq!(cancel(&harness, &response).await.json(), response);
        let foreground = created(&harness, &json!({"model": NOVA, "input": "hi"})).await;
        let reply = cancel(&harness, &foreground).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.error()["type"]),
            (400, &json!("invalid_request_error"))
        );
        let unknown = json!({"id": "resp_1"});
        assert_eq!(cancel(&harness, &unknown).await.status, 404);
    }
}

#[tokio::test]
async fn a_failure_is_stored_and_ends_the_stream() {
    for harness in harnesses().await {
        let message = "Malformed input";
        harness
            .simulator
            .push(Script::error(400, "ValidationException", message));
        let mut request = request();
        request["stream"] = json!(true);
        let reply = create(&harness, &request).await;
        let events = numbered(&reply.text, 0);
        let failed = &events.last().unwrap()["response"];
        assert_eq!(kinds(&events).last(), Some(&"response.failed"));
        assert_eq!(
            (&failed["status"], &failed["error"]["code"]),
            (&json!("failed"), &json!("invalid_prompt"))
        );
        assert_eq!(&harness.get(&path_of(failed)).await.json(), failed);
        // What was generated before a failure is part of the response.
        harness.simulator.push(Script::fault(Fault::Exception {
            after_events: 3,
            code: "modelStreamErrorException".to_owned(),
            message: "It broke".to_owned(),
            original_status_code: None,
        }));
        let reply = create(&harness, &request).await;
        let events = numbered(&reply.text, 0);
        let failed = &events.last().unwrap()["response"];
        assert_eq!(
            (&failed["status"], &failed["error"]["code"]),
            (&json!("failed"), &json!("server_error"))
        );
        assert_eq!(failed["output"][0]["status"], "incomplete");
        assert_eq!(&harness.get(&path_of(failed)).await.json(), failed);
    }
}

#[tokio::test]
async fn a_response_that_takes_too_long_fails() {
    let harness = Harness::with(|config| {
        config.responses.background_timeout = Duration::from_millis(50);
    })
    .await;
    harness.simulator.push(stalled());
    let response = created(&harness, &request()).await;
    let response = ended(&harness, &response).await;
    assert_eq!(response["status"], "failed");
    assert_eq!(response["error"]["code"], "server_error");
    let message = response["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("longer than the operator allows"),
        "{message}"
    );
}

#[tokio::test]
async fn mistakes_are_refused_before_a_response_is_queued() {
    let harness = Harness::start().await;
    for (member, value, status, param) in [
        ("store", json!(false), 400, "background"),
        ("model", json!("no;model"), 404, "model"),
        ("input", json!([{"type": "strange"}]), 400, "input[0].type"),
        ("temperature", json!("hot"), 400, "temperature"),
        (
            "previous_response_id",
            json!("resp_1"),
            400,
            "previous_response_id",
        ),
    ] {
        let mut request = request();
        request[member] = value;
        let reply = create(&harness, &request).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.error()["param"]),
            (status, &json!(param)),
            "{}",
            reply.text
        );
    }
    let off = Harness::with(|config| config.responses.store = ResponseStorage::Off).await;
    let reply = create(&off, &request()).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.error()["code"]),
        (400, &json!("unsupported_parameter"))
    );
    assert!(reply.text.contains("[responses] store"), "{}", reply.text);
}

#[tokio::test]
async fn the_number_of_concurrent_responses_is_limited() {
    let harness = Harness::with(|config| config.responses.max_background_responses = 1).await;
    harness.simulator.push(stalled());
    let first = created(&harness, &request()).await;
    when(&harness, &first, &["in_progress"]).await;
    let second = created(&harness, &request()).await;
    assert_eq!(
        harness.get(&path_of(&second)).await.json()["status"],
        "queued"
    );
    cancel(&harness, &first).await;
    assert_eq!(ended(&harness, &second).await["status"], "completed");
}

#[tokio::test]
async fn the_number_of_queued_responses_of_a_caller_is_limited() {
    for harness in harnesses().await {
        let mut replies = Vec::new();
        // None of them ends.
        harness.simulator.push(stalled().times(8));
        for _ in 0..200 {
            replies.push(create(&harness, &request()).await.status.as_u16());
        }
        assert!(replies.iter().all(|status| *status == 200), "{replies:?}");
        let reply = create(&harness, &request()).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.error()["code"]),
            (429, &json!("rate_limit_exceeded"))
        );
        assert!(reply.header("retry-after").is_some());
    }
}

#[tokio::test]
async fn a_response_waits_for_the_limits_of_its_caller() {
    let mut harness = Harness::with(|config| {
        super::owners::keys(config);
        for key in &mut config.keys {
            key.grant.allowance.usage.max_concurrent_requests = Some(1);
        }
    })
    .await;
    harness.key = Some("one");
    harness.simulator.push(stalled());
    let body = json!({"model": NOVA, "input": "hi", "stream": true}).to_string();
    let foreground = harness.request(Method::POST, "/v1/responses", body);
    let mut foreground = harness.open_request(foreground).await;
    foreground.next().await.unwrap();
    let response = created(&harness, &request()).await;
    when(&harness, &response, &["in_progress"]).await;
    assert_eq!(harness.sent_upstream().len(), 1);
    drop(foreground);
    assert_eq!(ended(&harness, &response).await["status"], "completed");
}

#[tokio::test]
async fn queued_responses_survive_a_restart_and_begun_ones_fail() {
    let path = scratch();
    let start = || {
        Harness::with(|config| {
            config.responses.store = ResponseStorage::Disk;
            config.responses.max_background_responses = 1;
            config.store.path.clone_from(&path);
        })
    };
    let before = start().await;
    before.simulator.push(stalled());
    let begun = created(&before, &request()).await;
    when(&before, &begun, &["in_progress"]).await;
    let [queued, left] = [
        created(&before, &request()).await,
        created(&before, &request()).await,
    ];
    // As of a process that was killed: its lease has expired.
    let id = left["id"].as_str().unwrap();
    let lease = Lease {
        owner: "killed",
        now: 1,
        until: 2,
    };
    assert!(
        before
            .app
            .store
            .lease_response_job(id, lease)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        before
            .app
            .store
            .begin_response(id, "{\"status\":\"in_progress\"}")
            .await
            .unwrap()
    );
    before.shutdown.advance(ShutdownPhase::Ending);
    before.app.background.stopped().await;

    let after = start().await;
    let interrupted = |response: &Value| {
        assert_eq!(response["status"], "failed", "{response}");
        assert_eq!(response["error"]["code"], "server_error");
        let message = response["error"]["message"].as_str().unwrap();
        assert!(message.contains("restarted"), "{message}");
    };
    interrupted(&ended(&after, &begun).await);
    interrupted(&ended(&after, &left).await);
    let stream = after.get(&format!("{}?stream=true", path_of(&left))).await;
    assert_eq!(
        kinds(&numbered(&stream.text, 0)),
        ["response.created", "response.queued", "response.failed"]
    );
    assert_eq!(ended(&after, &queued).await["status"], "completed");
    assert_eq!(after.sent_upstream().len(), 1);
}

#[tokio::test]
async fn a_response_has_a_record_of_its_own() {
    let harness = Harness::start().await;
    let response = created(&harness, &request()).await;
    ended(&harness, &response).await;
    // The requests of clients cost nothing.
    let record = loop {
        let mut records = harness.records.take(1).await.into_iter();
        if let Some(record) = records.find(|record| record.cost.is_some()) {
            break record;
        }
    };
    assert_eq!(
        (&*record.route, record.status),
        ("/v1/responses", Some(200))
    );
    assert_eq!(record.tokens.map(|tokens| tokens.prompt > 0), Some(true));
    assert!(record.head.method.is_none());
}
