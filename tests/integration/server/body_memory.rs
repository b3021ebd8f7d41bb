//! What `[server] max_body_memory` counts, and for how long.

use bedrock_simulator::{Fault, Options, Script};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use outcrop::config::{Config, FetchSettings};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::fetch::site::{Reply as SiteReply, Site};
use crate::harness::batches::{BUCKET, create, form, line, lines, post_form, upload, with_batches};
use crate::harness::{Harness, MODEL, non_streaming};

const NOVA: &str = "us.amazon.nova-lite-v1:0";
const FORM: &str = "multipart/form-data; boundary=b";

/// The length of ignored content in a request.
const PADDING: usize = 3 << 20;

fn served(config: &mut Config) {
    with_batches(config);
    config.videos.enabled = true;
    config.bedrock_api.enabled = true;
}

/// A call without a response.
fn unanswered() -> Script {
    Script::fault(Fault::SlowResponse { delay_ms: 600_000 })
}

/// The memory reserved for a request while Bedrock is called.
async fn held_upstream(harness: &Harness, request: Request<Full<Bytes>>, length: usize) -> usize {
    harness.simulator.clear();
    harness.simulator.push(unanswered());
    let received = harness.simulator.received();
    let path = request.uri().path().to_owned();
    let held = tokio::select! {
        reply = harness.send(request) => panic!("{path} got a response: {}", reply.text),
        () = harness.simulator.wait_for_received(received + 1) => harness.app.http.bodies.held(),
    };
    assert!(held > 0, "{path} reserves no memory");
    assert!(held < 4 * length, "{path} has {held} of {length} bytes");
    // The client has disconnected.
    while !harness.app.http.bodies.is_idle() {
        tokio::task::yield_now().await;
    }
    held
}

#[tokio::test]
async fn memory_of_unsent_data_is_released_before_bedrock_is_called() {
    let harness = Harness::with(served).await;
    let padding = "a".repeat(PADDING);
    for (path, body) in [
        (
            "/v1/embeddings",
            json!({"model": "amazon.titan-embed-text-v2:0", "input": "hi"}),
        ),
        (
            "/v1/rerank",
            json!({"model": "cohere.rerank-v3-5:0", "query": "a", "documents": ["b"]}),
        ),
        ("/v1/moderations", json!({"input": "hi"})),
        (
            "/v1/images/generations",
            json!({"model": "amazon.nova-canvas-v1:0", "prompt": "a cat"}),
        ),
        (
            "/v1/videos",
            json!({"model": "amazon.nova-reel-v1:1", "prompt": "a cat"}),
        ),
    ] {
        let mut body = body;
        body["of_nobody"] = json!(padding);
        let request = harness.request(Method::POST, path, body.to_string());
        let held = held_upstream(&harness, request, PADDING).await;
        assert!(held < PADDING, "{path} has {held} bytes");
    }
}

#[tokio::test]
async fn memory_of_sent_data_is_held_until_bedrock_responds() {
    let harness = Harness::with(served).await;
    let text = "word ".repeat(PADDING / 5);
    let converse = json!({"messages": [{"role": "user", "content": [{"text": text}]}]});
    for (path, body, factor) in [
        ("/v1/chat/completions".to_owned(), non_streaming(&text), 2),
        (
            "/v1/completions".to_owned(),
            json!({"model": MODEL, "prompt": text}),
            2,
        ),
        (
            "/v1/chat/completions/input_tokens".to_owned(),
            non_streaming(&text),
            2,
        ),
        (
            "/v1/rerank".to_owned(),
            json!({"model": "cohere.rerank-v3-5:0", "query": "a", "documents": [text]}),
            2,
        ),
        (format!("/model/{MODEL}/converse"), converse, 1),
    ] {
        let body = body.to_string();
        let length = body.len();
        let request = harness.request(Method::POST, &path, body);
        let held = held_upstream(&harness, request, length).await;
        // The JSON around the text differs slightly.
        let expected = factor * length - 1000..factor * length + 1000;
        assert!(expected.contains(&held), "{path} has {held} of {length}");
    }
}

/// Limits the memory for large bodies to 18 MiB.
fn narrow(config: &mut Config) {
    served(config);
    config.server.max_body_memory = 24 << 20;
}

