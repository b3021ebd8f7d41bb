//! The operator's settings apply to Bedrock's API as well.

use http::Method;
use http::header::AUTHORIZATION;
use outcrop::bedrock::EventDecoder;
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry, ModelEntry};
use outcrop::converse::options::GuardrailConfig;
use outcrop::converse::policy::{AllowList, GuardrailPolicy};
use outcrop::models::ModelId;
use serde_json::json;

use super::{converse, converse_request, error_type, harness, path, send};
use crate::harness::{MODEL, Reply};

/// Text that the simulator's guardrail blocks.
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
async fn the_operators_guardrail_applies_in_every_configured_scope() {
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
        let harness = harness(scope).await;
        let reply = converse(&harness, &converse_request(BLOCKED)).await;
        assert_eq!(
            reply.json()["stopReason"],
            "guardrail_intervened",
            "{}",
            reply.text
        );
        assert!(reply.adjustments().contains("guardrailConfig"));
        let mut with_guardrail = converse_request(BLOCKED);
        with_guardrail["guardrailConfig"] =
            json!({"guardrailIdentifier": "x", "guardrailVersion": "1"});
        denied(&converse(&harness, &with_guardrail).await);
        assert_eq!(harness.simulator.requests().len(), 1);
    }
}

#[tokio::test]
async fn invoke_is_sent_with_the_operators_guardrail() {
    let harness = harness(|config| config.chat.common.guardrail = guarded().guardrail).await;
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let invoke = path(MODEL, "invoke");
    assert_eq!(send(&harness, &invoke, &[], &body).await.status, 200);
    let sent_upstream = harness.simulator.requests().pop().unwrap();
    assert_eq!(
        sent_upstream.headers["x-amzn-bedrock-guardrailidentifier"],
        "demoguardrail"
    );
    assert_eq!(
        sent_upstream.headers["x-amzn-bedrock-guardrailversion"],
        "1"
    );
    assert_eq!(sent_upstream.body, body);
    let with_guardrail = [("x-amzn-bedrock-guardrailidentifier", "other")];
    denied(&send(&harness, &invoke, &with_guardrail, &body).await);
}

