//! `previous_response_id` and `item_reference`.

use std::sync::Arc;

use bedrock_simulator::Script;
use outcrop::store::StoredResponse;
use serde_json::{Value, json};

use super::{NOVA, create, created, delete, harnesses, path_of, sent, weather};
use crate::harness::{Harness, MODEL};

/// Requests of a conversation, each with the fields that it has besides the conversation.
fn turns() -> Vec<Value> {
    let image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    vec![
        json!({"input": "Good morning", "instructions": "Be brief."}),
        json!({"input": [
            {"role": "developer", "content": "Look closely."},
            {"role": "user", "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": image}]},
            {"type": "message", "role": "assistant", "id": "own_1", "content": "A picture."},
            {"role": "user", "content": "Sure?"},
        ]}),
        json!({"input": [
            {"type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "call_1", "output": "done"},
            {"type": "tool_search_call", "call_id": "call_2", "execution": "client", "arguments": {"q": 1}},
            {"type": "tool_search_output", "call_id": "call_2", "tools": [
                {"type": "function", "name": "found", "parameters": {"type": "object", "properties": {}}}]},
            {"role": "user", "content": "And now?"},
        ]}),
        json!({"input": "Goodbye"}),
    ]
}

#[tokio::test]
async fn a_stored_chain_is_the_complete_history() {
    for (harness, stream) in harnesses().await.into_iter().zip([false, true]) {
        let mut previous = Value::Null;
        let mut history: Vec<Value> = Vec::new();
        for turn in turns() {
            let mut request = turn.clone();
            request["model"] = json!(NOVA);
            request["stream"] = json!(stream);
            request["previous_response_id"] = previous.clone();
            let reply = create(&harness, &request).await;
            assert_eq!(
                (reply.status.as_u16(), reply.adjustments()),
                (200, ""),
                "{}",
                reply.text
            );
            let response = match stream {
                true => super::last(&reply),
                false => reply.json(),
            };
            let chained = sent(&harness);
            assert_eq!(response["previous_response_id"], previous);
            assert_eq!(response["store"], true);

            match turn["input"].clone() {
                Value::Array(items) => history.extend(items),
                text => history.push(json!({"role": "user", "content": text})),
            }
            request["input"] = json!(history);
            request["previous_response_id"] = Value::Null;
            request["store"] = json!(false);
            assert_eq!(create(&harness, &request).await.status, 200);
            assert_eq!(chained, sent(&harness));

            history.extend(response["output"].as_array().unwrap().clone());
            previous = response["id"].clone();
        }
    }
}

