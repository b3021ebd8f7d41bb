//! A gateway and a simulator in this process, and an HTTP client for the gateway.

pub mod batches;
pub mod conversations;
pub mod fields;
pub mod forms;
pub mod golden;
pub mod identity_provider;
pub mod images;
pub mod logs;
pub mod records;
pub mod translation;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bedrock_simulator::{Options, Simulator};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use outcrop::bedrock::{Bedrock, SimulatedBedrock};
use outcrop::catalog::Tables;
use outcrop::config::{CatalogList, Config, Overrides, load};
use outcrop::fetch::Fetcher;
use outcrop::gateway::Gateway;
use outcrop::http::Shutdown;
use outcrop::server::Router;
use outcrop::server::{App, Cores, serve};
use outcrop::store::{Spool, Store};
use outcrop::usage::{UsageWriter, WriterSettings};
use records::Records;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

pub struct Harness {
    pub simulator: Simulator,
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub server: JoinHandle<()>,
    pub app: Arc<App>,
    pub router: Router,
    pub records: Records,
    /// The key of all requests; `None` for none.
    pub key: Option<&'static str>,
    client: Client<HttpConnector, Full<Bytes>>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// A response whose body is read incrementally.
pub struct OpenReply {
    pub status: StatusCode,
    body: Incoming,
    pending: String,
}

impl Harness {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_simulator(Options::default(), change).await
    }

    pub async fn with_simulator(options: Options, change: impl FnOnce(&mut Config)) -> Self {
        Self::within(options, change, None).await
    }

    /// A gateway that downloads files with `fetcher`.
    pub async fn within(
        options: Options,
        change: impl FnOnce(&mut Config),
        fetcher: Option<Fetcher>,
    ) -> Self {
        let simulator = Simulator::start(options).await.unwrap();
        let mut config = Config::default();
        config.bedrock.simulated = Some(SimulatedBedrock::at(simulator.url()));
        config.bedrock.retry.base_delay = Duration::from_millis(1);
        // No calls in the background, so that tests can count calls.
        config.catalog.list = CatalogList::Configured;
        change(&mut config);
        let bedrock = Bedrock::connect(&config.bedrock).await.unwrap();
        let shutdown = Shutdown::default();
        let records = Records::start(usage_writer(&config));
        let queue = records.queue.clone();
        let mut app = App::new(&config, bedrock.clone(), queue, shutdown.clone()).unwrap();
        if let Some(fetcher) = fetcher {
            let tables = Tables::load(&config.catalog.files).unwrap();
            Arc::get_mut(&mut app).unwrap().gateway =
                Arc::new(Gateway::new(&config, tables, bedrock, fetcher));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (settings, shutdown_signal) = (config.server.clone(), shutdown.clone());
        let router = Router::new(Arc::clone(&app));
        let routes = router.clone();
        let server = tokio::spawn(async move {
            let cores = Cores::current();
            serve(listener, routes, &cores, shutdown_signal, &settings).await;
        });
        Self {
            simulator,
            address,
            shutdown,
            server,
            app,
            router,
            records,
            key: None,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Applies a changed configuration, as a reload does.
    pub fn reload(&self, change: impl FnOnce(&mut Config)) {
        self.try_reload(change).unwrap();
    }

    /// The same for a configuration that may be refused.
    pub fn try_reload(&self, change: impl FnOnce(&mut Config)) -> Result<(), String> {
        let running = self.router.app();
        let mut config = running.config.clone();
        change(&mut config);
        let app = running.reconfigured(&config);
        self.router.replace(app.map_err(|error| error.to_string())?);
        Ok(())
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let response = self.client.request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// A binary response, or the error that interrupted it.
    pub async fn bytes(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), hyper::Error> {
        let response = self.client.request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((head.status, head.headers, body))
    }

    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Request<Full<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        let request = match self.key {
            Some(key) => request.header(AUTHORIZATION, format!("Bearer {key}")),
            None => request,
        };
        request.body(Full::new(body.into())).unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, "")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path, body.to_string()))
            .await
    }

