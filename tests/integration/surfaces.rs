//! Chat by way of AWS's OpenAI surfaces, through the whole gateway.

use bedrock_simulator::{Fault, Operation, Script, ScriptedResponse};
use bytes::Bytes;
use outcrop::config::{Config, ModelEntry};
use outcrop::converse::options::GuardrailConfig;
use outcrop::models::{ChatUpstream, ModelId, OpenAiEndpoint};
use outcrop::openai::chat::GuardrailPolicy;
use serde_json::{Value, json};

use crate::world::World;

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

/// An alias of gpt-oss whose requests go to a surface.
fn open_weight(config: &mut Config) {
    let entry = ModelEntry {
        surface: Some(ChatUpstream::OpenAi(OpenAiEndpoint::Runtime)),
        ..ModelEntry::from(ModelId::parse(OSS).unwrap())
    };
    config.models.insert("oss".to_owned(), entry);
}

/// The bodies that have reached a surface, with the service that each was signed for.
fn sent(world: &World) -> Vec<(String, Value)> {
    let requests = world.simulator.requests();
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
async fn the_table_and_the_alias_say_where_a_model_is_asked() {
    let world = World::with(open_weight).await;
    for (name, service, model) in [
        (GPT, "bedrock", GPT),
        ("us.openai.gpt-5.6-sol", "bedrock", "us.openai.gpt-5.6-sol"),
        ("openai.gpt-5.4", "bedrock-mantle", "openai.gpt-5.4"),
        ("xai.grok-4.6", "bedrock", "xai.grok-4.6"),
        ("oss", "bedrock", OSS),
    ] {
        let reply = world.chat(&request(name, json!({}))).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.json()["model"], name);
        let (signed_for, body) = sent(&world).pop().unwrap();
        assert_eq!(
            (signed_for.as_str(), &body["model"]),
            (service, &json!(model))
        );
    }
    assert_eq!(world.asked(), Vec::<Value>::new(), "Converse is not asked");
    world.chat(&request(OSS, json!({}))).await;
    assert_eq!(world.asked().len(), 1, "without the alias it is");
}

#[tokio::test]
async fn what_the_surface_does_not_do_goes_to_converse() {
    let world = World::with(open_weight).await;
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
    let guardrail = json!({ "guardrailIdentifier": "demoguardrail", "guardrailVersion": "1" });
    for (model, more) in [
        (GPT, json!({ "guardrailConfig": guardrail })),
        (GPT, json!({ "tools": tools })),
        (GPT, json!({ "n": 2 })),
        (GPT, json!({ "requestMetadata": { "team": "a" } })),
        (
            "oss",
            json!({ "response_format": { "type": "json_object" } }),
        ),
    ] {
        let before = world.asked().len();
        let reply = world.chat(&request(model, more.clone())).await;
        assert_eq!(reply.status, 200, "{more}: {}", reply.text);
        assert!(world.asked().len() > before, "{more}");
    }
    assert_eq!(sent(&world), []);
    let with_header = [
        ("x-amzn-bedrock-guardrailidentifier", "demoguardrail"),
        ("x-amzn-bedrock-guardrailversion", "1"),
    ];
    world
        .chat_with(&with_header, &request(GPT, json!({})))
        .await;
    let asked = world.asked().pop().unwrap();
    assert_eq!(
        asked["guardrailConfig"]["guardrailIdentifier"],
        "demoguardrail"
    );
    assert_eq!(sent(&world), []);
}

#[tokio::test]
async fn what_no_surface_of_the_model_does_is_refused_by_name() {
    let world = World::start().await;
    let guardrail = json!({ "guardrailIdentifier": "abcd", "guardrailVersion": "1" });
    let body = request("openai.gpt-5.4", json!({ "guardrailConfig": guardrail }));
    let reply = world.chat(&body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "guardrailConfig");
    assert_eq!(reply.error()["code"], "unsupported_parameter");
    assert_eq!(sent(&world), []);
}