#[tokio::test]
async fn a_tool_loop_continues_by_references_as_the_ai_sdk_sends_them() {
    for harness in harnesses().await {
        let question = json!({"role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]});
        let mut request = json!({"model": MODEL, "input": [question], "tools": weather(),
            "reasoning": {"effort": "low", "summary": "auto"}});
        let response = created(&harness, &request).await;
        let output = response["output"].as_array().unwrap().clone();
        let kinds: Vec<&str> = output
            .iter()
            .map(|item| item["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            (kinds[0], kinds[kinds.len() - 1]),
            ("reasoning", "function_call")
        );
        let result = json!({"type": "function_call_output", "call_id": output.last().unwrap()["call_id"], "output": "sun"});

        // Reasoning and text are replaced by references; calls and results are sent as they are.
        let mut input = vec![question.clone()];
        input.extend(
            output
                .iter()
                .map(|item| match item["type"].as_str().unwrap() {
                    "function_call" => item.clone(),
                    _ => json!({"type": "item_reference", "id": item["id"]}),
                }),
        );
        input.push(result.clone());
        request["input"] = json!(input);
        let second = create(&harness, &request).await;
        assert_eq!(
            (second.status.as_u16(), second.adjustments()),
            (200, ""),
            "{}",
            second.text
        );
        let by_reference = sent(&harness);

        let mut input = vec![question];
        input.extend(output);
        input.push(result);
        let mut by_hand = request.clone();
        by_hand["input"] = json!(input);
        by_hand["store"] = json!(false);
        assert_eq!(create(&harness, &by_hand).await.status, 200);
        assert_eq!(by_reference, sent(&harness));
        assert!(by_reference.contains("signature"), "{by_reference}");

        // The third step refers to items of both responses, also those of an input.
        let items = harness
            .get(&format!(
                "{}/input_items?order=asc",
                path_of(&second.json())
            ))
            .await
            .json();
        let ids = items["data"].as_array().unwrap().iter();
        let references: Vec<Value> = ids.map(|item| json!({"id": item["id"]})).collect();
        assert_eq!(references.len(), request["input"].as_array().unwrap().len());
        request["input"] = json!(references);
        assert_eq!(create(&harness, &request).await.status, 200);
        assert_eq!(by_reference, sent(&harness));
    }
}

#[tokio::test]
async fn unknown_references_are_refused_in_openais_words() {
    let harness = Harness::start().await;
    let request = json!({"model": NOVA, "input": "hi", "previous_response_id": "resp_1"});
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.error(),
        json!({"message": "Previous response with id 'resp_1' not found.",
            "type": "invalid_request_error", "param": "previous_response_id",
            "code": "previous_response_not_found"})
    );
    let request = json!({"model": NOVA, "input": [{"type": "item_reference", "id": "msg_1"}]});
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 404);
    let error = reply.error();
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("input"), &Value::Null)
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("Item with id 'msg_1' not found."),
        "{message}"
    );
    assert!(harness.sent_upstream().is_empty());
}

#[tokio::test]
async fn a_deleted_response_cannot_be_continued() {
    for harness in harnesses().await {
        let first = created(&harness, &json!({"model": NOVA, "input": "one"})).await;
        let second = created(
            &harness,
            &json!({"model": NOVA, "input": "two", "previous_response_id": first["id"]}),
        )
        .await;
        let deleted = delete(&harness, &path_of(&first)).await;
        assert_eq!(
            deleted.json(),
            json!({"id": first["id"], "object": "response.deleted", "deleted": true})
        );
        assert_eq!(delete(&harness, &path_of(&first)).await.status, 404);
        assert_eq!(harness.get(&path_of(&first)).await.status, 404);
        let missing = format!(
            "Previous response with id '{}' not found.",
            first["id"].as_str().unwrap()
        );
        for previous in [&first, &second] {
            let request =
                json!({"model": NOVA, "input": "x", "previous_response_id": previous["id"]});
            let reply = create(&harness, &request).await;
            assert_eq!(reply.status, 400);
            assert_eq!(reply.error()["message"], missing);
        }
        let item = &first["output"][0]["id"];
        let request = json!({"model": NOVA, "input": [{"id": item}]});
        assert_eq!(create(&harness, &request).await.status, 404);
        assert_eq!(harness.get(&path_of(&second)).await.status, 200);
    }
}

#[tokio::test]
async fn a_history_that_is_sent_again_is_read_once() {
    let harness = Harness::start().await;
    let first = created(&harness, &json!({"model": NOVA, "input": "one"})).await;
    let again = first["output"][0].clone();
    let request = json!({"model": NOVA, "previous_response_id": first["id"], "input": [
        again, {"type": "item_reference", "id": again["id"]}, {"role": "user", "content": "two"}]});
    let reply = create(&harness, &request).await;
    assert_eq!(
        reply.adjustments(),
        "input[].id: item removed; its id is a duplicate"
    );
    let messages = harness.sent_upstream().pop().unwrap()["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 3, "{messages}");
    let path = format!("{}/input_items", path_of(&reply.json()));
    let listed = harness.get(&path).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 3, "{listed}");
}

