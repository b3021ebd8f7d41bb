//! `POST /v1/responses` over the wire.

use std::time::Duration;

use bedrock_simulator::{Event, Fault, Script, ScriptedResponse};
use http::{HeaderValue, Method};
use outcrop::config::OnBlocked;
use serde_json::{Value, json};

use crate::chat::guardrails;
use crate::harness::{Harness, MODEL, Reply};
use crate::support::response_events::{assert_stream, parsed};

const NOVA: &str = "amazon.nova-lite-v1:0";

async fn create(harness: &Harness, body: &Value) -> Reply {
    harness.post("/v1/responses", body).await
}

fn script(events: &[(&str, Value)]) -> Script {
    let events = events.iter().map(|(name, payload)| Event {
        name: (*name).to_owned(),
        payload: payload.clone(),
    });
    Script::new(ScriptedResponse::Events {
        events: events.collect(),
    })
}

/// A response that calls the tool `name` with `input`.
fn call(name: &str, input: &str, stop_reason: &str) -> Script {
    let start = json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": name}}});
    let delta = json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": input}}});
    let usage = json!({"usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}});
    script(&[
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockStart", start),
        ("contentBlockDelta", delta),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": stop_reason})),
        ("metadata", usage),
    ])
}

/// The final response without what differs from request to request.
fn comparable(mut response: Value) -> Value {
    for member in ["id", "created_at", "completed_at"] {
        assert!(!response[member].is_null(), "{response}");
        response[member] = Value::Null;
    }
    for item in response["output"].as_array_mut().unwrap() {
        item["id"] = Value::Null;
    }
    response
}

/// The terminal response of a stream.
fn last(reply: &Reply) -> Value {
    parsed(&reply.text).pop().unwrap()["response"].clone()
}

#[tokio::test]
async fn a_stream_ends_with_the_non_streaming_response() {
    let harness = Harness::start().await;
    let mut request = json!({"model": NOVA, "input": "Good morning", "instructions": "Be brief.",
        "store": false, "metadata": {"ticket": "42"}, "temperature": 0.5});
    let complete = create(&harness, &request).await;
    assert_eq!(complete.status, 200, "{}", complete.text);
    assert_eq!(
        complete.adjustments(),
        "metadata: returned in the response; not sent to Bedrock"
    );
    let response = complete.json();
    assert_eq!(response["status"], "completed");
    assert_eq!(response["temperature"], 0.5);
    assert_eq!(
        (&response["store"], &response["top_p"]),
        (&json!(false), &json!(1.0))
    );
    assert_eq!(response["metadata"], json!({"ticket": "42"}));
    assert_eq!(response["output"][0]["type"], "message");
    let usage = &response["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(usage["input_tokens"].as_u64().unwrap() + usage["output_tokens"].as_u64().unwrap())
    );
    request["stream"] = json!(true);
    let streamed = create(&harness, &request).await;
    assert_eq!(
        streamed.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert!(!streamed.text.contains("[DONE]"));
    assert_eq!(comparable(last(&streamed)), comparable(response));
    let types: Vec<Value> = parsed(&streamed.text)
        .into_iter()
        .map(|mut event| event["type"].take())
        .collect();
    assert_eq!(
        types[..4],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
        ]
    );
}

#[tokio::test]
async fn what_codex_sends_is_served_in_strict_mode() {
    let harness = Harness::start().await;
    let exec = json!({"type": "function", "name": "exec_command", "strict": false,
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}});
    let request = json!({
        "model": NOVA, "stream": true, "store": false, "tool_choice": "auto",
        "parallel_tool_calls": true, "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "thread-1",
        "client_metadata": {"originator": "codex_exec"},
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are Codex."}]},
            {"type": "message", "role": "user", "id": "msg_own", "content": [{"type": "input_text", "text": "list files"}]},
            {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "I will.", "annotations": [], "logprobs": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "spawn_agent", "namespace": "multi_agent_v1", "arguments": "{}"},
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "apply_patch", "input": "*** Begin Patch"},
            {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": "ok"},
            {"type": "custom_tool_call_output", "id": "ctco_1", "call_id": "call_2", "output": "done"},
            {"type": "tool_search_call", "call_id": "call_3", "execution": "client", "arguments": {"query": "mail"}, "status": "completed"},
            {"type": "tool_search_output", "call_id": "call_3", "execution": "client", "status": "completed",
             "tools": [{"type": "function", "name": "send_mail", "parameters": {"type": "object", "properties": {}}}]},
        ],
        "tools": [exec,
            {"type": "namespace", "name": "multi_agent_v1", "description": "Agents.", "tools": [
                {"type": "function", "name": "spawn_agent", "parameters": {"type": "object", "properties": {}}}]},
            {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}},
            {"type": "tool_search", "execution": "client", "description": "Finds tools.",
             "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}},
            {"type": "web_search", "external_web_access": false}],
    });
    harness
        .simulator
        .push(call("multi_agent_v1__spawn_agent", "{\"a\":1}", "tool_use"));
    let mut strict = harness.request(Method::POST, "/v1/responses", request.to_string());
    strict
        .headers_mut()
        .insert("x-outcrop-strict", HeaderValue::from_static("on"));
    let reply = harness.send(strict).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let item = last(&reply)["output"][0].clone();
    let expected = json!({"type": "function_call", "id": item["id"], "call_id": "tooluse_1",
        "name": "spawn_agent", "namespace": "multi_agent_v1", "arguments": "{\"a\":1}",
        "status": "completed"});
    assert_eq!(item, expected);

    let sent = harness.sent_upstream().pop().unwrap();
    let names: Vec<&str> = sent["toolConfig"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|tool| tool["toolSpec"]["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "exec_command",
            "multi_agent_v1__spawn_agent",
            "apply_patch",
            "tool_search",
            "send_mail"
        ]
    );
    assert_eq!(sent["system"][0]["text"], "You are Codex.");
    let calls = sent["messages"][1]["content"].as_array().unwrap();
    assert_eq!(calls[0]["text"], "I will.");
    assert_eq!(calls[1]["toolUse"]["name"], "multi_agent_v1__spawn_agent");
    assert_eq!(
        calls[2]["toolUse"]["input"],
        json!({"input": "*** Begin Patch"})
    );
}

