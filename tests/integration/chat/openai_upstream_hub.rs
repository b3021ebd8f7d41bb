//! What the gateway does for every model works for those of AWS's OpenAI endpoints, too.

use bedrock_simulator::{Script, ScriptedResponse};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::harness::{Harness, Reply};

/// A model that Converse does not serve.
const GPT: &str = "openai.gpt-5.4";
const GROK: &str = "xai.grok-4.6";

fn request(more: Value) -> Value {
    let mut request = json!({ "model": GPT, "messages": [{ "role": "user", "content": "hi" }] });
    let fields = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(fields);
    request
}

/// The bodies that AWS's OpenAI endpoints received.
fn sent(harness: &Harness) -> Vec<Value> {
    let requests = harness.simulator.requests();
    let chats = requests
        .iter()
        .filter(|request| request.path.starts_with("/openai/"));
    chats.map(|request| request.json()).collect()
}

fn ok(reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.text);
}

/// A non-streaming response with this choice.
fn response(choice: Value) -> Script {
    let body = json!({ "choices": [choice], "usage": {
        "prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
        "prompt_tokens_details": { "cached_tokens": 4 },
        "completion_tokens_details": { "reasoning_tokens": 2 },
    } });
    raw("application/json", body.to_string())
}

/// A stream with a chunk for each choice.
fn stream(choices: &[Value]) -> Script {
    let chunks = choices
        .iter()
        .map(|choice| format!("data: {}\n\n", json!({ "choices": [choice] })));
    let text: String = chunks.collect();
    raw("text/event-stream", text + "data: [DONE]\n\n")
}

fn raw(content_type: &str, body: String) -> Script {
    let headers = [("content-type".to_owned(), content_type.to_owned())];
    Script::new(ScriptedResponse::Raw {
        status: 200,
        headers: headers.into(),
        body: Bytes::from(body),
    })
}

#[tokio::test]
async fn text_completions_are_served() {
    let harness = Harness::start().await;
    let body = json!({ "model": GPT, "prompt": ["Once", "Twice"], "logprobs": 2 });
    let reply = harness.post("/v1/completions", &body).await;
    ok(&reply);
    let choices = reply.json()["choices"].clone();
    for (index, prompt) in ["Once", "Twice"].into_iter().enumerate() {
        let text = choices[index]["text"].as_str().unwrap();
        assert!(text.contains(prompt), "{text}");
    }
    assert!(reply.json()["usage"]["completion_tokens"].as_u64() > Some(0));
    assert_eq!(
        reply.adjustments(),
        "logprobs: ignored; the model does not return token probabilities"
    );
    assert_eq!(sent(&harness).len(), 2);
    assert_eq!(sent(&harness)[0].get("logprobs"), None);

    let streamed = json!({ "model": GROK, "prompt": "Once", "stream": true, "logprobs": 1 });
    let reply = harness.post("/v1/completions", &streamed).await;
    ok(&reply);
    let text: String = reply
        .chunks()
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["text"].as_str().map(str::to_owned))
        .collect();
    assert!(text.contains("Once"), "{text}");
    assert!(reply.adjustments().starts_with("logprobs: ignored"));
    assert_eq!(reply.last_event(), "[DONE]");
}

#[tokio::test]
async fn input_tokens_are_estimated() {
    let harness = Harness::start().await;
    let body = json!({ "model": GPT, "input": "Good morning, mountain" });
    let reply = harness.post("/v1/responses/input_tokens", &body).await;
    ok(&reply);
    assert_eq!(reply.json()["source"], "estimate");
    assert!(reply.json()["input_tokens"].as_u64() > Some(3));
}

#[tokio::test]
async fn a_field_that_no_upstream_of_the_model_has_is_refused_in_the_clients_words() {
    let harness = Harness::start().await;
    let body = request(json!({ "web_search_options": {} }));
    let reply = harness.post("/v1/chat/completions", &body).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let error = reply.error();
    assert_eq!(error["param"], "web_search_options");
    assert_eq!(error["code"], "unsupported_parameter");
    let message = error["message"].as_str().unwrap();
    let start = "`web_search_options` is not supported for this model";
    assert!(message.starts_with(start), "{message}");

    // Clients of the Responses API send the tool with every request: it is removed.
    let body = json!({ "model": GPT, "input": "hi", "tools": [{ "type": "web_search" }] });
    ok(&harness.post("/v1/responses/input_tokens", &body).await);
}

