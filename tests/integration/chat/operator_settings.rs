//! The operator's settings for chat requests, which requests cannot bypass.

use bedrock_simulator::Options;
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry, ModelEntry};
use outcrop::converse::policy::AllowList;
use outcrop::models::ModelId;
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, Reply, non_streaming};

const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";

fn key(config: &mut Config, caller: &str, chat: ChatOverrides) {
    config.keys.push(KeyEntry {
        caller: caller.to_owned(),
        digest: KeyDigest::of(caller),
        access_key: None,
        chat,
        grant: outcrop::allowances::KeyGrant::default(),
    });
}

fn model(config: &mut Config, name: &str, chat: ChatOverrides) {
    let target = ModelId::parse(MODEL).unwrap();
    config.models.insert(
        name.to_owned(),
        ModelEntry {
            chat,
            ..target.into()
        },
    );
}

fn limits(max_tokens: Option<u32>, ceiling: Option<u32>) -> ChatOverrides {
    ChatOverrides {
        max_tokens,
        max_tokens_ceiling: ceiling,
        ..ChatOverrides::default()
    }
}

fn names(list: &[&str]) -> AllowList {
    AllowList::new(list.iter().map(|name| (*name).to_owned()).collect())
}

async fn chat_as(harness: &Harness, key: &str, body: &Value) -> Reply {
    let value = format!("Bearer {key}");
    harness.chat_with(&[("authorization", &value)], body).await
}

#[tokio::test]
async fn max_tokens_is_set_by_the_key_the_model_or_the_default() {
    let harness = Harness::with(|config| {
        config.chat.common.max_tokens = Some(100);
        config.chat.common.max_tokens_ceiling = Some(1000);
        model(config, "brief", limits(Some(50), Some(60)));
        key(config, "a", ChatOverrides::default());
        key(config, "b", limits(Some(70), Some(80)));
        key(config, "c", limits(None, Some(5000)));
    })
    .await;
    let lowered =
        |ceiling: u32| format!("max_tokens: lowered to {ceiling}; the operator's maximum");
    for (key, model, requested, sent, note) in [
        ("a", MODEL, None, 100, None),
        ("a", MODEL, Some(10), 10, None),
        ("a", MODEL, Some(1000), 1000, None),
        ("a", MODEL, Some(1001), 1000, Some(1000)),
        ("a", "brief", None, 50, None),
        ("a", "brief", Some(61), 60, Some(60)),
        ("b", MODEL, None, 70, None),
        ("b", MODEL, Some(90), 80, Some(80)),
        // The default of the key exceeds the ceiling of the model.
        ("b", "brief", None, 60, None),
        ("b", "brief", Some(90), 60, Some(60)),
        // A key cannot raise the global ceiling.
        ("c", MODEL, Some(4000), 1000, Some(1000)),
    ] {
        let mut request = non_streaming("hi");
        request["model"] = model.into();
        request["max_tokens"] = requested.into();
        let reply = chat_as(&harness, key, &request).await;
        let sent_upstream = harness.sent_upstream().pop().unwrap();
        assert_eq!(
            sent_upstream["inferenceConfig"]["maxTokens"], sent,
            "{key} {model} {requested:?}"
        );
        assert_eq!(reply.adjustments(), note.map(lowered).unwrap_or_default());
    }
}

#[tokio::test]
async fn the_max_tokens_ceiling_is_sent_when_no_limit_is_requested() {
    let harness = Harness::with(|config| config.chat.common.max_tokens_ceiling = Some(300)).await;
    let reply = harness.chat(&non_streaming("hi")).await;
    assert_eq!(reply.adjustments(), "");
    assert_eq!(
        harness.sent_upstream()[0]["inferenceConfig"]["maxTokens"],
        300
    );
}

#[tokio::test]
async fn no_reasoning_option_exceeds_the_ceiling() {
    for ceiling in [500, 2000] {
        let harness =
            Harness::with(|config| config.chat.common.max_tokens_ceiling = Some(ceiling)).await;
        let efforts = ["minimal", "high", "max"].map(|effort| json!({"reasoning_effort": effort}));
        let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 20_000}});
        let minimum_effort =
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 10});
        for fields in efforts.into_iter().chain([budget, minimum_effort]) {
            for name in [
                MODEL,
                NOVA_2,
                "us.anthropic.claude-sonnet-4-6",
                "us.anthropic.claude-opus-5",
            ] {
                let mut request = non_streaming("hi");
                request["model"] = name.into();
                for (field, value) in fields.as_object().unwrap() {
                    request[field] = value.clone();
                }
                let reply = harness.chat(&request).await;
                assert_eq!(reply.status, 200, "{name} {fields}: {}", reply.text);
                let sent_upstream = harness.sent_upstream().pop().unwrap();
                let sent = sent_upstream["inferenceConfig"]["maxTokens"].as_u64();
                assert!(
                    sent.is_some_and(|sent| sent <= u64::from(ceiling)),
                    "{name} {fields}: {sent_upstream}"
                );
            }
        }
    }
}

