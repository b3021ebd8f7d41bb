//! A stream ends with Bedrock's last event, whatever the connection does, and only complete events
//! reset the idle timeout.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bedrock_simulator::{Event, Fault, Script, ScriptedResponse};
use outcrop::bedrock::SimulatedBedrock;
use outcrop::config::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::harness::{Harness, MODEL, Reply, streamed};

const GPT: &str = "openai.gpt-6-luna";

/// Longer than any response here takes. If a test fails, its response would never end.
const LIMIT: Duration = Duration::from_secs(30);

/// More than the events of any response.
const ALL: usize = 10_000;

/// Connections that stay open or end improperly after the last event.
pub const CONNECTIONS: [Fault; 4] = [
    Fault::Stall { after_events: ALL },
    Fault::Cut { after_events: ALL },
    Fault::TruncatedFrame { after_events: ALL },
    Fault::Trickle {
        after_events: ALL,
        delay_ms: 1,
    },
];

/// Sets an idle timeout longer than [`LIMIT`], and a short wait for usage.
pub fn patient(config: &mut Config) {
    config.bedrock.timeouts.stream_idle = Duration::from_secs(600);
    config.bedrock.timeouts.stream_end = Duration::from_millis(200);
}

/// A Converse response whose last event is `messageStop`.
pub fn without_metadata() -> Script {
    let event = |name: &str, payload: Value| Event {
        name: name.to_owned(),
        payload,
    };
    let text = json!({"contentBlockIndex": 0, "delta": {"text": "hello"}});
    Script::new(ScriptedResponse::Events {
        events: vec![
            event("messageStart", json!({"role": "assistant"})),
            event("contentBlockDelta", text),
            event("contentBlockStop", json!({"contentBlockIndex": 0})),
            event("messageStop", json!({"stopReason": "end_turn"})),
        ],
    })
}

pub async fn within_limit<T>(work: impl Future<Output = T>) -> T {
    timeout(LIMIT, work)
        .await
        .expect("the response ends in time")
}

fn request(model: &str) -> Value {
    let mut request = streamed("hi");
    request["model"] = model.into();
    request["stream_options"] = json!({"include_usage": true});
    request
}

#[tokio::test]
async fn a_stream_ends_with_its_last_event_not_with_the_connection() {
    let harness = Harness::with(patient).await;
    for model in [MODEL, GPT] {
        for fault in CONNECTIONS {
            harness.simulator.clear();
            harness.simulator.push(Script::fault(fault.clone()));
            let reply: Reply = within_limit(harness.chat(&request(model))).await;
            let chunks = reply.chunks();
            let usage = &chunks.last().expect("chunks")["usage"];
            assert!(usage["total_tokens"].is_u64(), "{fault:?}: {usage}");
            within_limit(harness.simulator.idle()).await;
        }
    }
}