#[tokio::test]
async fn tools_with_their_own_items_are_emulated() {
    let harness = Harness::start().await;
    let tools = json!([{"type": "shell"}, {"type": "apply_patch"}, {"type": "local_shell"},
        {"type": "tool_search", "execution": "client"}]);
    for (name, input, item) in [
        (
            "shell",
            "{\"commands\":[\"ls\"]}",
            json!({"type": "shell_call", "environment": null,
            "action": {"commands": ["ls"], "timeout_ms": null, "max_output_length": null}}),
        ),
        (
            "local_shell",
            "{\"command\":[\"ls\"]}",
            json!({"type": "local_shell_call",
            "action": {"type": "exec", "command": ["ls"], "env": {}}}),
        ),
        (
            "apply_patch",
            "{\"type\":\"delete_file\",\"path\":\"a\"}",
            json!({"type": "apply_patch_call",
            "operation": {"type": "delete_file", "path": "a"}}),
        ),
        (
            "tool_search",
            "{\"query\":\"x\"}",
            json!({"type": "tool_search_call",
            "execution": "client", "arguments": {"query": "x"}}),
        ),
    ] {
        harness.simulator.push(call(name, input, "tool_use"));
        let request =
            json!({"model": NOVA, "input": "hi", "store": false, "tools": tools, "stream": true});
        let reply = create(&harness, &request).await;
        let output = last(&reply)["output"].clone();
        for (member, value) in item.as_object().unwrap() {
            assert_eq!(&output[0][member], value, "{output}");
        }
        assert_eq!(output[0]["call_id"], "tooluse_1");
        assert_eq!(output[0]["status"], "completed");
    }
}

#[tokio::test]
async fn a_cut_custom_call_never_looks_complete() {
    let harness = Harness::start().await;
    let tools = json!([{"type": "custom", "name": "patch"}, {"type": "function", "name": "f"}]);
    let request =
        json!({"model": NOVA, "input": "hi", "store": false, "tools": tools, "stream": true});
    harness
        .simulator
        .push(call("patch", "{\"input\":\"rm -r /tm", "max_tokens"));
    let reply = create(&harness, &request).await;
    let response = last(&reply);
    assert_eq!(response["status"], "incomplete");
    assert_eq!(
        response["incomplete_details"],
        json!({"reason": "max_output_tokens"})
    );
    assert_eq!(response["output"], json!([]));
    assert!(!reply.text.contains("output_item.done"), "{}", reply.text);
    harness.simulator.push(call("f", "{\"a\":", "max_tokens"));
    let response = last(&create(&harness, &request).await);
    assert_eq!(response["output"][0]["status"], "incomplete");
    assert_eq!(response["output"][0]["arguments"], "{\"a\":");
}

