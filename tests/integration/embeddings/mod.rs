//! `/v1/embeddings`

mod golden;
mod recorded;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bedrock_simulator::{Fault, Options, Script, ScriptedResponse};
use outcrop::config::{Config, FetchSettings, ModelEntry};
use outcrop::models::ModelId;
use outcrop::models::Purpose;
use serde_json::{Value, json};

use crate::fetch::site::{self, Site};
use crate::harness::logs;
use crate::harness::{Harness, Reply, non_streaming};

const TITAN: &str = "amazon.titan-embed-text-v2:0";
const COHERE: &str = "cohere.embed-v4:0";
const NOVA: &str = "amazon.nova-2-multimodal-embeddings-v1:0";
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const COST: &str = "x-outcrop-cost-usd";

async fn embed(harness: &Harness, body: &Value) -> Reply {
    harness.post("/v1/embeddings", body).await
}

/// The bodies that Bedrock has received.
fn sent_upstream(harness: &Harness) -> Vec<Value> {
    let requests = harness.simulator.requests();
    let calls = requests
        .iter()
        .filter(|request| request.path.ends_with("/invoke"));
    calls.map(|request| request.json()).collect()
}

fn embedding(reply: &Value, index: usize) -> Vec<f64> {
    let numbers = reply["data"][index]["embedding"].as_array().unwrap();
    numbers.iter().map(|n| n.as_f64().unwrap()).collect()
}

fn script_error(status: u16, code: &str, message: &str) -> Script {
    Script::new(ScriptedResponse::Error {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
        retry_after: None,
    })
}

/// A model's response, verbatim.
fn raw(tokens: Option<&str>, body: &str) -> Script {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(tokens.map(|tokens| {
        (
            "x-amzn-bedrock-input-token-count".to_owned(),
            tokens.to_owned(),
        )
    }));
    Script::new(ScriptedResponse::Raw {
        status: 200,
        headers: headers.into_iter().collect(),
        body: body.to_owned().into(),
    })
}

#[tokio::test]
async fn every_model_returns_embeddings_of_its_dimension() {
    let harness = Harness::start().await;
    for (model, default_dimensions, dimensions) in [
        ("amazon.titan-embed-text-v1", 1536, 1536),
        ("amazon.titan-embed-g1-text-02", 1536, 1536),
        (TITAN, 1024, 256),
        ("amazon.titan-embed-image-v1", 1024, 384),
        ("cohere.embed-english-v3", 1024, 1024),
        ("cohere.embed-multilingual-v3", 1024, 1024),
        (COHERE, 1536, 512),
        ("us.cohere.embed-v4:0", 1536, 256),
        (NOVA, 3072, 384),
        ("us.twelvelabs.marengo-embed-2-7-v1:0", 1024, 1024),
        ("us.twelvelabs.marengo-embed-3-0-v1:0", 512, 512),
    ] {
        let mut request = json!({"model": model, "input": ["a rock", "an ore", "a rock"]});
        let reply = embed(&harness, &request).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text);
        let default_reply = reply.json();
        assert_eq!(default_reply["object"], "list");
        assert_eq!(default_reply["model"], model);
        assert_eq!(default_reply["data"].as_array().unwrap().len(), 3);
        assert_eq!(default_reply["data"][2]["index"], 2);
        assert_eq!(
            embedding(&default_reply, 0).len(),
            default_dimensions,
            "{model}"
        );
        assert_eq!(embedding(&default_reply, 0), embedding(&default_reply, 2));
        assert_ne!(embedding(&default_reply, 0), embedding(&default_reply, 1));
        let usage = &default_reply["usage"];
        assert!(usage["prompt_tokens"].as_u64().unwrap() > 0, "{model}");
        assert_eq!(usage["prompt_tokens"], usage["total_tokens"]);

        request["dimensions"] = json!(dimensions);
        let reply = embed(&harness, &request).await;
        assert_eq!(embedding(&reply.json(), 1).len(), dimensions, "{model}");
    }
}

