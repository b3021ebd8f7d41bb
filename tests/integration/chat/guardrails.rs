//! Guardrails of the operator, which requests cannot bypass, and of the client.

use http::Method;
use http::header::AUTHORIZATION;
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry, ModelEntry};
use outcrop::converse::options::{GuardrailConfig, GuardrailTrace};
use outcrop::converse::policy::GuardrailPolicy;
use outcrop::models::ModelId;
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, non_streaming, streamed};

/// Text that the simulator's guardrail blocks.
const BLOCKED: &str = "An avalanche!";

fn policy(version: &str) -> GuardrailPolicy {
    GuardrailPolicy {
        config: GuardrailConfig {
            guardrail_identifier: "demoguardrail".to_owned(),
            guardrail_version: version.to_owned(),
            trace: None,
            stream_processing_mode: None,
        },
        only_last_turn: false,
    }
}

fn guarded(version: &str) -> ChatOverrides {
    ChatOverrides {
        guardrail: Some(policy(version)),
        ..ChatOverrides::default()
    }
}

pub fn everywhere(config: &mut Config) {
    config.chat.common.guardrail = Some(policy("1"));
}

fn of_the_client(trace: &str) -> Value {
    json!({"guardrailIdentifier": "other", "guardrailVersion": "7", "trace": trace})
}

#[tokio::test]
async fn a_request_cannot_override_the_operators_guardrail() {
    let harness = Harness::with(everywhere).await;
    let headers = [
        ("x-amzn-bedrock-guardrailidentifier", "other"),
        ("x-amzn-bedrock-guardrailversion", "7"),
    ];
    for mut request in [non_streaming(BLOCKED), streamed(BLOCKED)] {
        let plain = harness.chat(&request).await;
        assert_eq!(plain.adjustments(), "");
        assert!(plain.text.contains("content_filter"), "{}", plain.text);
        let by_header = harness.chat_with(&headers, &request).await;
        request["guardrailConfig"] = of_the_client("disabled");
        let by_field = harness.chat(&request).await;
        // Provider fields cannot set fields of Converse.
        request["additionalModelRequestFields"] =
            json!({"guardrailConfig": of_the_client("disabled")});
        for reply in [by_header, by_field] {
            assert_eq!(reply.status, 200);
            assert!(reply.text.contains("content_filter"), "{}", reply.text);
            assert!(reply.adjustments().contains("guardrailConfig"));
        }
    }
    for sent_upstream in harness.sent_upstream() {
        assert_eq!(
            sent_upstream["guardrailConfig"]["guardrailIdentifier"],
            "demoguardrail"
        );
        assert_eq!(sent_upstream["guardrailConfig"]["guardrailVersion"], "1");
    }
}

#[tokio::test]
async fn a_request_may_enable_the_trace_of_the_operators_guardrail() {
    let harness = Harness::with(everywhere).await;
    let mut request = non_streaming(BLOCKED);
    request["guardrailConfig"] = json!({"trace": "enabled"});
    let reply = harness.chat(&request).await;
    assert_eq!(reply.adjustments(), "");
    let trace = &reply.json()["trace"]["guardrail"];
    assert!(trace.to_string().contains("avalanche"), "{}", reply.text);
    assert!(!reply.text.contains("demoguardrail"), "{}", reply.text);
    let reply = harness
        .chat_with(
            &[("x-amzn-bedrock-trace", "ENABLED")],
            &non_streaming(BLOCKED),
        )
        .await;
    assert!(
        reply.json()["trace"]["guardrail"].is_object(),
        "{}",
        reply.text
    );
    assert_eq!(
        harness.chat(&non_streaming(BLOCKED)).await.json()["trace"],
        Value::Null
    );
}

