//! Suggestions for misspelt top-level fields.

use serde_json::json;

use crate::harness::{Harness, MODEL, non_streaming};

#[tokio::test]
async fn a_misspelt_field_is_noted_with_a_suggestion() {
    let harness = Harness::start().await;
    let mut request = non_streaming("hi");
    request["temprature"] = json!(0.5);
    request["maxTokens"] = json!(5);
    request["brand_new"] = json!(5);
    let reply = harness.chat(&request).await;
    assert_eq!(
        reply.adjustments(),
        "temprature: ignored; did you mean `temperature`?, maxTokens: ignored; did you mean \
         `max_tokens`?, brand_new: ignored"
    );
    let refused = harness
        .chat_with(&[("x-outcrop-strict", "true")], &request)
        .await;
    assert_eq!(refused.status, 400);
    let message = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("did you mean `temperature`?"), "{message}");

    for (missing, misspelt) in [("messages", "mesages"), ("model", "modle")] {
        let mut request = non_streaming("hi");
        let value = request.as_object_mut().unwrap().remove(missing).unwrap();
        request[misspelt] = value;
        let refused = harness.chat(&request).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.error()["param"], missing);
        let message = refused.error()["message"].as_str().unwrap().to_owned();
        let hint = format!("did you mean `{missing}` by `{misspelt}`?");
        assert!(message.contains(&hint), "{message}");
    }
}

#[tokio::test]
async fn each_endpoint_compares_an_unknown_field_with_its_own() {
    let harness = Harness::start().await;
    for (path, request, notes) in [
        (
            "/v1/completions",
            json!({
                "model": MODEL, "prompt": "a", "bestof": 1, "temprature": 0.5, "mesages": 1, "tools": [1]
            }),
            "bestof: ignored; did you mean `best_of`?, temprature: ignored; did you mean \
             `temperature`?, mesages: ignored, tools: ignored",
        ),
        (
            "/v1/responses/input_tokens",
            json!({"model": MODEL, "input": "a", "instuctions": "b", "max_tokens": 5}),
            "instuctions: ignored; did you mean `instructions`?, max_tokens: ignored",
        ),
        (
            "/v1/embeddings",
            json!({"model": "amazon.titan-embed-text-v2:0", "input": "a", "dimension": 5}),
            "dimension: ignored; did you mean `dimensions`?",
        ),
        (
            "/v1/rerank",
            json!({"model": "cohere.rerank-v3-5:0", "query": "a", "documents": ["b"], "topn_": 1}),
            "topn_: ignored; did you mean `top_n`?",
        ),
        (
            "/v1/images/generations",
            json!({"model": "amazon.nova-canvas-v1:0", "prompt": "a", "qualitty": "low"}),
            "qualitty: ignored; did you mean `quality`?",
        ),
    ] {
        let reply = harness.post(path, &request).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        let noted = reply.adjustments();
        assert!(noted.contains(notes), "{path}: {noted}");
    }
}

#[tokio::test]
async fn a_missing_field_error_names_the_misspelt_key() {
    let harness = Harness::start().await;
    for (path, request, missing, misspelt) in [
        (
            "/v1/completions",
            json!({"model": MODEL, "promt": "a"}),
            "prompt",
            "promt",
        ),
        (
            "/v1/completions",
            json!({"modle": MODEL, "prompt": "a"}),
            "model",
            "modle",
        ),
        (
            "/v1/responses/input_tokens",
            json!({"model": MODEL, "inpt": "a"}),
            "input",
            "inpt",
        ),
        (
            "/v1/embeddings",
            json!({"model": "amazon.titan-embed-text-v2:0", "inptu": "a"}),
            "input",
            "inptu",
        ),
        (
            "/v1/embeddings",
            json!({"modell": "amazon.titan-embed-text-v2:0", "input": "a"}),
            "model",
            "modell",
        ),
        ("/v1/moderations", json!({"imput": "a"}), "input", "imput"),
        (
            "/v1/rerank",
            json!({"model": "cohere.rerank-v3-5:0", "qurey": "a", "documents": ["b"]}),
            "query",
            "qurey",
        ),
        (
            "/v1/rerank",
            json!({"model": "cohere.rerank-v3-5:0", "query": "a", "document": ["b"]}),
            "documents",
            "document",
        ),
        (
            "/v1/images/generations",
            json!({"model": "amazon.nova-canvas-v1:0", "promt": "a"}),
            "prompt",
            "promt",
        ),
        (
            "/v1/images/generations",
            json!({"modle": "amazon.nova-canvas-v1:0", "prompt": "a"}),
            "model",
            "modle",
        ),
    ] {
        let reply = harness.post(path, &request).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text);
        let error = reply.error();
        assert_eq!(error["param"], missing, "{path}");
        let message = error["message"].as_str().unwrap();
        let hint = format!("; did you mean `{missing}` by `{misspelt}`?");
        assert!(message.ends_with(&hint), "{path}: {message}");
    }
    assert_eq!(harness.simulator.received(), 0);
}
