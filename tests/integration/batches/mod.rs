//! `/v1/batches`: files of requests, processed by Bedrock jobs or call by call.

mod budgets;
mod golden;
mod interruptions;
mod jobs;
mod responses;

use std::collections::BTreeMap;

use bedrock_simulator::{Fault, Operation, Script, ScriptedResponse};
use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::batches::{create, end_of, file_of, harness, line, lines, start_batch, upload};
use crate::harness::{Harness, MODEL};

const NOVA: &str = "us.amazon.nova-lite-v1:0";

async fn cancel(harness: &Harness, id: &str) -> crate::harness::Reply {
    harness
        .post(&format!("/v1/batches/{id}/cancel"), &json!({}))
        .await
}

fn many(model: &str, prefix: &str, count: usize) -> Vec<Value> {
    let numbers = 0..count;
    numbers
        .map(|number| {
            line(
                &format!("{prefix}{number}"),
                model,
                &format!("say {number}"),
            )
        })
        .collect()
}

/// The content of each response, by `custom_id`.
fn contents_by_line(lines: &[Value]) -> BTreeMap<String, String> {
    let content = |line: &Value| {
        let text = &line["response"]["body"]["choices"][0]["message"]["content"];
        let id = line["custom_id"].as_str().unwrap().to_owned();
        (id, text.as_str().unwrap_or_default().to_owned())
    };
    lines.iter().map(content).collect()
}

#[tokio::test]
async fn a_small_batch_is_processed_call_by_call() {
    let harness = harness(|_| {}).await;
    let input = lines(&[
        line("good", MODEL, "Good morning"),
        line("gone", "anthropic.claude-instant-v1", "Good night"),
        line("also good", MODEL, "Good evening"),
    ]);
    let id = start_batch(&harness, &input).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("completed"), "{batch:#}");
    assert_eq!(
        batch["request_counts"],
        json!({"total": 3, "completed": 2, "failed": 1})
    );
    assert_eq!(batch["metadata"], json!({"job": "nightly"}));
    assert!(batch["usage"]["total_tokens"].as_u64().unwrap() > 0);
    for time in [
        "created_at",
        "in_progress_at",
        "finalizing_at",
        "completed_at",
        "expires_at",
    ] {
        assert!(batch[time].is_i64(), "{time}");
    }
    let output = file_of(&harness, &batch, "output_file_id").await;
    let contents = contents_by_line(&output);
    assert!(contents["good"].contains("Good morning"), "{contents:?}");
    assert!(
        contents["also good"].contains("Good evening"),
        "{contents:?}"
    );
    let first = &output[0];
    assert_eq!(
        first["custom_id"],
        json!("good"),
        "lines keep the order of the input"
    );
    assert!(first["id"].as_str().unwrap().starts_with("batch_req_"));
    assert_eq!(
        (&first["error"], &first["response"]["status_code"]),
        (&json!(null), &json!(200))
    );
    assert_eq!(
        first["response"]["body"]["object"],
        json!("chat.completion")
    );
    assert_eq!(first["response"]["body"]["model"], json!(MODEL));
    let errors = file_of(&harness, &batch, "error_file_id").await;
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["custom_id"], json!("gone"));
    assert_eq!(errors[0]["response"]["status_code"], json!(404));
    assert_eq!(
        errors[0]["response"]["body"]["error"]["code"],
        json!("model_not_found")
    );
    let file = batch["output_file_id"].as_str().unwrap();
    let file = harness.get(&format!("/v1/files/{file}")).await.json();
    assert_eq!(file["purpose"], json!("batch_output"));
}

#[tokio::test]
async fn a_file_with_mistakes_fails_with_line_numbers() {
    let harness = harness(|_| {}).await;
    let mut other_method = line("b", MODEL, "x");
    other_method["method"] = json!("GET");
    let mut other_url = line("c", MODEL, "x");
    other_url["url"] = json!("/v1/embeddings");
    let mut streamed = line("d", MODEL, "x");
    streamed["body"]["stream"] = json!(true);
    let mut refused = line("e", MODEL, "x");
    refused["body"]["logit_bias"] = json!({"50256": -100});
    let mut modelless = line("f", MODEL, "x");
    modelless["body"].as_object_mut().unwrap().remove("model");
    let good = line("a", MODEL, "x");
    let input = [
        &good,
        &good,
        &other_method,
        &other_url,
        &streamed,
        &refused,
        &modelless,
    ];
    let input: String = input.iter().map(|line| format!("{line}\n")).collect();
    let id = start_batch(&harness, &format!("{input}not json\n\n")).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("failed"));
    assert!(batch["failed_at"].is_i64());
    assert_eq!(harness.sent_upstream().len(), 0, "nothing is sent");
    let errors = batch["errors"]["data"].as_array().unwrap();
    let line_errors: Vec<(u64, &str, &Value)> = errors
        .iter()
        .map(|error| {
            (
                error["line"].as_u64().unwrap(),
                error["code"].as_str().unwrap(),
                &error["param"],
            )
        })
        .collect();
    assert_eq!(
        line_errors,
        [
            (2, "duplicate_custom_id", &json!("custom_id")),
            (3, "invalid_method", &json!("method")),
            (4, "invalid_url", &json!("url")),
            (5, "unsupported_value", &json!("body.stream")),
            (6, "unsupported_parameter", &json!("body.logit_bias")),
            (7, "missing_required_parameter", &json!("body.model")),
            (8, "invalid_json_line", &json!(null)),
        ]
    );
}

