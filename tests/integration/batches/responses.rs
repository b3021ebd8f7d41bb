//! Batches of requests to `/v1/responses`.

use serde_json::{Value, json};

use crate::harness::batches::{ROLE, create_for, end_of, file_of, harness, lines, upload};
use crate::harness::{Harness, MODEL};

fn line(custom_id: &str, body: Value) -> Value {
    json!({"custom_id": custom_id, "method": "POST", "url": "/v1/responses", "body": body})
}

/// The batch of these lines when it has ended.
async fn run(harness: &Harness, input: &[Value]) -> Value {
    let file = upload(harness, &lines(input)).await;
    let created = create_for(harness, &file, "/v1/responses").await.json();
    assert_eq!(created["endpoint"], json!("/v1/responses"), "{created:#}");
    end_of(harness, created["id"].as_str().unwrap()).await
}

fn text(line: &Value) -> &str {
    let body = &line["response"]["body"];
    assert_eq!(body["object"], json!("response"));
    assert_eq!(body["status"], json!("completed"));
    assert!(body["id"].as_str().unwrap().starts_with("resp_"));
    body["output"][0]["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn a_small_batch_of_responses_is_processed_call_by_call() {
    let harness = harness(|_| {}).await;
    let input = [
        line("good", json!({"model": MODEL, "input": "Good morning"})),
        line(
            "gone",
            json!({"model": "anthropic.claude-instant-v1", "input": "Good night"}),
        ),
    ];
    let batch = run(&harness, &input).await;
    let counts = json!({"total": 2, "completed": 1, "failed": 1});
    assert_eq!(batch["request_counts"], counts, "{batch:#}");
    let usage = &batch["usage"];
    assert!(usage["input_tokens"].as_u64().unwrap() > 0, "{usage}");
    let output = file_of(&harness, &batch, "output_file_id").await;
    assert!(text(&output[0]).contains("Good morning"));
    let errors = file_of(&harness, &batch, "error_file_id").await;
    let error = &errors[0]["response"]["body"]["error"];
    assert_eq!(error["code"], json!("model_not_found"));
}

#[tokio::test]
async fn a_large_batch_of_responses_becomes_a_job() {
    let harness = harness(|config| config.batches.role_arn = Some(ROLE.to_owned())).await;
    let number = |number: usize| {
        let body = json!({"model": MODEL, "input": format!("say {number}")});
        line(&number.to_string(), body)
    };
    let input: Vec<Value> = (0..101).map(number).collect();
    let batch = run(&harness, &input).await;
    let counts = json!({"total": 101, "completed": 101, "failed": 0});
    assert_eq!(batch["request_counts"], counts, "{batch:#}");
    assert!(batch["usage"]["total_tokens"].as_u64().unwrap() > 0);
    let output = file_of(&harness, &batch, "output_file_id").await;
    assert!(text(&output[7]).contains("say 7"), "{:#}", output[7]);
    let requests = harness.simulator.requests();
    let is_call = |path: &str| path.contains("/converse");
    assert!(!requests.iter().any(|request| is_call(&request.path)));
}

#[tokio::test]
async fn a_line_that_needs_stored_responses_fails_the_batch_with_its_field() {
    let harness = harness(|_| {}).await;
    let body = json!({"model": MODEL, "input": "on", "previous_response_id": "resp_1"});
    let batch = run(&harness, &[line("chained", body)]).await;
    assert_eq!(batch["status"], json!("failed"), "{batch:#}");
    let error = &batch["errors"]["data"][0];
    assert_eq!(
        error["param"],
        json!("body.previous_response_id"),
        "{error}"
    );
}
