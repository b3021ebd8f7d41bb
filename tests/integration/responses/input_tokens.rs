//! `POST /v1/responses/input_tokens` and `POST /v1/chat/completions/input_tokens`

use bedrock_simulator::{Operation, Options, Script};
use outcrop::config::{ChatOverrides, FetchSettings, KeyDigest, KeyEntry, LimitSettings};
use serde_json::{Value, json};

use crate::fetch::site::{Reply as Fetched, Site};
use crate::harness::{Harness, MODEL, Reply, non_streaming};

const NOVA: &str = "amazon.nova-lite-v1:0";

async fn count(harness: &Harness, body: &Value) -> Reply {
    harness.post("/v1/responses/input_tokens", body).await
}

/// The model id and the body of the CountTokens request.
fn count_call(harness: &Harness) -> (String, Value) {
    let sent_upstream = harness.simulator.requests().pop().unwrap();
    assert_eq!(sent_upstream.operation, Some(Operation::CountTokens));
    let converse = sent_upstream.json()["input"]["converse"].clone();
    (sent_upstream.model.clone().unwrap(), converse)
}

#[tokio::test]
async fn bedrock_counts_under_the_foundation_model_id_if_supported() {
    let harness = Harness::start().await;
    let reply = count(
        &harness,
        &json!({"model": MODEL, "input": "Good morning, mountain"}),
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let reply_json = reply.json();
    assert_eq!(reply_json["object"], "response.input_tokens");
    assert!(
        reply_json["input_tokens"].as_u64() > Some(3),
        "{reply_json}"
    );
    assert_eq!(reply_json["source"], "CountTokens");
    assert_eq!(reply.adjustments(), "");
    let (model, converse) = count_call(&harness);
    assert_eq!(model, MODEL.trim_start_matches("us."));
    let messages = json!([{"role": "user", "content": [{"text": "Good morning, mountain"}]}]);
    assert_eq!(converse["messages"], messages);
}

#[tokio::test]
async fn otherwise_the_count_is_marked_as_an_estimate() {
    let harness = Harness::start().await;
    let input = "word ".repeat(800);
    let reply = count(&harness, &json!({"model": NOVA, "input": input})).await;
    let reply_json = reply.json();
    assert_eq!(reply_json["source"], "estimate");
    let tokens = reply_json["input_tokens"].as_u64().unwrap();
    assert!((1000..1100).contains(&tokens), "{tokens}");
    assert!(reply.adjustments().contains("input_tokens: estimated"));
    assert_eq!(harness.simulator.received(), 0);
}

#[tokio::test]
async fn an_image_is_not_estimated_by_its_bytes() {
    let harness = Harness::start().await;
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x64\0\0\0\x64\x08\x02\0\0\0".to_vec();
    png.resize(200_000, 0);
    let url = format!("data:image/png;base64,{}", base64(&png));
    let input = json!([{"role": "user", "content": [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": url, "detail": "auto"},
    ]}]);
    let reply_json = count(&harness, &json!({"model": NOVA, "input": input}))
        .await
        .json();
    assert!(
        reply_json["input_tokens"].as_u64().unwrap() < 100,
        "{reply_json}"
    );
}

#[tokio::test]
async fn a_rejected_count_becomes_an_estimate_after_retries() {
    for (status, code, calls) in [
        (429, "ThrottlingException", 3),
        (503, "ServiceUnavailableException", 3),
        (403, "AccessDeniedException", 1),
        (400, "ValidationException", 1),
    ] {
        let harness = Harness::start().await;
        let refused = Script::error(status, code, "not now").times(0);
        harness
            .simulator
            .push(refused.for_operation(Operation::CountTokens));
        let request = json!({"model": MODEL, "input": "hi"});
        let reply = count(&harness, &request).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["source"]),
            (200, &json!("estimate"))
        );
        assert!(reply.adjustments().contains("input_tokens: estimated"));
        assert!(harness.simulator.received() >= calls, "{code}");
    }
}

#[tokio::test]
async fn strict_requests_get_an_exact_count_or_an_error() {
    let harness = Harness::start().await;
    for (model, status) in [(MODEL, 200), (NOVA, 400)] {
        let body = json!({"model": model, "input": "hi"}).to_string();
        let mut request = harness.request(http::Method::POST, "/v1/responses/input_tokens", body);
        let on = http::HeaderValue::from_static("on");
        request.headers_mut().insert("x-outcrop-strict", on);
        let reply = harness.send(request).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        if status == 400 {
            assert_eq!(reply.error()["param"], "model");
            assert_eq!(reply.error()["code"], "unsupported_value");
        }
    }
}

