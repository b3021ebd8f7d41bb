//! Chat requests that go to AWS's OpenAI endpoints.

use bedrock_simulator::{Fault, Operation, Script, ScriptedResponse};
use bytes::Bytes;
use outcrop::config::{Config, ModelEntry};
use outcrop::converse::options::GuardrailConfig;
use outcrop::converse::policy::GuardrailPolicy;
use outcrop::models::{ChatUpstream, ModelId, OpenAiEndpoint};
use serde_json::{Value, json};

use crate::harness::Harness;

const GPT: &str = "openai.gpt-6-luna";
const OSS: &str = "openai.gpt-oss-20b-1:0";

fn request(model: &str, more: Value) -> Value {
    let mut request = json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    let fields = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(fields);
    request
}

fn streamed(model: &str) -> Value {
    request(model, json!({ "stream": true }))
}

/// An alias of gpt-oss whose requests go to AWS's OpenAI endpoint.
fn open_weight(config: &mut Config) {
    let entry = ModelEntry {
        upstream: Some(ChatUpstream::OpenAi(OpenAiEndpoint::Runtime)),
        ..ModelEntry::from(ModelId::parse(OSS).unwrap())
    };
    config.models.insert("oss".to_owned(), entry);
}

/// The bodies that AWS's OpenAI endpoints received, and the service that each was signed for.
fn forwarded(harness: &Harness) -> Vec<(String, Value)> {
    let requests = harness.simulator.requests();
    let chats = requests
        .iter()
        .filter(|request| request.path.starts_with("/openai/"));
    chats
        .map(|request| {
            let signed = request.headers["authorization"].to_str().unwrap();
            let service = signed.split('/').nth(3).unwrap();
            (service.to_owned(), request.json())
        })
        .collect()
}

#[tokio::test]
async fn the_model_table_and_the_alias_select_the_endpoint() {
    let harness = Harness::with(open_weight).await;
    for (name, service, model) in [
        (GPT, "bedrock", GPT),
        ("us.openai.gpt-5.6-sol", "bedrock", "us.openai.gpt-5.6-sol"),
        ("openai.gpt-5.4", "bedrock-mantle", "openai.gpt-5.4"),
        ("xai.grok-4.6", "bedrock", "xai.grok-4.6"),
        ("oss", "bedrock", OSS),
    ] {
        let reply = harness.chat(&request(name, json!({}))).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.json()["model"], name);
        let (signed_for, body) = forwarded(&harness).pop().unwrap();
        assert_eq!(
            (signed_for.as_str(), &body["model"]),
            (service, &json!(model))
        );
    }
    assert_eq!(
        harness.sent_upstream(),
        Vec::<Value>::new(),
        "Converse receives no request"
    );
    harness.chat(&request(OSS, json!({}))).await;
    assert_eq!(
        harness.sent_upstream().len(),
        1,
        "without the alias, Converse receives the request"
    );
}

#[tokio::test]
async fn requests_with_unsupported_fields_go_to_converse() {
    let harness = Harness::with(open_weight).await;
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
    let guardrail = json!({ "guardrailIdentifier": "demoguardrail", "guardrailVersion": "1" });
    for (model, more) in [
        (GPT, json!({ "guardrailConfig": guardrail })),
        (GPT, json!({ "tools": tools })),
        (GPT, json!({ "requestMetadata": { "team": "a" } })),
        (
            "oss",
            json!({ "response_format": { "type": "json_object" } }),
        ),
    ] {
        let before = harness.sent_upstream().len();
        let reply = harness.chat(&request(model, more.clone())).await;
        assert_eq!(reply.status, 200, "{more}: {}", reply.text);
        assert!(harness.sent_upstream().len() > before, "{more}");
    }
    assert_eq!(forwarded(&harness), []);
    let with_header = [
        ("x-amzn-bedrock-guardrailidentifier", "demoguardrail"),
        ("x-amzn-bedrock-guardrailversion", "1"),
    ];
    harness
        .chat_with(&with_header, &request(GPT, json!({})))
        .await;
    let sent_upstream = harness.sent_upstream().pop().unwrap();
    assert_eq!(
        sent_upstream["guardrailConfig"]["guardrailIdentifier"],
        "demoguardrail"
    );
    assert_eq!(forwarded(&harness), []);
}

#[tokio::test]
async fn a_field_that_no_upstream_of_the_model_supports_is_rejected_by_name() {
    let harness = Harness::start().await;
    let guardrail = json!({ "guardrailIdentifier": "abcd", "guardrailVersion": "1" });
    let body = request("openai.gpt-5.4", json!({ "guardrailConfig": guardrail }));
    let reply = harness.chat(&body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "guardrailConfig");
    assert_eq!(reply.error()["code"], "unsupported_parameter");
    assert_eq!(forwarded(&harness), []);
}

