//! Single fields of the record.

use bedrock_simulator::{Script, ScriptedResponse};
use http::Method;
use outcrop::models::Routing;
use serde_json::{Value, json};

use crate::harness::{Harness, MODEL, non_streaming, streamed};

/// A response of Converse that ends for `stop_reason`.
fn stopped(stop_reason: &str) -> Script {
    let body = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    });
    Script::new(ScriptedResponse::Converse {
        body,
        headers: Default::default(),
    })
}

/// The path and body of a request for each way to Converse.
fn conversations() -> [(String, Value); 6] {
    let chat = "/v1/chat/completions".to_owned();
    let completions = "/v1/completions".to_owned();
    let prompt = |stream: bool| json!({"model": MODEL, "stream": stream, "prompt": "hi"});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    [
        (chat.clone(), non_streaming("hi")),
        (chat, streamed("hi")),
        (completions.clone(), prompt(false)),
        (completions, prompt(true)),
        (format!("/model/{MODEL}/converse"), converse.clone()),
        (format!("/model/{MODEL}/converse-stream"), converse),
    ]
}

#[tokio::test]
async fn the_record_has_the_called_model_its_routing_and_the_region() {
    let harness = Harness::start().await;
    let claude = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let profile =
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap1234claude";
    for (model, called, foundation, account, routing) in [
        (
            "amazon.nova-lite-v1:0",
            "amazon.nova-lite-v1:0",
            "amazon.nova-lite-v1:0",
            None,
            Some(Routing::InRegion),
        ),
        // It is served by its inference profile only.
        (
            claude,
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            claude,
            None,
            Some(Routing::Geo),
        ),
        (
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            claude,
            None,
            Some(Routing::Global),
        ),
        (profile, profile, claude, Some("123456789012"), None),
    ] {
        let mut request = non_streaming("hi");
        request["model"] = json!(model);
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let record = harness.records.take(1).await.remove(0);
        assert_eq!(record.model.as_deref(), Some(model));
        assert_eq!(record.region.as_deref(), Some("us-east-1"));
        let target = record.target.unwrap();
        assert_eq!(target.id(), called);
        assert_eq!(target.foundation_id(), Some(foundation), "{model}");
        assert_eq!(target.account(), account, "{model}");
        assert_eq!(target.routing(), routing, "{model}");
    }
}

#[tokio::test]
async fn a_gateway_without_keys_has_a_caller_without_an_identity() {
    let harness = Harness::start().await;
    harness.chat(&non_streaming("hi")).await;
    let record = harness.records.take(1).await.remove(0);
    assert_eq!(
        record.caller.as_ref().map(|caller| &*caller.id),
        Some("local")
    );
    assert_eq!(record.identity, None);
}

#[tokio::test]
async fn the_route_is_the_one_that_the_path_matches() {
    let harness = Harness::start().await;
    let chat = "/v1/chat/completions";
    for (method, path, route) in [
        (Method::POST, "/v1/chat/completions/", chat),
        (
            Method::POST,
            "/api/v1/chat/completions",
            "/api/v1/chat/completions",
        ),
        (
            Method::POST,
            "/openai/deployments/amazon.nova-lite-v1:0/chat/completions?api-version=1",
            chat,
        ),
        (Method::GET, "/v1/models/a-name", "/v1/models/{*id}"),
        (Method::GET, "/v1/files/file-0123", "/v1/files/{id}"),
        (
            Method::GET,
            "/v1/files/file-0123/content",
            "/v1/files/{id}/content",
        ),
        (Method::POST, "/model/a%2Fb/converse", "/model/{*rest}"),
        (Method::GET, "/", "/"),
        // A known route without that method, and none at all.
        (Method::DELETE, chat, chat),
        (Method::GET, "/v1/secrets/0123", "unknown"),
    ] {
        let request = harness.request(method, path, "");
        harness.send(request).await;
        let record = harness.records.take(1).await.remove(0);
        assert_eq!(record.route, route, "{path}");
        let (client_path, _) = path.split_once('?').unwrap_or((path, ""));
        assert_eq!(record.head.path, client_path);
    }
}

#[tokio::test]
async fn a_probe_has_no_record() {
    let harness = Harness::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(harness.get(path).await.status, 200);
    }
    assert!(harness.records.take(0).await.is_empty());
}

#[tokio::test]
async fn the_finish_reason_is_converses() {
    let harness = Harness::start().await;
    for (path, request) in &conversations() {
        for (stop_reason, guardrail_intervened) in [
            ("end_turn", false),
            ("max_tokens", false),
            ("stop_sequence", false),
            ("content_filtered", false),
            ("refusal", false),
            ("guardrail_intervened", true),
        ] {
            harness.simulator.push(stopped(stop_reason));
            let body = request.to_string();
            // The stream of Bedrock's own API is not text.
            let request = harness.request(Method::POST, path, body);
            harness.bytes(request).await.unwrap();
            let record = harness.records.take(1).await.remove(0);
            assert_eq!(record.finish_reason, Some(stop_reason), "{path}");
            assert_eq!(record.guardrail_intervened, guardrail_intervened, "{path}");
        }
    }
}

#[tokio::test]
async fn an_unknown_finish_reason_is_recorded_as_the_client_received_it() {
    let harness = Harness::start().await;
    for (path, request) in &conversations() {
        harness.simulator.push(stopped("of_tomorrow"));
        let body = request.to_string();
        let request = harness.request(Method::POST, path, body);
        harness.bytes(request).await.unwrap();
        let record = harness.records.take(1).await.remove(0);
        let expected = match path.starts_with("/model/") {
            true => "other",
            false => "end_turn",
        };
        assert_eq!(record.finish_reason, Some(expected), "{path}");
    }
}

#[tokio::test]
async fn the_finish_reason_is_that_of_the_last_choice() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    request["n"] = json!(2);
    harness.simulator.push(stopped("max_tokens"));
    harness.simulator.push(stopped("guardrail_intervened"));
    let reply = harness.chat(&request).await.json();
    let record = harness.records.take(1).await.remove(0);
    // The calls are concurrent: either of them can get the first response.
    let expected = match reply["choices"][1]["finish_reason"].as_str() {
        Some("length") => "max_tokens",
        _ => "guardrail_intervened",
    };
    assert_eq!(record.finish_reason, Some(expected));
    assert!(record.guardrail_intervened);
}
