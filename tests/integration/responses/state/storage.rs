//! Where responses are stored, and what is not.

use bedrock_simulator::{Event, Fault, Script, ScriptedResponse};
use http::{HeaderValue, Method};
use outcrop::config::ResponseStorage;
use serde_json::{Value, json};

use super::{NOVA, create, created, delete, harnesses, last, on_disk, path_of};
use crate::harness::Harness;
use crate::harness::batches::scratch;
use crate::support::response_events::parsed;

const STREAMED: [bool; 2] = [false, true];

/// The response to a request, streamed or not.
async fn response(harness: &Harness, request: &Value) -> (Value, String) {
    let reply = create(harness, request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let response = match request["stream"] == true {
        true => last(&reply),
        false => reply.json(),
    };
    (response, reply.adjustments().to_owned())
}

#[tokio::test]
async fn a_request_can_refuse_to_be_stored() {
    for harness in harnesses().await {
        for stream in STREAMED {
            let request = json!({"model": NOVA, "input": "hi", "store": false, "stream": stream});
            let (response, adjustments) = response(&harness, &request).await;
            assert_eq!(
                (&response["store"], adjustments.as_str()),
                (&json!(false), "")
            );
            assert_eq!(harness.get(&path_of(&response)).await.status, 404);
        }
    }
}

#[tokio::test]
async fn without_a_store_the_default_is_noted_and_references_are_refused() {
    let harness = Harness::with(|config| {
        config.responses.store = ResponseStorage::Off;
        config.store.path = scratch();
    })
    .await;
    for stream in STREAMED {
        let mut request = json!({"model": NOVA, "input": "hi", "stream": stream});
        for store in [Value::Null, json!(true)] {
            request["store"] = store;
            // SDKs store by default, so that this is no reason to refuse a strict request.
            let mut strict = harness.request(Method::POST, "/v1/responses", request.to_string());
            let headers = strict.headers_mut();
            headers.insert("x-outcrop-strict", HeaderValue::from_static("on"));
            let reply = harness.send(strict).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            let note = "store: ignored; the operator has disabled the storage of responses";
            assert_eq!(reply.adjustments(), note);
            let (response, _) = response(&harness, &request).await;
            assert_eq!(response["store"], false);
        }
        request["store"] = json!(false);
        assert_eq!(response(&harness, &request).await.1, "");
    }
    let request = json!({"model": NOVA, "input": "hi", "previous_response_id": "resp_1"});
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "previous_response_id");
    assert_eq!(reply.error()["code"], "unsupported_parameter");
    assert!(reply.text.contains("[responses] store"), "{}", reply.text);
    let request = json!({"model": NOVA, "input": [{"type": "item_reference", "id": "msg_1"}]});
    assert_eq!(create(&harness, &request).await.status, 404);
    for reply in [
        harness.get("/v1/responses/resp_1").await,
        harness.get("/v1/responses/resp_1/input_items").await,
        delete(&harness, "/v1/responses/resp_1").await,
    ] {
        assert_eq!(
            (reply.status.as_u16(), &reply.error()["code"]),
            (404, &json!("not_enabled"))
        );
        assert!(reply.text.contains("[responses] store"), "{}", reply.text);
    }
    assert!(!harness.app.store.exists());
}

