//! Every request settles exactly one record, whichever endpoint it uses and however it ends.

mod endings;
mod fields;
mod rows;

use std::time::Duration;

use bedrock_simulator::{Fault, Script};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use outcrop::config::Config;
use outcrop::usage::{Identity, RequestOutcome, UsageRecord};
use rows::{Body, Row, Stored, Used, rows};
use serde_json::Value;

use crate::bedrock_api::signatures::team_a;
use crate::harness::Harness;
use crate::harness::batches::with_batches;
use crate::harness::forms::FORM;

/// Longer than any test.
const NEVER: u64 = 600_000;

/// A gateway and a client whose responses are read bit by bit.
struct Gateway {
    harness: Harness,
    stored: Stored,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Gateway {
    async fn start() -> Self {
        let change = |config: &mut Config| {
            with_batches(config);
            config.videos.enabled = true;
            config.keys.push(team_a());
        };
        let mut gateway = Self {
            harness: Harness::with(change).await,
            stored: Stored::default(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        gateway.stored = Stored {
            file: gateway.created(&Row::upload()).await,
            video: gateway.created(&Row::video()).await,
        };
        // The video is complete.
        gateway.harness.simulator.advance(Duration::from_secs(121));
        gateway.harness.records.take(2).await;
        gateway
    }

    /// The id of the object that the request of `row` creates.
    async fn created(&self, row: &Row) -> String {
        let object = self.complete(row).await;
        let object: Value = serde_json::from_slice(&object).unwrap();
        object["id"].as_str().unwrap().to_owned()
    }

    fn rows(&self) -> Vec<Row> {
        rows(&self.stored)
    }

    fn request(&self, row: &Row, key: &'static str) -> Request<Full<Bytes>> {
        let method = match row.body {
            Body::None => Method::GET,
            Body::Json(_) | Body::Form(_) => Method::POST,
        };
        let body = row.body.bytes();
        let mut request = self.harness.request(method, &row.path, body);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(key));
        if matches!(row.body, Body::Form(_)) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        }
        request
    }

    /// Sends the request of `row`; returns when the response has a head.
    async fn open(&self, row: &Row) -> Response<Incoming> {
        let request = self.request(row, "Bearer sk-team-a");
        self.client.request(request).await.unwrap()
    }

    /// Sends the request of `row`, and reads the response.
    async fn complete(&self, row: &Row) -> Bytes {
        let body = self.open(row).await.into_body();
        body.collect().await.unwrap().to_bytes()
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
        self.wait_for(row, 3, b"one").await
    }

    /// Sends the request of `row`; returns when its stream has brought `text`. Bedrock sends only the
    /// first `events` events.
    async fn wait_for(&self, row: &Row, events: usize, text: &[u8]) -> Incoming {
        let fault = Fault::Stall {
            after_events: events,
        };
        self.harness
            .simulator
            .push(Script::text("one two three four").with(fault));
        let mut body = self.open(row).await.into_body();
        let mut read = Vec::new();
        while !read.windows(text.len()).any(|part| part == text) {
            let frame = body.frame().await.unwrap().unwrap();
            read.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        body
    }

    /// The only record since the last one, besides those of the lines of batches.
    async fn record(&self, row: &Row) -> UsageRecord {
        loop {
            let mut records = self.harness.records.take(1).await;
            records.retain(|record| record.head.method.is_some());
            if let Some(record) = records.pop() {
                assert!(records.is_empty(), "{}: {records:#?}", row.name);
                return record;
            }
        }
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
    assert_eq!(
        record.caller.as_ref().map(|caller| &*caller.id),
        Some("team-a"),
        "{}",
        row.name
    );
    assert_eq!(record.identity, Some(Identity::Key), "{}", row.name);
    let json = match row.body {
        Body::Json(_) => row.body.bytes().len(),
        Body::None | Body::Form(_) => 0,
    };
    assert_eq!(record.request_bytes, json as u64, "{}", row.name);
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