#[tokio::test]
async fn a_thousand_texts_are_returned_in_order() {
    let harness = Harness::start().await;
    let texts: Vec<String> = (0..1000).map(|number| format!("text {number}")).collect();
    let request = json!({"model": TITAN, "input": texts, "dimensions": 256});
    let all = embed(&harness, &request).await;
    assert_eq!(all.status, 200, "{}", all.text);
    let all = all.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 1000);
    assert_eq!(sent_upstream(&harness).len(), 1000);
    for position in [0, 1, 517, 999] {
        let one = json!({"model": TITAN, "input": texts[position], "dimensions": 256});
        let one = embed(&harness, &one).await.json();
        assert_eq!(embedding(&all, position), embedding(&one, 0), "{position}");
    }
    // 1000 texts of 6 to 8 bytes are 2 tokens each.
    assert_eq!(all["usage"]["prompt_tokens"], 2000);
}

#[tokio::test]
async fn cohere_receives_96_texts_per_call() {
    let harness = Harness::start().await;
    let texts: Vec<String> = (0..200).map(|number| format!("text {number}")).collect();
    let request = json!({"model": COHERE, "input": texts, "dimensions": 256});
    let all = embed(&harness, &request).await.json();
    let mut counts: Vec<usize> = sent_upstream(&harness)
        .iter()
        .map(|body| body["texts"].as_array().unwrap().len())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [8, 96, 96]);
    let last = json!({"model": COHERE, "input": texts[199], "dimensions": 256});
    let last = embed(&harness, &last).await.json();
    assert_eq!(embedding(&all, 199), embedding(&last, 0));
}

#[tokio::test]
async fn one_failed_call_fails_the_request_and_names_the_input() {
    let harness = Harness::start().await;
    let long = "x".repeat(40_000);
    let mut texts = vec!["fine"; 30];
    texts[17] = &long;
    let reply = embed(&harness, &json!({"model": TITAN, "input": texts})).await;
    assert_eq!(reply.status, 400);
    let error = reply.error();
    assert_eq!(error["param"], "input[17]");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("Max input tokens: 8192"), "{message}");
    assert!(message.contains("input[17]"), "{message}");
    assert!(reply.json().get("data").is_none());

    // For a call with many texts, the message has the range of its inputs.
    let refusal = script_error(400, "ValidationException", "no").times(0);
    let texts: Vec<String> = (0..100).map(|number| format!("text {number}")).collect();
    harness.simulator.push(refusal);
    let reply = embed(&harness, &json!({"model": COHERE, "input": texts})).await;
    let message = reply.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("`input[0]` to `input[95]`"), "{message}");
}

#[tokio::test]
async fn bedrocks_errors_keep_their_meaning() {
    for (status, code, expected, expected_code) in [
        (429, "ThrottlingException", 429, "rate_limit_exceeded"),
        (403, "AccessDeniedException", 403, "model_access_denied"),
        (400, "ValidationException", 400, "invalid_value"),
        (
            503,
            "ServiceUnavailableException",
            503,
            "service_unavailable",
        ),
        (404, "ResourceNotFoundException", 404, "model_not_found"),
    ] {
        let harness = Harness::start().await;
        harness
            .simulator
            .push(script_error(status, code, "ordered").times(0));
        let reply = embed(&harness, &json!({"model": TITAN, "input": "a"})).await;
        assert_eq!(reply.status, expected, "{code}");
        assert_eq!(reply.error()["code"], expected_code, "{}", reply.text);
    }
}