#[tokio::test]
async fn an_error_within_a_stream_fails_the_response_in_words_that_clients_act_on() {
    let harness = Harness::start().await;
    let text = json!({"contentBlockIndex": 0, "delta": {"text": "Hel"}});
    let exception = |name: &str, message: &str| {
        script(&[
            ("messageStart", json!({"role": "assistant"})),
            ("contentBlockDelta", text.clone()),
        ])
        .with(Fault::Exception {
            after_events: 2,
            code: name.to_owned(),
            message: message.to_owned(),
            original_status_code: None,
        })
    };
    let request = json!({"model": NOVA, "input": "hi", "store": false, "stream": true});
    for (name, message, code) in [
        (
            "throttlingException",
            "Too many requests",
            "rate_limit_exceeded",
        ),
        ("modelStreamErrorException", "It broke", "server_error"),
        (
            "validationException",
            "Input is too long for requested model.",
            "context_length_exceeded",
        ),
        ("validationException", "Malformed input", "invalid_prompt"),
    ] {
        harness.simulator.push(exception(name, message));
        let reply = create(&harness, &request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let response = assert_stream(&reply.text);
        assert_eq!(response["status"], "failed");
        assert_eq!(response["error"]["code"], code, "{response}");
        let message = response["error"]["message"].as_str().unwrap();
        assert_eq!(
            message.contains("; try again in "),
            code == "rate_limit_exceeded"
        );
        assert_eq!(response["output"][0]["status"], "incomplete");
        assert_eq!(response["output"][0]["content"][0]["text"], "Hel");
    }
}

#[tokio::test]
async fn a_blocked_response_has_the_configured_form() {
    for (on_blocked, status, last_part) in [
        (OnBlocked::Completed, "completed", "output_text"),
        (OnBlocked::Incomplete, "incomplete", "output_text"),
        (OnBlocked::Refusal, "completed", "refusal"),
    ] {
        let harness = Harness::with(|config| {
            guardrails::everywhere(config);
            config.responses.on_blocked = on_blocked;
        })
        .await;
        for stream in [false, true] {
            let request =
                json!({"model": NOVA, "input": "An avalanche!", "store": false, "stream": stream});
            let reply = create(&harness, &request).await;
            let response = match stream {
                true => last(&reply),
                false => reply.json(),
            };
            assert_eq!(response["status"], status, "{response}");
            assert_eq!(
                response["incomplete_details"],
                json!({"reason": "content_filter"})
            );
            let content = response["output"][0]["content"].as_array().unwrap();
            assert_eq!(content.last().unwrap()["type"], last_part);
            assert_eq!(content[0]["type"], "output_text");
            assert_ne!(content[0]["text"], "");
        }
    }
}

#[tokio::test]
async fn stored_conversations_are_refused_by_name() {
    let harness = Harness::start().await;
    let request = json!({"model": NOVA, "input": "hi", "conversation": "conv_1"});
    let reply = create(&harness, &request).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(reply.error()["param"], "conversation");
    assert_eq!(reply.error()["code"], "unsupported_parameter");
}

#[tokio::test]
async fn a_websocket_is_refused_so_that_clients_use_http() {
    let harness = Harness::start().await;
    let mut request = harness.request(Method::GET, "/v1/responses", String::new());
    let headers = request.headers_mut();
    headers.insert("upgrade", HeaderValue::from_static("websocket"));
    headers.insert("connection", HeaderValue::from_static("upgrade"));
    let reply = harness.send(request).await;
    assert_eq!(reply.status, 426, "{}", reply.text);
    assert_eq!(reply.error()["type"], "invalid_request_error");
    assert_eq!(harness.get("/v1/responses").await.status, 405);
}

#[tokio::test]
async fn an_idle_stream_sends_numbered_keepalive_events() {
    let harness = Harness::with(|config| {
        config.bedrock.timeouts.stream_idle = Duration::from_millis(400);
        config.server.keepalive = Duration::from_millis(100);
    })
    .await;
    harness
        .simulator
        .push(Script::fault(Fault::Stall { after_events: 2 }));
    let request = json!({"model": NOVA, "input": "hi", "store": false, "stream": true});
    let reply = create(&harness, &request).await;
    let events = parsed(&reply.text);
    assert!(
        events.iter().any(|event| event["type"] == "keepalive"),
        "{}",
        reply.text
    );
    let response = assert_stream(&reply.text);
    assert_eq!(response["error"]["code"], "server_error");
}

#[tokio::test]
async fn remembered_reasoning_returns_to_the_model() {
    let harness = Harness::start().await;
    let tools = json!([{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}]);
    let question = json!({"role": "user", "content": "What is the weather?"});
    let mut request = json!({"model": MODEL, "input": [question], "store": false, "tools": tools,
        "reasoning": {"effort": "low", "summary": "auto"}});
    let response = create(&harness, &request).await.json();
    let output = response["output"].as_array().unwrap().clone();
    let types: Vec<&str> = output
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    let [first, .., last] = types[..] else {
        panic!("{response}");
    };
    assert_eq!((first, last), ("reasoning", "function_call"), "{response}");
    assert_eq!(output[0]["summary"][0]["type"], "summary_text");
    let call_id = output[output.len() - 1]["call_id"].clone();
    let mut input = vec![question];
    input.extend(output);
    input.push(json!({"type": "function_call_output", "call_id": call_id, "output": "sun"}));
    request["input"] = json!(input);
    let reply = create(&harness, &request).await;
    assert_eq!(reply.adjustments(), "");
    let sent = harness.sent_upstream().pop().unwrap();
    let turn = &sent["messages"][1]["content"];
    assert!(
        turn[0]["reasoningContent"]["reasoningText"]["signature"].is_string(),
        "{turn}"
    );
}