#[tokio::test]
async fn the_operators_guardrail_applies() {
    let harness = Harness::with(|config| {
        config.chat.common.guardrail = Some(GuardrailPolicy {
            config: GuardrailConfig {
                guardrail_identifier: "demoguardrail".to_owned(),
                guardrail_version: "1".to_owned(),
                trace: None,
                stream_processing_mode: None,
            },
            only_last_turn: false,
        });
    })
    .await;
    for body in [request(GPT, json!({})), streamed(GPT)] {
        assert_eq!(harness.chat(&body).await.status, 200);
        let sent_upstream = harness.sent_upstream().pop().unwrap();
        assert_eq!(
            sent_upstream["guardrailConfig"]["guardrailIdentifier"],
            "demoguardrail"
        );
    }
    let reply = harness.chat(&request("openai.gpt-5.4", json!({}))).await;
    assert_eq!(reply.error()["param"], "guardrailConfig");
    assert_eq!(forwarded(&harness), []);
}

#[tokio::test]
async fn the_operators_token_ceiling_applies() {
    let harness = Harness::with(|config| {
        config.chat.common.max_tokens_ceiling = Some(20);
    })
    .await;
    for (more, limit) in [
        (json!({}), 20),
        (json!({ "max_tokens": 500 }), 20),
        (
            json!({ "max_completion_tokens": 18, "max_tokens": 500 }),
            18,
        ),
        (json!({ "max_tokens": 3 }), 16),
    ] {
        harness.chat(&request(GPT, more.clone())).await;
        let (_, body) = forwarded(&harness).pop().unwrap();
        assert_eq!(body["max_completion_tokens"], limit, "{more}");
        assert_eq!(body.get("max_tokens"), None, "{more}");
    }
}

#[tokio::test]
async fn strict_rejects_requests_that_need_adjustments() {
    let harness = Harness::start().await;
    let body = request(GPT, json!({ "temperature": 0.5 }));
    let reply = harness
        .chat_with(&[("x-outcrop-strict", "on")], &body)
        .await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "temperature");
    let reply = harness.chat(&body).await;
    assert!(
        reply.adjustments().starts_with("temperature: removed"),
        "{}",
        reply.adjustments()
    );
    assert_eq!(forwarded(&harness).len(), 1);
}

#[tokio::test]
async fn reasoning_in_content_is_separated_in_responses_and_streams() {
    let harness = Harness::with(open_weight).await;
    let non_streaming = harness.chat(&request("oss", json!({}))).await.json();
    let message = &non_streaming["choices"][0]["message"];
    assert!(
        message["reasoning_content"]
            .as_str()
            .unwrap()
            .starts_with("The user wants")
    );
    assert!(message["content"].as_str().unwrap().starts_with("You said"));
    let chunks = harness.chat(&streamed("oss")).await.chunks();
    let joined = |key: &str| -> String {
        let deltas = chunks
            .iter()
            .map(|chunk| &chunk["choices"][0]["delta"][key]);
        deltas.filter_map(Value::as_str).collect()
    };
    assert_eq!(joined("reasoning_content"), message["reasoning_content"]);
    assert_eq!(joined("content"), message["content"]);
}

