//! Requests with `n` above 1.

use bedrock_simulator::{Fault, Script};
use serde_json::{Value, json};

use crate::harness::logs;
use crate::harness::{Harness, non_streaming, streamed};

fn three(mut request: Value) -> Value {
    request["n"] = 3.into();
    request
}

/// A Converse response with this usage.
fn converse_script(text: &str, usage: &Value) -> Script {
    Script::new(bedrock_simulator::ScriptedResponse::Converse {
        body: json!({
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": "end_turn",
            "usage": usage,
            "metrics": {"latencyMs": 1},
        }),
        headers: Default::default(),
    })
}

/// `request` with a prefix that is long enough to be cached.
fn long(mut request: Value) -> Value {
    let page = "The way up is long. ".repeat(400);
    request["messages"] =
        json!([{"role": "system", "content": page}, {"role": "user", "content": "hi"}]);
    request
}

/// The value of a field in a log line.
fn field(line: &str, name: &str) -> u64 {
    let value = line.split_once(&format!(" {name}=")).unwrap().1;
    let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[tokio::test]
async fn a_response_has_n_choices_and_counts_the_prompt_once() {
    logs::begin();
    let harness = Harness::start().await;
    let usage = json!({"inputTokens": 100, "outputTokens": 7, "totalTokens": 107});
    harness
        .simulator
        .push(converse_script("Hello.", &usage).times(3));
    let reply = harness.chat(&three(non_streaming("hi"))).await;
    let json = reply.json();
    assert_eq!(harness.sent_upstream().len(), 3);
    assert_eq!(harness.sent_upstream()[0], harness.sent_upstream()[2]);
    let choices = json["choices"].as_array().unwrap();
    for (index, choice) in choices.iter().enumerate() {
        assert_eq!(choice["index"], index);
        assert_eq!(choice["message"]["content"], "Hello.");
        assert_eq!(choice["finish_reason"], "stop");
    }
    assert_eq!(choices.len(), 3);
    assert_eq!(json["usage"]["prompt_tokens"], 100);
    assert_eq!(json["usage"]["completion_tokens"], 21);
    assert_eq!(json["usage"]["total_tokens"], 121);
    // The log and the cost count the prompt of each call.
    let line = logs::request_line().await;
    assert_eq!(
        (
            field(&line, "prompt_tokens"),
            field(&line, "completion_tokens")
        ),
        (300, 21)
    );
    // (300 × 3.3 + 21 × 16.5) dollars / 1,000,000.
    assert_eq!(reply.header("x-outcrop-cost-usd"), Some("0.0013365"));
}

#[tokio::test]
async fn a_stream_starts_all_choices_in_order_and_ends_once() {
    for include_usage in [false, true] {
        let harness = Harness::start().await;
        let mut request = three(streamed("one two three four"));
        if include_usage {
            request["stream_options"] = json!({"include_usage": true});
        }
        let chunks = harness.chat(&request).await.chunks();
        let mut texts = [const { String::new() }; 3];
        let mut finished = [0; 3];
        for (position, chunk) in chunks.iter().enumerate() {
            assert_eq!(chunk["id"], chunks[0]["id"]);
            let [choice] = chunk["choices"].as_array().unwrap().as_slice() else {
                assert!(include_usage && position == chunks.len() - 1, "{chunk}");
                let one = harness.simulator.requests();
                assert_eq!(one.len(), 3);
                continue;
            };
            let index = choice["index"].as_u64().unwrap() as usize;
            let is_role = choice["delta"].get("role").is_some();
            assert_eq!(is_role, position < 3, "{chunk}");
            if is_role {
                assert_eq!(index, position);
            }
            assert_eq!(
                finished[index], 0,
                "a delta follows the finish reason: {chunk}"
            );
            texts[index].push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            finished[index] += usize::from(choice["finish_reason"].is_string());
        }
        assert_eq!(finished, [1; 3]);
        assert!(
            texts
                .iter()
                .all(|text| text == &texts[0] && text.contains("three")),
            "{texts:?}"
        );
        let usages: Vec<&Value> = chunks
            .iter()
            .filter(|chunk| chunk["usage"].is_object())
            .collect();
        assert_eq!(usages.len(), usize::from(include_usage));
        for chunk in usages {
            let single = harness
                .chat(&non_streaming("one two three four"))
                .await
                .json();
            let count = |usage: &Value, name: &str| usage["usage"][name].as_u64().unwrap();
            assert_eq!(
                count(chunk, "prompt_tokens"),
                count(&single, "prompt_tokens")
            );
            assert_eq!(
                count(chunk, "completion_tokens"),
                3 * count(&single, "completion_tokens")
            );
        }
    }
}

#[tokio::test]
async fn tool_call_indexes_are_per_choice() {
    let harness = Harness::start().await;
    let mut request = three(streamed("What is the weather in Rome?"));
    request["tools"] = json!([{"type": "function", "function": {"name": "weather"}}]);
    let chunks = harness.chat(&request).await.chunks();
    let mut ids = Vec::new();
    for choice in chunks.iter().filter_map(|chunk| chunk["choices"].get(0)) {
        for call in choice["delta"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert_eq!(call["index"], 0);
            ids.extend(
                call["id"]
                    .as_str()
                    .map(|id| (choice["index"].as_u64(), id.to_owned())),
            );
        }
    }
    ids.sort();
    ids.dedup_by_key(|(index, _)| *index);
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[tokio::test]
async fn one_failed_choice_fails_the_request() {
    for request in [non_streaming("hi"), streamed("hi")] {
        let harness = Harness::start().await;
        let refused = Script::error(400, "ValidationException", "The first of its name.");
        harness.simulator.push(refused);
        let reply = harness.chat(&three(request)).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.error()["type"], "invalid_request_error");
    }
    let harness = Harness::start().await;
    harness.simulator.push(Script::fault(Fault::Exception {
        after_events: 3,
        code: "modelStreamErrorException".to_owned(),
        message: "lost".to_owned(),
        original_status_code: None,
    }));
    let reply = harness
        .chat(&three(streamed("one two three four five")))
        .await;
    assert_eq!(reply.status, 200);
    let last = reply.last_event();
    assert!(last.contains("\"error\""), "{last}");
    assert!(!reply.text.contains("[DONE]"));
}

#[tokio::test]
async fn the_first_choice_writes_the_cache_that_the_others_read() {
    for request in [non_streaming("hi"), streamed("hi")] {
        logs::begin();
        let harness = Harness::start().await;
        let mut request = three(long(request));
        let is_stream = request["stream"] == true;
        if is_stream {
            request["stream_options"] = json!({"include_usage": true});
        }
        let reply = harness.chat(&request).await;
        let line = logs::request_line().await;
        let cache_write_tokens = field(&line, "cache_write_tokens");
        assert!(cache_write_tokens > 1024, "{line}");
        assert_eq!(field(&line, "cached_tokens"), 2 * cache_write_tokens);
        // The usage counts the prompt once.
        let usage = match is_stream {
            true => reply.chunks().pop().unwrap()["usage"].clone(),
            false => reply.json()["usage"].clone(),
        };
        assert_eq!(
            usage["prompt_tokens_details"]["cache_write_tokens"],
            cache_write_tokens
        );
        assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 0);
    }
}

