//! Conversations that are replaced by their summary.

use bedrock_simulator::{Script, ScriptedResponse};
use serde_json::{Value, json};

use crate::harness::{Harness, Reply};
use crate::support::response_events::{assert_stream, parsed};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";
const SUMMARY: &str = "They want the weather in Rome. It is sunny.";

/// A conversation with a call.
fn conversation(model: &str) -> Value {
    json!({"model": model, "store": false, "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "weather"}],
    "text": {"format": {"type": "json_object"}},
    "input": [
        {"role": "developer", "content": "You are an agent."},
        {"role": "user", "content": "What is the weather in Rome?"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "sun"},
        {"role": "user", "id": "msg_own", "content": [{"type": "input_text", "text": "And now?"}]},
    ]})
}

fn triggered(model: &str) -> Value {
    let mut request = conversation(model);
    let input = request["input"].as_array_mut().unwrap();
    input.push(json!({"type": "compaction_trigger"}));
    request
}

/// A response with this text.
fn answer(text: &str, stop_reason: &str) -> Script {
    let content = match text {
        "" => json!([]),
        text => json!([{"text": text}]),
    };
    Script::new(ScriptedResponse::Converse {
        body: json!({
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": stop_reason,
            "usage": {"inputTokens": 20, "outputTokens": 10, "totalTokens": 30},
            "metrics": {"latencyMs": 1},
        }),
        headers: Default::default(),
    })
}

async fn create(harness: &Harness, request: &Value) -> Reply {
    harness.post("/v1/responses", request).await
}

/// The latest call.
fn sent(harness: &Harness) -> Value {
    harness.sent_upstream().pop().unwrap()
}

#[tokio::test]
async fn a_trigger_is_answered_by_exactly_one_item() {
    for model in [CLAUDE, NOVA] {
        for stream in [false, true] {
            let harness = Harness::start().await;
            harness.simulator.push(answer(SUMMARY, "end_turn"));
            let mut request = triggered(model);
            request["stream"] = json!(stream);
            let reply = create(&harness, &request).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            let response = match stream {
                true => assert_stream(&reply.text),
                false => reply.json(),
            };
            assert_eq!(response["status"], "completed");
            let output = response["output"].as_array().unwrap();
            assert_eq!(output.len(), 1);
            assert_eq!(output[0]["type"], "compaction");
            assert!(output[0]["id"].as_str().unwrap().starts_with("cmp_"));
            let seal = output[0]["encrypted_content"].as_str().unwrap();
            assert!(seal.starts_with("oc1.") && !reply.text.contains("sunny"));
            assert_eq!(response["usage"]["total_tokens"], 30);
            if stream {
                let events = parsed(&reply.text);
                let types = events.iter().map(|event| event["type"].as_str().unwrap());
                let expected = [
                    "response.created",
                    "response.in_progress",
                    "response.output_item.added",
                    "response.compaction.compacting",
                    "response.output_item.done",
                    "response.completed",
                ];
                assert_eq!(types.collect::<Vec<_>>(), expected);
                assert_eq!(events[2]["item"]["encrypted_content"], "");
            }
            // The prompt is that of the conversation, with one message more and no JSON.
            let sent = sent(&harness);
            assert_eq!(
                sent["toolConfig"]["tools"][0]["toolSpec"]["name"],
                "weather"
            );
            assert!(sent["toolConfig"]["toolChoice"].is_null());
            let last = sent["messages"]
                .as_array()
                .unwrap()
                .last()
                .unwrap()
                .to_string();
            assert!(
                last.contains("And now?") && last.contains("Write a summary"),
                "{last}"
            );
            assert!(!sent.to_string().contains("JSON"), "{sent}");
            assert_eq!(harness.sent_upstream().len(), 1);
        }
    }
}