#[tokio::test]
async fn a_token_ceiling_applies_and_disables_unlimited_operations() {
    let limit = |config: &mut Config| config.keys[0].chat.max_tokens_ceiling = Some(50);
    let harness_with_limit = harness(limit).await;
    let reply = converse(&harness_with_limit, &converse_request("hi")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let sent_upstream = harness_with_limit
        .simulator
        .requests()
        .pop()
        .unwrap()
        .json();
    assert_eq!(sent_upstream["inferenceConfig"], json!({"maxTokens": 50}));
    let mut more = converse_request("hi");
    more["inferenceConfig"] = json!({"maxTokens": 51});
    let reply = converse(&harness_with_limit, &more).await;
    assert_eq!(
        (reply.status.as_u16(), error_type(&reply)),
        (400, "ValidationException")
    );
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let invoke = path(MODEL, "invoke");
    denied(&send(&harness_with_limit, &invoke, &[], &body).await);
    let open = harness(|config| {
        limit(config);
        config.bedrock_api.allow_unlimited_invoke = true;
    })
    .await;
    assert_eq!(send(&open, &invoke, &[], &body).await.status, 200);
}

#[tokio::test]
async fn only_allowed_buckets_are_forwarded() {
    let harness = harness(|config| {
        config.chat.s3_buckets = AllowList::new(vec!["ours".to_owned()]);
    })
    .await;
    let source =
        json!({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://theirs/a.png"}}}});
    let body = json!({"messages": [{"role": "user", "content": [source]}]});
    denied(&converse(&harness, &body).await);
    assert_eq!(
        converse(&harness, &converse_request("s3://theirs/a"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn jobs_are_disabled_by_default() {
    let harness = harness(|_| {}).await;
    let body = json!({"modelId": "amazon.nova-reel-v1:1", "modelInput": {}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://any/where"}}});
    denied(&send(&harness, "/async-invoke", &[], &body.to_string()).await);
    for path in ["/async-invoke", "/async-invoke/arn%3Aaws%3Abedrock%3A1"] {
        let mut request = harness.request(Method::GET, path, "");
        let bearer = "Bearer sk-team-a".parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        denied(&harness.send(request).await);
    }
    assert_eq!(harness.simulator.requests().len(), 0);
}

fn job(uri: &str) -> String {
    json!({"modelId": "amazon.nova-reel-v1:1", "modelInput": {"taskType": "TEXT_VIDEO",
        "textToVideoParams": {"text": "A mountain"},
        "videoGenerationConfig": {"durationSeconds": 6, "fps": 24, "dimension": "1280x720"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": uri}}})
    .to_string()
}

fn with_jobs(config: &mut Config) {
    config.bedrock_api.async_invoke = true;
    config.s3.bucket = Some(JOB_BUCKET.to_owned());
    config.keys.push(KeyEntry {
        caller: "team-b".to_owned(),
        digest: KeyDigest::of("sk-team-b"),
        access_key: None,
        chat: ChatOverrides::default(),
        grant: outcrop::allowances::KeyGrant::default(),
    });
}

/// One of the simulator's buckets.
const JOB_BUCKET: &str = "outcrop-example";

#[tokio::test]
async fn jobs_write_only_below_their_callers_folder() {
    let harness = harness(with_jobs).await;
    let own_folder = format!("s3://{JOB_BUCKET}/outcrop/jobs/team-a");
    for uri in [
        "s3://theirs/outcrop/jobs/team-a".to_owned(),
        format!("s3://{JOB_BUCKET}"),
        format!("s3://{JOB_BUCKET}/outcrop/a"),
        format!("s3://{JOB_BUCKET}/outcrop/jobs/team-b"),
        format!("{own_folder}/../team-b"),
        format!("{own_folder}-b"),
    ] {
        let reply = send(&harness, "/async-invoke", &[], &job(&uri)).await;
        denied(&reply);
        assert!(
            reply.text.contains(&format!("{own_folder}/")),
            "{}",
            reply.text
        );
    }
    assert_eq!(harness.simulator.requests().len(), 0);
    let reply = send(
        &harness,
        "/async-invoke",
        &[],
        &job(&format!("{own_folder}/reels")),
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let sent_upstream = harness.simulator.requests().pop().unwrap();
    assert_eq!(sent_upstream.path, "/async-invoke");
    assert_eq!(sent_upstream.json()["modelInput"]["taskType"], "TEXT_VIDEO");
}

#[tokio::test]
async fn a_caller_sees_its_own_jobs_and_not_the_operators_account() {
    let harness = harness(with_jobs).await;
    let get = async |key: &str, path: &str| {
        let mut request = harness.request(Method::GET, path, "");
        let bearer = format!("Bearer {key}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        harness.send(request).await
    };
    let missing_output = get(
        "sk-team-a",
        "/async-invoke/arn:aws:bedrock:us-east-1:1:async-invoke/abc",
    );
    assert_eq!(error_type(&missing_output.await), "ValidationException");

    let own_folder = format!("s3://{JOB_BUCKET}/outcrop/jobs/team-a");
    let started = send(&harness, "/async-invoke", &[], &job(&own_folder)).await;
    let arn = started.json()["invocationArn"].as_str().unwrap().to_owned();
    assert!(
        arn.starts_with("arn:aws:bedrock:us-east-1:000000000000:async-invoke/"),
        "{arn}"
    );
    let encoded = arn.replace(':', "%3A").replace('/', "%2F");
    for path in [
        format!("/async-invoke/{arn}"),
        format!("/async-invoke/{encoded}"),
    ] {
        let found_response = get("sk-team-a", &path).await;
        assert_eq!(found_response.status, 200, "{}", found_response.text);
        assert_eq!(found_response.json()["invocationArn"], arn);
        let uri = &found_response.json()["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"];
        assert!(uri.as_str().unwrap().starts_with(&own_folder), "{uri}");
        let other_caller = get("sk-team-b", &path).await;
        assert_eq!(error_type(&other_caller), "ValidationException");
        assert!(
            !other_caller.text.contains("s3://"),
            "{}",
            other_caller.text
        );
    }
    let list = get("sk-team-a", "/async-invoke?maxResults=5").await;
    assert_eq!(list.json()["asyncInvokeSummaries"][0]["invocationArn"], arn);
    assert!(!list.text.contains("123456789012"), "{}", list.text);
    let other_caller = get("sk-team-b", "/async-invoke").await;
    assert_eq!(other_caller.json()["asyncInvokeSummaries"], json!([]));
}

/// The trace contains the operator's guardrail's findings, but not its id.
#[tokio::test]
async fn traces_do_not_reveal_the_operators_guardrail() {
    let harness = harness(|config| config.chat.common.guardrail = guarded().guardrail).await;
    let mut request = converse_request(BLOCKED);
    request["guardrailConfig"] = json!({"trace": "enabled"});
    let reply = converse(&harness, &request).await;
    let trace = reply.json()["trace"]["guardrail"].to_string();
    assert!(trace.contains("avalanche"), "{}", reply.text);
    assert!(!reply.text.contains("demoguardrail"), "{}", reply.text);

    let stream = path(MODEL, "converse-stream");
    let mut stream_request = harness.request(Method::POST, &stream, request.to_string());
    let bearer = "Bearer sk-team-a".parse().unwrap();
    stream_request.headers_mut().insert(AUTHORIZATION, bearer);
    let (status, _, bytes) = harness.bytes(stream_request).await.unwrap();
    assert_eq!(status, 200);
    let stream_text = String::from_utf8_lossy(&bytes);
    assert!(stream_text.contains("avalanche"), "{stream_text}");
    assert!(!stream_text.contains("demoguardrail"), "{stream_text}");
    let mut decoder = EventDecoder::new();
    let mut events = Vec::new();
    decoder.push(&bytes, &mut events).unwrap();
    assert!(
        events.len() > 1,
        "every frame has a valid checksum: {events:?}"
    );
}
