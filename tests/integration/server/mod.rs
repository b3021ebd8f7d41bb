//! Routes, request bodies, keys and headers.

mod body_memory;
mod browsers;
mod connections;
mod cores;
mod paths;
mod reload;
mod request_bodies;
mod shutdown;
mod unknown_fields;
mod unsupported_routes;

use std::time::Duration;

use bedrock_simulator::{Operation, Script};
use http::Method;
use http::header::CONTENT_TYPE;
use outcrop::config::{KeyDigest, KeyEntry};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Harness, MODEL, non_streaming, streamed};

#[tokio::test]
async fn every_path_of_the_route_is_served() {
    let harness = Harness::start().await;
    for path in ["/v1/chat/completions", "/api/v1/chat/completions"] {
        assert_eq!(
            harness.post(path, &non_streaming("hi")).await.status,
            200,
            "{path}"
        );
    }
    let unknown = harness.get("/v1/nothing").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.error()["code"], "unknown_url");
    let method = harness.get("/v1/chat/completions").await;
    assert_eq!(method.status, 405);
    assert_eq!(method.error()["code"], "method_not_allowed");
}

#[tokio::test]
async fn every_response_has_an_id_and_every_stream_its_headers() {
    let harness = Harness::start().await;
    let response = harness.chat(&non_streaming("hi")).await;
    assert!(
        response
            .header("x-request-id")
            .is_some_and(|id| id.starts_with("req_"))
    );
    assert!(response.header("openai-processing-ms").is_some());
    let stream = harness.chat(&streamed("hi")).await;
    assert_eq!(
        stream.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(stream.header("cache-control"), Some("no-cache"));
    assert_eq!(stream.header("x-accel-buffering"), Some("no"));
    assert_eq!(stream.last_event(), "[DONE]");
}

#[tokio::test]
async fn oversized_deeply_nested_and_invalid_bodies_are_rejected() {
    let harness = Harness::with(|config| config.server.max_body = 1 << 20).await;
    let path = "/v1/chat/completions";
    let deep = format!(
        "{{\"messages\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for (body, status) in [
        (" ".repeat((1 << 20) + 1), 413),
        (deep, 400),
        ("{\"model\":".to_owned(), 400),
        ("hello".to_owned(), 400),
        (String::new(), 400),
        ("[]".to_owned(), 400),
        ("{}".to_owned(), 400),
    ] {
        let mut request = harness.request(Method::POST, path, body.clone());
        let json = "application/json".parse().unwrap();
        request.headers_mut().insert(CONTENT_TYPE, json);
        let reply = harness.send(request).await;
        assert_eq!(reply.status.as_u16(), status, "{:.40}", body);
        assert!(reply.error()["message"].is_string());
    }
    // curl's default content type is not rejected; the error is about the body.
    let form = "application/x-www-form-urlencoded";
    for (content_type, status) in [("text/plain", 415), (form, 400)] {
        let mut request = harness.request(Method::POST, path, "model=gpt-4o");
        let content_type = content_type.parse().unwrap();
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        assert_eq!(harness.send(request).await.status, status);
    }
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
}

#[tokio::test]
async fn an_invalid_request_is_rejected_with_the_path() {
    let harness = Harness::start().await;
    let user = json!({"role": "user", "content": "hi"});
    for (field, value, parameter) in [
        ("model", json!(null), "model"),
        ("messages", json!([]), "messages"),
        ("messages", json!([{"content": "hi"}]), "messages[0].role"),
        (
            "messages",
            json!([{"role": "robot", "content": "hi"}]),
            "messages[0].role",
        ),
        (
            "messages",
            json!([user, {"role": "user"}]),
            "messages[1].content",
        ),
        (
            "messages",
            json!([{"role": "user", "content": [{"type": "smell"}]}]),
            "messages[0].content[0].type",
        ),
        (
            "messages",
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png"}}]}]),
            "messages[0].content[0].image_url.url",
        ),
        (
            "messages",
            json!([{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]),
            "messages[0].content[0].file.file_id",
        ),
        (
            "messages",
            json!([user, {"role": "tool", "content": "hi"}]),
            "messages[1].tool_call_id",
        ),
        ("temperature", json!(3), "temperature"),
        ("temperature", json!("hot"), "temperature"),
        ("top_p", json!(1.5), "top_p"),
        ("max_tokens", json!(0), "max_tokens"),
        ("max_completion_tokens", json!(-1), "max_completion_tokens"),
        ("n", json!(9), "n"),
        ("logit_bias", json!({"50256": -100}), "logit_bias"),
        ("modalities", json!(["text", "audio"]), "modalities"),
        (
            "response_format",
            json!({"type": "yaml"}),
            "response_format.type",
        ),
        (
            "web_search_options",
            json!({"search_context_size": "low"}),
            "web_search_options",
        ),
        (
            "stream_options",
            json!({"include_usage": true}),
            "stream_options",
        ),
        ("tool_choice", json!("required"), "tool_choice"),
        (
            "tools",
            json!([{"type": "function", "function": {}}]),
            "tools[0].function.name",
        ),
        (
            "tools",
            json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]),
            "tools[0].function.parameters.type",
        ),
        (
            "tools",
            json!([{"type": "custom", "custom": {}}]),
            "tools[0].custom.name",
        ),
        (
            "guardrailConfig",
            json!({"guardrailIdentifier": "g"}),
            "guardrailConfig.guardrailVersion",
        ),
    ] {
        let mut request = non_streaming("hi");
        request[field] = value.clone();
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 400, "{field} {value}: {}", reply.text);
        assert_eq!(
            reply.error()["param"],
            parameter,
            "{field} {value}: {}",
            reply.text
        );
    }
    assert_eq!(harness.sent_upstream().len(), 0, "Bedrock receives no call");
}

