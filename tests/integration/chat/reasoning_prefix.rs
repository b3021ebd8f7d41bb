//! Reasoning is bound to the prompt before it: newer Claude models, and the simulator, reject it
//! after any other prompt. A response without a second request therefore proves that the prompt is
//! unchanged.

use bedrock_simulator::{Script, ScriptedResponse};
use serde_json::{Value, json};

use crate::harness::logs;
use crate::harness::{Harness, Reply};

const BINDING: &str = "us.anthropic.claude-opus-5-5";

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {
        "name": name,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }})
}

fn request(prompt: &str) -> Value {
    json!({
        "model": BINDING,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": prompt},
        ],
        "tools": [tool("weather"), tool("clock"), tool("almanac")],
    })
}

/// The fields of a response that a client sends back.
#[derive(Clone, Copy, PartialEq)]
enum KeptFields {
    /// OpenAI's fields only.
    OpenAi,
    /// OpenAI's fields and the reasoning blocks.
    Reasoning,
}

fn message(reply: &Reply, kept_fields: KeptFields) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let message = &reply.json()["choices"][0]["message"];
    let mut turn = json!({"role": "assistant", "content": message["content"]});
    let fields = match kept_fields {
        KeptFields::OpenAi => &["tool_calls"][..],
        KeptFields::Reasoning => &["tool_calls", "thinking_blocks"],
    };
    for field in fields {
        if !message[*field].is_null() {
            turn[*field] = message[*field].clone();
        }
    }
    turn
}

/// Adds an assistant turn, then the results of its calls or a user turn.
fn go_on(request: &mut Value, turn: Value, next: &str) {
    let calls: Vec<Value> = turn["tool_calls"].as_array().cloned().unwrap_or_default();
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(turn);
    for call in &calls {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "sun"}));
    }
    if calls.is_empty() {
        messages.push(json!({"role": "user", "content": next}));
    }
}

fn with(request: &Value, fields: &Value) -> Value {
    let mut request = request.clone();
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn reasoning_blocks(sent_upstream: &Value) -> usize {
    let turns = sent_upstream["messages"].as_array().unwrap().iter();
    let blocks = turns.flat_map(|turn| turn["content"].as_array().unwrap());
    blocks
        .filter(|block| block.get("reasoningContent").is_some())
        .count()
}

/// The options of the turns, in order.
fn request_options() -> Vec<Value> {
    let schema = json!({"type": "object", "properties": {"sky": {"type": "string"}}});
    let almanac = json!({"type": "function", "function": {"name": "almanac"}});
    vec![
        json!({"response_format": {"type": "json_object"}}),
        json!({"tool_choice": "none"}),
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}}),
        json!({}),
        json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [almanac]}}}),
        json!({"tool_choice": "required"}),
        json!({"tool_choice": almanac}),
    ]
}

#[tokio::test]
async fn a_conversation_keeps_its_reasoning_when_request_options_change() {
    for kept_fields in [KeptFields::OpenAi, KeptFields::Reasoning] {
        for fields in [vec![json!({})], request_options()] {
            let harness = Harness::start().await;
            let mut request = request("What is the weather in Rome?");
            let mut reasoned = 0;
            for (round, fields) in fields.iter().cycle().take(10).enumerate() {
                let reply = harness.chat(&with(&request, fields)).await;
                let turn = message(&reply, kept_fields);
                let sent_upstream = harness.sent_upstream();
                assert_eq!(
                    sent_upstream.len(),
                    round + 1,
                    "a second call: {}",
                    reply.adjustments()
                );
                assert_eq!(
                    reasoning_blocks(&sent_upstream[round]),
                    reasoned,
                    "{fields}"
                );
                // The gateway restores reasoning by the ids of tool calls.
                let has_calls = !turn["tool_calls"].is_null();
                reasoned += usize::from(kept_fields == KeptFields::Reasoning || has_calls);
                go_on(&mut request, turn, "And the weather in Paris?");
            }
            assert!(reasoned >= 3, "{reasoned}");
        }
    }
}

#[tokio::test]
async fn reasoning_from_a_changed_conversation_costs_one_more_request() {
    let harness = Harness::start().await;
    let mut base_request = request("What is the weather in Rome?");
    let turn = message(&harness.chat(&base_request).await, KeptFields::Reasoning);
    go_on(&mut base_request, turn, "");
    let mut changed = base_request.clone();
    changed["messages"][0]["content"] = "Be verbose.".into();
    let reply = harness.chat(&changed).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.adjustments(),
        "messages[].thinking_blocks: removed; the model rejected it in this conversation"
    );
    let sent_upstream = harness.sent_upstream();
    assert_eq!(sent_upstream.len(), 3);
    assert_eq!(
        (
            reasoning_blocks(&sent_upstream[1]),
            reasoning_blocks(&sent_upstream[2])
        ),
        (1, 0)
    );
    // The gateway has learned nothing about the model.
    assert_eq!(harness.chat(&base_request).await.adjustments(), "");
    assert_eq!(reasoning_blocks(&harness.sent_upstream()[3]), 1);
}

