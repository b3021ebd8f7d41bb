//! Counts what a request allocates in the gateway.
//!
//! The gateway runs on the thread that counts, with its server, its HTTP client and its log. Client
//! and simulated Bedrock have threads of their own, which are not counted.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use allocation_counter::measure;
use bedrock_simulator::{FixedResponseSize, Options, Simulator};
use outcrop::bedrock::{Bedrock, SimulatedBedrock};
use outcrop::config::{CatalogList, ChatOverrides, Config, KeyDigest, KeyEntry};
use outcrop::http::Shutdown;
use outcrop::server::{App, Cores, Router, serve};
use outcrop::telemetry::{JsonFormatter, log_request};
use outcrop::usage::{UsageQueue, UsageReaders};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const API_KEY: &str = "sk-bench-0001";

/// The deltas of a stream.
const DELTAS: usize = 50;

/// A request on a keep-alive connection, and how Bedrock responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// One JSON object.
    NonStreaming,
    /// A stream whose events arrive together.
    Stream,
    /// A stream whose events arrive one by one.
    PacedStream,
}

/// The allocations of one request, on average.
#[derive(Debug, Clone, Copy)]
pub struct Allocations {
    pub count: u64,
    pub bytes: u64,
}

impl Exchange {
    pub const ALL: [Self; 3] = [Self::NonStreaming, Self::Stream, Self::PacedStream];

    pub fn name(self) -> &'static str {
        match self {
            Self::NonStreaming => "response of 600 bytes",
            Self::Stream => "stream of 50 deltas together",
            Self::PacedStream => "stream of 50 deltas one by one",
        }
    }

    /// The allocations of the request when everything that lasts has been allocated.
    pub fn allocations(self) -> Allocations {
        let (warm_up, requests) = match self {
            Self::PacedStream => (2, 10),
            Self::NonStreaming | Self::Stream => (50, 200),
        };
        let (_bedrock, url) = self.bedrock();
        let runtime = runtime();
        let address = runtime.block_on(gateway(url));
        let (warm, is_warm) = oneshot::channel();
        let (go, may_go) = mpsc::channel();
        let (done, is_done) = oneshot::channel();
        let request = self.request();
        let client = thread::spawn(move || {
            let mut connection = TcpStream::connect(address).expect("a connection");
            let mut send = |count| {
                for _ in 0..count {
                    exchange(&mut connection, &request);
                }
            };
            send(warm_up);
            warm.send(()).expect("the gateway's thread");
            may_go.recv().expect("the gateway's thread");
            send(requests);
            done.send(()).expect("the gateway's thread");
        });
        runtime.block_on(is_warm).expect("a warm-up");
        go.send(()).expect("the client's thread");
        let allocated = measure(|| runtime.block_on(is_done).expect("responses"));
        client.join().expect("a client that ends");
        Allocations {
            count: allocated.count_total / requests,
            bytes: allocated.bytes_total / requests,
        }
    }

    /// Starts the simulated Bedrock; returns what ends it when dropped, and its URL.
    fn bedrock(self) -> (oneshot::Sender<()>, String) {
        let options = Options {
            fixed_response: Some(FixedResponseSize {
                bytes: 600,
                deltas: DELTAS,
                delta_interval: None,
            }),
            word_delay: match self {
                Self::PacedStream => Duration::from_millis(5),
                Self::NonStreaming | Self::Stream => Duration::ZERO,
            },
            journal: 0,
            ..Options::default()
        };
        let (stop, stopped) = oneshot::channel();
        let (started, url) = mpsc::channel();
        thread::spawn(move || {
            runtime().block_on(async {
                let simulator = Simulator::start(options).await.expect("a free port");
                started.send(simulator.url()).expect("the caller's thread");
                // An error: the sender was dropped.
                let _ = stopped.await;
            });
        });
        (stop, url.recv().expect("a simulator"))
    }

    /// The request of the load benchmark.
    fn request(self) -> Vec<u8> {
        let body = json!({
            "model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "messages": [
                {
                    "role": "system",
                    "content": "You are a patient guide to the mountains. Answer in a few \
                        sentences, and name the sources of what you say.",
                },
                {
                    "role": "user",
                    "content": "Where two layers of rock meet at a slope, which of them is the \
                        older one, and how would a hiker without any tools find that out on the \
                        spot?",
                },
            ],
            "max_tokens": 1024,
            "temperature": 0.7,
            "stream": self != Self::NonStreaming,
        });
        let body = body.to_string();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
             authorization: Bearer {API_KEY}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        [head, body].concat().into_bytes()
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// Starts the gateway with the settings of the load benchmark; its log is formatted and dropped.
async fn gateway(bedrock_url: String) -> SocketAddr {
    // Only the first call has an effect.
    let _ = tracing_subscriber::fmt()
        .event_format(JsonFormatter)
        .with_env_filter("info")
        .with_writer(io::sink)
        .try_init();
    let mut config = Config::default();
    config.bedrock.simulated = Some(SimulatedBedrock::at(bedrock_url));
    config.catalog.list = CatalogList::Configured;
    config.keys = vec![KeyEntry {
        caller: "bench".to_owned(),
        digest: KeyDigest::of(API_KEY),
        access_key: None,
        chat: ChatOverrides::default(),
        grant: outcrop::allowances::KeyGrant::default(),
    }];
    let bedrock = Bedrock::connect(&config.bedrock).await.expect("a client");
    let readers = UsageReaders::new(vec![Box::new(log_request)]);
    let queue = UsageQueue::start(readers, Duration::ZERO);
    let shutdown = Shutdown::default();
    let app = App::new(&config, bedrock, queue, shutdown.clone()).expect("an application");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new(app);
    tokio::spawn(async move {
        let cores = Cores::current();
        serve(listener, router, &cores, shutdown, &config.server).await;
    });
    address
}

/// Sends the request and reads the whole response.
fn exchange(connection: &mut TcpStream, request: &[u8]) {
    connection.write_all(request).expect("an open connection");
    let mut response = Vec::new();
    let mut buffer = [0; 16 << 10];
    while !is_complete(&response) {
        let count = connection.read(&mut buffer).expect("an open connection");
        assert_ne!(count, 0, "the connection was closed");
        response.extend_from_slice(&buffer[..count]);
    }
    assert!(response.starts_with(b"HTTP/1.1 200"), "{response:?}");
}

fn is_complete(response: &[u8]) -> bool {
    let text = String::from_utf8_lossy(response);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => body.len() >= length.parse().expect("a length"),
        None => body.ends_with("\r\n0\r\n\r\n"),
    }
}
