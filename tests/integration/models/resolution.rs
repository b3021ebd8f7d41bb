//! Resolution of model names, and errors for unknown names.

use bedrock_simulator::{Operation, Script};
use outcrop::config::{CatalogList, Config};
use outcrop::models::ModelId;
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, non_streaming, streamed};

/// A model that is served only through the profiles `us.` and `global.`; [`MODEL`] is the first.
const BARE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOTE: &str = "model: called as `us.anthropic.claude-sonnet-4-5-20250929-v1:0`";

fn listing(config: &mut Config) {
    config.catalog.list = CatalogList::All;
}

/// A gateway that has listed Bedrock's models.
async fn listed(change: impl FnOnce(&mut Config)) -> Harness {
    let harness = Harness::with(|config| {
        listing(config);
        change(config);
    })
    .await;
    // The list waits for the first responses of the control plane.
    assert_eq!(harness.get("/v1/models").await.status, 200);
    harness
}

fn of(mut request: Value, model: &str) -> Value {
    request["model"] = model.into();
    request
}

/// The model ids of the calls to Bedrock.
fn called(harness: &Harness) -> Vec<String> {
    let requests = harness.simulator.requests().into_iter();
    requests.filter_map(|request| request.model).collect()
}

#[tokio::test]
async fn a_bare_id_is_called_through_its_profile_with_a_note() {
    let harness = listed(|_| {}).await;
    for request in [non_streaming("hi"), streamed("hi")] {
        let reply = harness.chat(&of(request, BARE)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.adjustments(), NOTE);
    }
    assert_eq!(
        called(&harness),
        [MODEL, MODEL],
        "the regional profile comes before `global.`"
    );
    let count_request = harness
        .post(
            "/v1/chat/completions/input_tokens",
            &of(non_streaming("hi"), BARE),
        )
        .await;
    assert_eq!(count_request.status, 200, "{}", count_request.text);
    let explained = harness
        .post("/v1/explain", &of(non_streaming("hi"), BARE))
        .await
        .json();
    assert_eq!(explained["target"]["model_id"], MODEL);
    let strict = harness
        .chat_with(
            &[("x-outcrop-strict", "true")],
            &of(non_streaming("hi"), BARE),
        )
        .await;
    assert_eq!(strict.status, 400);
    assert_eq!(strict.error()["param"], "model");
}

#[tokio::test]
async fn other_endpoints_resolve_names_like_chat() {
    let harness = listed(|_| {}).await;
    for (path, model, request) in [
        (
            "/v1/embeddings",
            "amazon.titan-embed-text-v2:0",
            json!({"input": "hi"}),
        ),
        (
            "/v1/rerank",
            "cohere.rerank-v3-5:0",
            json!({"query": "a", "documents": ["b"]}),
        ),
        (
            "/v1/completions",
            "amazon.nova-lite-v1:0",
            json!({"prompt": "a"}),
        ),
    ] {
        harness.simulator.clear();
        let reply = harness
            .post(path, &of(request, &format!("bedrock/{model}")))
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let note = format!("model: called as `{model}`");
        assert_eq!(reply.adjustments(), note, "{path}");
        assert_eq!(called(&harness), [model], "{path}");
    }
}

#[tokio::test]
async fn model_names_written_for_other_tools_are_resolved() {
    let harness = listed(|config| {
        let model = ModelId::parse("amazon.nova-micro-v1:0").unwrap();
        config.models.insert("fast".to_owned(), model.into());
    })
    .await;
    for (name, called_as) in [
        ("bedrock/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        (
            "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            MODEL,
        ),
        ("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", MODEL),
        (
            "bedrock/us-east-1/amazon.nova-lite-v1:0",
            "amazon.nova-lite-v1:0",
        ),
        ("bedrock/fast", "amazon.nova-micro-v1:0"),
    ] {
        harness.simulator.clear();
        let reply = harness.chat(&of(non_streaming("hi"), name)).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text);
        assert_eq!(called(&harness), [called_as], "{name}");
        assert_eq!(
            reply.adjustments(),
            format!("model: called as `{called_as}`")
        );
        assert_eq!(
            reply.json()["model"],
            name,
            "the response has the client's name"
        );
    }
    for name in ["amazon.nova-lite-v1:0", "fast"] {
        let reply = harness.chat(&of(non_streaming("hi"), name)).await;
        assert_eq!(reply.header("x-outcrop-adjustments"), None, "{name}");
    }
}

