//! Path variants of clients, the page at the root, and hints for wrong paths.

use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Method};
use outcrop::server::pages::home::ENDPOINTS;
use serde_json::{Value, json};

use crate::bedrock_api::signatures::team_a;
use crate::harness::{Harness, MODEL, Reply, non_streaming};

const NOVA: &str = "amazon.nova-lite-v1:0";

#[tokio::test]
async fn a_trailing_slash_is_ignored() {
    let harness = Harness::start().await;
    for path in ["/v1/chat/completions/", "/api/v1/chat/completions//"] {
        let reply = harness.post(path, &non_streaming("hi")).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    }
    for path in ["/v1/models/", "/v1/", "/healthz/"] {
        assert_eq!(harness.get(path).await.status, 200, "{path}");
    }
    let unknown = harness.get("/v1/nothing/").await;
    assert_eq!(unknown.status, 404);
    let message = unknown.error()["message"].clone();
    assert!(message.as_str().unwrap().contains("`GET /v1/nothing/`"));
}

#[tokio::test]
async fn azure_deployment_paths_override_the_model_in_the_body() {
    let harness = Harness::start().await;
    let deployment = format!("/openai/deployments/{NOVA}");
    let version = "?api-version=2024-10-21";
    let mut unnamed = non_streaming("hi");
    unnamed.as_object_mut().unwrap().remove("model");
    for body in [non_streaming("hi"), unnamed] {
        let path = format!("{deployment}/chat/completions{version}");
        let reply = harness.post(&path, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.json()["model"], NOVA);
    }
    assert!(
        harness
            .simulator
            .requests()
            .iter()
            .all(|request| request.model.as_deref() == Some(NOVA))
    );
    let body = json!({"prompt": "hi", "max_tokens": 5});
    let path = format!("{deployment}/completions{version}");
    assert_eq!(harness.post(&path, &body).await.status, 200);
    let titan = "/openai/deployments/amazon.titan-embed-text-v2:0/embeddings";
    let embedded = harness.post(titan, &json!({"input": "hi"})).await;
    assert_eq!(embedded.status, 200, "{}", embedded.text);
    let image = "/openai/deployments/stability.stable-image-core-v1:1/images/generations";
    let image = harness
        .post(image, &json!({"prompt": "a lake", "model": "dall-e-3"}))
        .await;
    assert_eq!(image.status, 200, "{}", image.text);

    let v1 = harness
        .post("/openai/v1/chat/completions", &non_streaming("hi"))
        .await;
    assert_eq!(v1.json()["model"], MODEL);
    let models = harness.get(&format!("/openai/models{version}")).await;
    assert_eq!(models.json()["object"], "list");
}

#[tokio::test]
async fn a_client_cannot_set_the_deployment_header() {
    let harness = Harness::start().await;
    let forged = [("x-outcrop-deployment", NOVA)];
    let reply = harness.chat_with(&forged, &non_streaming("hi")).await;
    assert_eq!(reply.json()["model"], MODEL);
}

#[tokio::test]
async fn the_model_in_the_path_applies_to_forms_too() {
    const MODEL: &str = "stability.stable-image-core-v1:1";
    let harness = Harness::start().await;
    let field = |name: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let form = [
        field("model", "dall-e-2"),
        field("prompt", "a lake"),
        "--b--\r\n".to_owned(),
    ];
    let path = format!("/openai/deployments/{MODEL}/images/generations?api-version=1");
    let mut request = harness.request(Method::POST, &path, form.concat());
    let content_type = HeaderValue::from_static("multipart/form-data; boundary=b");
    request.headers_mut().insert(CONTENT_TYPE, content_type);
    let reply = harness.send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let requests = harness.simulator.requests();
    assert_eq!(requests[0].model.as_deref(), Some(MODEL));
}

#[tokio::test]
async fn a_wrong_path_is_answered_with_the_base_url_to_set() {
    let harness = Harness::start().await;
    let origin = format!("http://{}", harness.address);
    for (method, path, status, base_url) in [
        (Method::POST, "/v1/v1/chat/completions", 404, origin.clone()),
        (Method::GET, "/v1/v1/models", 404, origin.clone()),
        (Method::POST, "/api/chat", 404, format!("{origin}/v1")),
        (Method::POST, "/api/generate", 404, format!("{origin}/v1")),
        (Method::GET, "/api/tags", 404, format!("{origin}/v1")),
        (
            Method::POST,
            "/v1/openai/deployments/a/chat/completions",
            404,
            origin.clone(),
        ),
        (
            Method::POST,
            "/models/chat/completions",
            404,
            format!("{origin}/v1"),
        ),
        (
            Method::POST,
            "/chat/completions",
            404,
            format!("{origin}/v1"),
        ),
        (Method::GET, "/models/", 404, format!("{origin}/v1")),
        (Method::GET, "/files/file-1", 404, format!("{origin}/v1")),
    ] {
        let reply = harness.send(harness.request(method, path, "{}")).await;
        assert_eq!(reply.status, status, "{path}");
        let message = reply.error()["message"].as_str().unwrap().to_owned();
        let base_url_text = format!("`{base_url}`");
        assert!(message.ends_with(&base_url_text), "{path}: {message}");
    }
}

async fn home(harness: &Harness, path: &str, accept: &str) -> Reply {
    let mut request = harness.request(Method::GET, path, "");
    let accept = HeaderValue::from_str(accept).unwrap();
    request.headers_mut().insert(ACCEPT, accept);
    harness.send(request).await
}

#[tokio::test]
async fn the_root_is_json_for_clients_and_html_for_browsers() {
    let harness = Harness::start().await;
    for path in ["/", "/v1", "/v1/"] {
        for accept in ["*/*", "application/json"] {
            let reply = home(&harness, path, accept).await;
            assert_eq!(reply.header("content-type"), Some("application/json"));
            let json = reply.json();
            assert_eq!(json["name"], "outcrop");
            assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
            assert_eq!(json["base_url"], format!("http://{}/v1", harness.address));
            assert_eq!(json["docs"][0], "README.md");
            let endpoints: &Vec<Value> = json["endpoints"].as_array().unwrap();
            assert_eq!(endpoints.len(), ENDPOINTS.len());
        }
    }
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = home(&harness, "/", accept).await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.text
            .contains(&format!("http://{}/v1", harness.address))
    );
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    // The page loads no resources, not even from the gateway.
    for loads in [
        "<script", "<img", "<link", "<iframe", "src=", "url(", "@import",
    ] {
        assert!(!page.text.contains(loads), "{loads}");
    }
}

#[tokio::test]
async fn an_invalid_host_header_does_not_reach_the_page() {
    // A gateway without keys rejects this host before it serves the page.
    let harness = Harness::with(|config| config.keys.push(team_a())).await;
    let mut request = harness.request(Method::GET, "/", "");
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
    headers.insert("host", HeaderValue::from_static("a\"><b>"));
    let page = harness.send(request).await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<b>"), "{}", page.text);
}

#[tokio::test]
async fn every_endpoint_listed_at_the_root_is_served() {
    let harness = Harness::start().await;
    for (method, path, _) in ENDPOINTS {
        let method: Method = method.parse().unwrap();
        let reply = harness.send(harness.request(method, path, "{}")).await;
        let code = reply.json()["error"]["code"].clone();
        assert!(
            code != "unknown_url" && code != "method_not_allowed",
            "{path}"
        );
    }
}