#[tokio::test]
async fn usage_is_always_requested_and_returned_on_request() {
    let harness = Harness::start().await;
    let without_usage = harness.chat(&streamed(GPT)).await.chunks();
    assert!(
        without_usage
            .iter()
            .all(|chunk| chunk.get("usage").is_none())
    );
    assert!(
        without_usage
            .iter()
            .all(|chunk| chunk["choices"] != json!([]))
    );
    let (_, body) = forwarded(&harness).pop().unwrap();
    assert_eq!(body["stream_options"], json!({ "include_usage": true }));

    let options = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let with_usage = harness.chat(&request(GPT, options)).await.chunks();
    let (last, preceding) = with_usage.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(
        last["usage"]["completion_tokens_details"]["reasoning_tokens"],
        8
    );
    assert!(preceding.iter().all(|chunk| chunk["usage"] == Value::Null));
    let ids: Vec<&Value> = with_usage.iter().map(|chunk| &chunk["id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0] && *id != &Value::Null));
}

#[tokio::test]
async fn a_response_has_its_cost_and_metadata() {
    let harness = Harness::start().await;
    let reply = harness
        .chat(&request(GPT, json!({ "metadata": { "a": "b" } })))
        .await;
    assert_eq!(reply.json()["metadata"], json!({ "a": "b" }));
    assert_eq!(
        reply.adjustments(),
        "metadata: returned in the response; not sent to Bedrock"
    );
    let usage = &reply.json()["usage"];
    let count = |name: &str| usage[name].as_f64().unwrap();
    // prices.toml: 0.1 and 0.5 dollars for a million tokens.
    let cost = (count("prompt_tokens") * 0.1 + count("completion_tokens") * 0.5) * 1.1 / 1e6;
    let reported_cost: f64 = reply.header("x-outcrop-cost-usd").unwrap().parse().unwrap();
    let without_surcharge = cost / 1.1;
    assert!(
        (reported_cost - cost).abs() < 1e-9 || (reported_cost - without_surcharge).abs() < 1e-9,
        "{reported_cost} {cost}"
    );
}

#[tokio::test]
async fn errors_are_translated_as_on_converse() {
    for (status, code, expected_status, retried) in [
        (400, "ValidationException", 400, false),
        (403, "AccessDeniedException", 403, false),
        (404, "ResourceNotFoundException", 404, false),
        (429, "ThrottlingException", 429, true),
        (500, "InternalServerException", 500, true),
        (503, "ServiceUnavailableException", 503, true),
    ] {
        for stream in [false, true] {
            let harness = Harness::start().await;
            let message = "arn:aws:iam::123456789012:role/gateway may not";
            harness
                .simulator
                .push(Script::error(status, code, message).times(0));
            let reply = harness
                .chat(&request(GPT, json!({ "stream": stream })))
                .await;
            assert_eq!(reply.status, expected_status, "{code}: {}", reply.text);
            assert!(!reply.text.contains("123456789012"), "{}", reply.text);
            assert_eq!(forwarded(&harness).len() > 1, retried, "{code}");
        }
    }
}

#[tokio::test]
async fn temporary_errors_are_retried() {
    let harness = Harness::start().await;
    for body in [request(GPT, json!({})), streamed(GPT)] {
        harness.simulator.push(Script::error(
            429,
            "ThrottlingException",
            "Too many requests",
        ));
        assert_eq!(harness.chat(&body).await.status, 200);
    }
    assert_eq!(forwarded(&harness).len(), 4);
}

#[tokio::test]
async fn an_error_before_the_first_chunk_has_a_real_status() {
    let harness = Harness::start().await;
    let fault = Fault::Exception {
        after_events: 0,
        code: "validationException".to_owned(),
        message: "no".to_owned(),
        original_status_code: None,
    };
    harness.simulator.push(Script::fault(fault));
    let reply = harness.chat(&streamed(GPT)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["message"], "no");
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_and_without_done() {
    let harness = Harness::start().await;
    let exception = Fault::Exception {
        after_events: 3,
        code: "throttlingException".to_owned(),
        message: "Too many requests".to_owned(),
        original_status_code: None,
    };
    for (fault, code) in [
        (exception, "rate_limit_exceeded"),
        (Fault::Cut { after_events: 3 }, "upstream_connection_error"),
        (Fault::End { after_events: 3 }, "upstream_connection_error"),
        (
            Fault::TruncatedFrame { after_events: 3 },
            "upstream_bad_response",
        ),
    ] {
        harness.simulator.push(Script::fault(fault));
        let reply = harness.chat(&streamed(GPT)).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.text.contains("[DONE]"), "{}", reply.text);
        let last: Value = serde_json::from_str(&reply.last_event()).unwrap();
        assert_eq!(last["error"]["code"], code, "{last}");
    }
}

#[tokio::test]
async fn a_stream_without_a_finish_reason_is_an_error() {
    let harness = Harness::start().await;
    let chunk = json!({
        "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "hi" } }],
    });
    harness
        .simulator
        .push(sse(&format!("data: {chunk}\n\ndata: [DONE]\n\n")));
    let reply = harness.chat(&streamed(GPT)).await;
    assert!(!reply.text.contains("[DONE]"), "{}", reply.text);
    let last: Value = serde_json::from_str(&reply.last_event()).unwrap();
    assert_eq!(last["error"]["code"], "upstream_connection_error");
}

/// A response whose event stream has this body.
fn sse(body: &str) -> Script {
    let headers = [("content-type".to_owned(), "text/event-stream".to_owned())];
    Script::new(ScriptedResponse::Raw {
        status: 200,
        headers: headers.into(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    })
}

#[tokio::test]
async fn an_invalid_upstream_response_is_a_bad_gateway() {
    let harness = Harness::start().await;
    for body in ["{}", "[]", "not JSON", r#"{"choices":[]}"#] {
        harness.simulator.push(sse(body));
        let reply = harness.chat(&request(GPT, json!({}))).await;
        assert_eq!(reply.status, 502, "{body}");
        assert_eq!(reply.error()["code"], "upstream_bad_response");
    }
}

#[tokio::test]
async fn a_refused_field_is_omitted_from_then_on() {
    let harness = Harness::start().await;
    let body = request(GPT, json!({ "seed": 7, "stop": "x" }));
    let refusal = json!({ "error": {
        "message": "Unsupported parameter: 'seed'.", "type": "invalid_request_error",
        "param": "seed", "code": "unsupported_parameter",
    } });
    harness.simulator.push(Script::new(ScriptedResponse::Raw {
        status: 400,
        headers: Default::default(),
        body: refusal.to_string().into(),
    }));
    let reply = harness.chat(&body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.adjustments(),
        "seed: removed; the model does not accept it"
    );
    assert_eq!(forwarded(&harness).len(), 2);
    harness.chat(&body).await;
    let forwarded = forwarded(&harness);
    assert_eq!(forwarded.len(), 3);
    assert_eq!(forwarded[2].1.get("seed"), None);
    assert_eq!(forwarded[2].1["stop"], json!(["x"]));
}

#[tokio::test]
async fn an_overlong_conversation_is_truncated_on_request() {
    let harness = Harness::start().await;
    let long = "word ".repeat(200);
    let turn = |role: &str, text: &str| json!({ "role": role, "content": text });
    let messages = json!([
        turn("system", "short"),
        turn("user", &long),
        turn("assistant", &long),
        turn("user", &long),
        turn("assistant", "yes"),
        turn("user", "last"),
    ]);
    let body = json!({ "model": GPT, "messages": messages });
    let refusal = json!({ "error": { "message": "too long", "code": "context_length_exceeded" } });
    harness.simulator.push(Script::new(ScriptedResponse::Raw {
        status: 400,
        headers: Default::default(),
        body: refusal.to_string().into(),
    }));
    let reply = harness
        .chat_with(&[("x-outcrop-truncate", "oldest")], &body)
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply.adjustments().contains("the 2 oldest removed"),
        "{}",
        reply.adjustments()
    );
    let (_, body) = forwarded(&harness).pop().unwrap();
    let roles: Vec<&str> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
}

#[tokio::test]
async fn a_client_disconnect_cancels_the_call() {
    for fault in [
        Fault::SlowResponse { delay_ms: 600_000 },
        Fault::SlowFirstEvent { delay_ms: 600_000 },
    ] {
        let harness = Harness::start().await;
        harness.simulator.push(Script::fault(fault));
        let body = streamed(GPT);
        tokio::select! {
            _ = harness.chat(&body) => panic!("the response arrived"),
            () = harness.simulator.wait_for_received(1) => {}
        }
        harness.simulator.wait_for_abandoned(1).await;
    }
    let harness = Harness::start().await;
    let stall = Fault::Stall { after_events: 2 };
    harness
        .simulator
        .push(Script::fault(stall).for_operation(Operation::ChatCompletionsStream));
    let mut stream = harness.open(&streamed(GPT)).await;
    assert!(stream.next().await.is_some());
    drop(stream);
    harness.simulator.wait_for_abandoned(1).await;
    harness.simulator.idle().await;
}

#[tokio::test]
async fn an_idle_stream_sends_keepalive_comments() {
    let harness = Harness::with(|config| {
        config.server.keepalive = std::time::Duration::from_millis(20);
    })
    .await;
    harness
        .simulator
        .push(Script::fault(Fault::Stall { after_events: 2 }));
    let mut stream = harness.open(&streamed(GPT)).await;
    loop {
        let event = stream.next().await.unwrap();
        if event == ": keepalive" {
            break;
        }
    }
}

#[tokio::test]
async fn explain_returns_the_upstream_and_the_body() {
    let harness = Harness::start().await;
    let plain = request(GPT, json!({ "verbosity": "low" }));
    let reported_cost = harness.post("/v1/explain", &plain).await.json();
    assert_eq!(reported_cost["target"]["upstream"], "runtime_openai");
    assert_eq!(reported_cost["target"]["operation"], "ChatCompletions");
    assert_eq!(reported_cost["chat_completion"]["verbosity"], "low");
    assert_eq!(reported_cost.get("converse"), None);

    let labelled = json!({ "n": 2, "requestMetadata": { "team": "a" } });
    let many = harness
        .post("/v1/explain", &request(GPT, labelled))
        .await
        .json();
    assert_eq!(many["target"]["upstream"], "converse");
    assert_eq!(many["target"]["rerouted_for"], "requestMetadata");
    assert_eq!(many["choices"], 2);
    assert_eq!(forwarded(&harness), []);
}
