//! What the operator has said holds for Bedrock's own API as well.

use http::Method;
use http::header::AUTHORIZATION;
use outcrop::config::{ChatOverrides, Config, ModelEntry};
use outcrop::converse::options::GuardrailConfig;
use outcrop::models::ModelId;
use outcrop::openai::chat::{AllowList, GuardrailPolicy};
use serde_json::json;

use super::{converse, error_type, path, said, send, world};
use crate::world::{MODEL, Reply};

/// The simulator's guardrail blocks this word.
const BLOCKED: &str = "An avalanche!";

fn guarded() -> ChatOverrides {
    ChatOverrides {
        guardrail: Some(GuardrailPolicy {
            config: GuardrailConfig {
                guardrail_identifier: "demoguardrail".to_owned(),
                guardrail_version: "1".to_owned(),
                trace: None,
                stream_processing_mode: None,
            },
            only_last_turn: false,
        }),
        ..ChatOverrides::default()
    }
}

fn denied(reply: &Reply) {
    assert_eq!(
        (reply.status.as_u16(), error_type(reply)),
        (403, "AccessDeniedException"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn the_operators_guardrail_holds_for_every_scope_it_is_set_in() {
    let everywhere = |config: &mut Config| config.chat.common.guardrail = guarded().guardrail;
    let of_key = |config: &mut Config| config.keys[0].chat = guarded();
    let of_model = |config: &mut Config| {
        let target = ModelId::parse(MODEL).unwrap();
        let entry = ModelEntry {
            chat: guarded(),
            ..target.into()
        };
        config.models.insert(MODEL.to_owned(), entry);
    };
    let scopes: [&dyn Fn(&mut Config); 3] = [&everywhere, &of_key, &of_model];
    for scope in scopes {
        let world = world(scope).await;
        let reply = converse(&world, &said(BLOCKED)).await;
        assert_eq!(
            reply.json()["stopReason"],
            "guardrail_intervened",
            "{}",
            reply.text
        );
        assert!(reply.adjustments().contains("guardrailConfig"));
        let mut other = said(BLOCKED);
        other["guardrailConfig"] = json!({"guardrailIdentifier": "x", "guardrailVersion": "1"});
        denied(&converse(&world, &other).await);
        assert_eq!(world.simulator.requests().len(), 1);
    }
}

#[tokio::test]
async fn invoke_goes_out_with_the_operators_guardrail() {
    let world = world(|config| config.chat.common.guardrail = guarded().guardrail).await;
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let invoke = path(MODEL, "invoke");
    assert_eq!(send(&world, &invoke, &[], &body).await.status, 200);
    let asked = world.simulator.requests().pop().unwrap();
    assert_eq!(
        asked.headers["x-amzn-bedrock-guardrailidentifier"],
        "demoguardrail"
    );
    assert_eq!(asked.headers["x-amzn-bedrock-guardrailversion"], "1");
    assert_eq!(asked.body, body);
    let other = [("x-amzn-bedrock-guardrailidentifier", "other")];
    denied(&send(&world, &invoke, &other, &body).await);
}

#[tokio::test]
async fn a_ceiling_holds_and_closes_what_cannot_be_held_to_it() {
    let limit = |config: &mut Config| config.keys[0].chat.max_tokens_ceiling = Some(50);
    let world_with_limit = world(limit).await;
    let reply = converse(&world_with_limit, &said("hi")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let asked = world_with_limit.simulator.requests().pop().unwrap().json();
    assert_eq!(asked["inferenceConfig"], json!({"maxTokens": 50}));
    let mut more = said("hi");
    more["inferenceConfig"] = json!({"maxTokens": 51});
    let reply = converse(&world_with_limit, &more).await;
    assert_eq!(
        (reply.status.as_u16(), error_type(&reply)),
        (400, "ValidationException")
    );
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let invoke = path(MODEL, "invoke");
    denied(&send(&world_with_limit, &invoke, &[], &body).await);
    let open = world(|config| {
        limit(config);
        config.bedrock_api.unlimited_invoke = true;
    })
    .await;
    assert_eq!(send(&open, &invoke, &[], &body).await.status, 200);
}

#[tokio::test]
async fn only_buckets_that_requests_may_name_are_passed_on() {
    let world = world(|config| {
        config.chat.s3_buckets = AllowList::new(vec!["ours".to_owned()]);
    })
    .await;
    let source =
        json!({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://theirs/a.png"}}}});
    let body = json!({"messages": [{"role": "user", "content": [source]}]});
    denied(&converse(&world, &body).await);
    assert_eq!(converse(&world, &said("s3://theirs/a")).await.status, 200);
}

#[tokio::test]
async fn jobs_are_closed_unless_the_operator_opens_them() {
    let world = world(|_| {}).await;
    let body = json!({"modelId": "amazon.nova-reel-v1:1", "modelInput": {}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://any/where"}}});
    denied(&send(&world, "/async-invoke", &[], &body.to_string()).await);
    for path in ["/async-invoke", "/async-invoke/arn%3Aaws%3Abedrock%3A1"] {
        let mut request = world.request(Method::GET, path, "");
        let bearer = "Bearer sk-team-a".parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        denied(&world.send(request).await);
    }
    assert_eq!(world.simulator.requests().len(), 0);
}

#[tokio::test]
async fn jobs_write_to_the_operators_bucket_alone() {
    let world = world(|config| {
        config.bedrock_api.async_invoke = true;
        config.s3.bucket = Some("ours".to_owned());
    })
    .await;
    let job = |uri: &str| {
        json!({"modelId": "amazon.nova-reel-v1:1", "modelInput": {}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": uri}}}).to_string()
    };
    for uri in ["s3://theirs/outcrop/a", "s3://ours/elsewhere", "s3://ours"] {
        denied(&send(&world, "/async-invoke", &[], &job(uri)).await);
    }
    assert_eq!(world.simulator.requests().len(), 0);
    send(&world, "/async-invoke", &[], &job("s3://ours/outcrop/a")).await;
    let asked = world.simulator.requests().pop().unwrap();
    assert_eq!(asked.path, "/async-invoke");
    assert_eq!(asked.json()["modelInput"], json!({}));
}
