//! Shared setup: a simulator, an AWS SDK client for it, and a plain HTTP client.

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};
use bedrock_simulator::{Options, Simulator};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub(crate) const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
pub(crate) const NOVA: &str = "amazon.nova-lite-v1:0";

pub(crate) async fn simulator() -> Simulator {
    Simulator::start(Options::default()).await.unwrap()
}

/// Without authentication and validation, for the plain client.
pub(crate) async fn open_simulator() -> Simulator {
    let options = Options {
        any_credentials: true,
        validate: false,
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

/// Without authentication, for the plain client.
pub(crate) async fn unsigned_simulator() -> Simulator {
    let options = Options {
        any_credentials: true,
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

/// A client with valid credentials and without retries.
pub(crate) fn client(simulator: &Simulator) -> Client {
    let credentials = bedrock_simulator::Credentials::default();
    client_with(
        simulator,
        credentials.access_key_id,
        credentials.secret_access_key,
        None,
    )
}

pub(crate) fn client_with(
    simulator: &Simulator,
    key: String,
    secret: String,
    token: Option<String>,
) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(simulator.url())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(Credentials::new(key, secret, token, None, "test"))
        .build();
    Client::from_conf(config)
}

pub(crate) fn user(text: &str) -> Message {
    Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(text.to_owned()))
        .build()
        .unwrap()
}

/// A response; `body` may be incomplete.
pub(crate) struct HttpReply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, hyper::Error>,
}

impl HttpReply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body.as_ref().unwrap()).unwrap()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends one request on its own connection.
pub(crate) async fn send(
    simulator: &Simulator,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> HttpReply {
    let request = Request::builder().method(method).uri(path);
    send_request(simulator, request.body(Full::new(body.into())).unwrap()).await
}

pub(crate) async fn post(simulator: &Simulator, path: &str, body: impl Into<Bytes>) -> HttpReply {
    send(simulator, Method::POST, path, body).await
}

pub(crate) async fn send_request(
    simulator: &Simulator,
    mut request: Request<Full<Bytes>>,
) -> HttpReply {
    let host = simulator.address().to_string();
    let headers = request.headers_mut();
    headers.entry("host").or_insert(host.parse().unwrap());
    let stream = TcpStream::connect(simulator.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    HttpReply {
        status: head.status,
        headers: head.headers,
        body,
    }
}

/// The events of a stream: names, and payloads without padding.
pub(crate) fn events(body: &[u8]) -> Vec<(String, Value)> {
    let mut events = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
        let (total, headers) = (number(0), number(4));
        let name = &rest[12 + 1..];
        let key_length = usize::from(rest[12]);
        let length = usize::from(u16::from_be_bytes([
            name[key_length + 1],
            name[key_length + 2],
        ]));
        let name = &name[key_length + 3..][..length];
        let mut payload: Value = serde_json::from_slice(&rest[12 + headers..total - 4]).unwrap();
        payload.as_object_mut().unwrap().remove("p");
        events.push((String::from_utf8(name.to_vec()).unwrap(), payload));
        rest = &rest[total..];
    }
    events
}

pub(crate) fn converse_request(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }] })
}

/// `request` with more fields.
pub(crate) fn with(mut request: Value, settings: Value) -> Value {
    request
        .as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    request
}

pub(crate) async fn converse(simulator: &Simulator, model: &str, request: &Value) -> Value {
    let path = format!("/model/{model}/converse");
    let response = post(simulator, &path, request.to_string()).await;
    response.json()
}

pub(crate) async fn stream(
    simulator: &Simulator,
    model: &str,
    request: &Value,
) -> Vec<(String, Value)> {
    let path = format!("/model/{model}/converse-stream");
    let response = post(simulator, &path, request.to_string()).await;
    events(response.body.as_ref().unwrap())
}

/// Settings that enable reasoning on Claude.
pub(crate) fn budget() -> Value {
    json!({ "additionalModelRequestFields": {
        "thinking": { "type": "enabled", "budget_tokens": 1024 } } })
}