/// A request with a prefix that is long enough to be cached.
fn long() -> Value {
    let mut request = non_streaming("hi");
    let page = "The way up is long. ".repeat(400);
    request["messages"] =
        json!([{"role": "system", "content": page}, {"role": "user", "content": "hi"}]);
    request
}

#[tokio::test]
async fn prompts_are_cached_unless_disabled() {
    let off = ChatOverrides {
        cache: Some(false),
        ..ChatOverrides::default()
    };
    let on = ChatOverrides {
        cache: Some(true),
        ..ChatOverrides::default()
    };
    let harness = Harness::with(|config| {
        key(config, "on", on.clone());
        key(config, "off", off.clone());
        model(config, "plain", off.clone());
        model(config, "cached", on.clone());
    })
    .await;
    for (key, model, header, is_cached) in [
        ("on", MODEL, None, true),
        ("on", MODEL, Some("on"), true),
        ("on", MODEL, Some("off"), false),
        ("on", "cached", None, true),
        ("on", "plain", None, false),
        ("on", "plain", Some("on"), false),
        ("off", "cached", None, false),
        ("off", MODEL, Some("on"), false),
    ] {
        let mut request = long();
        request["model"] = model.into();
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(header.map(|value| ("x-outcrop-cache", value)));
        let reply = harness.chat_with(&headers, &request).await;
        assert_eq!((reply.status.as_u16(), reply.adjustments()), (200, ""));
        let sent_upstream = harness.sent_upstream().pop().unwrap();
        assert_eq!(
            sent_upstream.to_string().contains("cachePoint"),
            is_cached,
            "{key} {model} {header:?}"
        );
    }
    let harness = Harness::with(|config| config.chat.common.cache = Some(false)).await;
    harness
        .chat_with(&[("x-outcrop-cache", "on")], &long())
        .await;
    assert!(
        !harness.sent_upstream()[0]
            .to_string()
            .contains("cachePoint")
    );
}

#[tokio::test]
async fn explicit_cache_points_are_kept_when_automatic_caching_is_off() {
    let harness = Harness::with(|config| config.chat.common.cache = Some(false)).await;
    let mut request = long();
    request["messages"][1]["cache_control"] = json!({"type": "ephemeral"});
    harness.chat(&request).await;
    let points = harness.sent_upstream()[0]
        .to_string()
        .matches("cachePoint")
        .count();
    assert_eq!(points, 1);
}

#[tokio::test]
async fn a_cached_prefix_is_read_by_the_next_turn() {
    let harness = Harness::start().await;
    let first = harness.chat(&long()).await.json();
    let details = |reply: &Value, name: &str| {
        reply["usage"]["prompt_tokens_details"][name]
            .as_u64()
            .unwrap()
    };
    assert!(details(&first, "cache_write_tokens") > 1024, "{first}");
    assert_eq!(details(&first, "cached_tokens"), 0);
    let mut longer = long();
    let messages = longer["messages"].as_array_mut().unwrap();
    messages.push(first["choices"][0]["message"].clone());
    messages.push(json!({"role": "user", "content": "And then?"}));
    let second = harness.chat(&longer).await.json();
    // The second request reads everything that the first wrote.
    assert_eq!(
        details(&second, "cached_tokens"),
        details(&first, "cache_write_tokens")
    );
}

#[tokio::test]
async fn strict_mode_can_be_set_per_model_per_key_or_globally() {
    let strict = ChatOverrides {
        strict: true,
        ..ChatOverrides::default()
    };
    let harness = Harness::with(|config| {
        key(config, "a", ChatOverrides::default());
        key(config, "b", strict.clone());
        model(config, "exact", strict.clone());
    })
    .await;
    let mut request = non_streaming("hi");
    request["seed"] = 5.into();
    for (key, model, status) in [("a", MODEL, 200), ("a", "exact", 400), ("b", MODEL, 400)] {
        request["model"] = model.into();
        let reply = chat_as(&harness, key, &request).await;
        assert_eq!(reply.status, status);
        if status == 400 {
            assert_eq!(reply.error()["param"], "seed");
        }
    }
    let headers = [("authorization", "Bearer b"), ("x-outcrop-strict", "off")];
    assert_eq!(harness.chat_with(&headers, &request).await.status, 400);
    assert_eq!(harness.sent_upstream().len(), 1);
}