#[tokio::test]
async fn guardrails_of_keys_override_those_of_models_and_the_default() {
    let harness = Harness::with(|config| {
        config.chat.common.guardrail = Some(policy("1"));
        let target = ModelId::parse(MODEL).unwrap();
        let chat = ChatOverrides {
            guardrail: Some(GuardrailPolicy {
                only_last_turn: true,
                ..policy("DRAFT")
            }),
            ..ChatOverrides::default()
        };
        config.models.insert(
            "careful".to_owned(),
            ModelEntry {
                chat,
                ..target.into()
            },
        );
        let mut key_override = guarded("1");
        if let Some(policy) = key_override.guardrail.as_mut() {
            policy.config.trace = Some(GuardrailTrace::EnabledFull);
        }
        for (caller, chat) in [("a", ChatOverrides::default()), ("b", key_override)] {
            config.keys.push(KeyEntry {
                caller: caller.to_owned(),
                digest: KeyDigest::of(caller),
                access_key: None,
                chat,
                grant: outcrop::allowances::KeyGrant::default(),
            });
        }
    })
    .await;
    for (key, model) in [
        ("a", MODEL),
        ("a", "careful"),
        ("b", MODEL),
        ("b", "careful"),
    ] {
        let mut body = non_streaming("hi");
        body["model"] = model.into();
        let mut request = harness.request(Method::POST, "/v1/chat/completions", body.to_string());
        let value = format!("Bearer {key}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        assert_eq!(harness.send(request).await.status, 200);
    }
    let sent_upstream = harness.sent_upstream();
    let of = |version: &str| json!({"guardrailIdentifier": "demoguardrail", "guardrailVersion": version});
    let mut traced = of("1");
    traced["trace"] = "enabled_full".into();
    let configs: Vec<Value> = sent_upstream
        .iter()
        .map(|sent_upstream| sent_upstream["guardrailConfig"].clone())
        .collect();
    assert_eq!(configs, [of("1"), of("DRAFT"), traced.clone(), traced]);
    let guarded = |sent_upstream: &Value| {
        sent_upstream["messages"][0]["content"][0]
            .get("guardContent")
            .is_some()
    };
    assert_eq!(
        sent_upstream.iter().map(guarded).collect::<Vec<_>>(),
        [false, true, false, false]
    );
}

#[tokio::test]
async fn a_client_cannot_exempt_text_from_the_operators_guardrail() {
    let harness = Harness::with(everywhere).await;
    let mut request = non_streaming("hi");
    request["messages"][0]["content"] = json!([
        {"type": "guarded_text", "text": "Look at this alone."},
        {"type": "text", "text": BLOCKED},
    ]);
    let reply = harness.chat(&request).await;
    assert_eq!(
        reply.json()["choices"][0]["finish_reason"],
        "content_filter",
        "{}",
        reply.text
    );
    assert!(reply.adjustments().contains("guarded_text"));
}

#[tokio::test]
async fn a_clients_guardrail_applies_if_the_operator_has_none() {
    let harness = Harness::start().await;
    let key_override = json!({"guardrailIdentifier": "demoguardrail", "guardrailVersion": "1", "trace": "enabled", "streamProcessingMode": "async"});
    let mut request = non_streaming(BLOCKED);
    request["guardrailConfig"] = key_override.clone();
    let reply = harness.chat(&request).await;
    assert_eq!(
        reply.json()["choices"][0]["finish_reason"],
        "content_filter",
        "{}",
        reply.text
    );
    assert!(reply.json()["trace"]["guardrail"].is_object());

    let mut request = streamed(BLOCKED);
    request["guardrailConfig"] = key_override;
    let without_usage = harness.chat(&request).await.chunks();
    request["stream_options"] = json!({"include_usage": true});
    let with_usage = harness.chat(&request).await.chunks();
    for (chunks, has_usage) in [(without_usage, false), (with_usage, true)] {
        let last = chunks.last().unwrap();
        assert_eq!(last["choices"], json!([]));
        assert!(last["trace"]["guardrail"].is_object(), "{last}");
        assert_eq!(last["usage"].is_object(), has_usage);
        assert!(
            chunks[..chunks.len() - 1]
                .iter()
                .all(|chunk| chunk.get("trace").is_none())
        );
    }
    let modes: Vec<Value> = harness
        .sent_upstream()
        .iter()
        .map(|sent_upstream| sent_upstream["guardrailConfig"]["streamProcessingMode"].clone())
        .collect();
    assert_eq!(modes, [Value::Null, "async".into(), "async".into()]);
}

/// A user turn, an assistant turn and a user turn.
fn three_turns(before: &str, by_model: &str, after: &str) -> Value {
    let mut request = non_streaming("hi");
    request["messages"] = json!([
        {"role": "user", "content": before},
        {"role": "assistant", "content": by_model},
        {"role": "user", "content": after},
    ]);
    request
}

/// A model without prompt caching.
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

#[tokio::test]
async fn with_last_turn_only_earlier_turns_are_not_evaluated() {
    let harness = Harness::start().await;
    let by_user = three_turns(BLOCKED, "Oh.", "And now?");
    let by_model = three_turns("Hi", BLOCKED, "And now?");
    let by_user_now = three_turns("Hi", "Oh.", BLOCKED);
    let all = "guardrailConfig.onlyLastTurn: applied to all user messages; earlier messages must stay \
               unchanged";
    let mut guardrail = json!({"guardrailIdentifier": "demoguardrail", "guardrailVersion": "1"});
    for (model, request, only_last, finish, note) in [
        (LLAMA, &by_user, false, "content_filter", ""),
        (LLAMA, &by_user, true, "stop", ""),
        (LLAMA, &by_user_now, true, "content_filter", ""),
        // Turns of a cached prompt stay unchanged, with or without guarded text.
        (MODEL, &by_user, true, "content_filter", all),
        (MODEL, &by_model, false, "content_filter", ""),
        (MODEL, &by_model, true, "stop", all),
    ] {
        guardrail["onlyLastTurn"] = only_last.into();
        let mut request = request.clone();
        request["model"] = model.into();
        request["guardrailConfig"] = guardrail.clone();
        let reply = harness.chat(&request).await;
        assert_eq!(reply.adjustments(), note, "{model}");
        assert_eq!(
            reply.json()["choices"][0]["finish_reason"],
            finish,
            "{}",
            reply.text
        );
    }
}

#[tokio::test]
async fn a_trailing_assistant_turn_does_not_bypass_a_last_turn_guardrail() {
    let harness = Harness::start().await;
    for model in [LLAMA, MODEL] {
        let mut request = three_turns("Hi", "Oh.", BLOCKED);
        request["model"] = model.into();
        let messages = request["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": "I say"}));
        request["guardrailConfig"] = json!({"guardrailIdentifier": "demoguardrail", "guardrailVersion": "1", "onlyLastTurn": true});
        let reply = harness.chat(&request).await;
        let finish = &reply.json()["choices"][0]["finish_reason"];
        assert_eq!(finish, "content_filter", "{model}: {}", reply.text);
    }
}

#[tokio::test]
async fn last_turn_only_set_by_the_operator_adds_no_client_note() {
    let harness = Harness::with(|config| {
        config.chat.common.guardrail = Some(GuardrailPolicy {
            only_last_turn: true,
            ..policy("1")
        });
    })
    .await;
    let reply = harness.chat(&three_turns("Hi", BLOCKED, "And now?")).await;
    assert_eq!(reply.adjustments(), "");
    let reply = harness.chat(&three_turns(BLOCKED, "Oh.", "And now?")).await;
    let finish = &reply.json()["choices"][0]["finish_reason"];
    assert_eq!(finish, "content_filter", "{}", reply.text);
}