#[tokio::test]
async fn rejected_reasoning_is_removed_with_one_more_request() {
    for wording in [
        "messages.1.content.0: The block is bound to a different conversation",
        "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant \
         message cannot be modified. These blocks must remain as they were in the original response.",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ] {
        for stream in [false, true] {
            let harness = Harness::start().await;
            let mut request = request("What is the weather in Rome?");
            let turn = message(&harness.chat(&request).await, KeptFields::OpenAi);
            go_on(&mut request, turn, "");
            request["stream"] = stream.into();
            let refusal = || {
                let message = format!("The model returned the following errors: {wording}");
                Script::error(400, "ValidationException", message)
            };
            harness.simulator.push(refusal());
            let reply = harness.chat(&request).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            assert!(
                reply
                    .adjustments()
                    .contains("the model rejected it in this conversation")
            );
            let sent_upstream = harness.sent_upstream();
            assert_eq!(sent_upstream.len(), 3);
            assert_eq!(
                (
                    reasoning_blocks(&sent_upstream[1]),
                    reasoning_blocks(&sent_upstream[2])
                ),
                (1, 0)
            );
            // Without reasoning there is nothing left to drop.
            harness.simulator.push(refusal().times(2));
            let reply = harness.chat(&request).await;
            assert_eq!(
                (reply.status.as_u16(), harness.sent_upstream().len()),
                (400, 5)
            );
        }
    }
}

/// A response with reasoning between its text and its tool calls.
fn interleaved() -> Script {
    let thought = |text: &str, signature: &str| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}});
    let call = |id: &str, name: &str| json!({"toolUse": {"toolUseId": id, "name": name, "input": {"city": "Rome"}}});
    Script::new(ScriptedResponse::Converse {
        body: json!({
            "output": {"message": {"role": "assistant", "content": [
                thought("First the weather.", "c2lnMQ=="),
                {"text": "I look – "},
                call("tooluse_1", "weather"),
                thought("Then the time.", "c2lnMg=="),
                {"text": "twice."},
                call("tooluse_2", "clock"),
            ]}},
            "stopReason": "tool_use",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1},
        }),
        headers: Default::default(),
    })
}

#[tokio::test]
async fn reasoning_between_tool_calls_keeps_its_position() {
    for kept_fields in [KeptFields::OpenAi, KeptFields::Reasoning] {
        let harness = Harness::start().await;
        let mut request = request("What is the weather in Rome, and the time?");
        harness.simulator.push(interleaved());
        let turn = message(&harness.chat(&request).await, kept_fields);
        assert_eq!(turn["content"], "I look – twice.");
        go_on(&mut request, turn, "");
        let reply = harness.chat(&request).await;
        assert_eq!(
            (reply.status.as_u16(), reply.adjustments()),
            (200, ""),
            "{}",
            reply.text
        );
        let sent_upstream = harness.sent_upstream();
        assert_eq!(sent_upstream.len(), 2);
        let content = sent_upstream[1]["messages"][1]["content"]
            .as_array()
            .unwrap();
        let kinds: Vec<&str> = content
            .iter()
            .map(|block| block.as_object().unwrap().keys().next().unwrap().as_str())
            .collect();
        let expected = ["reasoningContent", "text", "toolUse"];
        assert_eq!(kinds, [expected, expected].concat());
        assert_eq!(content[1]["text"], "I look – ");
    }
}

#[tokio::test]
async fn reasoning_is_removed_when_the_client_drops_its_tools() {
    let harness = Harness::start().await;
    let mut request = request("What is the weather in Rome?");
    let turn = message(&harness.chat(&request).await, KeptFields::Reasoning);
    go_on(&mut request, turn, "");
    request.as_object_mut().unwrap().remove("tools");
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply
            .adjustments()
            .contains("tools that are not in the request")
    );
    assert_eq!(harness.sent_upstream().len(), 2);
}

#[tokio::test]
async fn disallowed_tool_calls_do_not_reach_the_client() {
    let weather = json!({"type": "function", "function": {"name": "weather"}});
    for (choice, called) in [
        (json!("none"), &[][..]),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [weather]}}),
            &["weather"],
        ),
        (weather.clone(), &["weather"]),
    ] {
        for stream in [false, true] {
            logs::begin();
            let harness = Harness::start().await;
            harness.simulator.push(interleaved());
            let fields = json!({"tool_choice": choice, "stream": stream});
            let reply = harness.chat(&with(&request("Rome?"), &fields)).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            let withheld = 2 - called.len();
            let mut names = Vec::new();
            if stream {
                let chunks = reply.chunks();
                let choices = chunks.iter().map(|chunk| &chunk["choices"][0]);
                for call in choices.filter_map(|it| it["delta"]["tool_calls"].as_array()) {
                    names.extend(call[0]["function"]["name"].as_str().map(str::to_owned));
                }
            } else {
                let json = reply.json();
                let choice = &json["choices"][0];
                let finish = if called.is_empty() {
                    "stop"
                } else {
                    "tool_calls"
                };
                assert_eq!(choice["finish_reason"], finish);
                for call in choice["message"]["tool_calls"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    names.extend(call["function"]["name"].as_str().map(str::to_owned));
                }
                let note = format!("{withheld} removed: not allowed by the request");
                assert!(
                    reply.adjustments().contains(&note),
                    "{}",
                    reply.adjustments()
                );
            }
            assert_eq!(names, called);
            let line = logs::request_line().await;
            assert!(
                line.contains(&format!("withheld_tool_calls={withheld}")),
                "{line}"
            );
            // All tools stay in the request.
            let sent_upstream = &harness.sent_upstream()[0];
            assert_eq!(
                sent_upstream["toolConfig"]["tools"]
                    .as_array()
                    .unwrap()
                    .len(),
                3
            );
        }
    }
}
