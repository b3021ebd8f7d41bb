//! `/v1/completions`: the rules of chat, in the shape of text completions.

mod golden;

use bedrock_simulator::{Fault, Script};
use outcrop::config::LimitSettings;
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, Reply};

async fn complete(harness: &Harness, fields: Value) -> Reply {
    let mut request = json!({"model": MODEL, "prompt": "Once upon a time"});
    let fields = fields.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(fields);
    harness.post("/v1/completions", &request).await
}

fn text(words: &[&str]) -> Script {
    Script::new(bedrock_simulator::ScriptedResponse::Text {
        text: words.concat(),
        deltas: Some(words.iter().map(|&word| word.to_owned()).collect()),
        stop_reason: None,
        usage: None,
    })
}

fn texts(chunks: &[Value]) -> Vec<(u64, String, Value)> {
    let choices = chunks
        .iter()
        .flat_map(|chunk| chunk["choices"].as_array().unwrap());
    let texts_by_choice = choices.map(|choice| {
        (
            choice["index"].as_u64().unwrap(),
            choice["text"].as_str().unwrap().to_owned(),
            choice["finish_reason"].clone(),
        )
    });
    texts_by_choice.collect()
}

#[tokio::test]
async fn a_response_has_text_usage_and_cost() {
    let harness = Harness::start().await;
    harness.simulator.push(text(&[" there", " was"]));
    let reply = complete(&harness, json!({"user": "u", "max_tokens": 5})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let response = reply.json();
    assert!(response["id"].as_str().unwrap().starts_with("cmpl-"));
    assert_eq!(response["object"], "text_completion");
    assert_eq!(response["model"], MODEL);
    let choice =
        json!({"text": " there was", "index": 0, "logprobs": null, "finish_reason": "stop"});
    assert_eq!(response["choices"], json!([choice]));
    assert!(response["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert_eq!(reply.adjustments(), "user: ignored");
    assert!(
        reply
            .header("x-outcrop-cost-usd")
            .unwrap()
            .starts_with("0.")
    );
    let sent_upstream = harness.sent_upstream().pop().unwrap();
    assert_eq!(
        sent_upstream["messages"],
        json!([{"role": "user", "content": [{"text": "Once upon a time"}]}])
    );
    assert_eq!(sent_upstream["inferenceConfig"]["maxTokens"], 5);
}

#[tokio::test]
async fn a_stream_has_usage_only_on_request() {
    let harness = Harness::start().await;
    for include_usage in [false, true] {
        harness.simulator.push(text(&[" there", " was"]));
        let fields = json!({"stream": true, "stream_options": {"include_usage": include_usage}});
        let reply = complete(&harness, fields).await;
        let mut chunks = reply.chunks();
        if include_usage {
            let last = chunks.pop().unwrap();
            assert_eq!(last["choices"], json!([]));
            assert!(last["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
        }
        let texts_by_choice: Vec<_> = texts(&chunks);
        let expected = [
            (0, " there".to_owned(), Value::Null),
            (0, " was".to_owned(), Value::Null),
            (0, String::new(), json!("stop")),
        ];
        assert_eq!(texts_by_choice, expected);
        for chunk in &chunks {
            assert_eq!(chunk["object"], "text_completion");
            assert_eq!(chunk["id"], chunks[0]["id"]);
            assert_eq!(chunk.get("usage"), include_usage.then_some(&Value::Null));
        }
    }
}

#[tokio::test]
async fn each_prompt_has_its_own_choices_in_order() {
    let harness = Harness::start().await;
    let fields = json!({"prompt": ["uno", "due"], "n": 2, "echo": true});
    let non_streaming = complete(&harness, fields.clone()).await.json();
    let choices = non_streaming["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 4);
    for (position, prompt) in ["uno", "uno", "due", "due"].into_iter().enumerate() {
        let choice = &choices[position];
        assert_eq!(choice["index"], position);
        let text = choice["text"].as_str().unwrap();
        assert!(text.starts_with(prompt), "{choice}");
        assert!(text.contains(&format!("“{prompt}”")), "{choice}");
    }
    assert_eq!(harness.sent_upstream().len(), 4);

    let mut streamed = fields;
    streamed["stream"] = true.into();
    streamed["stream_options"] = json!({"include_usage": true});
    let chunks = complete(&harness, streamed).await.chunks();
    let mut joined = vec![String::new(); 4];
    for (index, text, _) in texts(&chunks) {
        joined[index as usize].push_str(&text);
    }
    let expected: Vec<_> = choices
        .iter()
        .map(|choice| choice["text"].as_str().unwrap())
        .collect();
    assert_eq!(joined, expected);
    // The choices of a prompt count its tokens once.
    let usage = &chunks.last().unwrap()["usage"];
    assert_eq!(usage, &non_streaming["usage"]);
}

#[tokio::test]
async fn one_failed_prompt_fails_the_request() {
    let harness = Harness::start().await;
    for stream in [false, true] {
        harness.simulator.push(Script::text("a"));
        harness.simulator.push(Script::error(
            400,
            "ValidationException",
            "Input is too long for requested model.",
        ));
        harness.simulator.push(Script::text("c"));
        let fields = json!({"prompt": ["a", "b", "c"], "stream": stream});
        let reply = complete(&harness, fields).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.error()["code"], "context_length_exceeded");
        let param = reply.error()["param"].clone();
        assert!(param.as_str().unwrap().starts_with("prompt["), "{param}");
        harness.simulator.clear();
    }
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_and_without_done() {
    let harness = Harness::start().await;
    let broken = Fault::Exception {
        after_events: 2,
        code: "throttlingException".to_owned(),
        message: "slow".to_owned(),
        original_status_code: None,
    };
    for fault in [
        broken,
        Fault::Cut { after_events: 2 },
        Fault::End { after_events: 2 },
    ] {
        harness.simulator.push(text(&["a", "b"]).with(fault));
        let reply = complete(&harness, json!({"stream": true})).await;
        assert_eq!(reply.status, 200);
        let events = reply.events();
        assert!(events[0].contains(r#""text":"a""#), "{events:?}");
        let last: Value = serde_json::from_str(&reply.last_event()).unwrap();
        assert!(last["error"]["message"].is_string(), "{last}");
        assert!(!reply.text.contains("[DONE]"));
    }
}

#[tokio::test]
async fn an_error_before_the_first_event_has_a_real_status() {
    let harness = Harness::start().await;
    let fault = Fault::Exception {
        after_events: 0,
        code: "validationException".to_owned(),
        message: "no".to_owned(),
        original_status_code: None,
    };
    harness.simulator.push(Script::fault(fault));
    let reply = complete(&harness, json!({"stream": true})).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["code"], "invalid_value");
}

#[tokio::test]
async fn one_of_several_prompts_is_retried_without_a_refused_field() {
    let harness = Harness::start().await;
    let refusal =
        "This model doesn't support the stopSequences field. Remove stopSequences and try again.";
    for _ in 0..2 {
        harness
            .simulator
            .push(Script::error(400, "ValidationException", refusal));
    }
    let fields = json!({"prompt": ["first", "second"], "stop": "END"});
    let reply = complete(&harness, fields).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let choices = reply.json()["choices"].clone();
    for (position, expected_text) in ["“first”", "“second”"].into_iter().enumerate() {
        assert!(
            choices[position]["text"]
                .as_str()
                .unwrap()
                .contains(expected_text),
            "{choices}"
        );
    }
    assert!(
        reply.adjustments().contains("stop: "),
        "{}",
        reply.adjustments()
    );
}

#[tokio::test]
async fn rate_limits_count_every_choice() {
    let harness = Harness::with(|config| config.limits.target = LimitSettings::calls(3)).await;
    let fields = json!({"prompt": ["a", "b"], "n": 2});
    let reply = complete(&harness, fields).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
    assert_eq!(reply.error()["code"], "rate_limit_exceeded");
    // All slots are released.
    harness.simulator.idle().await;
    assert_eq!(complete(&harness, json!({"n": 3})).await.status, 200);
}

#[tokio::test]
async fn operator_settings_apply() {
    let harness = Harness::with(|config| {
        config.chat.common.max_tokens_ceiling = Some(7);
        config.chat.max_n = 2;
    })
    .await;
    let reply = complete(&harness, json!({"max_tokens": 100})).await;
    assert!(
        reply.adjustments().contains("max_tokens: lowered to 7"),
        "{}",
        reply.adjustments()
    );
    assert_eq!(
        harness.sent_upstream()[0]["inferenceConfig"]["maxTokens"],
        7
    );
    for (fields, param) in [
        (json!({"n": 3}), "n"),
        (json!({"prompt": ["a", "b", "c"]}), "prompt"),
    ] {
        let refused = complete(&harness, fields).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.error()["param"], param);
        assert_eq!(refused.error()["code"], "unsupported_value");
    }
    assert_eq!(harness.sent_upstream().len(), 1, "nothing is sent");
}

#[tokio::test]
async fn headers_work_as_in_chat_completions() {
    let harness = Harness::start().await;
    let body = json!({"model": MODEL, "prompt": "An avalanche!", "user": "u"});
    let mut request = harness.request(http::Method::POST, "/v1/completions", body.to_string());
    for (name, value) in [
        ("x-amzn-bedrock-guardrailidentifier", "demoguardrail"),
        ("x-amzn-bedrock-guardrailversion", "1"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let blocked = harness.send(request.clone()).await.json();
    assert_eq!(blocked["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(
        blocked["choices"][0]["text"],
        "Sorry, I cannot talk about that."
    );
    request
        .headers_mut()
        .insert("x-outcrop-strict", "on".parse().unwrap());
    let strict = harness.send(request).await;
    assert_eq!(strict.status, 400);
    assert_eq!(strict.error()["param"], "user");
}

#[tokio::test]
async fn a_client_disconnect_cancels_every_call() {
    let harness = Harness::start().await;
    for _ in 0..3 {
        harness
            .simulator
            .push(Script::fault(Fault::SlowResponse { delay_ms: 600_000 }));
    }
    tokio::select! {
        _ = complete(&harness, json!({"prompt": ["a", "b", "c"]})) => panic!("the response arrived"),
        () = harness.simulator.wait_for_received(3) => {}
    }
    harness.simulator.wait_for_abandoned(3).await;
}
