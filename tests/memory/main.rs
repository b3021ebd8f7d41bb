//! What a body may cost: the memory that it takes at the most, from its arrival until Bedrock is
//! called, is in proportion to its size, whatever it is made of.
//!
//! A binary of its own, since it counts every allocation of its process.

#![allow(clippy::expect_used, clippy::panic, unreachable_pub)]

mod masks;
mod shapes;

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use outcrop::bedrock::{Bedrock, SimulatedBedrock};
use outcrop::config::{CatalogList, Config};
use outcrop::server::{App, Shutdown, router};
use peak_alloc::PeakAlloc;
use shapes::SHAPES;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tower::ServiceExt;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How often a body may cost its size, itself included.
const MAX_FACTOR: usize = 20;

/// What a request costs whatever its size.
const BASE: usize = 1 << 20;

/// Large enough for the proportion to show.
const SIZE: usize = 1 << 20;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Held while something is measured, since all of the process is counted.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The whole gateway in front of an address where nothing listens: requests are read, translated
/// and signed, and go nowhere.
async fn gateway() -> Router {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let address = listener.and_then(|listener| listener.local_addr());
    gateway_to(address.expect("an address")).await
}

/// The whole gateway in front of what is at `address`.
async fn gateway_to(address: SocketAddr) -> Router {
    let mut config = Config::default();
    config.bedrock.simulated = Some(SimulatedBedrock::at(format!("http://{address}")));
    config.bedrock.retry.max_attempts = 1;
    config.bedrock.timeouts.connect = Duration::from_secs(1);
    config.catalog.list = CatalogList::Configured;
    let bedrock = Bedrock::connect(&config.bedrock).await.expect("a client");
    let app = App::new(&config, bedrock, Shutdown::default()).expect("an application");
    router(app)
}

/// Sends `body`, and gives the status and what it has cost.
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
    let response = gateway.clone().oneshot(request).await.expect("a response");
    let status = response.status();
    let _ = response.into_body().collect().await;
    (
        status,
        content_length + MEMORY.peak_usage().saturating_sub(before),
    )
}

#[tokio::test]
async fn no_body_costs_more_than_twenty_times_its_size() {
    let _alone = ALONE.lock().await;
    let gateway = gateway().await;
    let mut report = String::new();
    let mut is_exceeded = false;
    let mut translated = 0;
    for shape in SHAPES {
        // The first request of an endpoint loads what it needs.
        cost(&gateway, shape.path, shape.content_type(), shape.body(1000)).await;
        let body = shape.body(SIZE);
        let size = body.len();
        let (status, cost) = cost(&gateway, shape.path, shape.content_type(), body).await;
        let factor = cost as f64 / size as f64;
        // It got as far as the call.
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
    assert!(translated > 10, "too little is measured\n{report}");
}

#[tokio::test]
async fn a_mask_costs_its_file_size_and_not_its_pixels() {
    let _alone = ALONE.lock().await;
    let gateway = gateway().await;
    let (content_type, body) = masks::form();
    let size = body.len();
    let (status, cost) = cost(&gateway, "/v1/images/edits", content_type, body).await;
    // It was translated, and there was nobody to send it to.
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(cost <= MAX_FACTOR * size + BASE, "{size} bytes cost {cost}");
}

#[tokio::test]
async fn a_text_is_held_twice_while_its_model_is_running() {
    let _alone = ALONE.lock().await;
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
    let pending_response = tokio::spawn(gateway.oneshot(request));
    // Bedrock has received all of it, and does not answer.
    let accepted = timeout(PATIENCE, bedrock.accept()).await;
    let (mut connection, _) = accepted.expect("a call").expect("a connection");
    let mut received = 0;
    let mut buffer = vec![0; 64 << 10];
    while received < size {
        let read = timeout(PATIENCE, connection.read(&mut buffer)).await;
        let read = read.expect("bytes in time").expect("bytes");
        assert_ne!(read, 0, "the call broke off");
        received += read;
    }
    let in_use = MEMORY.current_usage() - before;
    assert!(in_use <= 2 * size + size / 4 + BASE, "{in_use} for {size}");
    pending_response.abort();
}