#[tokio::test]
async fn without_a_listing_the_profile_is_learned_from_the_rejection() {
    let harness = Harness::start().await;
    for request in [non_streaming("hi"), streamed("hi"), non_streaming("hi")] {
        let reply = harness.chat(&of(request, BARE)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.adjustments(), NOTE);
    }
    assert_eq!(called(&harness), [BARE, MODEL, MODEL, MODEL]);
}

#[tokio::test]
async fn every_endpoint_that_names_a_model_learns_the_profile() {
    let refusal = "Invocation of model ID m with on-demand throughput isn’t supported.";
    let refused = || Script::error(400, "ValidationException", refusal);
    let harness = Harness::with(crate::videos::with_videos).await;
    for (path, model, request) in [
        (
            "/v1/embeddings",
            "amazon.titan-embed-text-v2:0",
            json!({"input": ["one", "two"]}),
        ),
        (
            "/v1/rerank",
            "cohere.rerank-v3-5:0",
            json!({"query": "a", "documents": ["b"]}),
        ),
        (
            "/v1/images/generations",
            "amazon.nova-canvas-v1:0",
            json!({"prompt": "a"}),
        ),
        (
            "/v1/completions",
            "amazon.nova-lite-v1:0",
            json!({"prompt": "a"}),
        ),
        (
            "/v1/videos",
            "amazon.nova-reel-v1:1",
            json!({"prompt": "a"}),
        ),
    ] {
        harness.simulator.clear();
        let calls = request["input"].as_array().map_or(1, Vec::len);
        let refused = refused().times(calls as u32);
        harness.simulator.push(match path {
            "/v1/videos" => refused.for_operation(Operation::StartAsyncInvoke),
            _ => refused,
        });
        let request = of(request, model);
        let profile = format!("us.{model}");
        for _ in 0..2 {
            let reply = harness.post(path, &request).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
            let note = format!("model: called as `{profile}`");
            assert!(reply.adjustments().contains(&note), "{path}");
        }
        if path == "/v1/videos" {
            // Jobs have their model in the body.
            assert_eq!(harness.simulator.received(), 3);
            continue;
        }
        let mut expected = vec![model; calls];
        expected.extend(vec![profile.as_str(); 2 * calls]);
        assert_eq!(called(&harness), expected, "{path}");
    }
}

#[tokio::test]
async fn strict_image_requests_are_not_sent_to_a_profile() {
    let harness = Harness::start().await;
    let refusal = "Invocation of model ID m with on-demand throughput isn’t supported.";
    harness
        .simulator
        .push(Script::error(400, "ValidationException", refusal));
    let model = "amazon.nova-canvas-v1:0";
    let request = json!({"model": model, "prompt": "a"});
    let mut sent = harness.request(
        http::Method::POST,
        "/v1/images/generations",
        request.to_string(),
    );
    let strict = http::HeaderValue::from_static("true");
    sent.headers_mut().insert("x-outcrop-strict", strict);
    let reply = harness.send(sent).await;
    assert_eq!(reply.status, 404, "{}", reply.text);
    assert!(reply.text.contains("inference profile"), "{}", reply.text);
    assert_eq!(called(&harness), [model]);
}