#[tokio::test]
async fn a_conversation_with_tools_is_counted_as_chat_would_send_it() {
    let schema = json!({"type": "object", "properties": {"town": {"type": "string"}}});
    let response = json!({
        "model": MODEL,
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "How is the weather in Rome and in Oslo?"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": [
                {"type": "output_text", "text": "I look.", "annotations": []},
            ]},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather",
             "arguments": "{\"town\":\"Rome\"}"},
            {"type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "weather",
             "arguments": "{\"town\":\"Oslo\"}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "sun"},
            {"type": "function_call_output", "call_id": "call_2", "output": [
                {"type": "input_text", "text": "snow"},
            ]},
        ],
        "tools": [{"type": "function", "name": "weather", "description": "Tells the weather",
                   "parameters": schema, "strict": false}],
        "tool_choice": {"type": "function", "name": "weather"},
        "parallel_tool_calls": false,
        "text": {"verbosity": "medium"},
        "reasoning": {"effort": "none"},
        "truncation": "disabled",
    });
    let call = |id: &str, town: &str| {
        json!({"id": id, "type": "function", "function": {
            "name": "weather", "arguments": json!({"town": town}).to_string(),
        }})
    };
    let chat = json!({
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How is the weather in Rome and in Oslo?"},
            {"role": "assistant", "content": "I look.",
             "tool_calls": [call("call_1", "Rome"), call("call_2", "Oslo")]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
            {"role": "tool", "tool_call_id": "call_2", "content": "snow"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "weather", "description": "Tells the weather", "parameters": schema,
        }}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": false,
        "reasoning_effort": "none",
    });
    let harness = Harness::start().await;
    let of_response = count(&harness, &response).await;
    assert_eq!(of_response.status, 200, "{}", of_response.text);
    assert_eq!(
        of_response.adjustments(),
        "input[].encrypted_content: reasoning removed: of another model or sealed by another gateway"
    );
    let sent_upstream = count_call(&harness);
    let of_chat = harness
        .post("/v1/chat/completions/input_tokens", &chat)
        .await;
    assert_eq!(of_chat.status, 200, "{}", of_chat.text);
    assert_eq!(of_response.json(), of_chat.json());
    assert_eq!(sent_upstream, count_call(&harness));

    let explained = harness.post("/v1/explain", &chat).await.json();
    let tokens = &explained["input_tokens"];
    assert_eq!(tokens["count"], of_chat.json()["input_tokens"]);
    assert_eq!(tokens["source"], "CountTokens");
    let forwarded = &explained["converse"];
    assert_eq!(
        (&forwarded["messages"], &forwarded["toolConfig"]),
        (&sent_upstream.1["messages"], &sent_upstream.1["toolConfig"])
    );
}