#[tokio::test]
async fn each_of_several_choices_is_requested_by_itself() {
    let harness = Harness::start().await;
    for stream in [false, true] {
        let reply = harness
            .chat(&request(json!({ "n": 2, "stream": stream })))
            .await;
        ok(&reply);
        let objects = match stream {
            true => reply.chunks(),
            false => vec![reply.json()],
        };
        let choices = objects
            .iter()
            .flat_map(|object| object["choices"].as_array().unwrap());
        let mut indices: Vec<u64> = choices
            .map(|choice| choice["index"].as_u64().unwrap())
            .collect();
        indices.sort_unstable();
        indices.dedup();
        assert_eq!(indices, [0, 1]);
    }
    let sent = sent(&harness);
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|body| body.get("n").is_none()));
}

#[tokio::test]
async fn legacy_functions_and_any_tool_name_are_served() {
    let harness = Harness::start().await;
    let functions = json!([{ "name": "time.get", "parameters": {
        "type": "object", "properties": { "zone": { "type": "string" } }, "required": ["zone"],
    } }]);
    let first = request(json!({
        "functions": functions, "function_call": { "name": "time.get" }, "reasoning_effort": "none",
    }));
    let reply = harness.chat(&first).await;
    ok(&reply);
    let message = reply.json()["choices"][0]["message"].clone();
    assert_eq!(message["function_call"]["name"], "time.get");
    assert_eq!(reply.json()["choices"][0]["finish_reason"], "function_call");

    let result = json!({ "role": "function", "name": "time.get", "content": "noon" });
    let history = json!([{ "role": "user", "content": "hi" }, message, result]);
    let second = request(json!({
        "functions": functions, "reasoning_effort": "none", "messages": history,
    }));
    let reply = harness.chat(&second).await;
    ok(&reply);
    let [sent_first, sent_second] = sent(&harness).try_into().unwrap();
    let name = &sent_first["tools"][0]["function"]["name"];
    assert_ne!(name, "time.get");
    let choice = json!({ "type": "function", "function": { "name": name } });
    assert_eq!(sent_first["tool_choice"], choice);
    let messages = &sent_second["messages"];
    assert_eq!(messages[1]["content"], Value::Null);
    assert_eq!(messages[1]["tool_calls"][0]["function"]["name"], *name);
    assert_eq!(messages[2]["role"], "tool");
    assert_eq!(
        messages[2]["tool_call_id"],
        messages[1]["tool_calls"][0]["id"]
    );
    assert_eq!(messages[2]["content"], "noon");
}

#[tokio::test]
async fn tool_choices_keep_their_meaning() {
    let harness = Harness::start().await;
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": {
        "type": "object" }, "strict": true } }]);
    for (choice, expected) in [
        (json!("none"), json!("none")),
        (json!("auto"), json!("auto")),
        (json!("required"), json!("required")),
    ] {
        let fields = json!({
            "tools": tools, "tool_choice": choice, "parallel_tool_calls": false,
            "reasoning_effort": "none",
        });
        ok(&harness.chat(&request(fields)).await);
        let body = sent(&harness).pop().unwrap();
        assert_eq!(body["tool_choice"], expected);
        assert_eq!(body["tools"], tools);
    }
}

#[tokio::test]
async fn thinking_becomes_an_effort() {
    let harness = Harness::start().await;
    for (thinking, effort) in [
        (
            json!({ "type": "enabled", "budget_tokens": 3000 }),
            "medium",
        ),
        (json!({ "type": "disabled" }), "none"),
    ] {
        ok(&harness
            .chat(&request(json!({ "thinking": thinking })))
            .await);
        assert_eq!(sent(&harness).pop().unwrap()["reasoning_effort"], effort);
    }
}

#[tokio::test]
async fn fields_that_only_this_upstream_has_are_sent() {
    let harness = Harness::start().await;
    let fields = json!({
        "reasoning_effort": "none", "verbosity": "low", "seed": 7, "logit_bias": { "1": 5 },
        "temperature": 1.5, "frequency_penalty": 0.5, "presence_penalty": -1, "user": "u",
        "logprobs": true, "top_logprobs": 2, "safety_identifier": "s", "prompt_cache_key": "k",
        "prompt_cache_retention": "24h", "prompt_cache_options": { "mode": "explicit" },
        "prediction": { "type": "content", "content": "x" },
    });
    let reply = harness.chat(&request(fields.clone())).await;
    ok(&reply);
    assert_eq!(reply.adjustments(), "");
    let body = sent(&harness).pop().unwrap();
    for (field, value) in fields.as_object().unwrap() {
        assert_eq!(&body[field], value, "{field}");
    }
}

