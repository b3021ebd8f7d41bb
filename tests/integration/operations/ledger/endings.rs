//! The ways in which requests end.

use bedrock_simulator::Script;
use http_body_util::BodyExt;
use outcrop::http::ShutdownPhase;
use outcrop::models::{Routing, Usd};
use outcrop::usage::{Cost, RequestOutcome, Upstream};

use super::rows::{Row, calling_rows};
use super::{Gateway, assert_called_once, assert_charged, assert_ended};
use crate::harness::MODEL;
use crate::harness::batches::{self, end_of, line, lines};

#[tokio::test]
async fn a_complete_response_settles_its_usage() {
    let gateway = Gateway::start().await;
    for row in gateway.rows() {
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
    for row in gateway.rows() {
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
    for row in calling_rows().iter().filter(|row| row.stream) {
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
async fn a_client_that_leaves_at_the_end_abandons_it_with_a_finish_reason() {
    // All of Converse's events but the metadata, for which the end of the stream waits.
    const EVENTS: usize = 7;
    let gateway = Gateway::start().await;
    let rows = calling_rows();
    let of_openai = |row: &&Row| {
        let is_converse = row.upstream == Some(Upstream::Converse);
        row.stream && is_converse && row.path.ends_with("/completions")
    };
    let rows: Vec<&Row> = rows.iter().filter(of_openai).collect();
    assert_eq!(rows.len(), 2, "chat and text completions");
    for row in rows {
        let finish = br#""finish_reason":"stop""#;
        drop(gateway.wait_for(row, EVENTS, finish).await);
        let record = gateway.record(row).await;
        assert_ended(row, &record, RequestOutcome::Abandoned, Some(200));
        assert_called_once(row, &record);
        assert!(
            record.estimated && record.finish_reason.is_some(),
            "{}",
            row.name
        );
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
    for row in calling_rows().iter().filter(|row| row.stream) {
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
    let row = &calling_rows()[0];
    let script = Script::error(503, "ServiceUnavailableException", "busy");
    gateway.harness.simulator.push(script.times(2));
    gateway.complete(row).await;
    let record = gateway.record(row).await;
    assert_eq!((record.attempts, record.upstream_request_ids.len()), (3, 3));
    assert_eq!((record.status, record.error), (Some(200), None));
    let failed = record.failed_attempts;
    assert_eq!((failed.throttled, failed.other), (0, 2));

    let script = Script::error(429, "ThrottlingException", "slow down");
    gateway.harness.simulator.push(script);
    gateway.complete(row).await;
    let record = gateway.record(row).await;
    let failed = record.failed_attempts;
    assert_eq!((record.attempts, failed.throttled, failed.other), (2, 1, 0));
}

#[tokio::test]
async fn a_job_of_a_batch_settles_a_record() {
    let harness = batches::harness(|config| {
        config.batches.role_arn = Some(batches::ROLE.to_owned());
    });
    let harness = harness.await;
    // Bedrock's jobs have a hundred records at least.
    let content: Vec<_> = (0..100)
        .map(|number| line(&number.to_string(), MODEL, "hi"))
        .collect();
    let id = batches::start_batch(&harness, &lines(&content)).await;
    assert_eq!(end_of(&harness, &id).await["status"], "completed");
    let mut records = harness.records.take(0).await;
    records.retain(|record| record.head.method.is_none());
    assert_eq!(records.len(), 1, "{records:#?}");
    let record = records.remove(0);
    assert_eq!(record.route, "/v1/batches");
    assert_eq!(record.upstream, Some(Upstream::BatchJob));
    assert_eq!(record.region.as_deref(), Some("us-east-1"));
    let target = record.target.unwrap();
    assert_eq!((target.id(), target.routing()), (MODEL, Some(Routing::Geo)));
    assert_eq!(record.outcome, RequestOutcome::Completed);
    let tokens = record.tokens.unwrap();
    assert!(tokens.prompt > 0);
    // Half of 3.30 and of 16.50 dollars per million.
    let cost =
        Usd::from_picodollars((tokens.prompt * 1_650_000 + tokens.completion * 8_250_000).into());
    assert_eq!(record.cost.and_then(Cost::total), Some(cost));
}

#[tokio::test]
async fn every_line_of_a_batch_settles_a_record() {
    let harness = batches::harness(|_| {}).await;
    let content = lines(&[line("a", MODEL, "hi"), line("b", MODEL, "hello")]);
    let id = batches::start_batch(&harness, &content).await;
    assert_eq!(end_of(&harness, &id).await["status"], "completed");
    let records = harness.records.take(0).await;
    let of_lines: Vec<_> = records
        .iter()
        .filter(|record| record.head.method.is_none())
        .collect();
    assert_eq!(of_lines.len(), 2);
    for record in of_lines {
        assert_eq!(record.route, "/v1/batches");
        assert_eq!(record.outcome, RequestOutcome::Completed);
        assert_eq!(record.status, Some(200));
        assert_eq!(
            (record.upstream, record.attempts),
            (Some(Upstream::Converse), 1)
        );
        assert!(record.tokens.is_some() && record.cost.is_some());
        // The caller has authenticated for the batch, not for its lines.
        assert_eq!(
            record.caller.as_ref().map(|caller| &*caller.id),
            Some("local")
        );
        assert_eq!(record.identity, None);
    }
}