#[tokio::test]
async fn every_part_and_item_type_is_parsed() {
    let wav = base64(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0");
    let request = json!({
        "model": "amazon.nova-2-omni-v1:0",
        "input": [
            {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"role": "user", "content": [
                {"type": "input_text", "text": "Read", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="},
                {"type": "input_audio", "input_audio": {"data": wav, "format": "wav"}},
            ]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"role": "user", "content": "Please"},
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Why not?"}], "summary": []},
            {"type": "custom_tool_call", "call_id": "c1", "name": "shell", "input": "ls"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "a.txt"},
        ],
        "tools": [
            {"type": "custom", "name": "shell", "description": "Runs it", "format": {"type": "text"}},
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "custom", "name": "shell"}]},
        "text": {"format": {"type": "json_schema", "name": "answer", "strict": true,
                            "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    });
    let harness = Harness::start().await;
    let reply = count(&harness, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["source"], "estimate");
    let notes = reply.adjustments();
    assert!(!notes.contains("messages"), "{notes}");
}

#[tokio::test]
async fn uncountable_input_is_rejected_with_the_clients_field_path() {
    let user = json!({"role": "user", "content": "hi"});
    let harness = Harness::start().await;
    for (change, parameter, code) in [
        (
            json!({"previous_response_id": "resp_1"}),
            "previous_response_id",
            "previous_response_not_found",
        ),
        (
            json!({"conversation": "conv_1"}),
            "conversation",
            "unsupported_parameter",
        ),
        (
            json!({"conversation": {"id": "conv_1"}}),
            "conversation",
            "unsupported_parameter",
        ),
        (
            json!({"prompt": {"id": "pmpt_1"}}),
            "prompt",
            "unsupported_parameter",
        ),
        (
            json!({"model": null}),
            "model",
            "missing_required_parameter",
        ),
        (
            json!({"input": null}),
            "input",
            "missing_required_parameter",
        ),
        (json!({"input": []}), "input", "invalid_value"),
        (
            json!({"input": [{"type": "computer_call"}]}),
            "input[0].type",
            "unsupported_value",
        ),
        (
            json!({"input": [{"type": "compaction", "encrypted_content": "x"}, user]}),
            "input[0].encrypted_content",
            "invalid_value",
        ),
        (
            json!({"input": [user, {"content": "x"}]}),
            "input[1].role",
            "missing_required_parameter",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}),
            "input[0].content[0].type",
            "unsupported_value",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}),
            "input[0].content[0].image_url",
            "missing_required_parameter",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]}),
            "input[0].content[0].file_id",
            "unsupported_value",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
            "input[0].content[0].text",
            "missing_required_parameter",
        ),
        (
            json!({"input": [user, {"type": "function_call_output", "output": "x"}]}),
            "input[1].call_id",
            "missing_required_parameter",
        ),
        (
            json!({"tools": [{"type": "file_search"}]}),
            "tools[0].type",
            "unsupported_value",
        ),
        (
            json!({"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}),
            "tool_choice.type",
            "unsupported_value",
        ),
        (
            json!({"tools": [{"type": "web_search"}], "tool_choice": "required"}),
            "tool_choice",
            "invalid_value",
        ),
        (
            json!({"tools": [{"type": "mcp"}]}),
            "tools[0].type",
            "unsupported_value",
        ),
        (
            json!({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]}),
            "tools[0].tools[0].name",
            "missing_required_parameter",
        ),
        (
            json!({"input": [user, {"type": "additional_tools", "tools": [{"type": "computer"}]}]}),
            "input[1].tools[0].type",
            "unsupported_value",
        ),
        (
            json!({"include": ["message.output_text.logprobs"]}),
            "include[0]",
            "unsupported_value",
        ),
        (json!({"truncation": "all"}), "truncation", "invalid_value"),
        (
            json!({"top_logprobs": 2}),
            "top_logprobs",
            "unsupported_parameter",
        ),
        (
            json!({"tools": [{"type": "function"}]}),
            "tools[0].name",
            "missing_required_parameter",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f", "parameters": {"type": "string"}}]}),
            "tools[0].parameters.type",
            "invalid_value",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "g"}}),
            "tool_choice.name",
            "invalid_value",
        ),
        (
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "mcp"}}),
            "tool_choice.type",
            "unsupported_value",
        ),
        (
            json!({"text": {"format": {"type": "json_schema", "schema": {}}}}),
            "text.format.name",
            "missing_required_parameter",
        ),
        (
            json!({"text": {"format": {"type": "xml"}}}),
            "text.format.type",
            "invalid_value",
        ),
        (
            json!({"reasoning": {"effort": "much"}}),
            "reasoning.effort",
            "invalid_value",
        ),
        (
            json!({"max_output_tokens": 0}),
            "max_output_tokens",
            "invalid_value",
        ),
        (
            json!({"moderation": {"mode": "flag"}}),
            "moderation",
            "unsupported_parameter",
        ),
    ] {
        let mut request = json!({"model": MODEL, "input": "hi"});
        for (field, value) in change.as_object().unwrap() {
            request[field] = value.clone();
        }
        let reply = count(&harness, &request).await;
        assert_eq!(reply.status, 400, "{change}: {}", reply.text);
        let error = reply.error();
        assert_eq!(
            (&error["param"], &error["code"]),
            (&json!(parameter), &json!(code)),
            "{change}: {error}"
        );
        assert!(
            !error["message"].as_str().unwrap().contains("`messages"),
            "{error}"
        );
    }
    assert_eq!(harness.simulator.received(), 0);
    let unknown = count(&harness, &json!({"model": "no;model", "input": "hi"})).await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.error()["code"]),
        (404, &json!("model_not_found"))
    );
}

