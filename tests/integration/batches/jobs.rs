//! Batches that run as Bedrock batch jobs.

use bedrock_simulator::{JobEnd, Operation, Script};
use outcrop::config::Config;
use serde_json::{Value, json};

use super::{NOVA, cancel, contents_by_line, many};
use crate::harness::batches::{
    BUCKET, ROLE, batch_when, end_of, file_of, harness, line, lines, restart, start_batch,
    with_batches,
};
use crate::harness::{Harness, MODEL};

async fn with_jobs() -> Harness {
    harness(|config| config.batches.role_arn = Some(ROLE.to_owned())).await
}

pub(super) fn job_requests(harness: &Harness) -> Vec<Value> {
    let requests = harness.simulator.requests();
    let job_requests = requests
        .iter()
        .filter(|request| request.operation == Some(Operation::CreateModelInvocationJob));
    job_requests.map(|request| request.json()).collect()
}

#[tokio::test]
async fn a_large_batch_becomes_one_job_per_model() {
    let harness = with_jobs().await;
    let mut input = many(MODEL, "claude-", 101);
    input.extend(many(NOVA, "nova-", 100));
    let id = start_batch(&harness, &lines(&input)).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("completed"), "{batch:#}");
    assert_eq!(
        batch["request_counts"],
        json!({"total": 201, "completed": 201, "failed": 0})
    );
    assert!(batch["usage"]["input_tokens"].as_u64().unwrap() > 0);
    let job_requests = job_requests(&harness);
    let mut models: Vec<&str> = job_requests
        .iter()
        .map(|job_request| job_request["modelId"].as_str().unwrap())
        .collect();
    models.sort_unstable();
    assert_eq!(models, [NOVA, MODEL]);
    for job_request in &job_requests {
        assert_eq!(job_request["modelInvocationType"], json!("Converse"));
        assert_eq!(job_request["roleArn"], json!(ROLE));
        let input = job_request["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
            .as_str()
            .unwrap();
        assert!(
            input.starts_with(&format!("s3://{BUCKET}/outcrop/batches/{id}/")),
            "{input}"
        );
        assert!(input.ends_with(".jsonl"), "{input}");
    }
    assert_eq!(
        harness.sent_upstream().len(),
        0,
        "no request was processed call by call"
    );
    let contents = contents_by_line(&file_of(&harness, &batch, "output_file_id").await);
    assert_eq!(contents.len(), 201);
    for (name, text) in &contents {
        let number = name.rsplit('-').next().unwrap();
        assert!(text.contains(&format!("say {number}")), "{name}: {text}");
    }
    assert_eq!(batch["error_file_id"], json!(null));
    // The input and output files of both jobs are deleted.
    let deleted = || {
        let requests = harness.simulator.requests();
        let deletions = requests.iter().filter(|request| request.method == "DELETE");
        deletions.count()
    };
    loop {
        let received = harness.simulator.received();
        if deleted() >= 4 {
            break;
        }
        harness.simulator.wait_for_received(received + 1).await;
    }
}

#[tokio::test]
async fn a_record_rejected_by_bedrock_is_an_error_of_its_line() {
    let harness = with_jobs().await;
    let mut input = many(NOVA, "n", 100);
    // Bedrock rejects this field; the gateway does not know it.
    input[7]["body"]["additionalModelRequestFields"] = json!({"no_such_field": 1});
    let id = start_batch(&harness, &lines(&input)).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(
        batch["request_counts"],
        json!({"total": 100, "completed": 99, "failed": 1})
    );
    let errors = file_of(&harness, &batch, "error_file_id").await;
    assert_eq!(errors[0]["custom_id"], json!("n7"));
    assert_eq!(errors[0]["response"]["status_code"], json!(400));
    assert!(errors[0]["response"]["body"]["error"]["message"].is_string());
}

#[tokio::test]
async fn requests_with_remote_files_are_processed_outside_the_job() {
    let harness = with_jobs().await;
    let mut input = many(NOVA, "n", 100);
    let mut pointing = line("video", NOVA, "");
    pointing["body"]["messages"][0]["content"] = json!([
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": format!("s3://{BUCKET}/a.png")}},
    ]);
    input.push(pointing);
    let id = start_batch(&harness, &lines(&input)).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(
        batch["request_counts"],
        json!({"total": 101, "completed": 101, "failed": 0})
    );
    assert_eq!(
        (job_requests(&harness).len(), harness.sent_upstream().len()),
        (1, 1)
    );
}

