//! The routes about stored responses.

use bedrock_simulator::{Event, Script, ScriptedResponse};
use serde_json::{Value, json};

use super::{NOVA, create, created, harnesses, last, path_of, weather};
use crate::harness::{Harness, MODEL};
use crate::support::response_events::{assert_stream, parsed};

#[tokio::test]
async fn a_response_is_found_as_soon_as_its_stream_ends() {
    for harness in harnesses().await {
        let request = json!({"model": NOVA, "input": "Good morning", "stream": true});
        let body = harness.request(http::Method::POST, "/v1/responses", request.to_string());
        let mut stream = harness.open_request(body).await;
        let mut response = Value::Null;
        while let Some(event) = stream.next().await {
            let data = event
                .lines()
                .find_map(|line| line.strip_prefix("data: "))
                .unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            if data["type"] == "response.completed" {
                // The first connection is still in use, so that this is another one.
                let found = harness.get(&path_of(&data["response"])).await;
                assert_eq!(found.json(), data["response"]);
                response = data["response"].clone();
            }
        }
        assert_eq!(response["store"], true);
        let created = created(&harness, &json!({"model": NOVA, "input": "Good morning"})).await;
        assert_eq!(harness.get(&path_of(&created)).await.json(), created);
    }
}

#[tokio::test]
async fn the_stream_of_a_stored_response_has_its_items() {
    for harness in harnesses().await {
        let tools = json!([weather()[0], {"type": "custom", "name": "patch"}, {"type": "shell"}]);
        for (model, script, request) in [
            (NOVA, None, json!({"input": "Good morning"})),
            (
                MODEL,
                None,
                json!({"input": "What is the weather?", "tools": weather(),
                "reasoning": {"effort": "low", "summary": "auto"}}),
            ),
            (
                NOVA,
                Some(calls()),
                json!({"input": "work", "tools": tools}),
            ),
        ] {
            if let Some(script) = script {
                harness.simulator.push(script);
            }
            let mut request = request;
            request["model"] = json!(model);
            request["stream"] = json!(true);
            let reply = create(&harness, &request).await;
            let response = last(&reply);
            let path = format!("{}?stream=true", path_of(&response));
            let replayed = harness.get(&path).await;
            assert_eq!(
                replayed.header("content-type"),
                Some("text/event-stream; charset=utf-8")
            );
            assert_eq!(assert_stream(&replayed.text), response);
            // The same events, but for the number of deltas.
            assert_eq!(kinds(&replayed.text), kinds(&reply.text));
            let rest = harness.get(&format!("{path}&starting_after=3")).await;
            let events = parsed(&rest.text);
            assert_eq!(events[0]["sequence_number"], 4);
            assert_eq!(events, parsed(&replayed.text)[4..]);
        }
    }
}

/// The types of the events; repeated ones once.
fn kinds(stream: &str) -> Vec<Value> {
    let mut kinds: Vec<Value> = parsed(stream)
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    kinds.retain(|kind| kind != "keepalive");
    kinds.dedup();
    kinds
}

/// A text, and calls of three tools.
fn calls() -> Script {
    let mut events = vec![
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "Working"}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
    ];
    let inputs = [
        ("weather", "{\"a\":1}"),
        ("patch", "{\"input\":\"*** Begin\"}"),
        ("shell", "{\"commands\":[\"ls\"]}"),
    ];
    for (index, (name, input)) in (1..).zip(inputs) {
        let id = format!("tooluse_{index}");
        events.extend([
            ("contentBlockStart", json!({"contentBlockIndex": index, "start": {"toolUse": {"toolUseId": id, "name": name}}})),
            ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": {"toolUse": {"input": input}}})),
            ("contentBlockStop", json!({"contentBlockIndex": index})),
        ]);
    }
    events.push(("messageStop", json!({"stopReason": "tool_use"})));
    events.push((
        "metadata",
        json!({"usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}}),
    ));
    let events = events.into_iter().map(|(name, payload)| Event {
        name: name.to_owned(),
        payload,
    });
    Script::new(ScriptedResponse::Events {
        events: events.collect(),
    })
}

#[tokio::test]
async fn input_items_are_listed_in_pages_with_the_conversation_before_them() {
    for harness in harnesses().await {
        let first = created(&harness, &json!({"model": NOVA, "input": "one"})).await;
        let request = json!({"model": NOVA, "previous_response_id": first["id"], "input": [
            {"role": "user", "content": "two", "id": "own"},
            {"role": "assistant", "content": "three"},
            {"type": "compaction_trigger"}]});
        // The trigger is a control item, which is not part of the conversation.
        let second = created(&harness, &request).await;
        let path = format!("{}/input_items", path_of(&second));
        let page = async |query: &str| harness.get(&format!("{path}?{query}")).await.json();

        let all = page("order=asc").await;
        let texts: Vec<&str> = all["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["content"][0]["text"].as_str().unwrap())
            .collect();
        let output = first["output"][0]["content"][0]["text"].as_str().unwrap();
        assert_eq!(texts, ["one", output, "two", "three"]);
        assert_eq!(all["data"][1], first["output"][0]);
        assert_eq!(
            all["data"][2],
            json!({"type": "message", "id": "own", "status": "completed",
            "role": "user", "content": [{"type": "input_text", "text": "two"}]})
        );
        assert_eq!(all["data"][3]["content"][0]["type"], "output_text");
        assert_eq!(all["has_more"], false);

        // The newest come first, page by page.
        let mut query = "limit=2&include[]=message.input_image.image_url".to_owned();
        let mut listed = Vec::new();
        loop {
            let page = page(&query).await;
            let data = page["data"].as_array().unwrap();
            assert_eq!(page["first_id"], data[0]["id"]);
            assert_eq!(page["last_id"], data.last().unwrap()["id"]);
            listed.extend(data.clone());
            if page["has_more"] == false {
                break;
            }
            query = format!("limit=2&after={}", page["last_id"].as_str().unwrap());
        }
        listed.reverse();
        assert_eq!(json!(listed), all["data"]);
        for (query, param) in [
            ("after=unknown", "after"),
            ("limit=101", "limit"),
            ("order=up", "order"),
        ] {
            let reply = harness.get(&format!("{path}?{query}")).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.error()["param"]),
                (400, &json!(param))
            );
        }
    }
}

#[tokio::test]
async fn an_unknown_response_is_not_found() {
    let harness = Harness::start().await;
    for path in ["/v1/responses/resp_1", "/v1/responses/resp_1/input_items"] {
        let reply = harness.get(path).await;
        assert_eq!(reply.status, 404);
        assert_eq!(
            reply.error()["message"],
            "Response with id 'resp_1' not found."
        );
        assert_eq!(reply.error()["type"], "invalid_request_error");
    }
    assert_eq!(
        super::delete(&harness, "/v1/responses/resp_1").await.status,
        404
    );
    let reply = harness.get("/v1/responses/resp_1?stream=maybe").await;
    assert_eq!(
        (reply.status.as_u16(), &reply.error()["param"]),
        (400, &json!("stream"))
    );
}
