//! Requests of web pages: the rules for a gateway without keys, and CORS headers.

use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use outcrop::config::{AllowedOrigin, Config, KeyDigest, KeyEntry};

use crate::harness::{Harness, MODEL, Reply, non_streaming, streamed};

const CHAT: &str = "/v1/chat/completions";
const PAGE: &str = "http://localhost:3000";
const FOREIGN: &str = "https://evil.example";
const KEY: &str = "sk-of-the-team";

fn with_keys(config: &mut Config) {
    config.keys = vec![KeyEntry {
        caller: "team".to_owned(),
        digest: KeyDigest::of(KEY),
        access_key: None,
        chat: Default::default(),
        grant: outcrop::allowances::KeyGrant::default(),
    }];
}

/// Sends a request with these headers; the body of a POST is a chat request.
async fn send(harness: &Harness, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    let body = match method {
        Method::POST => non_streaming("hi").to_string(),
        _ => String::new(),
    };
    let mut request = harness.request(method, path, body);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(name, value);
    }
    harness.send(request).await
}

async fn preflight(harness: &Harness, origin: &str) -> HeaderMap {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,x-stainless-os",
        ),
    ];
    send(harness, Method::OPTIONS, CHAT, &headers).await.headers
}

fn allowed_origin(headers: &HeaderMap) -> Option<&str> {
    let origin = headers.get("access-control-allow-origin")?;
    Some(origin.to_str().unwrap())
}

/// DNS rebinding: the page's host name resolves to loopback, so that the browser treats the gateway
/// as same-origin.
#[tokio::test]
async fn without_keys_a_host_other_than_loopback_is_rejected_on_every_route() {
    let harness = Harness::start().await;
    for host in [
        "evil.example",
        "localhost.evil.example:8080",
        "0.0.0.0",
        "a@b",
    ] {
        for (method, path) in [
            (Method::POST, CHAT),
            (Method::GET, "/v1/models"),
            (Method::GET, "/v1/nothing"),
            (Method::GET, "/"),
        ] {
            let reply = send(&harness, method, path, &[("host", host)]).await;
            assert_eq!(reply.status, 403, "{host} {path}: {}", reply.text);
            assert_eq!(reply.error()["code"], "host_not_allowed");
            let message = reply.error()["message"].to_string();
            assert!(message.contains("OUTCROP_API_KEYS"), "{message}");
            assert!(reply.header("x-request-id").is_some());
        }
    }
    assert_eq!(harness.simulator.received(), 0);
    let path = format!("/model/{MODEL}/converse");
    let aws = send(&harness, Method::POST, &path, &[("host", "evil.example")]).await;
    assert_eq!(aws.status, 403);
    assert_eq!(
        aws.header("x-amzn-errortype"),
        Some("AccessDeniedException")
    );
    assert!(aws.json()["message"].is_string(), "{}", aws.text);
    for host in [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1:9",
        "127.1.2.3",
        "[::1]:8080",
    ] {
        let reply = send(&harness, Method::POST, CHAT, &[("host", host)]).await;
        assert_eq!(reply.status, 200, "{host}: {}", reply.text);
    }
    let health = send(
        &harness,
        Method::GET,
        "/healthz",
        &[("host", "probe.example")],
    )
    .await;
    assert_eq!(health.status, 200);
}

