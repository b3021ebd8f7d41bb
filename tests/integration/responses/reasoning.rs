//! Conversations whose reasoning the client keeps, in `encrypted_content`. The simulator rejects
//! reasoning that is changed or out of place, so that a response to the first call proves that the
//! model received its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bedrock_simulator::Script;
use outcrop::resources::seals::SealKey;
use serde_json::{Value, json};

use crate::harness::logs;
use crate::harness::{Harness, Reply};
use crate::support::response_events::{assert_stream, parsed};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// Binds reasoning to the prompt and to earlier reasoning.
const BINDING: &str = "us.anthropic.claude-opus-5-5";

fn request(model: &str) -> Value {
    let tool = |name: &str| {
        json!({"type": "function", "name": name, "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}})
    };
    json!({
        "model": model, "store": false, "include": ["reasoning.encrypted_content"],
        "instructions": "Be brief.", "reasoning": {"effort": "low", "summary": "auto"},
        "input": [{"role": "user", "content": "What is the weather in Rome?"}],
        "tools": [tool("weather"), tool("clock")],
    })
}

/// The output of a response, streamed or not.
fn output(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let response = match reply.text.starts_with("event: ") {
        true => assert_stream(&reply.text),
        false => reply.json(),
    };
    response["output"].as_array().unwrap().clone()
}

/// Adds the output, and the results of its calls or a message of the user.
fn go_on(request: &mut Value, output: Vec<Value>) {
    let calls = output.iter().filter(|item| item["type"] == "function_call");
    let results = calls.map(
        |call| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "sun"}),
    );
    let mut next: Vec<Value> = results.collect();
    if next.is_empty() {
        next.push(json!({"role": "user", "content": "And the weather in Paris?"}));
    }
    let input = request["input"].as_array_mut().unwrap();
    input.extend(output);
    input.extend(next);
}

async fn create(harness: &Harness, request: &Value) -> Reply {
    harness.post("/v1/responses", request).await
}

/// Sends the request, and adds the response to it.
async fn turn(harness: &Harness, request: &mut Value) {
    let output = output(&create(harness, request).await);
    go_on(request, output);
}

/// The number of reasoning blocks in the latest call.
fn received(harness: &Harness) -> usize {
    let sent_upstream = harness.sent_upstream();
    let turns = sent_upstream.last().unwrap()["messages"]
        .as_array()
        .unwrap();
    let blocks = turns
        .iter()
        .flat_map(|turn| turn["content"].as_array().unwrap());
    blocks
        .filter(|block| block.get("reasoningContent").is_some())
        .count()
}

#[tokio::test]
async fn a_loop_of_thinking_and_tools_keeps_its_reasoning_without_a_store() {
    for model in [CLAUDE, BINDING] {
        for stream in [false, true] {
            // Nothing is remembered by the gateway.
            let harness = Harness::with(|config| config.chat.reasoning_cache_size = 0).await;
            let mut request = request(model);
            request["stream"] = json!(stream);
            for round in 0..6 {
                let reply = create(&harness, &request).await;
                let output = output(&reply);
                assert_eq!(reply.adjustments(), "", "{model} {round}");
                assert_eq!(harness.sent_upstream().len(), round + 1, "a second call");
                assert_eq!(received(&harness), round, "{model}");
                assert_eq!(output[0]["type"], "reasoning");
                assert!(output[0]["encrypted_content"].is_string());
                go_on(&mut request, output);
            }
        }
    }
}

#[tokio::test]
async fn a_switch_of_models_in_mid_conversation_costs_the_reasoning_of_the_other_model_only() {
    let harness = Harness::with(|config| config.chat.reasoning_cache_size = 0).await;
    let mut request = request(BINDING);
    for (round, (model, expected)) in [
        (BINDING, 0),
        (BINDING, 1),
        (CLAUDE, 0),
        (CLAUDE, 1),
        (BINDING, 2),
        (BINDING, 3),
        ("amazon.nova-lite-v1:0", 0),
    ]
    .into_iter()
    .enumerate()
    {
        request["model"] = json!(model);
        let reply = create(&harness, &request).await;
        let output = output(&reply);
        assert_eq!(harness.sent_upstream().len(), round + 1, "a second call");
        assert_eq!(received(&harness), expected, "{round}");
        let notes = reply
            .adjustments()
            .matches("input[].encrypted_content")
            .count();
        assert_eq!(notes, usize::from(round > 1), "{}", reply.adjustments());
        go_on(&mut request, output);
    }
}

