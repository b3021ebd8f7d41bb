//! Every request settles exactly one record, whichever endpoint it uses and however it ends.

mod endings;
mod fields;
mod rows;

use bedrock_simulator::{Fault, Script};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use outcrop::config::Config;
use outcrop::usage::{Identity, RequestOutcome, UsageRecord};
use rows::{Row, Used};
use serde_json::Value;

use crate::bedrock_api::signatures::team_a;
use crate::harness::Harness;
use crate::harness::batches::with_batches;

/// Longer than any test.
const NEVER: u64 = 600_000;

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
    assert_eq!(record.head.path, row.path);
    assert_eq!(record.route, row.route, "{}", row.name);
}

/// Asserts that Bedrock was called once, for the authenticated caller.
fn assert_called_once(row: &Row, record: &UsageRecord) {
    assert_eq!(record.upstream, row.upstream, "{}", row.name);
    assert_eq!(record.attempts, 1, "{}", row.name);
    assert_eq!(record.caller.as_deref(), Some("team-a"), "{}", row.name);
    assert_eq!(record.identity, Some(Identity::Key), "{}", row.name);
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
    let finish_reason = row.generates().then_some("end_turn");
    assert_eq!(record.finish_reason, finish_reason, "{}", row.name);
    assert!(!record.guardrail_intervened, "{}", row.name);
    assert_eq!(
        record.cost.is_some(),
        row.used != Used::Nothing,
        "{}",
        row.name
    );
    assert!(!record.estimated, "{}", row.name);
}