#[tokio::test]
async fn missing_usage_is_waited_for_briefly() {
    let harness = Harness::with(patient).await;
    for fault in CONNECTIONS {
        for choices in [1, 2] {
            harness.simulator.clear();
            let script = without_metadata().with(fault.clone());
            harness.simulator.push(script.times(choices));
            let mut request = request(MODEL);
            request["n"] = choices.into();
            let reply: Reply = within_limit(harness.chat(&request)).await;
            let chunks = reply.chunks();
            let finished = chunks
                .iter()
                .filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop");
            assert_eq!(finished.count(), choices as usize, "{fault:?}");
            within_limit(harness.simulator.idle()).await;
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn missing_usage_is_estimated_in_the_log() {
    crate::harness::logs::begin();
    let harness = Harness::with(patient).await;
    let script = without_metadata().with(Fault::Stall { after_events: ALL });
    harness.simulator.push(script);
    within_limit(harness.chat(&request(MODEL))).await;
    let line = crate::harness::logs::request_line().await;
    for part in ["outcome=\"completed\"", "tokens_estimated=true"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[tokio::test]
async fn a_chat_upstream_stream_waits_briefly_for_usage_and_done() {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let finish = json!([{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}]);
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    let finished = chunk(finish, Value::Null);
    let counted = finished.clone() + &chunk(json!([]), usage);
    for (body, total) in [(counted, json!(3)), (finished, Value::Null)] {
        let upstream = Upstream::start("text/event-stream", body.into_bytes()).await;
        let harness = Harness::with(|config| {
            patient(config);
            config.bedrock.simulated = Some(upstream.as_bedrock());
        })
        .await;
        let reply: Reply = within_limit(harness.chat(&request(GPT))).await;
        let chunks = reply.chunks();
        assert_eq!(
            chunks.last().expect("chunks")["usage"]["total_tokens"],
            total
        );
    }
}

#[tokio::test]
async fn bytes_without_a_complete_event_do_not_reset_the_idle_timeout() {
    let harness = Harness::with(|config| {
        config.bedrock.timeouts.stream_idle = Duration::from_millis(300);
    })
    .await;
    for model in [MODEL, GPT] {
        let trickle = Fault::Trickle {
            after_events: 2,
            delay_ms: 5,
        };
        harness.simulator.push(Script::fault(trickle));
        let reply: Reply = within_limit(harness.chat(&request(model))).await;
        let last: Value = serde_json::from_str(&reply.last_event()).expect("an error event");
        assert_eq!(last["error"]["code"], "upstream_timeout", "{last}");
        within_limit(harness.simulator.idle()).await;
    }
}

#[tokio::test]
async fn a_connection_whose_body_ends_slightly_later_is_reused() {
    let harness = Harness::start().await;
    harness.simulator.push(Script::text("hello"));
    let body = recorded_stream(&harness).await;
    let upstream = Upstream::start("application/vnd.amazon.eventstream", body).await;
    let harness = Harness::with(|config| {
        patient(config);
        config.bedrock.simulated = Some(upstream.as_bedrock());
    })
    .await;
    // The body ends after the response. When the connection is free again depends on the
    // system, so that several requests may open new ones.
    for _ in 0..100 {
        within_limit(harness.chat(&request(MODEL))).await;
        upstream.endings.add_permits(1);
        if upstream.requests.load(Ordering::SeqCst) > upstream.connections.load(Ordering::SeqCst) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("every request opened a new connection");
}

/// The bytes of a ConverseStream response of the simulator.
async fn recorded_stream(harness: &Harness) -> Vec<u8> {
    let body = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let path = format!("/model/{MODEL}/converse-stream");
    let request = harness.request(http::Method::POST, &path, body.to_string());
    let (status, _, bytes) = harness.bytes(request).await.expect("a response");
    assert_eq!(status, 200);
    bytes.to_vec()
}

/// A server that sends the same chunk to every request and ends the body on command.
struct Upstream {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    endings: Arc<Semaphore>,
}

impl Upstream {
    async fn start(content_type: &'static str, body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
            endings: Arc::new(Semaphore::new(0)),
        };
        let (connections, requests) = (
            Arc::clone(&upstream.connections),
            Arc::clone(&upstream.requests),
        );
        let endings = Arc::clone(&upstream.endings);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n\
             {:x}\r\n",
            body.len()
        );
        let response = [head.as_bytes(), &body, b"\r\n"].concat();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let (response, requests) = (response.clone(), Arc::clone(&requests));
                let endings = Arc::clone(&endings);
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while read_request(&mut stream).await.is_some() {
                        requests.fetch_add(1, Ordering::SeqCst);
                        stream.write_all(&response).await.ok()?;
                        endings.acquire().await.ok()?.forget();
                        stream.write_all(b"0\r\n\r\n").await.ok()?;
                    }
                    Some(())
                });
            }
        });
        upstream
    }

    fn as_bedrock(&self) -> SimulatedBedrock {
        SimulatedBedrock::at(format!("http://{}", self.address))
    }
}

/// Reads a request with its body.
async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(())
}