#[tokio::test]
async fn ignored_fields_are_noted_unless_they_have_default_values() {
    let harness = Harness::start().await;
    let default_values = json!({
        "model": MODEL, "input": "hi", "stream": false, "store": true, "truncation": "disabled",
        "background": false, "include": [], "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "reasoning": {"mode": "standard", "context": "auto"}, "metadata": {}, "user": null,
    });
    assert_eq!(count(&harness, &default_values).await.adjustments(), "");
    let unusual = json!({
        "model": MODEL, "input": [{"role": "user", "content": "hi", "phase": "commentary", "mood": "good"}],
        "stream": true, "truncation": "auto", "personality": "friendly",
        "reasoning": {"summary": "auto", "context": "current_turn"}, "text": {"verbosity": "low"},
        "max_tool_calls": 3, "include": ["something"], "house": 1,
    });
    let reply = count(&harness, &unusual).await;
    let notes: Vec<&str> = reply.adjustments().split(", ").collect();
    for field in [
        "personality",
        "max_tool_calls",
        "reasoning.context",
        "text.verbosity",
        "include[]",
        "house",
        "input[].mood",
    ] {
        assert!(
            notes.contains(&format!("{field}: ignored").as_str()),
            "{field}: {notes:?}"
        );
    }
}

#[tokio::test]
async fn a_reference_to_an_item_is_not_found() {
    let harness = Harness::start().await;
    let input =
        json!([{"role": "user", "content": "hi"}, {"type": "item_reference", "id": "msg_1"}]);
    let reply = count(&harness, &json!({"model": MODEL, "input": input})).await;
    assert_eq!(reply.status, 404, "{}", reply.text);
    let error = reply.error();
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("input"), &json!(null))
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("Item with id 'msg_1' not found."),
        "{message}"
    );
}

#[tokio::test]
async fn a_url_that_cannot_be_fetched_is_rejected_with_its_path() {
    let site = Site::start(|_| Fetched::status(404, "")).await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let harness = Harness::within(Options::default(), |_| {}, Some(fetcher)).await;
    let url = "https://example.com/nothing";
    let image = json!({"type": "input_image", "image_url": url});
    let text = json!({"type": "input_text", "text": "What is it?"});
    let file = json!({"type": "input_file", "file_url": url});
    let input = |part: &Value| {
        json!([
            {"role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "nothing"},
            {"role": "user", "content": [text, part]},
        ])
    };
    for (part, path) in [
        (image, "input[3].content[1].image_url"),
        (file, "input[3].content[1].file_url"),
    ] {
        let body = json!({"model": MODEL, "instructions": "Be brief.", "input": input(&part)});
        let reply = count(&harness, &body).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.error()["param"], path);
        assert_eq!(reply.error()["code"], "failed_to_download_image");
    }
    assert_eq!(harness.simulator.received(), 0);
}

#[tokio::test]
async fn counting_requires_a_key_and_is_rate_limited() {
    let harness = Harness::with(|config| {
        config.limits.target = LimitSettings::calls(8).at_rate(0.01);
    })
    .await;
    let request = json!({"model": NOVA, "input": "hi"});
    assert_eq!(
        count(&harness, &request)
            .await
            .header("x-ratelimit-remaining-requests"),
        Some("0")
    );
    assert_eq!(count(&harness, &request).await.status, 429);
    let mut chat = non_streaming("hi");
    chat["model"] = NOVA.into();
    let chat = harness
        .post("/v1/chat/completions/input_tokens", &chat)
        .await;
    assert_eq!(chat.status, 429);
}

#[tokio::test]
async fn counting_without_a_key_is_rejected() {
    let harness = Harness::with(|config| {
        config.keys = vec![KeyEntry {
            caller: "alice".to_owned(),
            digest: KeyDigest::of("sk-alice"),
            chat: ChatOverrides::default(),
            access_key: None,
            grant: outcrop::allowances::KeyGrant::default(),
        }];
    })
    .await;
    for path in [
        "/v1/responses/input_tokens",
        "/v1/chat/completions/input_tokens",
    ] {
        let reply = harness
            .post(path, &json!({"model": NOVA, "input": "hi"}))
            .await;
        assert_eq!(reply.status, 401, "{path}");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}
