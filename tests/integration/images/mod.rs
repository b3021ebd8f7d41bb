//! `POST /v1/images/generations`

mod edits;
mod golden;
mod invalid_requests;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bedrock_simulator::{Fault, Script, ScriptedResponse};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use crate::harness::images::{described, png_bytes};
use crate::harness::logs;
use crate::harness::{Harness, Reply};

const SD: &str = "stability.sd3-5-large-v1:0";
pub const INPAINT: &str = "us.stability.stable-image-inpaint-v1:0";
pub const CANVAS: &str = "amazon.nova-canvas-v1:0";
const BUCKET: &str = "outcrop-example";

const GENERATIONS: &str = "/v1/images/generations";
pub const EDITS: &str = "/v1/images/edits";
pub const VARIATIONS: &str = "/v1/images/variations";

pub fn data_url(png_bytes: &[u8]) -> Value {
    json!({"image_url": format!("data:image/png;base64,{}", STANDARD.encode(png_bytes))})
}

fn image_request(model: &str, prompt: &str) -> Value {
    json!({"model": model, "prompt": prompt})
}

pub fn with(mut request: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(more);
    request
}

/// The bodies that Bedrock has received.
pub fn invoked(harness: &Harness) -> Vec<Value> {
    let requests = harness.simulator.requests();
    let calls = requests
        .iter()
        .filter(|request| request.path.ends_with("/invoke"));
    calls.map(|request| request.json()).collect()
}

/// Descriptions of the images in a response.
pub fn seen(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    let data = json["data"].as_array().unwrap_or_else(|| panic!("{json}"));
    let text = |one: &Value| one["b64_json"].as_str().map(str::to_owned);
    let images = data.iter().map(|one| described(&text(one).unwrap()));
    images.map(Option::unwrap).collect()
}

fn stability_response(images: &[&[u8]]) -> ScriptedResponse {
    let images: Vec<String> = images.iter().map(|image| STANDARD.encode(image)).collect();
    let reasons = vec![Value::Null; images.len()];
    let body = json!({"seeds": [1], "finish_reasons": reasons, "images": images});
    raw(&body)
}

fn raw(body: &Value) -> ScriptedResponse {
    ScriptedResponse::Raw {
        status: 200,
        headers: Default::default(),
        body: body.to_string().into(),
    }
}

#[tokio::test]
async fn every_text_to_image_model_generates_images() {
    let harness = Harness::start().await;
    for (model, size) in [
        (SD, "1344x768"),
        ("stability.stable-image-core-v1:1", "1344x768"),
        ("stability.stable-image-ultra-v1:1", "1344x768"),
        ("stability.stable-diffusion-xl-v1", "1344x768"),
        (CANVAS, "1344x768"),
        ("amazon.titan-image-generator-v2:0", "1280x768"),
        ("amazon.titan-image-generator-v1", "1280x768"),
    ] {
        let request = with(
            image_request(model, "a cat"),
            json!({"size": size, "n": 2, "seed": 5, "negative_prompt": "dogs"}),
        );
        let reply = harness.post(GENERATIONS, &request).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text);
        let seen = seen(&reply);
        assert_eq!(seen.len(), 2, "{model}");
        for png_bytes in &seen {
            assert!(
                png_bytes.starts_with(&format!("<png {size} ")),
                "{model}: {png_bytes}"
            );
        }
        assert_ne!(
            seen[0], seen[1],
            "{model}: the same seed generates the same image"
        );
        let json = reply.json();
        assert_eq!(json["size"], size, "{model}");
        assert_eq!(json["output_format"], "png", "{model}");
        assert!(json["created"].as_u64().unwrap() > 1_700_000_000);
        assert_eq!(json.get("usage"), None);
        assert_eq!(reply.adjustments(), "", "{model}");
    }
}

