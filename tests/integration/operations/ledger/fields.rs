//! Single fields of the record.

use http::Method;
use outcrop::models::Routing;
use serde_json::json;

use crate::harness::{Harness, non_streaming};

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
    assert_eq!(record.caller.as_deref(), Some("local"));
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
