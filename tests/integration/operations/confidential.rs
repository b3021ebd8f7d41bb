//! Request contents do not appear in the log, and errors quote them only truncated.

use bedrock_simulator::Script;
use http::Method;
use http::header::CONTENT_TYPE;
use outcrop::batches::wire::CreateBatch;
use outcrop::dialects::openai_chat::ChatRequest;
use outcrop::dialects::openai_completions::CompletionRequest;
use outcrop::dialects::openai_responses::ResponsesRequest;
use outcrop::endpoints::embeddings::EmbeddingsRequest;
use outcrop::endpoints::images::ImageRequest;
use outcrop::endpoints::moderations::ModerationRequest;
use outcrop::endpoints::rerank::RerankRequest;
use outcrop::endpoints::videos::VideoRequest;
use outcrop::wire::ClientField;
use serde_json::{Value, json};

use crate::compatibility::json_path::put;
use crate::compatibility::samples::Samples;
use crate::harness::logs;
use crate::harness::{Harness, MODEL, Reply, non_streaming, streamed};

const MARKER: &str = "ZMARKERZ";

/// A long text in place of a client's prompt or key.
fn secret() -> String {
    format!("{MARKER}, expected a string: ").repeat(200)
}

/// Endpoints, each with a valid request and its fields.
fn endpoints() -> Vec<(&'static str, Value, &'static [ClientField])> {
    let chat = non_streaming("hi");
    let input = json!({"model": MODEL, "input": "hi"});
    let embedding_request = json!({"model": "amazon.titan-embed-text-v2:0", "input": "hi"});
    let rerank = json!({"model": "cohere.rerank-v3-5:0", "query": "hi", "documents": ["a"]});
    let image = json!({"model": "amazon.nova-canvas-v1:0", "prompt": "a cat"});
    let video = json!({"model": "amazon.nova-reel-v1:1", "prompt": "a cat"});
    let prompt = json!({"model": MODEL, "prompt": "hi"});
    let batch = json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions",
        "completion_window": "24h"});
    vec![
        ("/v1/chat/completions", chat.clone(), ChatRequest::FIELDS),
        ("/v1/explain", chat.clone(), ChatRequest::FIELDS),
        (
            "/v1/chat/completions/input_tokens",
            chat,
            ChatRequest::FIELDS,
        ),
        (
            "/v1/responses/input_tokens",
            input,
            ResponsesRequest::FIELDS,
        ),
        (
            "/v1/embeddings",
            embedding_request,
            EmbeddingsRequest::FIELDS,
        ),
        ("/v1/rerank", rerank.clone(), RerankRequest::FIELDS),
        ("/v2/rerank", rerank, RerankRequest::FIELDS),
        (
            "/v1/images/generations",
            image.clone(),
            ImageRequest::FIELDS,
        ),
        ("/v1/images/edits", image, ImageRequest::FIELDS),
        ("/v1/videos", video, VideoRequest::FIELDS),
        (
            "/v1/moderations",
            json!({"input": "hi"}),
            ModerationRequest::FIELDS,
        ),
        ("/v1/completions", prompt, CompletionRequest::FIELDS),
        ("/v1/batches", batch, CreateBatch::FIELDS),
    ]
}

/// `base` with the secret in each field, nested ones too, as each type of value.
fn requests(base: &Value, fields: &[ClientField]) -> Vec<Value> {
    let mut requests = Vec::new();
    insert_secrets(base, fields, &mut Vec::new(), &mut requests);
    let all = [json!(secret()), json!([secret()]), json!([])];
    requests.extend(all);
    requests
}

