//! Endpoints of OpenAI that Bedrock does not support.

use http::Method;
use outcrop::server::pages::absent::ABSENT;
use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn unsupported_endpoints_return_their_reason_and_are_not_retried() {
    let harness = Harness::start().await;
    for absent in ABSENT {
        let method: Method = absent.method.unwrap_or("POST").parse().unwrap();
        let path = absent.path.replace("{id}", "abc");
        for prefix in ["/v1", "/api/v1"] {
            let path = format!("{prefix}{path}");
            let reply = harness
                .send(harness.request(method.clone(), &path, "{}"))
                .await;
            // Some of the paths support other methods.
            let (status, code) = match absent.method {
                None => (404, "unknown_url"),
                Some(_) => (405, "method_not_allowed"),
            };
            assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
            let message = format!(
                "`{method} {path}` is not served: {}; {}",
                absent.why, absent.instead
            );
            let error = json!({
                "message": message,
                "type": "invalid_request_error",
                "param": null,
                "code": code,
            });
            assert_eq!(reply.error(), error);
            let retried = (status == 404).then_some("false");
            assert_eq!(reply.header("x-should-retry"), retried);
        }
    }
}

#[tokio::test]
async fn supported_endpoints_are_not_reported_as_unsupported() {
    let harness = Harness::start().await;
    for (method, path) in [
        (Method::POST, "/v1/chat/completions"),
        (Method::POST, "/v1/completions"),
        (Method::POST, "/v1/moderations"),
        (Method::GET, "/v1/models"),
    ] {
        let reply = harness.send(harness.request(method, path, "{}")).await;
        assert_ne!(reply.status, 404, "{path}");
        assert_ne!(reply.status, 405, "{path}");
    }
    let chat_response = harness.get("/v1/completions").await;
    assert_eq!(chat_response.error()["code"], "method_not_allowed");
    let unknown = harness.get("/v1/nothing").await;
    assert_eq!(unknown.error()["code"], "unknown_url");
    assert!(!unknown.text.contains("is not served"), "{}", unknown.text);
}
