//! Every request settles exactly one record, whichever endpoint it uses and however it ends.

use bedrock_simulator::{Fault, Operation, Script};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use outcrop::config::Config;
use outcrop::http::ShutdownPhase;
use outcrop::usage::{RequestOutcome, Units, Upstream, UsageRecord};
use serde_json::{Value, json};

use crate::bedrock_api::signatures::team_a;
use crate::harness::batches::{end_of, line, lines, with_batches};
use crate::harness::{Harness, MODEL};

const MANTLE: &str = "openai.gpt-5.4";
const RUNTIME: &str = "openai.gpt-6-luna";

/// Longer than any test.
const NEVER: u64 = 600_000;

/// A request, and what it uses. A new endpoint is a row of [`rows`].
struct Row {
    name: &'static str,
    path: String,
    /// `None` for a GET request.
    body: Option<Value>,
    /// The API that it calls once.
    upstream: Option<Upstream>,
    /// What is charged.
    used: Used,
    /// Whether its response is a stream.
    stream: bool,
    /// Whether the response does without the call if the call fails.
    is_optional: bool,
}

/// What a complete response is charged for.
#[derive(Clone, Copy, PartialEq)]
enum Used {
    Nothing,
    Tokens,
    Units(Units),
    TokensAndUnits(Units),
}

impl Row {
    fn post(name: &'static str, path: &str, body: Value, upstream: Upstream, used: Used) -> Self {
        Self {
            name,
            path: path.to_owned(),
            stream: body["stream"] == true,
            body: Some(body),
            upstream: Some(upstream),
            used,
            is_optional: upstream == Upstream::CountTokens,
        }
    }

    /// `script` for the call of this row. Without an operation, a script is for calls of models.
    fn scripted(&self, script: Script) -> Script {
        match self.upstream {
            Some(Upstream::CountTokens) => script.for_operation(Operation::CountTokens),
            Some(Upstream::Guardrails) => script.for_operation(Operation::InvokeGuardrailChecks),
            Some(Upstream::AsyncInvoke) => script.for_operation(Operation::StartAsyncInvoke),
            _ => script,
        }
    }

    fn get(path: &'static str) -> Self {
        Self {
            name: path,
            path: path.to_owned(),
            body: None,
            upstream: None,
            used: Used::Nothing,
            stream: false,
            is_optional: false,
        }
    }
}