#[tokio::test]
async fn without_keys_only_pages_from_this_machine_are_served() {
    let harness = Harness::start().await;
    for headers in [
        &[("origin", FOREIGN)][..],
        &[("origin", "null")],
        &[("origin", PAGE), ("origin", FOREIGN)],
        &[("origin", "http://localhost.evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", FOREIGN), ("sec-fetch-site", "same-origin")],
    ] {
        for (method, path) in [(Method::POST, CHAT), (Method::GET, "/v1/models")] {
            let mut headers = headers.to_vec();
            headers.push(("content-type", "application/json"));
            let reply = send(&harness, method, path, &headers).await;
            assert_eq!(reply.status, 403, "{headers:?}: {}", reply.text);
            assert_eq!(reply.error()["code"], "origin_not_allowed");
            assert_eq!(allowed_origin(&reply.headers), None);
        }
    }
    assert_eq!(harness.simulator.received(), 0);
    for headers in [
        &[("origin", PAGE)][..],
        &[
            ("origin", "http://127.0.0.1"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[],
    ] {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        let reply = send(&harness, Method::POST, CHAT, &headers).await;
        assert_eq!(reply.status, 200, "{headers:?}: {}", reply.text);
    }
}

/// A page can send text and forms to any address without a preflight request.
#[tokio::test]
async fn a_body_an_html_form_could_send_is_not_accepted_as_json() {
    let harness = Harness::start().await;
    let page = ("origin", PAGE);
    let bedrock_path = format!("/model/{MODEL}/converse");
    for path in [
        CHAT,
        "/v1/embeddings",
        "/v1/images/generations",
        "/v2/rerank",
    ] {
        for headers in [
            &[("content-type", "text/plain")][..],
            &[("content-type", "text/plain; a=json")],
            &[page, ("content-type", "text/plain;charset=UTF-8")],
            &[page, ("content-type", "application/x-www-form-urlencoded")],
            &[page],
        ] {
            let reply = send(&harness, Method::POST, path, headers).await;
            assert_eq!(reply.status, 415, "{path} {headers:?}: {}", reply.text);
            assert_eq!(reply.error()["code"], "unsupported_media_type");
        }
    }
    let reply = send(&harness, Method::POST, &bedrock_path, &[page]).await;
    assert_eq!(
        reply.header("x-amzn-errortype"),
        Some("ValidationException")
    );
    assert_eq!(harness.simulator.received(), 0);
    for headers in [
        &[][..],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/json; charset=utf-8")],
        &[page, ("content-type", "application/json")],
    ] {
        let reply = send(&harness, Method::POST, CHAT, headers).await;
        assert_eq!(reply.status, 200, "{headers:?}: {}", reply.text);
    }
}

#[tokio::test]
async fn preflight_requests_are_answered_without_a_key() {
    let listed = "https://chat.example.com";
    let harness = Harness::with(|config| {
        with_keys(config);
        config
            .server
            .cors_origins
            .push(AllowedOrigin::Exact(listed.to_owned()));
    })
    .await;
    for origin in [listed, PAGE] {
        let preflight_response = preflight(&harness, origin).await;
        assert_eq!(allowed_origin(&preflight_response), Some(origin));
        let text = |name: &str| preflight_response[name].to_str().unwrap().to_lowercase();
        assert!(text("access-control-allow-methods").contains("post"));
        for name in ["authorization", "content-type", "x-stainless-os"] {
            assert!(text("access-control-allow-headers").contains(name));
        }
        assert!(text("vary").contains("origin"));
        assert!(!preflight_response.contains_key("access-control-allow-credentials"));
    }
    assert_eq!(allowed_origin(&preflight(&harness, FOREIGN).await), None);

    // A listed page can read error responses, too.
    let (page, json) = (("origin", listed), ("content-type", "application/json"));
    let refused = send(&harness, Method::POST, CHAT, &[page, json]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(allowed_origin(&refused.headers), Some(listed));
    let key = format!("Bearer {KEY}");
    let headers = [page, json, ("authorization", &key)];
    let served = send(&harness, Method::POST, CHAT, &headers).await;
    assert_eq!(served.status, 200);
    assert_eq!(allowed_origin(&served.headers), Some(listed));

    // With keys, the key decides who is served; a page that is not listed cannot read the response.
    let headers = [("origin", FOREIGN), json, ("authorization", &key)];
    let unread = send(&harness, Method::POST, CHAT, &headers).await;
    assert_eq!(unread.status, 200);
    assert_eq!(allowed_origin(&unread.headers), None);
    let host = [("host", "gateway.example.com"), ("authorization", &key)];
    assert_eq!(
        send(&harness, Method::GET, "/v1/models", &host)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn without_keys_only_local_pages_pass_preflight() {
    let harness = Harness::start().await;
    assert_eq!(allowed_origin(&preflight(&harness, PAGE).await), Some(PAGE));
    assert_eq!(allowed_origin(&preflight(&harness, FOREIGN).await), None);
}

/// A page can read only the headers that the response exposes. This fails if a new header is not
/// exposed.
#[tokio::test]
async fn every_response_header_is_exposed_to_pages() {
    let always = [
        "cache-control",
        "content-length",
        "content-type",
        "connection",
        "date",
        "vary",
        "x-accel-buffering",
        "transfer-encoding",
        "access-control-allow-origin",
        "access-control-expose-headers",
    ];
    let mut rate = outcrop::config::LimitSettings::calls(10).at_rate(0.01);
    rate.burst = 5;
    let harness = Harness::with(|config| config.limits.key = rate).await;
    let mut with_seed = non_streaming("hi");
    with_seed["seed"] = 7.into();
    let bedrock_path =
        serde_json::json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let claude = serde_json::json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}]});
    for (path, body) in [
        (CHAT.to_owned(), with_seed),
        (CHAT.to_owned(), streamed("hi")),
        (CHAT.to_owned(), serde_json::json!({})),
        (format!("/model/{MODEL}/converse"), bedrock_path),
        (format!("/model/{MODEL}/invoke"), claude.clone()),
        (format!("/model/{MODEL}/invoke"), serde_json::json!({})),
        (CHAT.to_owned(), non_streaming("once too often")),
    ] {
        let mut request = harness.request(Method::POST, &path, body.to_string());
        let headers = request.headers_mut();
        headers.insert(ORIGIN, HeaderValue::from_static(PAGE));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let reply = harness.send(request).await;
        let exposed = reply.header("access-control-expose-headers").unwrap();
        let exposed: Vec<&str> = exposed.split(',').map(str::trim).collect();
        for name in reply.headers.keys() {
            let name = name.as_str();
            assert!(
                always.contains(&name) || exposed.contains(&name),
                "{path} {}: a page cannot read `{name}`",
                reply.status
            );
        }
    }
}
