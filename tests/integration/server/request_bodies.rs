//! Request bodies: compression, and the memory limit for concurrent bodies.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Harness, MODEL, Reply, non_streaming};

const CHAT: &str = "/v1/chat/completions";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(
    harness: &Harness,
    path: &str,
    encoding: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    let mut request = harness.request(Method::POST, path, body);
    let encoding = HeaderValue::from_static(encoding);
    request.headers_mut().insert("content-encoding", encoding);
    harness.send(request).await
}

#[tokio::test]
async fn every_api_accepts_compressed_bodies() {
    let harness = Harness::start().await;
    let chat = non_streaming("hello").to_string();
    let reply = send(&harness, CHAT, "gzip", gzip(chat.as_bytes())).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    harness.post(CHAT, &non_streaming("hello")).await;
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]});
    let path = format!("/model/{MODEL}/converse");
    let reply = send(
        &harness,
        &path,
        "gzip",
        gzip(converse.to_string().as_bytes()),
    )
    .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let sent_upstream = harness.sent_upstream();
    let [compressed, plain, bedrock_path] = &sent_upstream[..] else {
        panic!("{sent_upstream:?}");
    };
    assert_eq!(compressed, plain);
    assert_eq!(*bedrock_path, converse);
}

#[tokio::test]
async fn unsupported_encodings_and_invalid_gzip_are_rejected() {
    let harness = Harness::with(|config| config.server.max_body = 1 << 20).await;
    let chat = non_streaming("hello").to_string();
    let refused = async |path: &str, encoding, body: Vec<u8>| {
        let reply = send(&harness, path, encoding, body).await;
        (reply.status.as_u16(), reply.text)
    };
    let (status, text) = refused(CHAT, "br", chat.clone().into_bytes()).await;
    assert_eq!(status, 415);
    assert!(
        text.contains("unsupported_content_encoding") && text.contains("`br`"),
        "{text}"
    );
    let (status, text) = refused(CHAT, "gzip", chat.into_bytes()).await;
    assert_eq!(status, 400);
    assert!(text.contains("not valid gzip"), "{text}");
    // A kilobyte that decompresses to twice the limit.
    let bomb = gzip(&vec![b' '; 2 << 20]);
    assert_eq!(refused(CHAT, "gzip", bomb.clone()).await.0, 413);
    let path = format!("/model/{MODEL}/converse");
    assert_eq!(refused(&path, "gzip", bomb).await.0, 413);
    // Bedrock's API does not have status 415.
    let (status, text) = refused(&path, "zstd", b"{}".to_vec()).await;
    assert_eq!(status, 400);
    assert!(text.contains("`zstd`"), "{text}");
    assert!(harness.sent_upstream().is_empty());
}

/// A gateway with memory for one body of 4 MiB.
async fn narrow() -> Harness {
    Harness::with(|config| config.server.max_body_memory = 24 << 20).await
}

fn long_text() -> Value {
    non_streaming(&"word ".repeat(500_000))
}

/// A connection that declares a long body and does not send it.
async fn unfinished(harness: &Harness) -> TcpStream {
    let mut connection = TcpStream::connect(harness.address).await.unwrap();
    let head =
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4000000\r\n\r\n{{");
    connection.write_all(head.as_bytes()).await.unwrap();
    // The body's memory is reserved when the head has been read.
    while harness.app.http.bodies.is_idle() {
        tokio::task::yield_now().await;
    }
    connection
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_rejected_while_small_ones_are_served() {
    let harness = narrow().await;
    let _held_memory = unfinished(&harness).await;
    let converse =
        json!({"messages": [{"role": "user", "content": [{"text": "word ".repeat(500_000)}]}]});
    let (path, long) = (format!("/model/{MODEL}/converse"), long_text());
    let hello = non_streaming("hello");
    let (openai, aws, small) = tokio::join!(
        harness.post(CHAT, &long),
        harness.post(&path, &converse),
        harness.post(CHAT, &hello),
    );
    assert_eq!(small.status, StatusCode::OK);
    assert_eq!(openai.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(openai.header("retry-after"), Some("1"));
    assert_eq!(openai.error()["code"], "overloaded");
    assert_eq!(aws.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        aws.header("x-amzn-errortype"),
        Some("ServiceUnavailableException")
    );
}

#[tokio::test]
async fn a_waiting_body_is_read_when_memory_is_released() {
    let harness = narrow().await;
    let held_memory = unfinished(&harness).await;
    let long = long_text();
    let (reply, ()) = tokio::join!(harness.post(CHAT, &long), async { drop(held_memory) });
    // Bedrock has rejected it as too long for the model.
    assert_eq!(reply.error()["code"], "context_length_exceeded");
    assert_eq!(harness.sent_upstream().len(), 1);
}