#[tokio::test]
async fn guarded_requests_are_processed_call_by_call() {
    let harness = with_jobs().await;
    let mut input = many(NOVA, "n", 100);
    input[3]["body"]["guardrailConfig"] =
        json!({"guardrailIdentifier": "demoguardrail", "guardrailVersion": "1"});
    let id = start_batch(&harness, &lines(&input)).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["request_counts"]["completed"], json!(100));
    assert_eq!(
        (job_requests(&harness).len(), harness.sent_upstream().len()),
        (0, 100)
    );
}

#[tokio::test]
async fn requests_are_processed_call_by_call_when_no_job_can_be_created() {
    let harness = with_jobs().await;
    let refused = Script::error(
        400,
        "ValidationException",
        "The model does not support batch.",
    );
    harness
        .simulator
        .push(refused.for_operation(Operation::CreateModelInvocationJob));
    let id = start_batch(&harness, &lines(&many(NOVA, "n", 100))).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(
        batch["request_counts"],
        json!({"total": 100, "completed": 100, "failed": 0})
    );
    assert_eq!(harness.sent_upstream().len(), 100);
}

#[tokio::test]
async fn a_job_creation_error_fails_the_batch_without_operator_details() {
    let harness = with_jobs().await;
    let message = format!("User: arn:aws:iam::1:user/x is not authorized to pass {ROLE}");
    let refused = Script::error(403, "AccessDeniedException", message);
    harness
        .simulator
        .push(refused.for_operation(Operation::CreateModelInvocationJob));
    let id = start_batch(&harness, &lines(&many(NOVA, "n", 100))).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("failed"));
    let error = &batch["errors"]["data"][0];
    assert_eq!(error["line"], json!(null));
    assert!(!batch.to_string().contains("arn:aws:iam"), "{batch:#}");
}

#[tokio::test]
async fn a_failed_job_fails_the_batch() {
    let harness = with_jobs().await;
    harness.simulator.end_next_job(JobEnd::Failed);
    let id = start_batch(&harness, &lines(&many(NOVA, "n", 100))).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("failed"));
    assert_eq!(
        batch["errors"]["data"][0]["code"],
        json!("batch_job_failed")
    );
    assert_eq!(batch["request_counts"]["failed"], json!(100));
    let errors = file_of(&harness, &batch, "error_file_id").await;
    assert_eq!(errors[0]["error"]["code"], json!("batch_job_failed"));
    assert_eq!(errors[0]["response"], json!(null));
}

#[tokio::test]
async fn records_missing_from_a_jobs_output_are_reported_per_line() {
    for (end, status, completed, code) in [
        (JobEnd::PartiallyCompleted, "completed", 50, "no_result"),
        (JobEnd::Expired, "expired", 0, "batch_expired"),
    ] {
        let harness = with_jobs().await;
        harness.simulator.end_next_job(end);
        let id = start_batch(&harness, &lines(&many(NOVA, "n", 100))).await;
        let batch = end_of(&harness, &id).await;
        assert_eq!(batch["status"], json!(status));
        assert_eq!(batch["request_counts"]["completed"], json!(completed));
        let errors = file_of(&harness, &batch, "error_file_id").await;
        assert_eq!(errors.len(), 100 - completed);
        assert_eq!(errors[0]["error"]["code"], json!(code));
    }
}

#[tokio::test]
async fn cancelling_a_batch_stops_its_jobs() {
    let harness = with_jobs().await;
    harness.simulator.hold_jobs(true);
    let id = start_batch(&harness, &lines(&many(NOVA, "a", 100))).await;
    batch_when(&harness, &id, |batch| batch["status"] == "in_progress").await;
    assert_eq!(
        cancel(&harness, &id).await.json()["status"],
        json!("cancelling")
    );
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("cancelled"), "{batch:#}");
    let requests = harness.simulator.requests();
    let stops = requests
        .iter()
        .filter(|request| request.operation == Some(Operation::StopModelInvocationJob));
    assert_eq!(stops.count(), 1);
}

#[tokio::test]
async fn a_job_is_found_again_after_the_gateway_restarts() {
    let mut config = Config::default();
    with_batches(&mut config);
    config.batches.role_arn = Some(ROLE.to_owned());
    let first = config.clone();
    let mut harness = harness(|config| {
        *config = Config {
            bedrock: config.bedrock.clone(),
            ..first
        }
    })
    .await;
    harness.simulator.hold_jobs(true);
    let id = start_batch(&harness, &lines(&many(NOVA, "a", 100))).await;
    batch_when(&harness, &id, |batch| batch["status"] == "in_progress").await;
    restart(&mut harness, &mut config).await;
    harness.simulator.hold_jobs(false);
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["request_counts"]["completed"], json!(100));
    assert_eq!(job_requests(&harness).len(), 1);
}
