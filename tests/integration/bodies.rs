//! Bodies on their way in: compressed ones, and more of them at once than there is memory for.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::world::{MODEL, Reply, World, whole};

const CHAT: &str = "/v1/chat/completions";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(world: &World, path: &str, encoding: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut request = world.request(Method::POST, path, body);
    let encoding = HeaderValue::from_static(encoding);
    request.headers_mut().insert("content-encoding", encoding);
    world.send(request).await
}

#[tokio::test]
async fn compressed_bodies_are_read_by_every_api() {
    let world = World::start().await;
    let chat = whole("hello").to_string();
    let reply = send(&world, CHAT, "gzip", gzip(chat.as_bytes())).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    world.post(CHAT, &whole("hello")).await;
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]});
    let path = format!("/model/{MODEL}/converse");
    let reply = send(&world, &path, "gzip", gzip(converse.to_string().as_bytes())).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let asked = world.asked();
    let [compressed, plain, native] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(compressed, plain);
    assert_eq!(*native, converse);
}

#[tokio::test]
async fn other_encodings_and_what_is_not_gzip_are_refused() {
    let world = World::with(|config| config.server.max_body = 1 << 20).await;
    let chat = whole("hello").to_string();
    let refused = async |path: &str, encoding, body: Vec<u8>| {
        let reply = send(&world, path, encoding, body).await;
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
    assert!(text.contains("not gzip"), "{text}");
    // A kilobyte that would become a megabyte too many.
    let bomb = gzip(&vec![b' '; 2 << 20]);
    assert_eq!(refused(CHAT, "gzip", bomb.clone()).await.0, 413);
    let path = format!("/model/{MODEL}/converse");
    assert_eq!(refused(&path, "gzip", bomb).await.0, 413);
    // Bedrock's own API has no such status.
    let (status, text) = refused(&path, "zstd", b"{}".to_vec()).await;
    assert_eq!(status, 400);
    assert!(text.contains("`zstd`"), "{text}");
    assert!(world.asked().is_empty());
}

/// A gateway that has memory for one body of 4 MiB.
async fn narrow() -> World {
    World::with(|config| config.server.max_body_memory = 24 << 20).await
}

fn long_text() -> Value {
    whole(&"word ".repeat(500_000))
}

/// A connection that has declared a long body and does not send it.
async fn unfinished(world: &World) -> TcpStream {
    let mut connection = TcpStream::connect(world.address).await.unwrap();
    let head =
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4000000\r\n\r\n{{");
    connection.write_all(head.as_bytes()).await.unwrap();
    // Its body is admitted when its head has been read: from then on there is no room.
    while world.app.bodies.is_idle() {
        tokio::task::yield_now().await;
    }
    connection
}

#[tokio::test]
async fn a_body_without_room_is_refused_and_small_ones_are_served_meanwhile() {
    let world = narrow().await;
    let _held = unfinished(&world).await;
    let converse =
        json!({"messages": [{"role": "user", "content": [{"text": "word ".repeat(500_000)}]}]});
    let (path, long) = (format!("/model/{MODEL}/converse"), long_text());
    let hello = whole("hello");
    let (openai, aws, small) = tokio::join!(
        world.post(CHAT, &long),
        world.post(&path, &converse),
        world.post(CHAT, &hello),
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
async fn a_body_that_waits_is_read_when_another_has_gone() {
    let world = narrow().await;
    let held = unfinished(&world).await;
    let long = long_text();
    let (reply, ()) = tokio::join!(world.post(CHAT, &long), async { drop(held) });
    // It is too long for the model, which Bedrock has said.
    assert_eq!(reply.error()["code"], "context_length_exceeded");
    assert_eq!(world.asked().len(), 1);
}