fn rows() -> Vec<Row> {
    let chat = |model: &str, stream: bool| json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
    let prompt = |stream: bool| json!({"model": MODEL, "stream": stream, "prompt": "hi"});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let invoke = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}]});
    let embeddings = json!({"model": "amazon.titan-embed-text-v2:0", "input": "hi"});
    let rerank = json!({"model": "cohere.rerank-v3-5:0", "query": "hi", "documents": ["a"]});
    let image = json!({"model": "amazon.nova-canvas-v1:0", "prompt": "a cat"});
    let video = json!({"model": "amazon.nova-reel-v1:1", "prompt": "a cat", "seconds": "6"});
    let of_model = |action: &str| format!("/model/{MODEL}/{action}");
    let chats = "/v1/chat/completions";
    let post = Row::post;
    vec![
        post(
            "chat",
            chats,
            chat(MODEL, false),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "chat stream",
            chats,
            chat(MODEL, true),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "chat on bedrock-runtime",
            chats,
            chat(RUNTIME, false),
            Upstream::RuntimeChatCompletions,
            Used::Tokens,
        ),
        post(
            "chat stream on bedrock-mantle",
            chats,
            chat(MANTLE, true),
            Upstream::MantleChatCompletions,
            Used::Tokens,
        ),
        post(
            "completion",
            "/v1/completions",
            prompt(false),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "completion stream",
            "/v1/completions",
            prompt(true),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "embeddings",
            "/v1/embeddings",
            embeddings,
            Upstream::InvokeModel,
            Used::Tokens,
        ),
        post(
            "rerank",
            "/v1/rerank",
            rerank,
            Upstream::InvokeModel,
            Used::TokensAndUnits(Units::Queries(1)),
        ),
        post(
            "image",
            "/v1/images/generations",
            image,
            Upstream::InvokeModel,
            Used::Units(Units::Images(1)),
        ),
        post(
            "video",
            "/v1/videos",
            video,
            Upstream::AsyncInvoke,
            Used::Units(Units::Seconds(6)),
        ),
        post(
            "moderation",
            "/v1/moderations",
            json!({"input": "hi"}),
            Upstream::Guardrails,
            Used::Units(Units::TextUnits(1)),
        ),
        post(
            "token count of a chat",
            "/v1/chat/completions/input_tokens",
            chat(MODEL, false),
            Upstream::CountTokens,
            Used::Nothing,
        ),
        post(
            "token count of a response",
            "/v1/responses/input_tokens",
            json!({"model": MODEL, "input": "hi"}),
            Upstream::CountTokens,
            Used::Nothing,
        ),
        post(
            "explanation",
            "/v1/explain",
            chat(MODEL, false),
            Upstream::CountTokens,
            Used::Nothing,
        ),
        post(
            "Converse",
            &of_model("converse"),
            converse.clone(),
            Upstream::Converse,
            Used::Tokens,
        ),
        Row {
            stream: true,
            ..post(
                "ConverseStream",
                &of_model("converse-stream"),
                converse,
                Upstream::Converse,
                Used::Tokens,
            )
        },
        post(
            "InvokeModel",
            &of_model("invoke"),
            invoke,
            Upstream::InvokeModel,
            Used::Tokens,
        ),
        Row::get("/v1/models"),
        Row::get("/v1/files"),
        Row::get("/v1/batches"),
    ]
}

/// The rows that call Bedrock.
fn calling_rows() -> Vec<Row> {
    let mut rows = rows();
    rows.retain(|row| row.upstream.is_some());
    rows
}