#[tokio::test]
async fn only_allowed_buckets_are_read() {
    let harness = Harness::with(|config| config.chat.s3_buckets = names(&["pictures"])).await;
    let mut request = non_streaming("hi");
    request["model"] = "amazon.nova-lite-v1:0".into();
    let result = |url: &str| {
        json!([
            {"role": "user", "content": "Look."},
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url", "image_url": {"url": url}}]},
        ])
    };
    let turn = |url: &str| {
        json!([{"role": "user", "content": [
            {"type": "text", "text": "Look."}, {"type": "image_url", "image_url": {"url": url}},
        ]}])
    };
    for (url, status) in [
        ("s3://pictures/a.png", 200),
        ("s3://pictures-2/a.png", 400),
        ("s3://secrets/pictures/a.png", 400),
    ] {
        for messages in [turn(url), result(url)] {
            request["messages"] = messages;
            let reply = harness.chat(&request).await;
            assert_eq!(reply.status, status, "{url}: {}", reply.text);
            if status == 400 {
                assert_eq!(reply.error()["code"], "unsupported_value");
                let param = reply.error()["param"].to_string();
                assert!(param.contains("content["), "{param}");
            }
        }
    }
    assert_eq!(harness.sent_upstream().len(), 2);
}

#[tokio::test]
async fn only_allowed_model_fields_are_set() {
    let unchecked = || Options {
        validate: false,
        ..Options::default()
    };
    let harness = Harness::with_simulator(unchecked(), |config| {
        config.chat.model_fields = names(&["min_p", "anthropic_beta"]);
    })
    .await;
    let mut request = non_streaming("hi");
    request["additionalModelRequestFields"] = json!({"min_p": 0.5});
    // The SDKs' `extra_body` adds fields at the top level.
    request["anthropic_beta"] = json!(["a-beta"]);
    request["other"] = 1.into();
    let reply = harness.chat(&request).await;
    assert_eq!(reply.adjustments(), "other: ignored");
    let sent = json!({"min_p": 0.5, "anthropic_beta": ["a-beta"]});
    assert_eq!(
        harness.sent_upstream()[0]["additionalModelRequestFields"],
        sent
    );

    request["additionalModelRequestFields"] = json!({"min_p": 0.5, "max_p": 1});
    let reply = harness.chat(&request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "additionalModelRequestFields.max_p");
    assert_eq!(reply.error()["code"], "unsupported_parameter");

    // With every provider field allowed, unknown top-level fields are still ignored.
    let harness = Harness::with_simulator(unchecked(), |_| {}).await;
    let reply = harness.chat(&request).await;
    assert_eq!(
        reply.adjustments(),
        "anthropic_beta: ignored, other: ignored"
    );
    let sent = json!({"min_p": 0.5, "max_p": 1});
    assert_eq!(
        harness.sent_upstream()[0]["additionalModelRequestFields"],
        sent
    );
}

#[tokio::test]
async fn metadata_is_forwarded_when_enabled() {
    let mut request = non_streaming("hi");
    let long = "x".repeat(300);
    request["metadata"] = json!({"team": "ü&b", "long": long, "run": "7"});
    request["requestMetadata"] = json!({"run": "8"});
    for forward in [false, true] {
        let harness = Harness::with(|config| config.chat.forward_metadata = forward).await;
        let reply = harness.chat(&request).await;
        assert_eq!(reply.json()["metadata"], request["metadata"]);
        let labels = harness.sent_upstream()[0]["requestMetadata"].clone();
        match forward {
            false => {
                assert_eq!(labels, json!({"run": "8"}));
                assert_eq!(
                    reply.adjustments(),
                    "metadata: returned in the response; not sent to Bedrock"
                );
            }
            true => {
                let long = "x".repeat(256);
                assert_eq!(labels, json!({"team": "__b", "long": long, "run": "8"}));
                assert_eq!(reply.adjustments(), "");
            }
        }
    }
}

#[tokio::test]
async fn reserved_capacity_is_used_if_configured() {
    for (reserved_tier, sent, reported) in
        [(true, "reserved", "scale"), (false, "default", "default")]
    {
        let harness = Harness::with(|config| config.chat.reserved_tier = reserved_tier).await;
        let mut request = non_streaming("hi");
        request["service_tier"] = "scale".into();
        let reply = harness.chat(&request).await;
        assert_eq!(reply.json()["service_tier"], reported);
        assert_eq!(harness.sent_upstream()[0]["serviceTier"]["type"], sent);
    }
}

#[tokio::test]
async fn bedrocks_headers_apply_if_the_body_does_not_set_the_option() {
    let harness = Harness::start().await;
    let headers = [
        ("x-amzn-bedrock-service-tier", "flex"),
        ("x-amzn-bedrock-performanceconfig-latency", "optimized"),
    ];
    let mut request = non_streaming("hi");
    assert_eq!(harness.chat_with(&headers, &request).await.status, 200);
    request["service_tier"] = json!("priority");
    request["performanceConfig"] = json!({"latency": "standard"});
    assert_eq!(harness.chat_with(&headers, &request).await.status, 200);
    let [by_header, by_body] = &harness.sent_upstream()[..] else {
        panic!("expected two calls");
    };
    assert_eq!(by_header["serviceTier"]["type"], "flex");
    assert_eq!(by_header["performanceConfig"]["latency"], "optimized");
    assert_eq!(by_body["serviceTier"]["type"], "priority");
    assert_eq!(by_body["performanceConfig"]["latency"], "standard");
}