#[tokio::test]
async fn empty_and_oversized_files_fail() {
    let harness = harness(|config| config.batches.max_requests = 2).await;
    for (input, code) in [
        ("\n\n".to_owned(), "empty_file"),
        (lines(&many(MODEL, "a", 3)), "too_many_requests"),
    ] {
        let id = start_batch(&harness, &input).await;
        let batch = end_of(&harness, &id).await;
        assert_eq!(batch["status"], json!("failed"));
        assert_eq!(batch["errors"]["data"][0]["code"], json!(code));
    }
}

#[tokio::test]
async fn a_throttled_batch_request_is_retried_later() {
    let harness = harness(|config| config.bedrock.retry.max_attempts = 1).await;
    let throttled = Script::error(429, "ThrottlingException", "Too many requests");
    harness
        .simulator
        .push(throttled.for_operation(Operation::Converse).times(2));
    let id = start_batch(&harness, &lines(&many(MODEL, "a", 1))).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(
        batch["request_counts"],
        json!({"total": 1, "completed": 1, "failed": 0})
    );
    assert_eq!(harness.sent_upstream().len(), 3);
}

#[tokio::test]
async fn an_unreadable_response_is_an_error_of_its_line_and_not_retried() {
    let page = ScriptedResponse::Raw {
        status: 200,
        headers: BTreeMap::default(),
        body: "<html>a proxy's page</html>".into(),
    };
    let non_streaming = Script::new(page).for_model(MODEL).times(0);
    // An interrupted response is retried until the attempts are exhausted.
    let cut = Script::fault(Fault::Cut { after_events: 0 });
    let cut = cut.for_model(MODEL).times(0);
    for (script, expected, is_repeated) in [
        (non_streaming, "upstream_bad_response", false),
        (cut, "upstream_connection_error", true),
    ] {
        let harness = harness(|_| {}).await;
        harness.simulator.push(script);
        let input = [line("bad", MODEL, "hi"), line("good", NOVA, "hi")];
        let id = start_batch(&harness, &lines(&input)).await;
        let batch = end_of(&harness, &id).await;
        assert_eq!(batch["status"], json!("completed"), "{batch:#}");
        assert_eq!(
            batch["request_counts"],
            json!({"total": 2, "completed": 1, "failed": 1})
        );
        let errors = file_of(&harness, &batch, "error_file_id").await;
        let [error] = &errors[..] else {
            panic!("{errors:?}");
        };
        assert_eq!(error["custom_id"], json!("bad"));
        assert_eq!(error["response"]["status_code"], json!(502));
        let code = &error["response"]["body"]["error"]["code"];
        assert_eq!(code, expected);
        let requests = harness.simulator.requests();
        let to_it = |path: &str| path.contains("/converse") && path.contains("claude");
        let made = requests.iter().filter(|request| to_it(&request.path));
        assert_eq!(made.count() > 1, is_repeated);
    }
}

#[tokio::test]
async fn long_lines_are_processed_and_oversized_ones_are_errors() {
    let harness = harness(|config| config.server.max_body = 1 << 20).await;
    let text = "word ".repeat(180_000);
    let input: Vec<Value> = (0..5)
        .map(|number| line(&format!("a{number}"), NOVA, &format!("{text}{number}")))
        .collect();
    harness.simulator.push(Script::text("hello").times(5));
    let id = start_batch(&harness, &format!("\n{}", lines(&input))).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(
        batch["request_counts"],
        json!({"total": 5, "completed": 5, "failed": 0}),
        "{batch:#}"
    );
    let mut sent: Vec<String> = harness
        .sent_upstream()
        .iter()
        .map(|sent_upstream| sent_upstream["messages"][0]["content"][0]["text"].to_string())
        .map(|text| text.trim_start_matches("\"").replace("word ", ""))
        .collect();
    sent.sort_unstable();
    assert_eq!(sent, ["0\"", "1\"", "2\"", "3\"", "4\""]);
    assert!(harness.app.http.bodies.is_idle());

    let mut input = input;
    input[3] = line("long", NOVA, &"word ".repeat(300_000));
    let id = start_batch(&harness, &lines(&input)).await;
    let batch = end_of(&harness, &id).await;
    assert_eq!(batch["status"], json!("failed"), "{batch:#}");
    let error = &batch["errors"]["data"][0];
    assert_eq!(error["code"], json!("request_too_large"));
    assert_eq!(error["line"], json!(4));
}

#[tokio::test]
async fn invalid_batches_are_rejected_before_anything_is_stored() {
    let harness = harness(|_| {}).await;
    let reply = create(&harness, "file-unknown").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.error()["param"], json!("input_file_id"));
    let body = json!({
        "input_file_id": "f", "endpoint": "/v1/embeddings", "completion_window": "24h",
    });
    let reply = harness.post("/v1/batches", &body).await;
    assert_eq!(reply.error()["param"], json!("endpoint"));
    assert_eq!(reply.error()["code"], json!("unsupported_value"));
    assert_eq!(
        harness.get("/v1/batches/batch_unknown").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(harness.get("/v1/batches").await.json()["data"], json!([]));
}

#[tokio::test]
async fn batches_are_listed_in_pages_newest_first() {
    let harness = harness(|_| {}).await;
    let file = upload(&harness, &lines(&many(MODEL, "a", 1))).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(create(&harness, &file).await.json()["id"].clone());
    }
    let page = harness.get("/v1/batches?limit=2").await.json();
    assert_eq!(
        (&page["data"][0]["id"], &page["data"][1]["id"]),
        (&ids[2], &ids[1])
    );
    assert_eq!(page["has_more"], json!(true));
    let after = ids[1].as_str().unwrap();
    let page = harness
        .get(&format!("/v1/batches?limit=2&after={after}"))
        .await
        .json();
    assert_eq!(
        (&page["data"][0]["id"], &page["has_more"]),
        (&ids[0], &json!(false))
    );
}