#[tokio::test]
async fn a_rejected_first_choice_prevents_further_calls() {
    let harness = Harness::start().await;
    harness
        .simulator
        .push(Script::error(400, "ValidationException", "No."));
    assert_eq!(
        harness.chat(&three(long(non_streaming("hi")))).await.status,
        400
    );
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn n_is_limited_by_max_n() {
    let harness = Harness::with(|config| config.chat.max_n = 2).await;
    for (n, status) in [(-1, 400), (0, 400), (1, 200), (2, 200), (3, 400)] {
        let mut request = non_streaming("hi");
        request["n"] = n.into();
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, status, "{n}");
        if status == 400 {
            assert_eq!(reply.error()["param"], "n");
            assert_eq!(reply.error()["code"], "unsupported_value");
        }
    }
}

#[tokio::test]
async fn a_refused_field_is_omitted_from_every_choice() {
    let harness = Harness::start().await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    harness
        .simulator
        .push(Script::error(400, "ValidationException", refusal));
    let mut request = three(non_streaming("hi"));
    request["service_tier"] = "flex".into();
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["choices"].as_array().unwrap().len(), 3);
    assert!(reply.adjustments().contains("service_tier"));
    let sent_upstream = harness.sent_upstream();
    assert!(
        sent_upstream[sent_upstream.len() - 3..]
            .iter()
            .all(|sent_upstream| sent_upstream.get("serviceTier").is_none())
    );
}

/// Events with block starts that the service model does not define.
fn odd_blocks() -> Script {
    let event = |name: &str, payload: Value| bedrock_simulator::Event {
        name: name.to_owned(),
        payload,
    };
    let delta = |index: u32, delta: Value| {
        event(
            "contentBlockDelta",
            json!({"contentBlockIndex": index, "delta": delta}),
        )
    };
    let start = |payload: Value| event("contentBlockStart", payload);
    Script::new(bedrock_simulator::ScriptedResponse::Events {
        events: vec![
            event("messageStart", json!({"role": "assistant"})),
            start(json!({"contentBlockIndex": 0, "start": {"poem": {}}})),
            delta(0, json!({"text": "Roses"})),
            event("contentBlockStop", json!({"contentBlockIndex": 0})),
            start(json!({"contentBlockIndex": 1, "start": {}})),
            delta(1, json!({"text": " are"})),
            start(json!({"contentBlockIndex": 2})),
            delta(2, json!({"text": " red."})),
            delta(2, json!({"poem": {"metre": "iamb"}})),
            event("contentBlockMetre", json!({"contentBlockIndex": 2})),
            event("messageStop", json!({"stopReason": "end_turn"})),
            event(
                "metadata",
                json!({"usage": {"inputTokens": 1, "outputTokens": 3, "totalTokens": 4}, "metrics": {"latencyMs": 1}}),
            ),
        ],
    })
}

#[tokio::test]
async fn text_of_unknown_blocks_is_delivered_and_the_rest_is_counted_in_the_log() {
    logs::begin();
    let harness = Harness::start().await;
    harness.simulator.push(odd_blocks());
    let chunks = harness.chat(&streamed("hi")).await.chunks();
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "Roses are red.");
    assert_eq!(field(&logs::request_line().await, "undelivered_events"), 2);

    harness
        .simulator
        .push(Script::new(bedrock_simulator::ScriptedResponse::Converse {
            body: json!({
                "output": {"message": {"role": "assistant", "content": [
                    {"text": "Roses"}, {"poem": {"metre": "iamb"}}, {"text": " are red."},
                ]}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": 1, "outputTokens": 3, "totalTokens": 4},
                "metrics": {"latencyMs": 1},
            }),
            headers: Default::default(),
        }));
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(
        reply.json()["choices"][0]["message"]["content"],
        "Roses are red."
    );
    let note = "choices[].message: blocks of an unknown kind removed: 1";
    assert_eq!(reply.adjustments(), note);
}