#[tokio::test]
async fn harmless_values_are_accepted_silently_and_others_are_noted() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    for (field, value) in [
        ("n", json!(1)),
        ("frequency_penalty", json!(0)),
        ("presence_penalty", json!(0.0)),
        ("logprobs", json!(false)),
        ("top_logprobs", json!(null)),
        ("logit_bias", json!({})),
        ("store", json!(false)),
        ("stop", json!(null)),
        ("tools", json!([])),
        ("tool_choice", json!("auto")),
        ("response_format", json!({"type": "text"})),
        ("modalities", json!(["text"])),
        ("service_tier", json!("auto")),
        ("metadata", json!({})),
        ("user", json!("")),
        ("something_new", json!(null)),
    ] {
        request[field] = value;
    }
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("x-outcrop-adjustments"), None);

    request["seed"] = json!(7);
    request["temperature"] = json!(1.5);
    request["something_new"] = json!(true);
    let reply = harness.chat(&request).await;
    assert_eq!(
        reply.header("x-outcrop-adjustments"),
        Some("seed: ignored, temperature: clamped to 1, something_new: ignored")
    );
    let mut strict = harness.request(Method::POST, "/v1/chat/completions", request.to_string());
    strict
        .headers_mut()
        .insert("x-outcrop-strict", "true".parse().unwrap());
    let refused = harness.send(strict).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.error()["param"], "seed");
}

