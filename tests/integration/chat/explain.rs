//! `POST /v1/explain`: the request that would be sent to Bedrock, without sending it.

use bedrock_simulator::{Operation, Script};
use outcrop::converse::options::GuardrailConfig;
use outcrop::converse::policy::GuardrailPolicy;
use outcrop::models::ModelId;
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, Reply, non_streaming, streamed};

const NOVA: &str = "amazon.nova-lite-v1:0";

async fn explain(harness: &Harness, request: &Value) -> Reply {
    harness.post("/v1/explain", request).await
}

/// Requests that need many adjustments.
fn requests() -> Vec<Value> {
    let page = "The way up is long. ".repeat(400);
    let tool = json!({"type": "function", "function": {"name": "weather in town", "parameters": {
        "properties": {"z": {"$ref": "#/$defs/P"}, "a": {"$ref": "#/$defs/P"}},
        "$defs": {"P": {"type": "string", "minLength": 1}},
    }}});
    let mut requests = Vec::new();
    for mut request in [non_streaming("hi"), streamed("hi")] {
        for model in [MODEL, NOVA, "us.meta.llama3-3-70b-instruct-v1:0"] {
            request["model"] = model.into();
            requests.push(request.clone());
        }
    }
    for request in &mut requests {
        request["messages"] = json!([
            {"role": "system", "content": page},
            {"role": "user", "content": "What is the weather?"},
            {"role": "user", "content": [{"type": "text", "text": "In Rome, I mean."}]},
        ]);
        request["tools"] = json!([tool]);
        request["reasoning_effort"] = "low".into();
        request["temperature"] = 1.5.into();
        request["seed"] = 1.into();
    }
    requests
}