#[tokio::test]
async fn the_operators_guardrail_holds() {
    let world = World::with(|config| {
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
        assert_eq!(world.chat(&body).await.status, 200);
        let asked = world.asked().pop().unwrap();
        assert_eq!(
            asked["guardrailConfig"]["guardrailIdentifier"],
            "demoguardrail"
        );
    }
    let reply = world.chat(&request("openai.gpt-5.4", json!({}))).await;
    assert_eq!(reply.error()["param"], "guardrailConfig");
    assert_eq!(sent(&world), []);
}

#[tokio::test]
async fn the_operators_ceiling_holds() {
    let world = World::with(|config| {
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
        world.chat(&request(GPT, more.clone())).await;
        let (_, body) = sent(&world).pop().unwrap();
        assert_eq!(body["max_completion_tokens"], limit, "{more}");
        assert_eq!(body.get("max_tokens"), None, "{more}");
    }
}

#[tokio::test]
async fn strict_requests_are_not_changed() {
    let world = World::start().await;
    let body = request(GPT, json!({ "temperature": 0.5 }));
    let reply = world.chat_with(&[("x-outcrop-strict", "on")], &body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "temperature");
    let reply = world.chat(&body).await;
    assert!(
        reply.adjustments().starts_with("temperature: dropped"),
        "{}",
        reply.adjustments()
    );
    assert_eq!(sent(&world).len(), 1);
}

#[tokio::test]
async fn reasoning_within_the_content_is_told_apart_whole_and_streamed() {
    let world = World::with(open_weight).await;
    let whole = world.chat(&request("oss", json!({}))).await.json();
    let message = &whole["choices"][0]["message"];
    assert!(
        message["reasoning_content"]
            .as_str()
            .unwrap()
            .starts_with("The user wants")
    );
    assert!(message["content"].as_str().unwrap().starts_with("You said"));
    let chunks = world.chat(&streamed("oss")).await.chunks();
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
async fn usage_is_always_asked_for_and_shown_where_the_client_asks() {
    let world = World::start().await;
    let hidden = world.chat(&streamed(GPT)).await.chunks();
    assert!(hidden.iter().all(|chunk| chunk.get("usage").is_none()));
    assert!(hidden.iter().all(|chunk| chunk["choices"] != json!([])));
    let (_, body) = sent(&world).pop().unwrap();
    assert_eq!(body["stream_options"], json!({ "include_usage": true }));

    let options = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let shown = world.chat(&request(GPT, options)).await.chunks();
    let (last, others) = shown.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(
        last["usage"]["completion_tokens_details"]["reasoning_tokens"],
        8
    );
    assert!(others.iter().all(|chunk| chunk["usage"] == Value::Null));
    let ids: Vec<&Value> = shown.iter().map(|chunk| &chunk["id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0] && *id != &Value::Null));
}

#[tokio::test]
async fn a_whole_answer_tells_its_cost_and_gives_labels_back() {
    let world = World::start().await;
    let reply = world
        .chat(&request(GPT, json!({ "metadata": { "a": "b" } })))
        .await;
    assert_eq!(reply.json()["metadata"], json!({ "a": "b" }));
    assert_eq!(reply.adjustments(), "metadata: given back; not passed on");
    let usage = &reply.json()["usage"];
    let count = |name: &str| usage[name].as_f64().unwrap();
    // prices.toml: 0.1 and 0.5 for a million.
    let cost = (count("prompt_tokens") * 0.1 + count("completion_tokens") * 0.5) * 1.1 / 1e6;
    let told: f64 = reply.header("x-outcrop-cost-usd").unwrap().parse().unwrap();
    let without_surcharge = cost / 1.1;
    assert!(
        (told - cost).abs() < 1e-9 || (told - without_surcharge).abs() < 1e-9,
        "{told} {cost}"
    );
}

#[tokio::test]
async fn errors_go_through_the_same_table() {
    for (status, code, heard, retried) in [
        (400, "ValidationException", 400, false),
        (403, "AccessDeniedException", 403, false),
        (404, "ResourceNotFoundException", 404, false),
        (429, "ThrottlingException", 429, true),
        (500, "InternalServerException", 500, true),
        (503, "ServiceUnavailableException", 503, true),
    ] {
        for stream in [false, true] {
            let world = World::start().await;
            let message = "arn:aws:iam::123456789012:role/gateway may not";
            world
                .simulator
                .push(Script::error(status, code, message).times(0));
            let reply = world.chat(&request(GPT, json!({ "stream": stream }))).await;
            assert_eq!(reply.status, heard, "{code}: {}", reply.text);
            assert!(!reply.text.contains("123456789012"), "{}", reply.text);
            assert_eq!(sent(&world).len() > 1, retried, "{code}");
        }
    }
}

#[tokio::test]
async fn what_passes_is_asked_for_again() {
    let world = World::start().await;
    for body in [request(GPT, json!({})), streamed(GPT)] {
        world.simulator.push(Script::error(
            429,
            "ThrottlingException",
            "Too many requests",
        ));
        assert_eq!(world.chat(&body).await.status, 200);
    }
    assert_eq!(sent(&world).len(), 4);
}

#[tokio::test]
async fn an_error_in_the_place_of_the_first_chunk_is_a_status() {
    let world = World::start().await;
    let fault = Fault::Exception {
        after_events: 0,
        code: "validationException".to_owned(),
        message: "no".to_owned(),
        original_status_code: None,
    };
    world.simulator.push(Script::fault(fault));
    let reply = world.chat(&streamed(GPT)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["message"], "no");
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_and_without_done() {
    let world = World::start().await;
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
        world.simulator.push(Script::fault(fault));
        let reply = world.chat(&streamed(GPT)).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.text.contains("[DONE]"), "{}", reply.text);
        let last: Value = serde_json::from_str(&reply.last_event()).unwrap();
        assert_eq!(last["error"]["code"], code, "{last}");
    }
}

#[tokio::test]
async fn an_end_that_tells_no_reason_is_an_error() {
    let world = World::start().await;
    let chunk = json!({
        "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "hi" } }],
    });
    world
        .simulator
        .push(sse(&format!("data: {chunk}\n\ndata: [DONE]\n\n")));
    let reply = world.chat(&streamed(GPT)).await;
    assert!(!reply.text.contains("[DONE]"), "{}", reply.text);
    let last: Value = serde_json::from_str(&reply.last_event()).unwrap();
    assert_eq!(last["error"]["code"], "upstream_connection_error");
}

/// Bytes in the place of an answer's events.
fn sse(body: &str) -> Script {
    let headers = [("content-type".to_owned(), "text/event-stream".to_owned())];
    Script::new(ScriptedResponse::Raw {
        status: 200,
        headers: headers.into(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    })
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_fault_of_the_way() {
    let world = World::start().await;
    for body in ["{}", "[]", "not JSON", r#"{"choices":[]}"#] {
        world.simulator.push(sse(body));
        let reply = world.chat(&request(GPT, json!({}))).await;
        assert_eq!(reply.status, 502, "{body}");
        assert_eq!(reply.error()["code"], "upstream_bad_response");
    }
}

#[tokio::test]
async fn a_field_that_the_model_refuses_is_left_out_from_then_on() {
    let world = World::start().await;
    let body = request(GPT, json!({ "seed": 7, "stop": "x" }));
    let refusal = json!({ "error": {
        "message": "Unsupported parameter: 'seed'.", "type": "invalid_request_error",
        "param": "seed", "code": "unsupported_parameter",
    } });
    world.simulator.push(Script::new(ScriptedResponse::Raw {
        status: 400,
        headers: Default::default(),
        body: refusal.to_string().into(),
    }));
    let reply = world.chat(&body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.adjustments(), "seed: dropped; this model refuses it");
    assert_eq!(sent(&world).len(), 2);
    world.chat(&body).await;
    let sent = sent(&world);
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[2].1.get("seed"), None);
    assert_eq!(sent[2].1["stop"], "x");
}

#[tokio::test]
async fn a_conversation_that_is_too_long_loses_its_oldest_turns() {
    let world = World::start().await;
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
    world.simulator.push(Script::new(ScriptedResponse::Raw {
        status: 400,
        headers: Default::default(),
        body: refusal.to_string().into(),
    }));
    let reply = world
        .chat_with(&[("x-outcrop-truncate", "oldest")], &body)
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply.adjustments().contains("the 2 oldest left out"),
        "{}",
        reply.adjustments()
    );
    let (_, body) = sent(&world).pop().unwrap();
    let roles: Vec<&str> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call() {
    for fault in [
        Fault::SlowAnswer { delay_ms: 600_000 },
        Fault::SlowFirstEvent { delay_ms: 600_000 },
    ] {
        let world = World::start().await;
        world.simulator.push(Script::fault(fault));
        let body = streamed(GPT);
        tokio::select! {
            _ = world.chat(&body) => panic!("the answer should not have come"),
            () = world.simulator.received_at_least(1) => {}
        }
        world.simulator.abandoned_at_least(1).await;
    }
    let world = World::start().await;
    let silence = Fault::Silence { after_events: 2 };
    world
        .simulator
        .push(Script::fault(silence).for_operation(Operation::ChatCompletionsStream));
    let mut stream = world.open(&streamed(GPT)).await;
    assert!(stream.next().await.is_some());
    drop(stream);
    world.simulator.abandoned_at_least(1).await;
    world.simulator.idle().await;
}

#[tokio::test]
async fn a_silent_stream_is_kept_open() {
    let world = World::with(|config| {
        config.server.keepalive = std::time::Duration::from_millis(20);
    })
    .await;
    world
        .simulator
        .push(Script::fault(Fault::Silence { after_events: 2 }));
    let mut stream = world.open(&streamed(GPT)).await;
    loop {
        let event = stream.next().await.unwrap();
        if event == ": keepalive" {
            break;
        }
    }
}

#[tokio::test]
async fn explain_tells_the_surface_and_the_body() {
    let world = World::start().await;
    let plain = request(GPT, json!({ "verbosity": "low" }));
    let told = world.post("/v1/explain", &plain).await.json();
    assert_eq!(told["target"]["surface"], "runtime_openai");
    assert_eq!(told["target"]["operation"], "ChatCompletions");
    assert_eq!(told["chat_completion"]["verbosity"], "low");
    assert_eq!(told.get("converse"), None);

    let many = world
        .post("/v1/explain", &request(GPT, json!({ "n": 2 })))
        .await
        .json();
    assert_eq!(many["target"]["surface"], "converse");
    assert_eq!(many["target"]["rerouted_for"], "n");
    assert_eq!(many["answers"], 2);
    assert_eq!(sent(&world), []);
}