#[tokio::test]
async fn logprobs_are_noted_and_rejected_in_strict_mode() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    request["logprobs"] = json!(true);
    request["top_logprobs"] = json!(3);
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.adjustments(),
        "logprobs: ignored; the model does not return token probabilities, \
         top_logprobs: ignored; the model does not return token probabilities"
    );
    assert_eq!(reply.json()["choices"][0]["logprobs"], json!(null));
    let refused = harness
        .chat_with(&[("x-outcrop-strict", "true")], &request)
        .await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.error()["param"], "logprobs");
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn tools_in_the_flat_format_are_called_by_name() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    request["tools"] = json!([
        {"type": "function", "name": "one", "parameters": {"type": "object", "properties": {}}},
        {"type": "function", "name": "two", "function": {"name": "other"}},
    ]);
    request["tool_choice"] = json!({"type": "function", "name": "one"});
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.adjustments(), "tools[].name: ignored");
    let sent_upstream = harness.sent_upstream().pop().unwrap();
    let names: Vec<&str> = sent_upstream["toolConfig"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["toolSpec"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["one", "other"]);
    assert_eq!(
        sent_upstream["toolConfig"]["toolChoice"],
        json!({"tool": {"name": "one"}})
    );

    request["tools"][0]["parameters"] = json!({"type": "array"});
    let refused = harness.chat(&request).await;
    assert_eq!(
        refused.error()["param"],
        "tools[0].parameters.type",
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn only_the_prefix_of_a_rejected_key_is_shown() {
    let harness = Harness::with(|config| {
        config.keys = vec![KeyEntry {
            caller: "team".to_owned(),
            digest: KeyDigest::of("sk-right"),
            access_key: None,
            chat: Default::default(),
            grant: outcrop::allowances::KeyGrant::default(),
        }];
    })
    .await;
    for (key, start) in [
        (
            Some("Bearer sk-wrong-0123456789abcdef"),
            "Incorrect API key provided: sk-wro***. ",
        ),
        (None, "You didn't provide an API key. "),
    ] {
        let mut request = harness.request(Method::GET, "/v1/models", "");
        if let Some(key) = key {
            request
                .headers_mut()
                .insert("authorization", key.parse().unwrap());
        }
        let reply = harness.send(request).await;
        assert_eq!(reply.status, 401);
        let error = reply.error();
        assert_eq!(error["code"], "invalid_api_key");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(start), "{message}");
        assert!(!message.contains("sk-wrong"), "{message}");
    }
}

#[tokio::test]
async fn a_key_is_required_when_keys_are_configured() {
    let harness = Harness::with(|config| {
        config.keys = vec![KeyEntry {
            caller: "team".to_owned(),
            digest: KeyDigest::of("sk-right"),
            access_key: None,
            chat: Default::default(),
            grant: outcrop::allowances::KeyGrant::default(),
        }];
    })
    .await;
    for (header, value, status) in [
        ("authorization", "Bearer sk-right", 200),
        ("authorization", "bearer sk-right", 200),
        ("api-key", "sk-right", 200),
        ("x-api-key", "sk-right", 200),
        ("authorization", "Bearer sk-wrong", 401),
        ("authorization", "Basic sk-right", 401),
        ("x-other", "sk-right", 401),
    ] {
        for path in ["/v1/chat/completions", "/v1/models"] {
            let method = if path == "/v1/models" {
                Method::GET
            } else {
                Method::POST
            };
            let mut request = harness.request(method, path, non_streaming("hi").to_string());
            let name = http::HeaderName::from_static(header);
            request.headers_mut().insert(name, value.parse().unwrap());
            let reply = harness.send(request).await;
            assert_eq!(reply.status.as_u16(), status, "{header}: {value}");
            if status == 401 {
                assert_eq!(reply.error()["code"], "invalid_api_key");
                assert!(!reply.text.contains("sk-"), "{}", reply.text);
            }
        }
    }
    assert_eq!(harness.get("/healthz").await.status, 200);
    assert_eq!(harness.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn the_head_waits_for_the_first_event_and_deltas_are_sent_individually() {
    let harness = Harness::start().await;
    let drip = bedrock_simulator::Fault::Drip { delay_ms: 20 };
    harness
        .simulator
        .push(bedrock_simulator::Script::text("one two three").with(drip));
    let mut stream = harness.open(&streamed("hi")).await;
    assert_eq!(stream.status, 200);
    let mut before_the_end = 0;
    while let Some(event) = stream.next().await {
        // Bedrock still sends while the client reads.
        if harness.simulator.open_calls() > 0 && event.contains("\"content\"") {
            before_the_end += 1;
        }
    }
    assert!(before_the_end > 1, "{before_the_end}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_times_out() {
    let harness =
        Harness::with(|config| config.server.body_timeout = Duration::from_millis(50)).await;
    let mut client = TcpStream::connect(harness.address).await.unwrap();
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    client.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 408");
}

/// A streaming request that leads to a tool call.
fn weather(model: &str) -> serde_json::Value {
    let mut request = streamed("What is the weather in Rome?");
    request["model"] = json!(model);
    let function = json!({"name": "get_weather", "parameters": {"type": "object"}});
    request["tools"] = json!([{"type": "function", "function": function}]);
    request
}

fn paths(harness: &Harness) -> Vec<String> {
    let requests = harness.simulator.requests().into_iter();
    requests.map(|request| request.path).collect()
}

#[tokio::test]
async fn tools_on_models_without_streaming_tool_use_are_streamed_from_one_response() {
    for model in [
        "us.meta.llama3-3-70b-instruct-v1:0",
        "us.meta.llama4-maverick-17b-instruct-v1:0",
    ] {
        let harness = Harness::start().await;
        let reply = harness.chat(&weather(model)).await;
        assert_eq!(reply.last_event(), "[DONE]", "{}", reply.text);
        assert!(
            reply.text.contains("\"name\":\"get_weather\""),
            "{}",
            reply.text
        );
        let paths = paths(&harness);
        assert!(
            paths.iter().all(|path| path.ends_with("/converse")),
            "{paths:?}"
        );
    }
}

#[tokio::test]
async fn missing_support_for_streaming_tool_use_is_learned() {
    let harness = Harness::start().await;
    let refusal = "This model doesn't support tool use in streaming mode.";
    let refusal = Script::error(400, "ValidationException", refusal);
    harness
        .simulator
        .push(refusal.for_operation(Operation::ConverseStream));
    for _ in 0..2 {
        let reply = harness.chat(&weather("amazon.nova-lite-v1:0")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.last_event(), "[DONE]", "{}", reply.text);
        assert!(reply.text.contains("\"name\":\"get_weather\""));
    }
    let operations: Vec<String> = paths(&harness)
        .iter()
        .map(|path| path.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(operations, ["converse-stream", "converse", "converse"]);
    // Without tools the request is streamed.
    let mut request = weather("amazon.nova-lite-v1:0");
    request["tools"] = json!(null);
    harness.chat(&request).await;
    assert!(paths(&harness)[3].ends_with("/converse-stream"));
}

/// A proxy in front could interpret one and the gateway the other.
#[tokio::test]
async fn a_request_with_two_keys_is_rejected() {
    let harness = Harness::with(|config| {
        config.keys = vec![KeyEntry {
            caller: "team".to_owned(),
            digest: KeyDigest::of("sk-right"),
            access_key: None,
            chat: Default::default(),
            grant: outcrop::allowances::KeyGrant::default(),
        }];
    })
    .await;
    let bedrock_path = format!("/model/{MODEL}/converse");
    let send = async |headers: &[(&'static str, &str)], method: Method, path: &str| {
        let mut request = harness.request(method, path, non_streaming("hi").to_string());
        for (name, value) in headers {
            let value = value.parse().unwrap();
            request.headers_mut().append(*name, value);
        }
        harness.send(request).await
    };
    let right = ("authorization", "Bearer sk-right");
    for headers in [
        &[right, right][..],
        &[right, ("authorization", "Bearer sk-other")],
        &[right, ("authorization", "Basic abc")],
        &[right, ("api-key", "sk-other")],
        &[("api-key", "sk-right"), ("x-api-key", "sk-other")],
        &[("x-api-key", "sk-right"), ("x-api-key", "sk-other")],
    ] {
        for (method, path) in [
            (Method::POST, "/v1/chat/completions"),
            (Method::GET, "/v1/models"),
            (Method::POST, bedrock_path.as_str()),
        ] {
            let reply = send(headers, method, path).await;
            assert_eq!(reply.status, 400, "{headers:?} {path}: {}", reply.text);
            assert!(!reply.text.contains("sk-"), "{}", reply.text);
        }
    }
    assert_eq!(harness.simulator.received(), 0);
    let same = [right, ("api-key", "sk-right")];
    let served = send(&same, Method::POST, "/v1/chat/completions").await;
    assert_eq!(served.status, 200);
}