/// A gateway and a client whose responses are read bit by bit.
struct Gateway {
    harness: Harness,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Gateway {
    async fn start() -> Self {
        let change = |config: &mut Config| {
            with_batches(config);
            config.videos.enabled = true;
            config.keys.push(team_a());
        };
        Self {
            harness: Harness::with(change).await,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    fn request(&self, row: &Row, key: &'static str) -> Request<Full<Bytes>> {
        let method = match row.body {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let body = row.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = self.harness.request(method, &row.path, body);
        let key = HeaderValue::from_static(key);
        request.headers_mut().insert(AUTHORIZATION, key);
        request
    }

    /// Sends the request of `row`; returns when the response has a head.
    async fn open(&self, row: &Row) -> Response<Incoming> {
        let request = self.request(row, "Bearer sk-team-a");
        self.client.request(request).await.unwrap()
    }

    /// Sends the request of `row`, and reads the response.
    async fn complete(&self, row: &Row) {
        self.open(row).await.into_body().collect().await.unwrap();
    }

    /// Sends the request of `row`; returns when Bedrock has received its call, and keeps it waiting.
    async fn wait_at_head(&self, row: &Row) -> impl Future<Output = Response<Incoming>> {
        let fault = Fault::SlowResponse { delay_ms: NEVER };
        let script = row.scripted(Script::fault(fault));
        self.harness.simulator.push(script);
        let received = self.harness.simulator.received();
        let mut response = Box::pin(self.open(row));
        tokio::select! {
            _ = &mut response => panic!("{}: the response arrived", row.name),
            () = self.harness.simulator.wait_for_received(received + 1) => {}
        }
        response
    }

    /// Sends the request of `row`; returns when its stream has brought the first word, and no more.
    async fn wait_in_stream(&self, row: &Row) -> Incoming {
        let fault = Fault::Stall { after_events: 3 };
        self.harness
            .simulator
            .push(Script::text("one two three four").with(fault));
        let mut body = self.open(row).await.into_body();
        let mut read = Vec::new();
        while !read.windows(3).any(|word| word == b"one") {
            let frame = body.frame().await.unwrap().unwrap();
            read.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        body
    }

    /// The only record since the last one.
    async fn record(&self, row: &Row) -> UsageRecord {
        let mut records = self.harness.records.take(1).await;
        assert_eq!(records.len(), 1, "{}: {records:#?}", row.name);
        records.remove(0)
    }
}

fn assert_ended(row: &Row, record: &UsageRecord, outcome: RequestOutcome, status: Option<u16>) {
    assert_eq!(record.outcome, outcome, "{}: {record:#?}", row.name);
    assert_eq!(record.status, status, "{}: {record:#?}", row.name);
    assert_eq!(record.head.route, row.path);
}

/// Asserts that Bedrock was called once, for the authenticated caller.
fn assert_called_once(row: &Row, record: &UsageRecord) {
    assert_eq!(record.upstream, row.upstream, "{}", row.name);
    assert_eq!(record.attempts, 1, "{}", row.name);
    assert_eq!(record.caller.as_deref(), Some("team-a"), "{}", row.name);
    let body = row.body.as_ref().map(Value::to_string).unwrap_or_default();
    assert_eq!(record.request_bytes, body.len() as u64, "{}", row.name);
}

fn assert_charged(row: &Row, record: &UsageRecord) {
    let (tokens, units) = match row.used {
        Used::Nothing => (false, None),
        Used::Tokens => (true, None),
        Used::Units(units) => (false, Some(units)),
        Used::TokensAndUnits(units) => (true, Some(units)),
    };
    assert_eq!(record.tokens.is_some(), tokens, "{}: {record:#?}", row.name);
    assert_eq!(record.units, units, "{}", row.name);
    assert_eq!(
        record.cost.is_some(),
        row.used != Used::Nothing,
        "{}",
        row.name
    );
    assert!(!record.estimated, "{}", row.name);
}

#[tokio::test]
async fn a_complete_response_settles_its_usage() {
    let gateway = Gateway::start().await;
    for row in rows() {
        gateway.complete(&row).await;
        let record = gateway.record(&row).await;
        assert_ended(&row, &record, RequestOutcome::Completed, Some(200));
        assert_charged(&row, &record);
        assert_eq!(record.stream, row.stream, "{}", row.name);
        assert_eq!(record.error, None, "{}", row.name);
        if row.upstream.is_some() {
            assert_called_once(&row, &record);
            assert_eq!(record.upstream_request_ids.len(), 1, "{}", row.name);
            assert!(record.target.is_some(), "{}", row.name);
            assert_eq!(record.region.as_deref(), Some("us-east-1"), "{}", row.name);
        }
    }
}

#[tokio::test]
async fn a_refused_request_settles_without_a_call() {
    let gateway = Gateway::start().await;
    for row in rows() {
        let request = gateway.request(&row, "Bearer sk-unknown");
        let response = gateway.client.request(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        let record = gateway.record(&row).await;
        let status = record.status;
        assert!(matches!(status, Some(401 | 403)), "{}", row.name);
        assert_ended(&row, &record, RequestOutcome::Completed, status);
        assert_eq!((record.attempts, record.cost), (0, None), "{}", row.name);
        assert!(record.caller.is_none() && record.error.is_some());
    }
}

#[tokio::test]
async fn an_upstream_error_settles_with_its_code() {
    let gateway = Gateway::start().await;
    for row in &calling_rows() {
        let script = Script::error(403, "AccessDeniedException", "not allowed");
        gateway.harness.simulator.push(row.scripted(script));
        gateway.complete(row).await;
        let record = gateway.record(row).await;
        assert_called_once(row, &record);
        let status = record.status.unwrap();
        assert_eq!(status < 400, row.is_optional, "{}: {status}", row.name);
        assert_ended(row, &record, RequestOutcome::Completed, Some(status));
        assert_eq!((record.tokens, record.cost), (None, None), "{}", row.name);
        let error = record.error.unwrap();
        assert_eq!(error.code, "AccessDeniedException", "{}", row.name);
        assert_eq!(record.upstream_request_ids.len(), 1, "{}", row.name);
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_response_abandons_it() {
    let gateway = Gateway::start().await;
    for row in &calling_rows() {
        drop(gateway.wait_at_head(row).await);
        let record = gateway.record(row).await;
        assert_ended(row, &record, RequestOutcome::Abandoned, None);
        assert_called_once(row, &record);
        assert_eq!((record.tokens, record.cost), (None, None), "{}", row.name);
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_a_stream_abandons_it_with_an_estimate() {
    let gateway = Gateway::start().await;
    for row in rows().iter().filter(|row| row.stream) {
        drop(gateway.wait_in_stream(row).await);
        let record = gateway.record(row).await;
        assert_ended(row, &record, RequestOutcome::Abandoned, Some(200));
        assert_called_once(row, &record);
        assert!(
            record.estimated && record.first_token.is_some(),
            "{}",
            row.name
        );
        assert!(record.tokens.unwrap().completion > 0, "{}", row.name);
        assert_eq!(record.cost, None, "{}", row.name);
    }
}

#[tokio::test]
async fn a_shutdown_before_the_response_settles_an_error() {
    for row in &calling_rows() {
        let gateway = Gateway::start().await;
        let response = gateway.wait_at_head(row).await;
        gateway.harness.shutdown.advance(ShutdownPhase::Ending);
        response.await.into_body().collect().await.unwrap();
        let record = gateway.record(row).await;
        assert_ended(row, &record, RequestOutcome::Completed, Some(503));
        assert_eq!(record.error.unwrap().code, "service_unavailable");
    }
}

#[tokio::test]
async fn a_shutdown_in_a_stream_breaks_it() {
    for row in rows().iter().filter(|row| row.stream) {
        let gateway = Gateway::start().await;
        let body = gateway.wait_in_stream(row).await;
        gateway.harness.shutdown.advance(ShutdownPhase::Ending);
        body.collect().await.unwrap();
        let record = gateway.record(row).await;
        assert_ended(row, &record, RequestOutcome::Broken, Some(200));
        assert!(record.estimated, "{}", row.name);
        assert_eq!(record.error.unwrap().code, "service_unavailable");
    }
}

#[tokio::test]
async fn attempts_of_retried_calls_are_counted() {
    let gateway = Gateway::start().await;
    let row = &rows()[0];
    let script = Script::error(503, "ServiceUnavailableException", "busy");
    gateway.harness.simulator.push(script.times(2));
    gateway.complete(row).await;
    let record = gateway.record(row).await;
    assert_eq!((record.attempts, record.upstream_request_ids.len()), (3, 3));
    assert_eq!((record.status, record.error), (Some(200), None));
}

#[tokio::test]
async fn every_line_of_a_batch_settles_a_record() {
    let harness = crate::harness::batches::harness(|_| {}).await;
    let content = lines(&[line("a", MODEL, "hi"), line("b", MODEL, "hello")]);
    let id = crate::harness::batches::start_batch(&harness, &content).await;
    assert_eq!(end_of(&harness, &id).await["status"], "completed");
    let records = harness.records.take(0).await;
    let of_lines: Vec<_> = records
        .iter()
        .filter(|record| record.head.method.is_none())
        .collect();
    assert_eq!(of_lines.len(), 2);
    for record in of_lines {
        assert_eq!(record.head.route, "/v1/batches");
        assert_eq!(record.outcome, RequestOutcome::Completed);
        assert_eq!(record.status, Some(200));
        assert_eq!(
            (record.upstream, record.attempts),
            (Some(Upstream::Converse), 1)
        );
        assert!(record.tokens.is_some() && record.cost.is_some());
    }
}