#[tokio::test]
async fn probabilities_and_refusals_are_returned() {
    let harness = Harness::start().await;
    let token = |token: &str| json!({ "token": token, "logprob": -0.5, "top_logprobs": [] });
    let logprobs =
        |tokens: &[&str]| json!({ "content": tokens.iter().map(|t| token(t)).collect::<Vec<_>>() });
    let requested = |stream: bool| {
        request(json!({ "reasoning_effort": "none", "logprobs": true, "stream": stream }))
    };

    let message = json!({ "role": "assistant", "content": "ab" });
    harness.simulator.push(response(json!({
        "index": 0, "message": message, "logprobs": logprobs(&["a", "b"]), "finish_reason": "stop",
    })));
    let reply = harness.chat(&requested(false)).await.json();
    let choice = &reply["choices"][0];
    assert_eq!(
        choice["logprobs"]["content"],
        json!([token("a"), token("b")])
    );
    assert_eq!(choice["message"]["refusal"], Value::Null);
    assert_eq!(reply["usage"]["prompt_tokens"], 9);
    assert_eq!(reply["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
    let details = &reply["usage"]["completion_tokens_details"];
    assert_eq!(details["reasoning_tokens"], 2);

    harness.simulator.push(stream(&[
        json!({ "index": 0, "delta": { "content": "a" }, "logprobs": logprobs(&["a"]) }),
        json!({ "index": 0, "delta": { "content": "b" }, "logprobs": logprobs(&["b"]) }),
        json!({ "index": 0, "delta": {}, "finish_reason": "stop" }),
    ]));
    let chunks = harness.chat(&requested(true)).await.chunks();
    let tokens: Vec<&Value> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].as_array())
        .flatten()
        .map(|token| &token["token"])
        .collect();
    assert_eq!(tokens, ["a", "b"]);

    let message = json!({ "role": "assistant", "content": null, "refusal": "I cannot." });
    harness.simulator.push(response(
        json!({ "index": 0, "message": message, "finish_reason": "stop" }),
    ));
    let reply = harness.chat(&request(json!({}))).await.json();
    let message = &reply["choices"][0]["message"];
    assert_eq!(message["refusal"], "I cannot.");
    assert_eq!(message["content"], Value::Null);

    harness.simulator.push(stream(&[
        json!({ "index": 0, "delta": { "refusal": "I can" } }),
        json!({ "index": 0, "delta": { "refusal": "not." }, "finish_reason": "stop" }),
    ]));
    let chunks = harness
        .chat(&request(json!({ "stream": true })))
        .await
        .chunks();
    let refusal: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["refusal"].as_str())
        .collect();
    assert_eq!(refusal, "I cannot.");
}

#[tokio::test]
async fn a_rejected_cache_breakpoint_is_omitted_from_then_on() {
    let harness = Harness::start().await;
    let part = json!({ "type": "text", "text": "hi", "cache_control": { "type": "ephemeral" } });
    let message = json!({ "role": "user", "content": [part] });
    let body = request(json!({ "messages": [message] }));
    let refusal = json!({ "error": {
        "message": "Unknown parameter.", "type": "invalid_request_error",
        "param": "messages[0].content[0].prompt_cache_breakpoint", "code": "unknown_parameter",
    } });
    harness.simulator.push(Script::new(ScriptedResponse::Raw {
        status: 400,
        headers: Default::default(),
        body: refusal.to_string().into(),
    }));
    for _ in 0..2 {
        let reply = harness.chat(&body).await;
        ok(&reply);
        assert_eq!(
            reply.adjustments(),
            "cache_control: removed; the model does not accept it"
        );
    }
    let [first, second, third] = sent(&harness).try_into().unwrap();
    let breakpoint = json!({ "mode": "explicit" });
    assert_eq!(
        first["messages"][0]["content"][0]["prompt_cache_breakpoint"],
        breakpoint
    );
    for body in [second, third] {
        assert_eq!(body["messages"][0]["content"], "hi");
    }
}

#[tokio::test]
async fn reasoning_in_its_own_field_is_returned() {
    let harness = Harness::start().await;
    let message = json!({ "role": "assistant", "content": "yes", "reasoning_content": "Hm." });
    let choice = json!({ "index": 0, "message": message, "finish_reason": "odd" });
    harness.simulator.push(response(choice));
    let reply = harness.chat(&request(json!({}))).await;
    ok(&reply);
    let choice = &reply.json()["choices"][0];
    assert_eq!(choice["message"]["reasoning_content"], "Hm.");
    assert_eq!(choice["message"]["content"], "yes");
    assert_eq!(choice["finish_reason"], "stop");
}