/// A connection that declares a body of 4 MB, which reserves 16 MB, and does not send it.
async fn full(harness: &Harness) -> TcpStream {
    let mut connection = TcpStream::connect(harness.address).await.unwrap();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
                content-length: 4000000\r\n\r\n{";
    connection.write_all(head.as_bytes()).await.unwrap();
    while harness.app.http.bodies.is_idle() {
        tokio::task::yield_now().await;
    }
    connection
}

async fn idle(harness: &Harness) {
    while !harness.app.http.bodies.is_idle() {
        tokio::task::yield_now().await;
    }
}

fn pointing(url: &str) -> Value {
    let mut request = non_streaming("hi");
    request["messages"][0]["content"] = json!([
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]);
    request
}

#[tokio::test]
async fn a_fetched_file_is_rejected_until_memory_is_free() {
    let site = Site::start(|_| {
        let mut gif = b"GIF89a\x01\x00\x01\x00".to_vec();
        gif.resize(1_500_000, 0);
        SiteReply::binary(&gif)
    })
    .await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let harness = Harness::within(Options::default(), narrow, Some(fetcher)).await;
    let held = full(&harness).await;
    let request = pointing("https://example.com/a.gif");
    let reply = harness.chat(&request).await;
    assert_eq!(
        reply.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        reply.text
    );
    assert_eq!(reply.error()["code"], "overloaded");
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(harness.sent_upstream().is_empty());
    drop(held);
    idle(&harness).await;
    assert_eq!(harness.chat(&request).await.status, StatusCode::OK);
    assert!(harness.app.http.bodies.is_idle());

    // The uploaded file, and the JSON with the file in base64.
    let body = request.to_string();
    let request = harness.request(Method::POST, "/v1/chat/completions", body);
    let held = held_upstream(&harness, request, 1_500_000).await;
    assert!((3_500_000..3_600_000).contains(&held), "{held}");
}

#[tokio::test]
async fn uploads_and_forms_are_rejected_until_memory_is_free() {
    let harness = Harness::with(narrow).await;
    let upload = |length: usize| {
        let content = "a".repeat(length);
        form(
            &[("purpose", "batch")],
            Some(("in.jsonl", content.as_bytes())),
        )
    };
    let edit = || {
        let content = vec![0; 1 << 20];
        let texts = [("model", "amazon.nova-canvas-v1:0"), ("prompt", "a cat")];
        let mut request = harness.request(
            Method::POST,
            "/v1/images/edits",
            form(&texts, Some(("a.png", &content))),
        );
        let form = HeaderValue::from_static(FORM);
        request.headers_mut().insert(CONTENT_TYPE, form);
        request
    };
    let held = full(&harness).await;
    let reply = post_form(&harness, upload(5 << 20)).await;
    assert_eq!(
        reply.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        reply.text
    );
    assert_eq!(reply.error()["code"], "overloaded");
    assert_eq!(reply.header("retry-after"), Some("1"));
    let objects = harness.simulator.requests();
    let puts = objects
        .iter()
        .filter(|request| request.path.contains(BUCKET));
    assert_eq!(puts.count(), 0, "nothing is written to S3");
    // A small file is held in memory.
    let reply = post_form(&harness, upload(1 << 20)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(
        harness.send(edit()).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    drop(held);
    idle(&harness).await;
    let reply = post_form(&harness, upload(5 << 20)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    // The form is read, and its file is not an image.
    assert_eq!(harness.send(edit()).await.status, StatusCode::BAD_REQUEST);
    assert!(harness.app.http.bodies.is_idle());
}

#[tokio::test]
async fn a_batch_line_waits_for_memory_and_holds_it_while_processed() {
    let harness = Harness::with(narrow).await;
    let text = "word ".repeat(500_000);
    let file = upload(&harness, &lines(&[line("a", NOVA, &text)])).await;
    let held = full(&harness).await;
    let batch = create(&harness, &file).await.json();
    let id = batch["id"].as_str().unwrap();
    // The batch line does not fit into memory; interactive requests are served meanwhile.
    for _ in 0..20 {
        assert_eq!(
            harness.chat(&non_streaming("hi")).await.status,
            StatusCode::OK
        );
    }
    let is_called = || {
        let requests = harness.simulator.requests();
        let is_line = |path: &str| path.contains("nova") && path.contains("/converse");
        requests.iter().any(|request| is_line(&request.path))
    };
    assert!(!is_called());
    harness.simulator.push(unanswered());
    drop(held);
    while !is_called() {
        tokio::task::yield_now().await;
    }
    let length = text.len();
    let held = harness.app.http.bodies.held();
    assert!((2 * length..2 * length + 1000).contains(&held), "{held}");
    let path = format!("/v1/batches/{id}/cancel");
    harness.post(&path, &json!({})).await;
}