#[tokio::test]
async fn only_the_disk_survives_a_restart_and_only_it_has_prompts() {
    let path = scratch();
    for storage in [ResponseStorage::Memory, ResponseStorage::Disk] {
        let start = || {
            Harness::with(|config| {
                config.responses.store = storage;
                config.store.path.clone_from(&path);
            })
        };
        let before = start().await;
        let response = created(&before, &json!({"model": NOVA, "input": "a secret"})).await;
        drop(before);
        let after = start().await;
        let request =
            json!({"model": NOVA, "input": "go on", "previous_response_id": response["id"]});
        let reply = create(&after, &request).await;
        match storage {
            ResponseStorage::Disk => {
                assert_eq!(reply.status, 200, "{}", reply.text);
                assert!(super::sent(&after).contains("a secret"));
                assert_eq!(after.get(&path_of(&response)).await.json(), response);
            }
            _ => {
                assert_eq!(reply.status, 400);
                assert!(!path.exists());
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_does_not_cost_the_client_its_response() {
    let damaged = scratch();
    let content = "not a database, but long enough to have the header of one";
    std::fs::write(&damaged, content).unwrap();
    let broken = Harness::with(|config| {
        config.responses.store = ResponseStorage::Disk;
        config.store.path = damaged;
    })
    .await;
    let small = Harness::with(|config| config.responses.memory_size = 100).await;
    for harness in [broken, small] {
        for stream in STREAMED {
            let request = json!({"model": NOVA, "input": "hi", "stream": stream});
            let (response, adjustments) = response(&harness, &request).await;
            assert_eq!(response["status"], "completed");
            assert_eq!(response["store"], false, "what was really kept");
            assert_eq!(
                adjustments.starts_with("store: not stored"),
                !stream,
                "{adjustments}"
            );
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_not_the_clients_mistake() {
    let harness = Harness::with(|config| {
        on_disk(config);
        std::fs::write(
            &config.store.path,
            "not a database, but long enough for one",
        )
        .unwrap();
    })
    .await;
    let request = json!({"model": NOVA, "input": "hi", "previous_response_id": "resp_1"});
    for reply in [
        create(&harness, &request).await,
        harness.get("/v1/responses/resp_1").await,
        delete(&harness, "/v1/responses/resp_1").await,
    ] {
        assert_eq!(reply.status, 503, "{}", reply.text);
        assert_eq!(reply.error()["code"], "store_unavailable");
    }
}

#[tokio::test]
async fn failed_and_abandoned_responses_are_not_stored() {
    for harness in harnesses().await {
        let started = [
            ("messageStart", json!({"role": "assistant"})),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
            ),
        ];
        let events = started.map(|(name, payload)| Event {
            name: name.to_owned(),
            payload,
        });
        let events = events.to_vec();
        harness
            .simulator
            .push(Script::new(ScriptedResponse::Events { events }));
        let request = json!({"model": NOVA, "input": "hi", "stream": true});
        let reply = create(&harness, &request).await;
        let failed = last(&reply);
        assert_eq!(
            (&failed["status"], &failed["store"]),
            (&json!("failed"), &json!(false))
        );

        harness
            .simulator
            .push(Script::fault(Fault::Stall { after_events: 2 }));
        let body = harness.request(Method::POST, "/v1/responses", request.to_string());
        let mut stream = harness.open_request(body).await;
        let first = format!("{}\n\n", stream.next().await.unwrap());
        let abandoned = parsed(&first)[0]["response"].clone();
        drop(stream);
        for response in [failed, abandoned] {
            assert_eq!(harness.get(&path_of(&response)).await.status, 404);
            let request =
                json!({"model": NOVA, "input": "x", "previous_response_id": response["id"]});
            assert_eq!(create(&harness, &request).await.status, 400);
        }
    }
}

#[tokio::test]
async fn an_incomplete_response_is_stored_and_continued() {
    for harness in harnesses().await {
        let request = json!({"model": NOVA, "input": "hi", "max_output_tokens": 1, "stream": true});
        harness.simulator.push(Script::new(ScriptedResponse::Events {
            events: vec![
                Event { name: "messageStart".to_owned(), payload: json!({"role": "assistant"}) },
                Event { name: "contentBlockDelta".to_owned(), payload: json!({"contentBlockIndex": 0, "delta": {"text": "Hel"}}) },
                Event { name: "contentBlockStop".to_owned(), payload: json!({"contentBlockIndex": 0}) },
                Event { name: "messageStop".to_owned(), payload: json!({"stopReason": "max_tokens"}) },
                Event { name: "metadata".to_owned(), payload: json!({"usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4}}) },
            ],
        }));
        let (response, _) = response(&harness, &request).await;
        assert_eq!(response["status"], "incomplete");
        assert_eq!(harness.get(&path_of(&response)).await.json(), response);
        let request =
            json!({"model": NOVA, "input": "go on", "previous_response_id": response["id"]});
        created(&harness, &request).await;
        assert!(super::sent(&harness).contains("Hel"));
    }
}
