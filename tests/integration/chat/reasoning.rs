//! Reasoning across tool calls: the gateway restores it for clients that keep only OpenAI's fields.

use bedrock_simulator::{Options, Script, ScriptedResponse};
use http::Method;
use http::header::AUTHORIZATION;
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry};
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, Reply};

/// Makes the simulator redact its reasoning, as Anthropic's models do.
const REDACTED: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";

/// A question about the weather, with a tool for it.
fn prompt(stream: bool, more: &str) -> Value {
    json!({
        "model": MODEL,
        "messages": [{"role": "user", "content": format!("What is the weather in Rome? {more}")}],
        "tools": [{"type": "function", "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }}],
        "reasoning_effort": "low",
        "max_tokens": 4000,
        "stream": stream,
    })
}

/// The assistant message with OpenAI's fields only, and the reasoning blocks.
fn assistant_turn(reply: &Reply, stream: bool) -> (Value, Vec<Value>) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    if !stream {
        let message = &reply.json()["choices"][0]["message"];
        let turn = json!({
            "role": "assistant",
            "content": message["content"],
            "tool_calls": message["tool_calls"],
        });
        return (turn, message["thinking_blocks"].as_array().unwrap().clone());
    }
    let mut blocks = Vec::new();
    let mut content = String::new();
    let mut calls: Vec<Value> = Vec::new();
    for chunk in reply.chunks() {
        let delta = &chunk["choices"][0]["delta"];
        blocks.extend(
            delta["thinking_blocks"]
                .as_array()
                .cloned()
                .unwrap_or_default(),
        );
        content.push_str(delta["content"].as_str().unwrap_or_default());
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            if call["id"].is_string() {
                calls.push(call.clone());
            } else {
                let last_call = calls.last_mut().unwrap();
                let more = call["function"]["arguments"].as_str().unwrap();
                let arguments = last_call["function"]["arguments"].as_str().unwrap();
                last_call["function"]["arguments"] = format!("{arguments}{more}").into();
            }
        }
    }
    for call in &mut calls {
        call.as_object_mut().unwrap().remove("index");
    }
    let turn = json!({"role": "assistant", "content": content, "tool_calls": calls});
    (turn, blocks)
}

/// `request` continued with the assistant message and a result for every call.
fn with_tool_results(mut request: Value, turn: Value) -> Value {
    let calls = turn["tool_calls"].as_array().unwrap().clone();
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(turn);
    for call in calls {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "sun"}));
    }
    request
}

/// Thinking blocks as Converse reasoning blocks.
fn in_converse(blocks: &[Value]) -> Vec<Value> {
    let converse = |block: &Value| match block["type"].as_str().unwrap() {
        "thinking" => json!({"reasoningContent": {"reasoningText": {
            "text": block["thinking"], "signature": block["signature"]}}}),
        _ => json!({"reasoningContent": {"redactedContent": block["data"]}}),
    };
    blocks.iter().map(converse).collect()
}

async fn chat_as(harness: &Harness, key: &str, body: &Value) -> Reply {
    let mut request = harness.request(Method::POST, "/v1/chat/completions", body.to_string());
    let value = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, value);
    harness.send(request).await
}

fn is_reasoning(block: &Value) -> bool {
    block.get("reasoningContent").is_some()
}

#[tokio::test]
async fn a_client_that_keeps_only_openai_fields_continues_reasoning() {
    for (stream, next_streams) in [(false, false), (true, true), (true, false), (false, true)] {
        for more in ["", REDACTED] {
            let harness = Harness::start().await;
            let request = prompt(stream, more);
            let (turn, blocks) = assistant_turn(&harness.chat(&request).await, stream);
            assert!(!blocks.is_empty());
            let is_redacted = |block: &Value| block["type"] == "redacted_thinking";
            assert_eq!(
                blocks.iter().any(is_redacted),
                !more.is_empty(),
                "{blocks:?}"
            );
            let mut next = with_tool_results(request, turn);
            next["stream"] = next_streams.into();
            let reply = harness.chat(&next).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            assert_eq!(reply.adjustments(), "");
            let sent_upstream = &harness.sent_upstream()[1];
            let content = sent_upstream["messages"][1]["content"].as_array().unwrap();
            // Byte for byte: the simulator verifies signatures as Bedrock does.
            assert_eq!(content[..blocks.len()], in_converse(&blocks));
            assert!(content[content.len() - 1].get("toolUse").is_some());
            assert_eq!(
                sent_upstream["additionalModelRequestFields"]["thinking"]["type"],
                "enabled"
            );
        }
    }
}