#[tokio::test]
async fn an_alias_for_a_bare_id_is_called_through_the_profile() {
    let harness = Harness::with(|config| {
        let model = ModelId::parse(BARE).unwrap();
        config.models.insert("sonnet".to_owned(), model.into());
    })
    .await;
    for _ in 0..2 {
        let reply = harness.chat(&of(non_streaming("hi"), "sonnet")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(
            reply.header("x-outcrop-adjustments"),
            None,
            "the client sent an alias"
        );
    }
    assert_eq!(called(&harness), [BARE, MODEL, MODEL]);
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_not_learned() {
    let harness = Harness::start().await;
    let refusal = "Invocation of model ID m with on-demand throughput isn’t supported.";
    for _ in 0..2 {
        harness
            .simulator
            .push(Script::error(400, "ValidationException", refusal));
        let unknown = "The provided model identifier is invalid.";
        harness
            .simulator
            .push(Script::error(400, "ValidationException", unknown));
        let reply = harness
            .chat(&of(non_streaming("hi"), "amazon.nova-lite-v1:0"))
            .await;
        assert_eq!(reply.status, 404, "{}", reply.text);
        assert_eq!(reply.error()["code"], "model_not_found");
    }
    let calls = ["amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0"];
    assert_eq!(called(&harness), [calls, calls].concat());
}

#[tokio::test]
async fn the_bedrock_api_calls_an_id_unchanged() {
    let harness = listed(|_| {}).await;
    let request = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let reply = harness
        .post(&format!("/model/{BARE}/converse"), &request)
        .await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert!(
        reply.text.contains("on-demand throughput"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn an_unknown_model_error_suggests_close_names_and_a_configuration_line() {
    let harness = listed(|config| {
        let model = ModelId::parse(MODEL).unwrap();
        config.models.insert("gpt-4o".to_owned(), model.into());
    })
    .await;
    for request in [non_streaming("hi"), streamed("hi")] {
        let reply = harness.chat(&of(request, "gpt-5")).await;
        assert_eq!(reply.status, 404);
        let error = reply.error();
        assert_eq!(error["code"], "model_not_found");
        assert_eq!(error["param"], "model");
        let message = error["message"].as_str().unwrap();
        let start = "The model `gpt-5` does not exist or you do not have access to it. Similar \
                     models: `gpt-4o`, `";
        assert!(message.starts_with(start), "{message}");
        assert_eq!(
            message.matches("`, `").count(),
            2,
            "expected three suggestions: {message}"
        );
        assert!(
            message.contains("`[models]`: \"gpt-5\" = \"gpt-4o\"."),
            "{message}"
        );
    }
    // Messages truncate quoted names at a shorter length, but the suggestion must be complete.
    let name = "claude-sonnet-4.5-for-everybody-in-the-house";
    let error = harness.chat(&of(non_streaming("hi"), name)).await.error();
    let message = error["message"].as_str().unwrap();
    let line = format!("\"{name}\" = \"{MODEL}\".");
    assert!(message.ends_with(&line), "{message}");
    for path in [
        "/v1/models/claude-sonnet-4.5",
        "/v1/models/claude-sonnet-4.5;",
    ] {
        let error = harness.get(path).await.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("models: `{MODEL}`")), "{message}");
    }
    // A name that cannot be an id is rejected without a call, and quoted truncated.
    harness.simulator.clear();
    let long = format!("no;{}", "m".repeat(5000));
    for (path, request) in [
        ("/v1/chat/completions", of(non_streaming("hi"), &long)),
        ("/v1/embeddings", json!({"model": long, "input": "hi"})),
    ] {
        let reply = harness.post(path, &request).await;
        assert_eq!(reply.status, 404, "{}", reply.text);
        let message = reply.error()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("The model `no;mmm"), "{message}");
        assert!(message.len() < 600, "{}", message.len());
        assert!(!message.contains("[models]"), "{message}");
    }
    assert_eq!(harness.simulator.received(), 0);
}

#[tokio::test]
async fn without_a_listing_an_unknown_model_error_suggests_configured_names() {
    let harness = Harness::with(|config| {
        let model = ModelId::parse(MODEL).unwrap();
        config.models.insert("assistant".to_owned(), model.into());
    })
    .await;
    let reply = harness.chat(&of(non_streaming("hi"), "asistant")).await;
    let message = reply.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("models: `assistant`; GET /v1/models lists all"),
        "{message}"
    );
}