    pub async fn chat(&self, body: &Value) -> Reply {
        self.post("/v1/chat/completions", body).await
    }

    /// A chat request with additional headers.
    pub async fn chat_with(&self, headers: &[(&'static str, &str)], body: &Value) -> Reply {
        let path = "/v1/chat/completions";
        let mut request = self.request(Method::POST, path, body.to_string());
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(*name, value);
        }
        self.send(request).await
    }

    /// Sends a chat request and returns after the response's headers.
    pub async fn open(&self, body: &Value) -> OpenReply {
        let request = self.request(Method::POST, "/v1/chat/completions", body.to_string());
        self.open_request(request).await
    }

    /// Sends a request and returns after the response's headers.
    pub async fn open_request(&self, request: Request<Full<Bytes>>) -> OpenReply {
        let response = self.client.request(request).await.unwrap();
        OpenReply {
            status: response.status(),
            body: response.into_body(),
            pending: String::new(),
        }
    }

    /// The Converse requests that Bedrock has received.
    pub fn sent_upstream(&self) -> Vec<Value> {
        let requests = self.simulator.requests();
        let chats = requests
            .iter()
            .filter(|request| request.path.contains("/converse"));
        chats.map(|request| request.json()).collect()
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn error(&self) -> Value {
        self.json()["error"].clone()
    }

    /// The adjustments header.
    pub fn adjustments(&self) -> &str {
        self.header("x-outcrop-adjustments").unwrap_or_default()
    }

    /// The chunks of a stream.
    pub fn chunks(&self) -> Vec<Value> {
        let events = self.events();
        assert_eq!(
            events.last().map(String::as_str),
            Some("[DONE]"),
            "{}",
            self.text
        );
        let chunks = events.iter().filter(|event| *event != "[DONE]");
        chunks
            .map(|event| serde_json::from_str(event).unwrap())
            .collect()
    }

    /// The data of all server-sent events.
    pub fn events(&self) -> Vec<String> {
        data_lines(&self.text)
    }

    pub fn last_event(&self) -> String {
        self.events().pop().unwrap_or_default()
    }
}

impl OpenReply {
    /// The next event or comment, verbatim; `None` at the end.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.pending.split_once("\n\n") {
                let event = event.to_owned();
                self.pending = rest.to_owned();
                return Some(event);
            }
            let frame = self.body.frame().await?.unwrap();
            if let Ok(data) = frame.into_data() {
                self.pending.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }

    /// The remaining events and comments.
    pub async fn rest(mut self) -> Vec<String> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// The writer of usage, if the configuration enables it.
fn usage_writer(config: &Config) -> Option<UsageWriter> {
    let path = &config.store.path;
    config.usage.enabled?.then(|| {
        let settings = WriterSettings {
            wait_for_file: None,
            time_zone: jiff::tz::TimeZone::UTC,
            spool: Spool::at(&config.usage.spool_folder(path), 1 << 24),
        };
        UsageWriter::start(Arc::new(Store::at(path)), settings)
    })
}

pub fn data_lines(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(str::to_owned).collect()
}

/// A non-streaming chat request.
pub fn non_streaming(text: &str) -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": text}]})
}

/// A streaming chat request.
pub fn streamed(text: &str) -> Value {
    let mut request = non_streaming(text);
    request["stream"] = json!(true);
    request
}

/// The configuration in `text`.
pub fn config_of(text: &str) -> Config {
    let name = format!("outcrop-{}-{}.toml", std::process::id(), fastrand::u64(..));
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, text).unwrap();
    let config = load(&Overrides {
        file: outcrop::config::ConfigFile::Named(file.clone()),
        ..Default::default()
    });
    std::fs::remove_file(file).unwrap();
    config.unwrap_or_else(|mistakes| panic!("{mistakes}"))
}