#[tokio::test]
async fn the_allow_list_of_model_fields_applies() {
    let harness = Harness::with(|config| {
        config.chat.model_fields =
            outcrop::converse::policy::AllowList::new(vec!["seed".to_owned()]);
    })
    .await;
    let request = |key: &str| {
        with(
            image_request(SD, "a"),
            json!({"additionalModelRequestFields": {key: 1}}),
        )
    };
    let reply = harness.post(GENERATIONS, &request("seed")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(invoked(&harness)[0]["seed"], 1);
    let error = harness.post(GENERATIONS, &request("mode")).await.error();
    assert_eq!(error["param"], "additionalModelRequestFields.mode");
}

#[tokio::test]
async fn an_unsupported_size_is_reported() {
    let harness = Harness::start().await;
    let request = with(
        image_request(SD, "a"),
        json!({"size": "1536x1024", "output_format": "webp", "quality": "hd"}),
    );
    let reply = harness.post(GENERATIONS, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(invoked(&harness)[0]["aspect_ratio"], "3:2");
    assert_eq!(reply.json()["size"], "1216x832");
    assert_eq!(
        reply.adjustments(),
        "quality: ignored; the model has only one quality, size: set to 1216x832; \
         the closest supported size, output_format: set to png; the model's output format"
    );
}

#[tokio::test]
async fn strict_turns_adjustments_into_errors() {
    let harness = Harness::start().await;
    for (request, status) in [
        (image_request(SD, "a"), 200),
        (with(image_request(SD, "a"), json!({"quality": "hd"})), 400),
    ] {
        let mut request = harness.request(Method::POST, GENERATIONS, request.to_string());
        let on = HeaderValue::from_static("on");
        request.headers_mut().insert("x-outcrop-strict", on);
        let reply = harness.send(request).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    assert_eq!(invoked(&harness).len(), 1);
}

#[tokio::test]
async fn a_filtered_image_fails_the_request() {
    let harness = Harness::start().await;
    for (model, prompt) in [
        (SD, "a forbidden cat"),
        (SD, "an unsuitable cat"),
        ("stability.stable-diffusion-xl-v1", "a forbidden cat"),
        (CANVAS, "a forbidden cat"),
        (CANVAS, "an unsuitable cat"),
    ] {
        let reply = harness
            .post(GENERATIONS, &image_request(model, prompt))
            .await;
        assert_eq!(reply.status, 400, "{model}: {}", reply.text);
        let error = reply.error();
        assert_eq!(error["code"], "content_policy_violation", "{error}");
        assert_eq!(error["type"], "invalid_request_error", "{error}");
    }
    // One of two images is filtered.
    let filtered = json!({"finish_reasons": ["Filter reason: output image"]});
    harness.simulator.push(Script::new(raw(&filtered)));
    let request = with(image_request(SD, "a"), json!({"n": 2}));
    let reply = harness.post(GENERATIONS, &request).await;
    assert_eq!(reply.error()["code"], "content_policy_violation");
}

#[tokio::test]
async fn one_failed_call_fails_the_request() {
    let harness = Harness::start().await;
    let request = with(image_request(SD, "a"), json!({"n": 3}));
    for (upstream_error, status, code) in [
        (
            (400, "ValidationException", "Malformed input request: no"),
            400,
            "invalid_value",
        ),
        (
            (403, "AccessDeniedException", "no"),
            403,
            "model_access_denied",
        ),
        (
            (400, "ServiceQuotaExceededException", "no"),
            429,
            "insufficient_quota",
        ),
    ] {
        let (upstream_status, name, message) = upstream_error;
        harness
            .simulator
            .push(Script::error(upstream_status, name, message));
        let reply = harness.post(GENERATIONS, &request).await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text);
        assert_eq!(reply.error()["code"], code, "{name}");
    }
    for (response, reason) in [
        (
            raw(&json!({"finish_reasons": ["Inference error"]})),
            "the provider failed",
        ),
        (raw(&json!([])), "an invalid response"),
        (stability_response(&[]), "no image"),
        (
            stability_response(&[&png_bytes(64, 64), &png_bytes(64, 64)]),
            "too many images",
        ),
    ] {
        harness.simulator.push(Script::new(response));
        let reply = harness.post(GENERATIONS, &request).await;
        assert_eq!(reply.status, 502, "{reason}: {}", reply.text);
    }
}

#[tokio::test]
async fn throttled_calls_are_retried() {
    let harness = Harness::start().await;
    harness.simulator.push(Script::error(
        429,
        "ThrottlingException",
        "Too many requests",
    ));
    let reply = harness.post(GENERATIONS, &image_request(SD, "a")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(invoked(&harness).len(), 2);
}

#[tokio::test]
async fn a_stream_has_one_event_per_image() {
    let harness = Harness::start().await;
    let more = json!({"stream": true, "partial_images": 1, "n": 2});
    let reply = harness
        .post(GENERATIONS, &with(image_request(SD, "a"), more.clone()))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let kind = reply.header("content-type");
    assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
    assert_eq!(
        reply
            .text
            .matches("event: image_generation.completed\n")
            .count(),
        2
    );
    assert_eq!(reply.adjustments(), "partial_images: ignored");
    for event in reply.events() {
        let event: Value = serde_json::from_str(&event).unwrap();
        assert_eq!(event["type"], "image_generation.completed");
        assert!(described(event["b64_json"].as_str().unwrap()).is_some());
        assert_eq!(event["size"], "1024x1024");
    }
    let edit = json!({"model": SD, "prompt": "a", "images": [data_url(&png_bytes(64, 64))]});
    let reply = harness.post(EDITS, &with(edit, more)).await;
    assert_eq!(
        reply.text.matches("event: image_edit.completed\n").count(),
        2
    );
    // An error before the first event has a real status.
    let request = with(
        image_request(SD, "a forbidden cat"),
        json!({"stream": true}),
    );
    assert_eq!(harness.post(GENERATIONS, &request).await.status, 400);
    let request = with(
        image_request(SD, "a"),
        json!({"stream": true, "response_format": "url"}),
    );
    assert_eq!(
        harness.post(GENERATIONS, &request).await.error()["param"],
        "response_format"
    );
}

#[tokio::test]
async fn images_are_stored_in_the_bucket_and_returned_as_urls() {
    let harness = Harness::with(|config| {
        config.s3.bucket = Some(BUCKET.to_owned());
        config.s3.path_style = true;
        config.s3.presigned_url_ttl = Duration::from_secs(90);
    })
    .await;
    let more = json!({"response_format": "url", "n": 2, "output_format": "jpeg"});
    let reply = harness
        .post(GENERATIONS, &with(image_request(SD, "a"), more))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let json = reply.json();
    let keys = harness.simulator.object_keys(BUCKET, "outcrop/images/");
    assert_eq!(keys.len(), 2);
    for data in json["data"].as_array().unwrap() {
        assert_eq!(data.get("b64_json"), None);
        let url = data["url"].as_str().unwrap();
        assert!(url.contains("X-Amz-Expires=90"), "{url}");
        let key = keys.iter().find(|key| url.contains(key.as_str())).unwrap();
        assert!(key.ends_with(".jpg"), "{key}");
        let object = harness.simulator.object(BUCKET, key).unwrap();
        assert!(object.starts_with(&[0xff, 0xd8, 0xff]));
    }
}

#[tokio::test]
async fn a_missing_bucket_fails_the_request_without_revealing_its_name() {
    let harness = Harness::with(|config| {
        config.s3.bucket = Some("no-such-bucket".to_owned());
        config.s3.path_style = true;
    })
    .await;
    let request = with(image_request(SD, "a"), json!({"response_format": "url"}));
    let reply = harness.post(GENERATIONS, &request).await;
    assert!(reply.status.is_server_error(), "{}", reply.text);
    assert!(!reply.text.contains("no-such-bucket"), "{}", reply.text);
}

#[tokio::test]
async fn images_cost_the_price_in_the_table() {
    let harness = Harness::start().await;
    for (request, cost) in [
        (with(image_request(SD, "a"), json!({"n": 3})), "0.24"),
        (
            image_request("stability.stable-image-ultra-v1:1", "a"),
            "0.14",
        ),
        (image_request(CANVAS, "a"), "0.04"),
        // The table has the price of standard quality up to 1024x1024 only.
        (
            with(image_request(CANVAS, "a"), json!({"quality": "hd"})),
            "unknown",
        ),
        (
            with(image_request(CANVAS, "a"), json!({"size": "2048x2048"})),
            "unknown",
        ),
    ] {
        let reply = harness.post(GENERATIONS, &request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.header("x-outcrop-cost-usd"), Some(cost), "{request}");
    }
}

#[tokio::test]
async fn the_log_line_has_the_cost_and_not_the_prompt() {
    logs::begin();
    let harness = Harness::start().await;
    let more = json!({"user": "ann", "negative_prompt": "a secret dog"});
    let request = with(image_request(SD, "a secret cat"), more);
    assert_eq!(harness.post(GENERATIONS, &request).await.status, 200);
    let line = logs::request_line().await;
    assert!(line.contains("/v1/images/generations"), "{line}");
    assert!(line.contains(" cost_usd=\"0.08\""), "{line}");
    assert!(line.contains(" cost_units_usd=\"0.08\""), "{line}");
    assert!(line.contains("user: ignored"), "{line}");
    assert!(!line.contains("secret"), "{line}");
}

#[tokio::test]
async fn a_client_disconnect_cancels_the_call() {
    let harness = Harness::start().await;
    let stalled = Script::fault(Fault::SlowResponse { delay_ms: 600_000 });
    harness.simulator.push(stalled);
    let request = image_request(SD, "a");
    let leaving = harness.post(GENERATIONS, &request);
    tokio::select! {
        _ = leaving => panic!("the response arrived"),
        () = harness.simulator.wait_for_received(1) => {}
    }
    harness.simulator.wait_for_abandoned(1).await;
}

#[tokio::test]
async fn the_operators_guardrail_applies_to_generated_images() {
    let harness = Harness::with(crate::chat::guardrails::everywhere).await;
    let reply = harness.post(GENERATIONS, &image_request(SD, "a cat")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let calls = harness.simulator.requests();
    let call = calls.iter().find(|call| call.path.ends_with("/invoke"));
    let headers = &call.unwrap().headers;
    assert_eq!(
        headers["x-amzn-bedrock-guardrailidentifier"],
        "demoguardrail"
    );
    assert_eq!(headers["x-amzn-bedrock-guardrailversion"], "1");
    let blocked = json!({"amazon-bedrock-guardrailAction": "INTERVENED", "images": []});
    harness.simulator.push(Script::new(raw(&blocked)));
    let reply = harness.post(GENERATIONS, &image_request(SD, "a cat")).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_eq!(reply.error()["code"], "content_policy_violation");
}