#[tokio::test]
async fn reasoning_survives_a_restart_with_the_same_keys_only() {
    let key = |byte: u8| SealKey::parse(&STANDARD.encode([byte; 32])).unwrap();
    let start = |keys: Vec<SealKey>| Harness::with(move |config| config.seal_keys = keys);
    let mut request = request(CLAUDE);
    let first = start(vec![key(1)]).await;
    turn(&first, &mut request).await;
    for (keys, expected) in [
        (vec![key(1)], 1),
        (vec![key(2), key(1)], 1),
        (vec![key(2)], 0),
        (vec![], 0),
    ] {
        let second = start(keys).await;
        let reply = create(&second, &request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(received(&second), expected);
    }
    // A reload takes the new key, and keeps that of a process without any.
    let harness = start(vec![]).await;
    let mut request = self::request(CLAUDE);
    turn(&harness, &mut request).await;
    harness.reload(|config| config.chat.max_n = 2);
    create(&harness, &request).await;
    assert_eq!(received(&harness), 1);
}

#[tokio::test]
async fn an_item_without_its_seal_is_found_by_the_call_after_it() {
    let harness = Harness::start().await;
    let mut request = request(BINDING);
    let mut output = output(&create(&harness, &request).await);
    output[0]
        .as_object_mut()
        .unwrap()
        .remove("encrypted_content");
    go_on(&mut request, output);
    let reply = create(&harness, &request).await;
    assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
    assert_eq!(received(&harness), 1);
}

#[tokio::test]
async fn a_request_without_tools_leaves_the_reasoning_out() {
    // Codex compacts a conversation in this form.
    let harness = Harness::start().await;
    let mut request = request(BINDING);
    for _ in 0..2 {
        turn(&harness, &mut request).await;
    }
    request["tools"] = json!([]);
    request["parallel_tool_calls"] = json!(false);
    let input = request["input"].as_array_mut().unwrap();
    input.push(json!({"role": "user", "content": "Summarize the conversation."}));
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(harness.sent_upstream().len(), 3);
    assert_eq!(received(&harness), 0);
}

#[tokio::test]
async fn reasoning_that_the_model_refuses_is_left_out_once() {
    let harness = Harness::start().await;
    let mut request = request(BINDING);
    turn(&harness, &mut request).await;
    request["instructions"] = json!("Be verbose.");
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.adjustments().contains("the model rejected it"));
    assert_eq!(harness.sent_upstream().len(), 3);
    request["instructions"] = json!("Be brief.");
    create(&harness, &request).await;
    assert_eq!((harness.sent_upstream().len(), received(&harness)), (4, 1));
}

#[tokio::test]
async fn mismatches_are_dropped_by_models_that_can() {
    let harness = Harness::start().await;
    let thinking = |harness: &Harness| {
        let sent_upstream = harness.sent_upstream();
        sent_upstream.last().unwrap()["additionalModelRequestFields"].clone()
    };
    let drop = json!({"prefix_mismatch_behavior": "drop_block"});
    for (mut body, kind) in [
        (request(BINDING), "adaptive"),
        (json!({"model": BINDING, "input": "Hi"}), "adaptive"),
    ] {
        body["additionalModelRequestFields"] = json!({"anthropic_beta": ["context-1m-2025-08-07"]});
        assert_eq!(create(&harness, &body).await.status, 200);
        let fields = thinking(&harness);
        assert_eq!(fields["thinking"]["type"], kind);
        assert_eq!(fields["thinking"]["block_binding"], drop);
        let betas = json!([
            "thinking-binding-controls-2026-08-01",
            "context-1m-2025-08-07"
        ]);
        assert_eq!(fields["anthropic_beta"], betas);
    }
    assert_eq!(create(&harness, &request(CLAUDE)).await.status, 200);
    assert!(thinking(&harness)["thinking"]["block_binding"].is_null());
    // A region that does not know the field.
    for message in [
        "thinking.adaptive.block_binding: Extra inputs are not permitted",
        "invalid beta flag",
    ] {
        let harness = Harness::start().await;
        let message = format!("The model returned the following errors: {message}");
        harness
            .simulator
            .push(Script::error(400, "ValidationException", message));
        for calls in [2, 3] {
            let reply = create(&harness, &request(BINDING)).await;
            assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
            assert_eq!(harness.sent_upstream().len(), calls);
            assert_eq!(thinking(&harness)["thinking"]["type"], "adaptive");
            assert!(thinking(&harness)["thinking"]["block_binding"].is_null());
            assert!(thinking(&harness)["anthropic_beta"].is_null());
        }
    }
}

#[tokio::test]
async fn seals_are_not_logged() {
    logs::begin();
    let harness = Harness::start().await;
    let mut request = request(CLAUDE);
    request["stream"] = json!(true);
    let reply = create(&harness, &request).await;
    let done = parsed(&reply.text);
    let done = done
        .iter()
        .find(|event| event["type"] == "response.output_item.done");
    let seal = done.unwrap()["item"]["encrypted_content"]
        .as_str()
        .unwrap()
        .to_owned();
    go_on(&mut request, output(&reply));
    create(&harness, &request).await;
    let input = request["input"].as_array_mut().unwrap();
    for item in [
        json!({"type": "reasoning", "summary": [], "encrypted_content": seal.replace('a', "b")}),
        json!({"type": seal}),
    ] {
        input.push(item);
        let request = json!({"model": CLAUDE, "input": input, "store": false});
        create(&harness, &request).await;
    }
    logs::request_line().await;
    assert_eq!(logs::lines_with(&seal[4..24]), [""; 0]);
    assert_eq!(logs::lines_with("oc1."), [""; 0]);
}