#[tokio::test]
async fn throttled_calls_are_retried_individually() {
    let harness = Harness::start().await;
    let throttled = script_error(429, "ThrottlingException", "Too many requests");
    harness.simulator.push(throttled.times(2));
    let reply = embed(&harness, &json!({"model": TITAN, "input": ["a", "b", "c"]})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(sent_upstream(&harness).len(), 5);
}

#[tokio::test]
async fn an_invalid_upstream_response_is_a_bad_gateway() {
    for body in [
        r#"{"embedding":[],"inputTextTokenCount":1}"#,
        r#"{"inputTextTokenCount":1}"#,
        r#"{"embeddings":[[1.0],[2.0]]}"#,
        "[1.0",
    ] {
        let harness = Harness::start().await;
        harness.simulator.push(raw(Some("1"), body));
        let reply = embed(&harness, &json!({"model": TITAN, "input": "a"})).await;
        assert_eq!(reply.status, 502, "{body}: {}", reply.text);
        assert_eq!(reply.error()["code"], "upstream_bad_response");
    }
    let harness = Harness::start().await;
    harness.simulator.push(raw(None, r#"{"embedding":["a"]}"#));
    let request = json!({"model": TITAN, "input": "a", "encoding_format": "base64"});
    assert_eq!(embed(&harness, &request).await.status, 502);
}

#[tokio::test]
async fn a_client_disconnect_stops_further_calls() {
    let harness = Harness::start().await;
    let slow =
        Script::new(ScriptedResponse::Echo {}).with(Fault::SlowResponse { delay_ms: 60_000 });
    harness.simulator.push(slow.times(0));
    let request = json!({"model": TITAN, "input": ["a", "b", "c"]});
    let waiting = embed(&harness, &request);
    tokio::select! {
        _ = waiting => panic!("the response arrived"),
        () = harness.simulator.wait_for_received(3) => {}
    }
    harness.simulator.wait_for_abandoned(3).await;
}

#[tokio::test]
async fn base64_encodes_the_same_values() {
    let harness = Harness::start().await;
    let mut request = json!({"model": TITAN, "input": "a rock", "encoding_format": "float"});
    let numbers = embedding(&embed(&harness, &request).await.json(), 0);
    request["encoding_format"] = json!("base64");
    let reply = embed(&harness, &request).await.json();
    let encoded = reply["data"][0]["embedding"].as_str().unwrap();
    let bytes = BASE64_STANDARD.decode(encoded).unwrap();
    let decoded: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let expected: Vec<f32> = numbers.iter().map(|number| *number as f32).collect();
    assert_eq!(decoded, expected);
}

#[tokio::test]
async fn values_are_returned_as_bedrock_wrote_them() {
    let harness = Harness::start().await;
    let body = r#"{"embedding":[0.10,-2.50E-05, 1],"inputTextTokenCount":1}"#;
    harness.simulator.push(raw(Some("1"), body));
    let reply = embed(&harness, &json!({"model": TITAN, "input": "a"})).await;
    assert!(reply.text.contains("[0.10,-2.50E-05, 1]"), "{}", reply.text);
}

#[tokio::test]
async fn usage_and_cost_come_from_the_header_or_the_body() {
    // Dollars per million tokens: Titan v2 0.02, Cohere v4 0.12.
    for (model, header, body, tokens, cost) in [
        (
            TITAN,
            Some("100"),
            r#"{"embedding":[1],"inputTextTokenCount":99}"#,
            100,
            "0.000002",
        ),
        (
            TITAN,
            None,
            r#"{"embedding":[1],"inputTextTokenCount":50}"#,
            50,
            "0.000001",
        ),
        (
            COHERE,
            Some("1000"),
            r#"{"embeddings":{"float":[[1]]}}"#,
            1000,
            "0.00012",
        ),
        (
            COHERE,
            None,
            r#"{"embeddings":{"float":[[1]]}}"#,
            0,
            "unknown",
        ),
    ] {
        logs::begin();
        let harness = Harness::start().await;
        harness.simulator.push(raw(header, body));
        let reply = embed(&harness, &json!({"model": model, "input": "a"})).await;
        assert_eq!(reply.json()["usage"]["prompt_tokens"], tokens, "{model}");
        assert_eq!(reply.header(COST), Some(cost), "{model}");
        let line = logs::request_line().await;
        assert!(
            line.contains(&format!(" prompt_tokens={tokens} ")),
            "{line}"
        );
        assert!(line.contains(&format!(" cost_usd=\"{cost}\"")), "{line}");
    }
}

#[tokio::test]
async fn images_are_billed_by_number() {
    let harness = Harness::start().await;
    let image_url = format!("data:image/png;base64,{PNG}");
    // Dollars: 0.00006 per image, 0.135 per million tokens; the text has 2 tokens.
    let input =
        json!([image_url, "a rock.", {"type": "image_url", "image_url": {"url": image_url}}]);
    let reply = embed(&harness, &json!({"model": NOVA, "input": input})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header(COST), Some("0.00012027"));
    // The price of Cohere's images is unknown.
    let reply = embed(&harness, &json!({"model": COHERE, "input": [image_url]})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header(COST), Some("unknown"));
}

#[tokio::test]
async fn images_at_https_urls_are_fetched() {
    let site = Site::start(|path| match path {
        "/plan.gif" => site::Reply::file("GIF89a\u{1}\u{0}\u{1}\u{0}"),
        _ => site::Reply::status(404, ""),
    })
    .await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let harness = Harness::within(Options::default(), |_| {}, Some(fetcher)).await;
    let at = |url: &str| json!({"model": NOVA, "input": [{"image": url}]});
    let reply = embed(&harness, &at("https://example.com/plan.gif")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let image = json!({"format": "gif", "source": {"bytes": "R0lGODlhAQABAA=="}});
    assert_eq!(
        sent_upstream(&harness)[0]["singleEmbeddingParams"]["image"],
        image
    );

    let reply = embed(&harness, &at("https://example.com/none.gif")).await;
    let error = reply.error();
    assert_eq!(error["param"], "input[0].image");
    assert_eq!(error["code"], "failed_to_download_image");
    // A string input is text, even if it is a URL.
    let text = json!({"model": NOVA, "input": "https://example.com/plan.gif"});
    embed(&harness, &text).await;
    let text = &sent_upstream(&harness)[1]["singleEmbeddingParams"]["text"]["value"];
    assert_eq!(text, "https://example.com/plan.gif");
}

#[tokio::test]
async fn input_type_comes_from_the_request_the_model_or_the_default() {
    let change = |config: &mut Config| {
        config.embeddings.input_type = Purpose::Classification;
        let target = ModelId::parse(COHERE).unwrap();
        let entry = ModelEntry {
            embedding_input_type: Some(Purpose::Retrieval),
            ..target.into()
        };
        config.models.insert("queries".to_owned(), entry);
    };
    let harness = Harness::with(change).await;
    embed(&harness, &json!({"model": COHERE, "input": "a"})).await;
    embed(&harness, &json!({"model": "queries", "input": "a"})).await;
    let request = json!({"model": "queries", "input": "a", "input_type": "GENERIC_INDEX"});
    embed(&harness, &request).await;
    let words: Vec<Value> = sent_upstream(&harness)
        .iter()
        .map(|body| body["input_type"].clone())
        .collect();
    assert_eq!(words, ["classification", "search_query", "search_document"]);
}

#[tokio::test]
async fn account_profiles_embed_like_their_model() {
    let harness = Harness::start().await;
    let profile =
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap12345titan";
    let request = json!({"model": profile, "input": ["a", "b"], "dimensions": 512});
    let reply = embed(&harness, &request).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(embedding(&reply.json(), 1).len(), 512);
    assert!(reply.header(COST).is_some());
}

#[tokio::test]
async fn models_of_other_endpoints_are_rejected() {
    let harness = Harness::start().await;
    for (path, model, remedy) in [
        (
            "/v1/embeddings",
            crate::harness::MODEL,
            "/v1/chat/completions",
        ),
        ("/v1/embeddings", "cohere.rerank-v3-5:0", "/v1/rerank"),
        (
            "/v1/embeddings",
            "someone.new-model-v9",
            "operator can configure",
        ),
        ("/v1/chat/completions", TITAN, "/v1/embeddings"),
        ("/v1/chat/completions", "amazon.rerank-v1:0", "/v1/rerank"),
        ("/v1/rerank", TITAN, "/v1/embeddings"),
    ] {
        let mut request = non_streaming("hi");
        request["model"] = json!(model);
        request["input"] = json!("a");
        let reply = harness.post(path, &request).await;
        assert_eq!(reply.status, 400, "{path} {model}");
        let error = reply.error();
        assert_eq!(
            (&error["param"], &error["code"]),
            (&json!("model"), &json!("unsupported_value"))
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(remedy), "{message}");
    }
    assert!(sent_upstream(&harness).is_empty() && harness.sent_upstream().is_empty());
}

#[tokio::test]
async fn an_invalid_request_is_rejected_with_the_path() {
    let harness = Harness::start().await;
    for (body, param) in [
        (json!({"input": "a"}), "model"),
        (json!({"model": TITAN}), "input"),
        (json!({"model": TITAN, "input": 3}), "input"),
        (json!({"model": TITAN, "input": ["a", true]}), "input[1]"),
        (json!({"model": TITAN, "input": [["a"]]}), "input[0][0]"),
        (
            json!({"model": TITAN, "input": "a", "dimensions": "many"}),
            "dimensions",
        ),
    ] {
        let reply = embed(&harness, &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        assert_eq!(reply.error()["param"], param, "{}", reply.text);
    }
    assert!(sent_upstream(&harness).is_empty());
}

#[tokio::test]
async fn other_prefixes_reach_the_same_route_and_adjustments_are_reported() {
    let harness = Harness::start().await;
    let request = json!({"model": TITAN, "input": "a", "user": "u-1", "colour": "red"});
    for path in ["/v1/embeddings", "/api/v1/embeddings"] {
        let reply = harness.post(path, &request).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.adjustments(), "user: ignored, colour: ignored");
    }
}