#[tokio::test]
async fn the_next_request_begins_with_the_summary() {
    let harness = Harness::start().await;
    harness.simulator.push(answer(SUMMARY, "end_turn"));
    let output = create(&harness, &triggered(CLAUDE)).await.json()["output"].clone();
    let next = json!({"role": "user", "content": "Go on"});
    // The text belongs to every model.
    for model in [CLAUDE, NOVA] {
        let request = json!({"model": model, "store": false, "input": [output[0], next]});
        let reply = create(&harness, &request).await;
        assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
        let turn = sent(&harness)["messages"][0].clone();
        assert_eq!(turn["role"], "user");
        let text = turn["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("Summary of the conversation") && text.ends_with(SUMMARY));
        assert_eq!(turn["content"][1]["text"], "Go on");
    }
}

#[tokio::test]
async fn compact_returns_what_replaces_the_conversation() {
    let harness = Harness::start().await;
    harness.simulator.push(answer(SUMMARY, "end_turn").times(2));
    let mut request = conversation(CLAUDE);
    let reply = harness.post("/v1/responses/compact", &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let response = reply.json();
    assert_eq!(response["object"], "response.compaction");
    assert!(response["id"].as_str().unwrap().starts_with("resp_"));
    assert!(response["created_at"].is_u64());
    assert_eq!(response["usage"]["input_tokens"], 20);
    let output = response["output"].as_array().unwrap();
    let types: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
    assert_eq!(types, ["message", "message", "compaction"]);
    let question = json!([{"type": "input_text", "text": "What is the weather in Rome?"}]);
    assert_eq!(output[0]["content"], question);
    assert_eq!(output[0]["role"], "user");
    assert!(output[0]["id"].as_str().unwrap().starts_with("msg_"));
    assert_eq!(output[1]["id"], "msg_own");

    let mut next = output.clone();
    next.push(json!({"role": "user", "content": "Go on"}));
    let body = json!({"model": CLAUDE, "store": false, "input": next});
    let reply = create(&harness, &body).await;
    assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
    let texts = sent(&harness)["messages"][0]["content"].clone();
    assert_eq!(texts[0]["text"], "What is the weather in Rome?");
    assert!(texts[2]["text"].as_str().unwrap().ends_with(SUMMARY));

    // It is not streamed.
    harness.simulator.push(answer(SUMMARY, "end_turn"));
    request["stream"] = json!(true);
    request["input"] = json!("A text");
    let response = harness.post("/v1/responses/compact", &request).await.json();
    assert_eq!(response["output"][0]["content"][0]["text"], "A text");
    assert_eq!(response["output"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_a_complete_summary_the_request_fails() {
    for (text, stop_reason) in [
        ("", "end_turn"),
        (" \n", "end_turn"),
        ("They want", "max_tokens"),
        ("Sorry, I cannot talk about that.", "guardrail_intervened"),
    ] {
        let harness = Harness::start().await;
        harness.simulator.push(answer(text, stop_reason).times(3));
        let mut request = triggered(CLAUDE);
        let reply = create(&harness, &request).await;
        assert_eq!(reply.status, 502, "{}", reply.text);
        assert!(reply.text.contains("a complete summary"), "{}", reply.text);
        let compact = conversation(CLAUDE);
        let reply = harness.post("/v1/responses/compact", &compact).await;
        assert_eq!(reply.status, 502, "{}", reply.text);
        request["stream"] = json!(true);
        let reply = create(&harness, &request).await;
        let response = assert_stream(&reply.text);
        assert_eq!(response["status"], "failed");
        assert_eq!(response["output"], json!([]));
    }
}

#[tokio::test]
async fn a_summary_of_somebody_else_is_left_out_unless_it_is_the_conversation() {
    let harness = Harness::start().await;
    let foreign =
        json!({"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAABforeign"});
    let user = json!({"role": "user", "content": "Go on"});
    for input in [json!([foreign]), json!([foreign, user])] {
        let request = json!({"model": CLAUDE, "store": false, "input": input});
        let reply = create(&harness, &request).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.error()["param"], "input[0].encrypted_content");
    }
    let request = json!({"model": CLAUDE, "store": false, "input": [user, foreign, user]});
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.adjustments(),
        "input[].encrypted_content: removed; this gateway did not make it for this caller"
    );
}

#[tokio::test]
async fn a_trigger_must_be_the_last_item_of_a_conversation() {
    let harness = Harness::start().await;
    let trigger = json!({"type": "compaction_trigger"});
    let user = json!({"role": "user", "content": "Hi"});
    for (input, index) in [
        (json!([trigger]), 0),
        (json!([trigger, user]), 0),
        (json!([user, trigger, trigger]), 1),
    ] {
        let request = json!({"model": CLAUDE, "store": false, "input": input});
        let reply = create(&harness, &request).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.error()["param"], format!("input[{index}].type"));
    }
}

#[tokio::test]
async fn a_conversation_that_is_too_long_loses_its_oldest_turns() {
    let harness = Harness::start().await;
    let overflow = "Input is too long for requested model.";
    harness.simulator.push(Script::error(
        400,
        "ValidationException",
        overflow.to_owned(),
    ));
    harness.simulator.push(answer(SUMMARY, "end_turn"));
    let reply = create(&harness, &triggered(CLAUDE)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["output"][0]["type"], "compaction");
    assert_eq!(harness.sent_upstream().len(), 2);
}

#[tokio::test]
async fn tokens_of_compacted_conversations_are_counted() {
    let harness = Harness::start().await;
    harness.simulator.push(answer(SUMMARY, "end_turn"));
    let output = create(&harness, &triggered(CLAUDE)).await.json()["output"].clone();
    let next = json!({"role": "user", "content": "Go on"});
    let trigger = json!({"type": "compaction_trigger"});
    let request = json!({"model": CLAUDE, "input": [output[0], next, trigger]});
    let reply = harness.post("/v1/responses/input_tokens", &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.json()["input_tokens"].as_u64().unwrap() > 10);
}