/// A response with reasoning and two tool calls.
fn calling(round: u32) -> Script {
    let thought = format!("Round {round}.");
    let call = |id: String| json!({"toolUse": {"toolUseId": id, "name": "weather", "input": {"city": "Rome"}}});
    Script::new(ScriptedResponse::Converse {
        body: json!({
            "output": {"message": {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": thought, "signature": format!("c2lnbmVk{round}+/=")}}},
                {"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}},
                call(format!("tooluse_{round}a")),
                call(format!("tooluse_{round}b")),
            ]}},
            "stopReason": "tool_use",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1},
        }),
        headers: Default::default(),
    })
}

#[tokio::test]
async fn a_loop_of_several_tool_calls_keeps_all_reasoning() {
    for stream in [false, true] {
        let harness = Harness::start().await;
        let mut request = prompt(stream, "");
        let mut expected = Vec::new();
        for round in 1..=3 {
            harness.simulator.push(calling(round));
            let (turn, blocks) = assistant_turn(&harness.chat(&request).await, stream);
            assert_eq!(blocks.len(), 2);
            expected.push(in_converse(&blocks));
            request = with_tool_results(request, turn);
        }
        let reply = harness.chat(&request).await;
        assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
        let sent_upstream = harness.sent_upstream().pop().unwrap();
        let turns = sent_upstream["messages"].as_array().unwrap().iter();
        let assistant_turns = turns.filter(|turn| turn["role"] == "assistant");
        let sent_reasoning: Vec<Vec<Value>> = assistant_turns
            .map(|turn| {
                let blocks = turn["content"].as_array().unwrap().iter();
                blocks
                    .filter(|block| is_reasoning(block))
                    .cloned()
                    .collect()
            })
            .collect();
        assert_eq!(sent_reasoning, expected);
    }
}

#[tokio::test]
async fn reasoning_sent_by_the_client_overrides_stored_reasoning() {
    let options = Options {
        foreign_signatures: true,
        ..Options::default()
    };
    let harness = Harness::with_simulator(options, |_| {}).await;
    let request = prompt(false, "");
    let (mut turn, _) = assistant_turn(&harness.chat(&request).await, false);
    let client_blocks =
        json!([{"type": "thinking", "thinking": "My own.", "signature": "bXkgb3du"}]);
    turn["thinking_blocks"] = client_blocks.clone();
    assert_eq!(
        harness.chat(&with_tool_results(request, turn)).await.status,
        200
    );
    let content = &harness.sent_upstream()[1]["messages"][1]["content"];
    assert_eq!(
        content[0],
        in_converse(client_blocks.as_array().unwrap())[0]
    );
}

fn with_two_keys(config: &mut Config) {
    for (caller, key) in [("a", "key-a"), ("b", "key-b")] {
        config.keys.push(KeyEntry {
            caller: caller.to_owned(),
            digest: KeyDigest::of(key),
            access_key: None,
            chat: ChatOverrides::default(),
            grant: outcrop::allowances::KeyGrant::default(),
        });
    }
}

#[tokio::test]
async fn another_caller_does_not_receive_it() {
    let harness = Harness::with(with_two_keys).await;
    let request = prompt(false, "");
    let (turn, _) = assistant_turn(&chat_as(&harness, "key-a", &request).await, false);
    let next = with_tool_results(request, turn);
    let reply = chat_as(&harness, "key-b", &next).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply
            .adjustments()
            .contains("reasoning_effort: disabled; the reasoning")
    );
    let sent_upstream = &harness.sent_upstream()[1];
    assert!(!is_reasoning(&sent_upstream["messages"][1]["content"][0]));
    assert_eq!(sent_upstream["additionalModelRequestFields"], Value::Null);
    assert_eq!(chat_as(&harness, "key-a", &next).await.adjustments(), "");
}

#[tokio::test]
async fn another_model_does_not_receive_it() {
    let harness = Harness::start().await;
    let request = prompt(false, "");
    let (turn, _) = assistant_turn(&harness.chat(&request).await, false);
    let mut next = with_tool_results(request, turn);
    next["model"] = "us.anthropic.claude-opus-4-1-20250805-v1:0".into();
    let reply = harness.chat(&next).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply
            .adjustments()
            .contains("disabled; the reasoning before")
    );
}

#[tokio::test]
async fn nothing_is_stored_when_the_reasoning_cache_is_disabled() {
    let harness = Harness::with(|config| config.chat.reasoning_cache_size = 0).await;
    let request = prompt(false, "");
    let (turn, blocks) = assistant_turn(&harness.chat(&request).await, false);
    assert!(!blocks.is_empty());
    let next = with_tool_results(request.clone(), turn.clone());
    let reply = harness.chat(&next).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply
            .adjustments()
            .contains("disabled; the reasoning before")
    );
    // A client that sends the reasoning back continues to get reasoning.
    let mut turn_with_blocks = turn;
    turn_with_blocks["thinking_blocks"] = blocks.into();
    let reply = harness
        .chat(&with_tool_results(request, turn_with_blocks))
        .await;
    assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
}
