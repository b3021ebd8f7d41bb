//! The peak memory of a request, from its arrival to the call to Bedrock, is proportional to the size
//! of its body, whatever the body contains. The memory of keys is bounded, too.
//!
//! A separate binary, since it counts every allocation of the process.

#![allow(clippy::expect_used, clippy::panic, unreachable_pub)]

mod keys;
mod masks;
mod shapes;

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use outcrop::bedrock::{Bedrock, SimulatedBedrock};
use outcrop::config::{CatalogList, Config};
use outcrop::http::Shutdown;
use outcrop::server::{App, HttpService, Peer, Router};
use outcrop::telemetry::log_request;
use outcrop::usage::{UsageQueue, UsageReaders};
use peak_alloc::PeakAlloc;
use shapes::SHAPES;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::timeout;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The maximum memory as a multiple of the body's size, including the body.
const MAX_FACTOR: usize = 20;

/// The memory of a request of any size.
const BASE: usize = 1 << 20;

/// The size of measured bodies, large compared to what every request needs.
const SIZE: usize = 1 << 20;

/// The timeout of a step.
const PATIENCE: Duration = Duration::from_secs(60);

/// Held during a measurement, since the whole process is counted.
static MEASURING: Mutex<()> = Mutex::const_new(());

/// A gateway whose Bedrock endpoint is unreachable: requests are read, translated and signed.
async fn gateway() -> Router {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let address = listener.and_then(|listener| listener.local_addr());
    gateway_to(address.expect("an address")).await
}

/// A gateway with Bedrock at `address`.
async fn gateway_to(address: SocketAddr) -> Router {
    let mut config = Config::default();
    config.bedrock.simulated = Some(SimulatedBedrock::at(format!("http://{address}")));
    config.bedrock.retry.max_attempts = 1;
    config.bedrock.timeouts.connect = Duration::from_secs(1);
    config.catalog.list = CatalogList::Configured;
    let bedrock = Bedrock::connect(&config.bedrock).await.expect("a client");
    let readers = UsageReaders::new(vec![Box::new(log_request)]);
    let queue = UsageQueue::start(readers, Duration::ZERO);
    let app = App::new(&config, bedrock, queue, Shutdown::default()).expect("an application");
    Router::new(app)
}

/// Sends `body` and returns the status and the peak memory.
async fn cost(
    gateway: &Router,
    path: &str,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> (StatusCode, usize) {
    let body: Vec<u8> = body.into();
    let content_length = body.len();
    let request = Request::post(path)
        .header("host", "localhost")
        .header("content-type", content_type)
        .header("content-length", content_length)
        .body(Body::from(body))
        .expect("a request");
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let response = gateway.serve(request, Peer::default()).await;
    let status = response.status();
    let _ = response.into_body().collect().await;
    (
        status,
        content_length + MEMORY.peak_usage().saturating_sub(before),
    )
}

#[tokio::test]
async fn no_body_costs_more_than_twenty_times_its_size() {
    let _measuring = MEASURING.lock().await;
    let gateway = gateway().await;
    let mut report = String::new();
    let mut is_exceeded = false;
    let mut translated = 0;
    for shape in SHAPES {
        // The first request of an endpoint initializes static data.
        cost(&gateway, shape.path, shape.content_type(), shape.body(1000)).await;
        let body = shape.body(SIZE);
        let size = body.len();
        let (status, cost) = cost(&gateway, shape.path, shape.content_type(), body).await;
        let factor = cost as f64 / size as f64;
        // The request was translated and the call failed.
        translated += usize::from(status == StatusCode::BAD_GATEWAY);
        let verdict = match cost > MAX_FACTOR * size + BASE {
            true => "TOO MUCH",
            false => "",
        };
        is_exceeded |= !verdict.is_empty();
        let name = shape.name;
        writeln!(report, "{factor:6.1} x  {status}  {name}  {verdict}").expect("a line");
    }
    println!("{report}");
    assert!(!is_exceeded, "\n{report}");
    assert!(
        translated > 10,
        "too few requests were translated\n{report}"
    );
}

#[tokio::test]
async fn a_mask_costs_its_file_size_and_not_its_pixels() {
    let _measuring = MEASURING.lock().await;
    let gateway = gateway().await;
    let (content_type, body) = masks::form();
    let size = body.len();
    let (status, cost) = cost(&gateway, "/v1/images/edits", content_type, body).await;
    // The request was translated and the call failed.
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(
        cost <= MAX_FACTOR * size + BASE,
        "{cost} bytes of memory for {size} bytes"
    );
}

#[tokio::test]
async fn a_text_is_held_twice_while_its_model_is_running() {
    let _measuring = MEASURING.lock().await;
    let bedrock = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let bedrock = bedrock.expect("a listener");
    let gateway = gateway_to(bedrock.local_addr().expect("an address")).await;
    let text = "word ".repeat(2 << 20);
    let body = format!(
        r#"{{"model":"us.anthropic.claude-sonnet-4-5-20250929-v1:0","messages":[{{"role":"user","content":"{text}"}}]}}"#
    );
    let size = body.len();
    drop(text);
    let before = MEMORY.current_usage() - size;
    let request = Request::post("/v1/chat/completions")
        .header("host", "localhost")
        .header("content-length", size)
        .body(Body::from(body))
        .expect("a request");
    let pending_response =
        tokio::spawn(async move { gateway.serve(request, Peer::default()).await });
    // Bedrock receives the whole request and does not respond.
    let accepted = timeout(PATIENCE, bedrock.accept()).await;
    let (mut connection, _) = accepted.expect("a call").expect("a connection");
    let mut received = 0;
    let mut buffer = vec![0; 64 << 10];
    while received < size {
        let read = timeout(PATIENCE, connection.read(&mut buffer)).await;
        let read = read.expect("bytes in time").expect("bytes");
        assert_ne!(read, 0, "the call was interrupted");
        received += read;
    }
    let in_use = MEMORY.current_usage() - before;
    assert!(in_use <= 2 * size + size / 4 + BASE, "{in_use} for {size}");
    pending_response.abort();
}