fn insert_secrets(
    base: &Value,
    fields: &[ClientField],
    path: &mut Vec<(&'static str, bool)>,
    requests: &mut Vec<Value>,
) {
    for field in fields {
        path.push((field.name, false));
        for value in [
            json!(secret()),
            json!([secret()]),
            json!({"type": secret(), "text": secret()}),
            json!([{"type": secret()}]),
        ] {
            requests.push(with(base.clone(), path, value));
        }
        path.pop();
        path.push((field.name, field.is_several));
        insert_secrets(base, field.fields, path, requests);
        path.pop();
    }
}

/// `request` with `value` at `path`. A step is a name and whether its value is an array.
fn with(mut request: Value, path: &[(&str, bool)], value: Value) -> Value {
    let mut target_value = &mut request;
    for (name, is_several) in path {
        if !target_value.is_object() {
            *target_value = json!({});
        }
        target_value = &mut target_value[name];
        if *is_several {
            if target_value.as_array().is_none_or(|list| list.is_empty()) {
                *target_value = json!([{}]);
            }
            target_value = &mut target_value[0];
        }
    }
    *target_value = value;
    request
}

/// `value` with every string replaced by the secret.
fn all_secret(value: &Value) -> Value {
    match value {
        Value::String(_) => json!(secret()),
        Value::Array(list) => list.iter().map(all_secret).collect(),
        Value::Object(object) => {
            let entries = object.iter();
            Value::Object(
                entries
                    .map(|(key, value)| (key.clone(), all_secret(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// Asserts that an error quotes at most 64 characters of a value and has at most 1 KB.
fn check(reply: &Reply, request: &str) {
    if reply.status.is_success() {
        return;
    }
    let error = reply.json();
    let message = error["error"]["message"]
        .as_str()
        .or(error["message"].as_str());
    let message = message.unwrap_or_else(|| panic!("{request}: {}", reply.text));
    assert!(message.len() <= 1024, "{request}: {message}");
    let secret = secret();
    // The text before the value can look like the end of the secret.
    let fragments = (0..MARKER.len() + 30).map(|start| &secret[start..start + 72]);
    for fragment in fragments {
        assert!(!message.contains(fragment), "{request}: {message}");
    }
    let parameter = error["error"]["param"].as_str().unwrap_or_default();
    assert!(parameter.len() <= 256, "{request}: {parameter}");
}

/// Waits for the log line of each request, then checks the log.
async fn check_log(requests: usize) {
    while logs::lines_with(" outcrop::record: request ").len() < requests {
        tokio::task::yield_now().await;
    }
    let leaked_lines = logs::lines_with(MARKER);
    assert!(leaked_lines.is_empty(), "{:.2000}", leaked_lines.join("\n"));
}

async fn harness() -> Harness {
    Harness::with(|config| {
        config.s3.bucket = Some("outcrop-files".to_owned());
        config.videos.enabled = true;
        config.bedrock_api.async_invoke = true;
    })
    .await
}

#[tokio::test]
async fn request_text_is_neither_logged_nor_echoed_completely() {
    logs::begin();
    let harness = harness().await;
    let mut sent = 0;
    for (path, base, fields) in endpoints() {
        for request in requests(&base, fields) {
            let reply = harness.post(path, &request).await;
            sent += 1;
            check(&reply, &format!("{path} {request:.300}"));
        }
    }
    assert!(sent > 1000, "{sent}");
    check_log(sent).await;
}

#[tokio::test]
async fn text_of_a_chat_request_is_not_logged() {
    logs::begin();
    let harness = harness().await;
    let samples = Samples::read();
    let mut sent = 0;
    for row in samples.rows() {
        for value in [all_secret(&row.value), json!(secret()), json!([[secret()]])] {
            let mut request = put(samples.base(&row.base).clone(), &row.at, value);
            request["model"] = json!(MODEL);
            let reply = harness.chat(&request).await;
            sent += 1;
            check(&reply, &format!("{} {:.300}", row.at, request.to_string()));
        }
    }
    check_log(sent).await;
}

#[tokio::test]
async fn text_sent_to_the_bedrock_api_or_in_a_form_is_not_logged() {
    logs::begin();
    let harness = harness().await;
    let text = secret();
    let model = format!("/model/{MODEL}");
    let mut sent = 0;
    for (path, body) in [
        (format!("{model}/converse"), json!({"messages": text})),
        (
            format!("{model}/converse"),
            json!({"messages": [{"role": text}]}),
        ),
        (
            format!("{model}/converse-stream"),
            json!({"messages": [{"role": "user", "content": text}]}),
        ),
        (format!("{model}/invoke"), json!({"messages": text})),
        (format!("{model}/count-tokens"), json!({"input": text})),
        (
            "/guardrail/abc/version/1/apply".to_owned(),
            json!({"source": text}),
        ),
        (
            "/guardrail-checks/invoke".to_owned(),
            json!({"messages": text}),
        ),
        (
            "/async-invoke".to_owned(),
            json!({"modelId": text, "outputDataConfig": text}),
        ),
        (
            "/async-invoke".to_owned(),
            json!({"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": text}}}),
        ),
        ("/async-invoke".to_owned(), json!(text)),
    ] {
        let reply = harness.post(&path, &body).await;
        if !reply.status.is_success() {
            let message = reply.json()["message"].to_string();
            assert!(message.len() < 2 * text.len(), "{path}: {message}");
        }
        sent += 1;
    }
    for path in ["/v1/images/edits", "/v1/files", "/v1/videos"] {
        for name in ["model", "prompt", "n", "size", "purpose", &text[..40]] {
            let body = format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n--x--\r\n"
            );
            let mut request = harness.request(Method::POST, path, body);
            let content_type = "multipart/form-data; boundary=x".parse().unwrap();
            request.headers_mut().insert(CONTENT_TYPE, content_type);
            let reply = harness.send(request).await;
            check(&reply, &format!("{path} {name}"));
            sent += 1;
        }
    }
    check_log(sent).await;
}

/// Bedrock's errors quote values of the request.
#[tokio::test]
async fn request_text_quoted_by_bedrock_is_not_logged() {
    logs::begin();
    let harness = harness().await;
    let error_message = format!("Value '{}' at 'messages.1.member.role' failed", secret());
    let mut sent = 0;
    for (status, error) in [
        (400, "ValidationException"),
        (400, "SomethingNewException"),
        (424, "ModelErrorException"),
        (409, "ConflictException"),
        (422, ""),
    ] {
        for request in [non_streaming("hi"), streamed("hi")] {
            harness.simulator.clear();
            harness
                .simulator
                .push(Script::error(status, error, &error_message).times(0));
            let reply = harness.chat(&request).await;
            sent += 1;
            assert!(!reply.status.is_success());
            assert!(reply.error()["message"].as_str().unwrap().len() <= 1024);
        }
    }
    let lines = logs::lines_with("error=\"ValidationException\"");
    assert!(
        lines.iter().any(|line| line.contains("AWS request")),
        "{lines:?}"
    );
    check_log(sent).await;
}

#[tokio::test]
async fn an_error_names_the_field_in_the_log() {
    logs::begin();
    let harness = harness().await;
    let mut request = non_streaming("hi");
    request["messages"] = json!(secret());
    request[secret()] = json!(1);
    let reply = harness.chat(&request).await;
    assert_eq!(
        reply.error()["message"]
            .as_str()
            .unwrap()
            .split(" at line")
            .next(),
        Some("`messages`: expected an array, found a string")
    );
    request["messages"] = non_streaming("hi")["messages"].clone();
    assert_eq!(harness.chat(&request).await.status, 200);
    check_log(2).await;
    let lines = logs::lines_with("parameter=\"messages\"");
    assert!(lines[0].contains("error=\"invalid_value\""), "{lines:?}");
    assert!(lines[0].len() < 1024, "{lines:?}");
}
