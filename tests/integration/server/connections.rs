//! Connections: limits, timeouts, and how they end.

use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{Harness, MODEL, non_streaming, streamed};

const CHAT: &str = "/v1/chat/completions";

/// Fails a test that would never end.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(60), work).await;
    done.expect("it ends in time")
}

async fn connect(harness: &Harness) -> TcpStream {
    TcpStream::connect(harness.address).await.unwrap()
}

/// A POST request as text.
fn post(path: &str, headers: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Reads until the text ends with `end`.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    loop {
        assert_ne!(soon(stream.read_buf(&mut text)).await.unwrap(), 0);
        let text = String::from_utf8_lossy(&text);
        if text.contains(end) {
            return text.into_owned();
        }
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    soon(stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// Sends a request and reads a short response on a connection that stays open.
async fn exchange(stream: &mut TcpStream, request: &str) -> String {
    send(stream, request).await;
    read_until(stream, "\r\n\r\n").await
}

/// Reads a response with a `content-length`.
async fn read_response(stream: &mut TcpStream) -> String {
    let mut text = read_until(stream, "\r\n\r\n").await;
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let end = head.len() + 4 + length.unwrap().parse::<usize>().unwrap();
    while text.len() < end {
        let mut more = vec![0; end - text.len()];
        let count = soon(stream.read(&mut more)).await.unwrap();
        assert_ne!(count, 0, "{text}");
        text.push_str(std::str::from_utf8(&more[..count]).unwrap());
    }
    text
}

async fn is_alive(stream: &mut TcpStream) -> bool {
    send(stream, &get("/healthz")).await;
    let text = read_response(stream).await;
    text.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn a_client_that_stops_reading_loses_its_connection_call_and_slot() {
    let harness = Harness::with(|config| {
        config.server.write_timeout = Duration::from_millis(200);
        config.limits.target = outcrop::config::LimitSettings::calls(1);
    })
    .await;
    // More than the socket buffers of both sides hold.
    let word = "x".repeat(128 << 10);
    harness
        .simulator
        .push(Script::text(vec![word; 256].join(" ")));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut client = socket.connect(harness.address).await.unwrap();
    send(&mut client, &post(CHAT, "", &streamed("hi"))).await;
    soon(harness.simulator.wait_for_abandoned(1)).await;
    soon(harness.simulator.idle()).await;
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
    drop(client);
}

#[tokio::test]
async fn request_heads_are_limited_to_32_kib() {
    let harness = Harness::start().await;
    for (length, status) in [(30 << 10, "200"), (36 << 10, "431"), (8 << 20, "431")] {
        let mut client = connect(&harness).await;
        let long = "a".repeat(length);
        let request = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: {long}\r\n\r\n");
        let head = exchange(&mut client, &request).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }
}

#[tokio::test]
async fn the_header_timeout_starts_with_the_first_byte() {
    let harness = Harness::with(|config| {
        config.server.head_timeout = Duration::from_millis(100);
    })
    .await;
    let idle = connect(&harness).await;
    let mut busy = connect(&harness).await;
    assert!(is_alive(&mut busy).await);
    let mut with_body = connect(&harness).await;
    send(&mut with_body, &post(CHAT, "", &non_streaming("hi"))).await;
    assert!(read_response(&mut with_body).await.contains("200 OK"));
    let mut chunked = connect(&harness).await;
    let body = non_streaming("hi").to_string();
    let head =
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    let length = body.len();
    send(
        &mut chunked,
        &format!("{head}{length:x}\r\n{body}\r\n0\r\n\r\n"),
    )
    .await;
    assert!(read_response(&mut chunked).await.contains("200 OK"));
    for beginning in ["G", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n"] {
        let mut client = connect(&harness).await;
        send(&mut client, beginning).await;
        assert_eq!(read_to_end(&mut client).await, "");
    }
    // The timeout also applies to a partial head that arrives together with the previous request.
    for request in [get("/healthz"), post(CHAT, "", &non_streaming("hi"))] {
        let mut early = connect(&harness).await;
        send(&mut early, &format!("{request}GET /heal")).await;
        let text = read_to_end(&mut early).await;
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
    // And to one that arrives before the response to the previous request.
    let slow = Fault::SlowResponse { delay_ms: 100 };
    harness.simulator.push(Script::text("hi").with(slow));
    let mut early = connect(&harness).await;
    send(&mut early, &post(CHAT, "", &non_streaming("hi"))).await;
    soon(harness.simulator.wait_for_received(1)).await;
    send(&mut early, "GET /heal").await;
    let text = read_to_end(&mut early).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    for mut client in [idle, busy, with_body, chunked] {
        assert!(is_alive(&mut client).await);
    }
}

#[tokio::test]
async fn a_connection_without_a_request_ends_after_the_idle_timeout() {
    let harness = Harness::with(|config| {
        config.server.idle_timeout = Duration::from_millis(100);
    })
    .await;
    let mut unused = connect(&harness).await;
    assert_eq!(read_to_end(&mut unused).await, "");
    let mut busy = connect(&harness).await;
    send(&mut busy, &get("/healthz")).await;
    assert!(read_to_end(&mut busy).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn idle_connections_are_evicted_for_new_ones() {
    let harness = Harness::with(|config| config.server.max_connections = 4).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut client = connect(&harness).await;
        assert!(is_alive(&mut client).await);
        idle.push(client);
    }
    let mut new = connect(&harness).await;
    send(&mut new, &post(CHAT, "", &non_streaming("hi"))).await;
    let head = read_until(&mut new, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let ends = idle.iter_mut().map(|client| Box::pin(read_to_end(client)));
    let (text, _, _) = futures_util::future::select_all(ends).await;
    assert_eq!(text, "", "one connection is closed");
}

#[tokio::test]
async fn unfinished_heads_are_evicted_for_requests() {
    let harness = Harness::with(|config| config.server.max_connections = 4).await;
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut client = connect(&harness).await;
        send(&mut client, "GET /healthz HTTP/1.1\r\n").await;
        slow.push(client);
    }
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
}

#[tokio::test]
async fn with_all_connections_busy_only_health_checks_are_served() {
    let harness = Harness::with(|config| config.server.max_connections = 2).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let stall = Fault::Stall { after_events: 2 };
        harness.simulator.push(Script::fault(stall));
        let mut client = connect(&harness).await;
        send(&mut client, &post(CHAT, "", &streamed("hi"))).await;
        read_until(&mut client, "data: ").await;
        streams.push(client);
    }
    // Unused connections do not occupy the reserve.
    let mut unused = Vec::new();
    for _ in 0..100 {
        unused.push(connect(&harness).await);
    }
    for path in ["/healthz", "/readyz"] {
        let mut client = connect(&harness).await;
        send(&mut client, &get(path)).await;
        let text = read_to_end(&mut client).await;
        assert!(text.starts_with("HTTP/1.1 200"), "{path}: {text}");
    }
    let mut client = connect(&harness).await;
    send(&mut client, &post(CHAT, "", &non_streaming("hi"))).await;
    let refused = read_to_end(&mut client).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    for part in [
        "retry-after: 1\r\n",
        "connection: close\r\n",
        "x-request-id: ",
        "\"error\"",
    ] {
        assert!(refused.contains(part), "{part} is not in {refused}");
    }
    let mut client = connect(&harness).await;
    let path = format!("/model/{MODEL}/converse");
    send(&mut client, &post(&path, "", &non_streaming("hi"))).await;
    let refused = read_to_end(&mut client).await;
    assert!(
        refused.contains("x-amzn-errortype: ServiceUnavailableException"),
        "{refused}"
    );

    streams.pop();
    soon(harness.simulator.wait_for_abandoned(1)).await;
    let served = async {
        loop {
            let mut client = connect(&harness).await;
            send(
                &mut client,
                &post(CHAT, "connection: close\r\n", &non_streaming("hi")),
            )
            .await;
            let text = read_to_end(&mut client).await;
            if text.starts_with("HTTP/1.1 200") {
                break;
            }
        }
    };
    soon(served).await;
}

#[tokio::test]
async fn a_body_that_arrives_too_slowly_is_rejected() {
    let harness = Harness::with(|config| {
        config.server.min_upload_rate = 1 << 20;
        config.server.upload_window = Duration::from_millis(50);
    })
    .await;
    let form = "content-type: multipart/form-data; boundary=x\r\n";
    for (path, headers, beginning) in [
        (CHAT, "", "{"),
        ("/v1/images/edits", form, "--x\r\n"),
        ("/model/a/converse", "", "{"),
    ] {
        let mut client = connect(&harness).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: 99\r\n\r\n"
        );
        send(&mut client, &format!("{head}{beginning}")).await;
        let text = read_to_end(&mut client).await;
        assert!(text.starts_with("HTTP/1.1 408"), "{path}: {text}");
        assert!(
            text.contains("below the minimum upload rate"),
            "{path}: {text}"
        );
    }
    assert_eq!(harness.chat(&non_streaming("hi")).await.status, 200);
}

#[tokio::test]
async fn requests_must_have_exactly_one_host() {
    let harness = Harness::start().await;
    for (version, hosts, status) in [
        ("1.1", "", "400"),
        ("1.1", "host: localhost\r\n", "200"),
        ("1.1", "host: localhost\r\nhost: localhost\r\n", "400"),
        ("1.0", "", "200"),
        ("1.0", "host: localhost\r\nhost: b\r\n", "400"),
    ] {
        let mut client = connect(&harness).await;
        let request = format!("GET /v1/models HTTP/{version}\r\n{hosts}\r\n");
        let head = exchange(&mut client, &request).await;
        let expected = format!("HTTP/{version} {status}");
        assert!(head.starts_with(&expected), "{version} {hosts:?}: {head}");
    }
}

/// A gateway that requires a key.
async fn locked() -> Harness {
    Harness::with(|config| {
        config.keys = vec![outcrop::config::KeyEntry {
            caller: "team".to_owned(),
            digest: outcrop::config::KeyDigest::of("sk-right"),
            access_key: None,
            chat: Default::default(),
            grant: outcrop::allowances::KeyGrant::default(),
        }];
    })
    .await
}

#[tokio::test]
async fn rejections_reach_clients_that_are_still_sending() {
    let harness = locked().await;
    for (path, key, length, status) in [
        (CHAT, "sk-wrong", 16 << 20, "401"),
        (CHAT, "sk-right", 40 << 20, "413"),
        ("/v1/nothing", "sk-right", 16 << 20, "404"),
        ("/v1/images/edits", "sk-wrong", 16 << 20, "401"),
    ] {
        let mut client = connect(&harness).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
             content-length: {length}\r\n\r\n"
        );
        send(&mut client, &head).await;
        // The whole body, as from a client that does not read before it has sent everything.
        let body = vec![b' '; length];
        soon(client.write_all(&body))
            .await
            .expect("the connection is not reset");
        let text = read_to_end(&mut client).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{text}");
        assert!(text.contains("connection: close"), "{text}");
        assert!(text.ends_with("}}"), "{text}");
    }
}

#[tokio::test]
async fn a_rejection_before_the_body_is_read_announces_the_close() {
    let harness = locked().await;
    let request = post(CHAT, "", &non_streaming("hi"));
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    // The body arrives with its head, or after the error, where the next request could start.
    for (first, second) in [(request.as_str(), ""), (&request[..head.len() + 4], body)] {
        let mut client = connect(&harness).await;
        send(&mut client, first).await;
        let text = read_until(&mut client, "}}").await;
        assert!(text.starts_with("HTTP/1.1 401"), "{text}");
        assert!(text.contains("connection: close"), "{text}");
        send(&mut client, second).await;
    }
}

#[tokio::test]
async fn a_client_waiting_for_100_continue_receives_the_rejection() {
    let harness = locked().await;
    for (method, path) in [
        ("POST", CHAT),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/images/edits"),
        ("POST", "/v1/videos"),
        ("POST", "/v1/files"),
        ("POST", "/v1/batches"),
        ("DELETE", "/v1/files/file-1"),
        ("POST", "/v1/nothing"),
        ("PUT", "/v1/models"),
        ("POST", "/model/a/converse"),
    ] {
        let mut client = connect(&harness).await;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
             content-length: 1000\r\n\r\n"
        );
        let text = exchange(&mut client, &head).await;
        assert!(text.starts_with("HTTP/1.1 4"), "{path}: {text}");
    }
    let body = non_streaming("hi").to_string();
    let length = body.len();
    let mut client = connect(&harness).await;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-right\r\n\
         expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    );
    let text = exchange(&mut client, &head).await;
    assert_eq!(text, "HTTP/1.1 100 Continue\r\n\r\n");
    let text = exchange(&mut client, &body).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

/// The response to a client that closes its sending side after `request`.
async fn half_closed(harness: &Harness, request: &str) -> String {
    let mut client = connect(harness).await;
    send(&mut client, request).await;
    client.shutdown().await.unwrap();
    read_to_end(&mut client).await
}

#[tokio::test]
async fn half_closed_clients_receive_the_complete_response() {
    let harness = Harness::start().await;
    let request = post(CHAT, "", &streamed("hi"));
    let text = half_closed(&harness, &request).await;
    assert!(text.contains("data: [DONE]"), "{text}");

    let slow = Fault::SlowFirstEvent { delay_ms: 100 };
    harness.simulator.push(Script::text("one two").with(slow));
    let text = half_closed(&harness, &request).await;
    let interim = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert!(text.starts_with(interim), "{text}");
    assert!(text.contains("data: [DONE]"), "{text}");

    let slow = Fault::SlowResponse { delay_ms: 100 };
    harness.simulator.push(Script::text("one two").with(slow));
    let text = half_closed(&harness, &post(CHAT, "", &non_streaming("hi"))).await;
    assert!(text.starts_with(interim), "{text}");
    assert!(text.ends_with('}'), "{text}");

    let path = format!("/model/{MODEL}/converse-stream");
    let slow = Fault::SlowFirstEvent { delay_ms: 100 };
    harness.simulator.push(Script::text("one two").with(slow));
    let body = serde_json::json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let text = half_closed(&harness, &post(&path, "", &body)).await;
    assert!(
        text.contains("messageStop") && text.contains("metadata"),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_half_closes_during_a_stream_receives_the_rest() {
    let harness = Harness::start().await;
    let drip = Fault::Drip { delay_ms: 20 };
    harness
        .simulator
        .push(Script::text("one two three four").with(drip));
    let mut client = connect(&harness).await;
    send(&mut client, &post(CHAT, "", &streamed("hi"))).await;
    read_until(&mut client, "data: ").await;
    client.shutdown().await.unwrap();
    let text = read_to_end(&mut client).await;
    assert!(text.contains(": keepalive"), "{text}");
    assert!(text.contains("data: [DONE]"), "{text}");
}

#[tokio::test]
async fn a_full_close_after_a_half_close_is_noticed() {
    for (fault, request) in [
        (
            Fault::SlowResponse { delay_ms: 600_000 },
            non_streaming("hi"),
        ),
        (Fault::SlowFirstEvent { delay_ms: 600_000 }, streamed("hi")),
    ] {
        let harness = Harness::start().await;
        harness.simulator.push(Script::fault(fault));
        let mut client = connect(&harness).await;
        send(&mut client, &post(CHAT, "", &request)).await;
        soon(harness.simulator.wait_for_received(1)).await;
        drop(client);
        soon(harness.simulator.wait_for_abandoned(1)).await;
    }
}

#[tokio::test]
async fn a_disconnect_of_an_http_1_0_client_is_noticed() {
    let harness = Harness::start().await;
    harness
        .simulator
        .push(Script::fault(Fault::SlowResponse { delay_ms: 600_000 }));
    let mut client = connect(&harness).await;
    let request = post(CHAT, "", &non_streaming("hi")).replace("HTTP/1.1", "HTTP/1.0");
    send(&mut client, &request).await;
    soon(harness.simulator.wait_for_received(1)).await;
    drop(client);
    soon(harness.simulator.wait_for_abandoned(1)).await;
}

#[tokio::test]
async fn a_disconnect_during_a_stalled_stream_is_noticed() {
    let path = format!("/model/{MODEL}/converse-stream");
    let body = serde_json::json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    for (request, first) in [
        (post(CHAT, "", &streamed("hi")), "data: "),
        (post(&path, "", &body), "messageStart"),
    ] {
        let harness = Harness::start().await;
        harness
            .simulator
            .push(Script::fault(Fault::Stall { after_events: 2 }));
        let mut client = connect(&harness).await;
        send(&mut client, &request).await;
        read_until(&mut client, first).await;
        drop(client);
        soon(harness.simulator.wait_for_abandoned(1)).await;
    }
}

#[tokio::test]
async fn a_truncated_body_is_rejected_immediately() {
    let harness = Harness::with(|config| config.server.min_upload_rate = 0).await;
    for body in ["", "{\"mod"] {
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n";
        let text = half_closed(&harness, &format!("{head}{body}")).await;
        assert!(text.starts_with("HTTP/1.1 400"), "{text}");
        assert!(text.contains("ended early"), "{text}");
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_idle_connections() {
    let harness = Harness::start().await;
    let mut idle = connect(&harness).await;
    assert!(is_alive(&mut idle).await);
    assert_eq!(
        harness
            .send(harness.request(Method::GET, "/healthz", ""))
            .await
            .status,
        200
    );
    harness
        .shutdown
        .advance(outcrop::http::ShutdownPhase::Closing);
    assert_eq!(read_to_end(&mut idle).await, "");
    soon(harness.server)
        .await
        .expect("the server shuts down in time");
}
