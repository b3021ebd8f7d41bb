//! `/v1/rerank`

mod golden;

use bedrock_simulator::{Script, ScriptedResponse};
use serde_json::{Value, json};

use crate::harness::logs;
use crate::harness::{Harness, Reply};

const COHERE: &str = "cohere.rerank-v3-5:0";
const AMAZON: &str = "amazon.rerank-v1:0";

fn rerank_request(model: &str) -> Value {
    json!({
        "model": model,
        "query": "capital of the states",
        "documents": ["Carson City", "the capital of the states", "capital letters"],
    })
}

async fn rerank(harness: &Harness, body: &Value) -> Reply {
    harness.post("/v1/rerank", body).await
}

#[tokio::test]
async fn both_models_rank_the_best_document_first() {
    for (model, cost) in [(COHERE, "0.002"), (AMAZON, "0.001")] {
        logs::begin();
        let harness = Harness::start().await;
        let reply = rerank(&harness, &rerank_request(model)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let ranking = reply.json();
        let order: Vec<&Value> = ranking["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| &result["index"])
            .collect();
        assert_eq!(order, [1, 2, 0]);
        assert_eq!(ranking["results"][0]["relevance_score"], 1.0);
        assert!(ranking["results"][0].get("document").is_none());
        assert_eq!(ranking["meta"]["billed_units"]["search_units"], 1);
        assert!(ranking["id"].as_str().unwrap().starts_with("rerank-"));
        assert!(ranking.get("usage").is_none());
        assert_eq!(reply.header("x-outcrop-cost-usd"), Some(cost));
        let line = logs::request_line().await;
        assert!(line.contains(&format!(" cost_usd=\"{cost}\"")), "{line}");
    }
}

#[tokio::test]
async fn top_n_and_return_documents_are_honored() {
    let harness = Harness::start().await;
    let mut request = rerank_request(COHERE);
    request["top_n"] = json!(2);
    request["return_documents"] = json!(true);
    let ranking = rerank(&harness, &request).await.json();
    let results = ranking["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(
        results[0]["document"],
        json!({"text": "the capital of the states"})
    );
    let body = harness.simulator.requests().pop().unwrap().json();
    assert_eq!(
        (&body["top_n"], &body["api_version"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn a_hundred_documents_are_one_search_unit() {
    let harness = Harness::start().await;
    let documents: Vec<String> = (0..101).map(|number| format!("text {number}")).collect();
    let request = json!({"model": AMAZON, "query": "text 7", "documents": documents});
    let reply = rerank(&harness, &request).await;
    assert_eq!(reply.json()["results"].as_array().unwrap().len(), 101);
    assert_eq!(reply.json()["meta"]["billed_units"]["search_units"], 2);
    assert_eq!(reply.header("x-outcrop-cost-usd"), Some("0.002"));
}

#[tokio::test]
async fn rerank_is_served_at_every_path_clients_use() {
    let harness = Harness::start().await;
    for path in ["/v1/rerank", "/v2/rerank", "/api/v1/rerank"] {
        let reply = harness.post(path, &rerank_request(COHERE)).await;
        assert_eq!(reply.status, 200, "{path}");
    }
}

#[tokio::test]
async fn invalid_requests_are_rejected_before_any_call() {
    let harness = Harness::start().await;
    for (field, value, param) in [
        ("model", Value::Null, "model"),
        ("query", json!(""), "query"),
        ("query", json!(3), "query"),
        ("documents", json!([]), "documents"),
        ("documents", json!(["a", 3]), "documents[1]"),
        ("top_n", json!(0), "top_n"),
        ("rank_fields", json!("text"), "rank_fields"),
    ] {
        let mut request = rerank_request(COHERE);
        request[field] = value;
        let reply = rerank(&harness, &request).await;
        assert_eq!(reply.status, 400, "{field}: {}", reply.text);
        assert_eq!(reply.error()["param"], param);
    }
    assert!(harness.simulator.requests().is_empty());
}

#[tokio::test]
async fn bedrocks_errors_and_invalid_responses_are_reported() {
    for (status, code, expected) in [
        (429, "ThrottlingException", 429),
        (403, "AccessDeniedException", 403),
        (400, "ValidationException", 400),
        (500, "InternalServerException", 500),
    ] {
        let harness = Harness::start().await;
        let error = Script::new(ScriptedResponse::Error {
            status,
            code: code.to_owned(),
            message: "ordered".to_owned(),
            retry_after: None,
        });
        harness.simulator.push(error.times(0));
        assert_eq!(
            rerank(&harness, &rerank_request(COHERE)).await.status,
            expected
        );
    }
    for body in ["{}", r#"{"results":[{"index":9,"relevance_score":1}]}"#] {
        let harness = Harness::start().await;
        harness.simulator.push(Script::new(ScriptedResponse::Raw {
            status: 200,
            headers: Default::default(),
            body: body.to_owned().into(),
        }));
        let reply = rerank(&harness, &rerank_request(COHERE)).await;
        assert_eq!(reply.status, 502, "{}", reply.text);
        assert_eq!(reply.error()["code"], "upstream_bad_response");
    }
}