#[tokio::test]
async fn errors_name_the_items_of_the_request_by_their_own_index() {
    let harness = Harness::start().await;
    let first = created(&harness, &json!({"model": NOVA, "input": "one"})).await;
    for (item, param) in [
        (json!({"type": "strange"}), "input[1].type"),
        (json!({"role": "strange", "content": "x"}), "input[1].role"),
        (
            json!({"role": "user", "content": [{"type": "strange"}]}),
            "input[1].content[0].type",
        ),
        (
            json!({"type": "function_call", "name": "f", "arguments": "{}"}),
            "input[1].call_id",
        ),
    ] {
        let input = json!([{"role": "user", "content": "x"}, item]);
        let request = json!({"model": NOVA, "previous_response_id": first["id"], "input": input});
        let reply = create(&harness, &request).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.error()["param"]),
            (400, &json!(param)),
            "{}",
            reply.text
        );
        assert!(
            reply.text.contains(param) || reply.text.contains("strange"),
            "{}",
            reply.text
        );
    }
    // Without input, the model continues the conversation.
    let request = json!({"model": NOVA, "previous_response_id": first["id"]});
    created(&harness, &request).await;
}

#[tokio::test]
async fn the_length_of_a_conversation_is_limited() {
    let harness = Harness::with(super::on_disk).await;
    let first = created(&harness, &json!({"model": NOVA, "input": "one"})).await;
    let mut previous: Arc<str> = first["id"].as_str().unwrap().into();
    for number in 1..=1000 {
        let id: Arc<str> = format!("resp_{number:04}").into();
        let link = StoredResponse {
            id: Arc::clone(&id),
            owner: "local".into(),
            previous_id: Some(previous),
            status: "completed".into(),
            document: "{}".into(),
            items: Vec::new(),
            created_at: 1,
            expires_at: None,
        };
        harness.app.store.add_response(&link).await.unwrap();
        previous = id;
    }
    let request = json!({"model": NOVA, "input": "x", "previous_response_id": "resp_0999"});
    created(&harness, &request).await;
    let request = json!({"model": NOVA, "input": "x", "previous_response_id": "resp_1000"});
    let reply = create(&harness, &request).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.error()["code"]),
        (400, &json!("context_length_exceeded"))
    );
    assert_eq!(reply.error()["param"], "previous_response_id");

    let references = (0..1001).map(|number| json!({"id": format!("msg_{number}")}));
    let references: Vec<Value> = references.collect();
    // A body with fewer texts would have too many values for its size.
    let instructions = "word ".repeat(100_000);
    let request = json!({"model": NOVA, "input": references, "instructions": instructions});
    let reply = create(&harness, &request).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.error()["param"]),
        (400, &json!("input"))
    );
}

#[tokio::test]
async fn a_request_that_is_revised_keeps_what_it_continues() {
    let harness = Harness::start().await;
    let first = created(&harness, &json!({"model": NOVA, "input": "one"})).await;
    let message = "Input is too long for requested model.";
    let too_long = Script::error(400, "ValidationException", message);
    harness.simulator.push(too_long);
    let request = json!({"model": NOVA, "previous_response_id": first["id"], "truncation": "auto",
        "input": [{"role": "user", "content": "two"}]});
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let counts: Vec<usize> = harness
        .sent_upstream()
        .iter()
        .map(|sent| sent["messages"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [1, 3, 1]);
    assert_eq!(reply.json()["truncation"], "auto");
}

#[tokio::test]
async fn tokens_are_counted_with_the_stored_conversation() {
    let harness = Harness::start().await;
    let long = "word ".repeat(100);
    let first = created(&harness, &json!({"model": NOVA, "input": long})).await;
    let count = async |request: Value| {
        let reply = harness.post("/v1/responses/input_tokens", &request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["input_tokens"].as_u64().unwrap()
    };
    let alone = count(json!({"model": NOVA, "input": "two"})).await;
    let continued = json!({"model": NOVA, "input": "two", "previous_response_id": first["id"]});
    assert!(count(continued).await > alone + 50);
}