#[tokio::test]
async fn the_explained_request_is_the_one_that_is_sent() {
    for request in requests() {
        let harness = Harness::start().await;
        let explained = explain(&harness, &request).await;
        assert_eq!(explained.status, 200, "{}", explained.text);
        let models = |harness: &Harness| harness.sent_upstream().len();
        assert_eq!(models(&harness), 0, "nothing is sent to a model");

        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let requests = harness.simulator.requests();
        let forwarded = requests
            .iter()
            .find(|forwarded| forwarded.path.contains("/converse"))
            .unwrap();
        let body = std::str::from_utf8(&forwarded.body).unwrap();
        assert!(
            explained.text.contains(&format!("\"converse\":{body}")),
            "{}",
            explained.text
        );

        let explanation = explained.json();
        assert_eq!(explanation["object"], "outcrop.explanation");
        assert_eq!(explanation["model"], request["model"]);
        assert_eq!(explanation["choices"], 1);
        let target = &explanation["target"];
        assert_eq!(target["model_id"], request["model"]);
        let operation = match forwarded.operation {
            Some(Operation::Converse) => "Converse",
            _ => "ConverseStream",
        };
        assert_eq!(target["operation"], operation);
        let notes = explanation["adjustments"].as_array().unwrap().iter();
        let notes: Vec<String> = notes
            .map(|note| {
                format!(
                    "{}: {}",
                    note["field"].as_str().unwrap(),
                    note["action"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(notes.join(", "), reply.adjustments());
        for point in explanation["cache_points"].as_array().unwrap() {
            let path = format!(
                "/{}",
                point["path"]
                    .as_str()
                    .unwrap()
                    .replace(['.', '['], "/")
                    .replace(']', "")
            );
            assert!(explanation["converse"].pointer(&path).is_some(), "{path}");
            assert_eq!(point["ttl"], "5m");
        }
        let points = body.matches("\"cachePoint\"").count();
        assert_eq!(
            explanation["cache_points"].as_array().unwrap().len(),
            points
        );
    }
}

#[tokio::test]
async fn bedrock_counts_tokens_if_supported() {
    let harness = Harness::start().await;
    harness.simulator.push(
        Script::new(bedrock_simulator::ScriptedResponse::Raw {
            status: 200,
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            body: r#"{"inputTokens":1000000}"#.into(),
        })
        .for_operation(Operation::CountTokens),
    );
    let explanation = explain(&harness, &non_streaming("hi")).await.json();
    let counted_tokens = json!({"count": 1_000_000, "source": "CountTokens"});
    assert_eq!(explanation["input_tokens"], counted_tokens);
    // Above 200,000 tokens the price doubles: 2 × 3.3 dollars.
    assert_eq!(explanation["price"], json!({"input_usd": "6.6"}));
    assert_eq!(harness.simulator.received(), 1);

    // A role without the `bedrock:CountTokens` permission does not fail the request.
    let denied = Script::error(403, "AccessDeniedException", "not authorized").times(0);
    harness
        .simulator
        .push(denied.for_operation(Operation::CountTokens));
    let explanation = explain(&harness, &non_streaming("hi")).await.json();
    assert_eq!(explanation["input_tokens"]["source"], "estimate");
}

#[tokio::test]
async fn otherwise_tokens_are_estimated_without_an_upstream_call() {
    let harness = Harness::start().await;
    let mut request = non_streaming(&"word ".repeat(800));
    request["model"] = NOVA.into();
    let explanation = explain(&harness, &request).await.json();
    assert_eq!(explanation["input_tokens"]["source"], "estimate");
    let count = explanation["input_tokens"]["count"].as_u64().unwrap();
    assert!((1000..1100).contains(&count), "{count}");
    assert_eq!(harness.simulator.received(), 0);
    request["model"] = "nvidia.of-tomorrow-v1:0".into();
    let explanation = explain(&harness, &request).await.json();
    assert_eq!(explanation["price"]["input_usd"], "unknown");
}

#[tokio::test]
async fn operator_settings_and_learned_fields_apply() {
    let harness = Harness::with(|config| config.chat.common.max_tokens = Some(77)).await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    let mut request = non_streaming("hi");
    request["service_tier"] = "flex".into();
    request["n"] = 2.into();
    let explanation = explain(&harness, &request).await.json();
    assert_eq!(explanation["converse"]["serviceTier"]["type"], "flex");
    assert_eq!(explanation["converse"]["inferenceConfig"]["maxTokens"], 77);
    assert_eq!(explanation["choices"], 2);
    harness
        .simulator
        .push(Script::error(400, "ValidationException", refusal));
    assert_eq!(harness.chat(&request).await.status, 200);
    let explanation = explain(&harness, &request).await.json();
    assert_eq!(explanation["converse"]["serviceTier"], Value::Null);
    assert_eq!(explanation["adjustments"][0]["field"], "service_tier");
}

#[tokio::test]
async fn invalid_requests_are_rejected() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    request["logit_bias"] = json!({"50256": -100});
    let reply = explain(&harness, &request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.error()["param"], "logit_bias");
    let reply = explain(&harness, &json!({"model": "no;model", "messages": []})).await;
    assert_eq!(reply.status, 404);
    assert_eq!(harness.simulator.received(), 0);
}

#[tokio::test]
async fn the_life_cycle_of_a_model_is_returned() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    request["model"] = "us.anthropic.claude-sonnet-4-20250514-v1:0".into();
    let target = explain(&harness, &request).await.json()["target"].clone();
    assert_eq!(target["end_of_life"], "2026-10-14");
    assert_eq!(target["legacy"], true);
    request["model"] = "us.amazon.nova-2-lite-v1:0".into();
    let target = explain(&harness, &request).await.json()["target"].clone();
    assert_eq!(target["legacy"], false);
}

/// The caller uses an alias and does not learn the ARN that it stands for.
#[tokio::test]
async fn operator_details_are_not_revealed() {
    let account = "123456789012";
    let profile = format!("arn:aws:bedrock:us-east-1:{account}:application-inference-profile/abc");
    let harness = Harness::with(|config| {
        let target = ModelId::parse(&profile).unwrap();
        let base = ModelId::parse("anthropic.claude-sonnet-4-5-20250929-v1:0").unwrap();
        config
            .models
            .insert("team".to_owned(), target.clone().into());
        config.base_models.insert(profile.clone(), base);
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
    let mut request = non_streaming("hi");
    request["model"] = "team".into();
    let reply = explain(&harness, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    for name in [account, "arn:", "demoguardrail"] {
        assert!(!reply.text.contains(name), "{name}: {}", reply.text);
    }
    let explanation = reply.json();
    let guardrail = &explanation["converse"]["guardrailConfig"];
    assert_eq!(guardrail["guardrailIdentifier"], "[the operator's]");
    assert_eq!(guardrail["guardrailVersion"], "1");
    let model = &explanation["target"]["model_id"];
    assert_eq!(model, "anthropic.claude-sonnet-4-5-20250929-v1:0");

    // A caller that sends the ARN knows it.
    request["model"] = profile.clone().into();
    let explanation = explain(&harness, &request).await.json();
    assert_eq!(explanation["target"]["model_id"], profile);
}
