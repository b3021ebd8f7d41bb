//! Authentication, the control plane, STS, and the control API.

use crate::common::{self, open_simulator, post, send, simulator};
use bedrock_simulator::{ControlPlane, Fault, Operation, Options, Script, Simulator};
use http::Method;
use serde_json::{Value, json};

const CONVERSE: &str = "/model/amazon.nova-lite-v1%3A0/converse";

fn hello() -> String {
    json!({ "messages": [{ "role": "user", "content": [{ "text": "hello" }] }] }).to_string()
}

async fn get(simulator: &Simulator, path: &str) -> common::HttpReply {
    send(simulator, Method::GET, path, "").await
}

#[tokio::test]
async fn unsigned_calls_are_rejected_like_aws_rejects_them() {
    let simulator = simulator().await;
    let response = post(&simulator, CONVERSE, hello()).await;
    assert_eq!(response.status, 403);
    assert_eq!(
        response.header("x-amzn-errortype"),
        "MissingAuthenticationTokenException:http://internal.amazon.com/coral/com.amazon.coral.service/"
    );
    assert_eq!(
        response.json(),
        json!({ "message": "Missing Authentication Token" })
    );
    assert_eq!(response.header("x-amzn-requestid").len(), 36);
}

#[tokio::test]
async fn only_the_known_bearer_token_is_accepted() {
    let simulator = simulator().await;
    for (token, status) in [("bedrock-api-key-EXAMPLE", 200), ("other", 403)] {
        let request = http::Request::post(CONVERSE)
            .header("authorization", format!("Bearer {token}"))
            .body(hello().into())
            .unwrap();
        let response = common::send_request(&simulator, request).await;
        assert_eq!(response.status, status, "{token}");
    }
}

#[tokio::test]
async fn malformed_and_oversized_bodies_are_rejected() {
    let options = Options {
        any_credentials: true,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    assert_eq!(
        post(&simulator, CONVERSE, "{\"messages\": [").await.status,
        400
    );
    assert_eq!(post(&simulator, CONVERSE, "[]").await.status, 400);
    assert_eq!(
        post(&simulator, CONVERSE, vec![b' '; 25_000_001])
            .await
            .status,
        413
    );
    assert_eq!(post(&simulator, "/model/x/sing", "{}").await.status, 404);
    assert_eq!(post(&simulator, CONVERSE, hello()).await.status, 200);
}

#[tokio::test]
async fn the_control_plane_lists_models_and_paginates_profiles() {
    let simulator = open_simulator().await;
    let models = get(&simulator, "/foundation-models?byOutputModality=EMBEDDING")
        .await
        .json();
    let ids: Vec<&Value> = models["modelSummaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| &model["modelId"])
        .collect();
    assert!(
        ids.contains(&&json!("amazon.titan-embed-text-v2:0")),
        "{ids:?}"
    );

    let (mut profiles, mut token, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let query = token
            .map(|token| format!("&nextToken={token}"))
            .unwrap_or_default();
        let page = get(
            &simulator,
            &format!("/inference-profiles?maxResults=7{query}"),
        )
        .await
        .json();
        profiles.extend(
            page["inferenceProfileSummaries"]
                .as_array()
                .unwrap()
                .clone(),
        );
        pages += 1;
        match page["nextToken"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => break,
        }
    }
    assert!(pages > 1);
    assert!(
        profiles
            .iter()
            .any(|profile| profile["inferenceProfileId"] == common::CLAUDE)
    );
}

#[tokio::test]
async fn the_control_plane_can_be_denied_while_models_respond() {
    let options = Options {
        any_credentials: true,
        control_plane: ControlPlane::Forbidden,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let refused = get(&simulator, "/foundation-models").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused
            .header("x-amzn-errortype")
            .starts_with("AccessDeniedException:")
    );
    assert_eq!(get(&simulator, "/inference-profiles").await.status, 403);
    assert_eq!(post(&simulator, CONVERSE, hello()).await.status, 200);
}

#[tokio::test]
async fn scripts_and_the_journal_are_available_over_http() {
    let simulator = open_simulator().await;
    let scripts = json!([
        { "response": { "kind": "text", "text": "scripted", "usage": { "inputTokens": 1, "outputTokens": 2, "totalTokens": 3 } } },
        { "operation": "list_foundation_models", "response": { "kind": "error", "status": 429,
            "code": "ThrottlingException", "message": "Rate exceeded" } },
    ]);
    let queued = post(&simulator, "/_simulator/scripts", scripts.to_string()).await;
    assert_eq!(
        (queued.status.as_u16(), queued.json()),
        (201, json!({ "queued": 2 }))
    );

    let response = post(&simulator, CONVERSE, hello()).await.json();
    assert_eq!(
        response["output"]["message"]["content"],
        json!([{ "text": "scripted" }])
    );
    assert_eq!(response["usage"]["totalTokens"], 3);
    assert_eq!(get(&simulator, "/foundation-models").await.status, 429);

    let requests = get(&simulator, "/_simulator/requests").await.json();
    assert_eq!(requests[0]["model"], "amazon.nova-lite-v1:0");
    assert_eq!(requests[0]["operation"], "converse");
    assert_eq!(requests[0]["body_json"]["messages"][0]["role"], "user");
    simulator.idle().await;
    let status = get(&simulator, "/_simulator/status").await.json();
    assert_eq!(
        status,
        json!({ "received": 2, "open_calls": 0, "abandoned": 0, "scripts": 0 })
    );

    assert_eq!(
        send(&simulator, Method::DELETE, "/_simulator", "")
            .await
            .status,
        204
    );
    assert_eq!(
        get(&simulator, "/_simulator/requests").await.json(),
        json!([])
    );
}

#[tokio::test]
async fn an_invalid_script_list_is_rejected_entirely() {
    let simulator = open_simulator().await;
    for wrong in [
        r#"[{"response": {"kind": "echo"}}, {"response": {"kind": "sing"}}]"#,
        r#"{"response": {"kind": "recording", "file": "missing.json"}}"#,
        r#"{"faults": [{"kind": "exception", "code": "singingException", "message": ""}]}"#,
        r#"{"operation": "converse_stream",
            "faults": [{"kind": "exception", "code": "modelTimeoutException", "message": ""}]}"#,
        "",
    ] {
        let response = post(&simulator, "/_simulator/scripts", wrong).await;
        assert_eq!(response.status, 400, "{wrong}");
        assert!(response.json()["error"].is_string());
    }
    assert_eq!(
        get(&simulator, "/_simulator/status").await.json()["scripts"],
        0
    );
}

#[tokio::test]
async fn a_script_for_an_unsupported_operation_returns_501() {
    let simulator = open_simulator().await;
    simulator.push(Script::text("models?").for_operation(Operation::ListFoundationModels));
    let response = get(&simulator, "/foundation-models").await;
    assert_eq!(response.status, 501);
    assert!(
        response
            .message()
            .contains("the script does not fit this call")
    );
}

#[tokio::test]
async fn an_exception_the_operation_cannot_raise_is_rejected() {
    let simulator = open_simulator().await;
    let timeout = Fault::Exception {
        after_events: 1,
        code: "modelTimeoutException".to_owned(),
        message: "late".to_owned(),
        original_status_code: None,
    };
    let streams = "/model/anthropic.claude-v2/invoke-with-response-stream";
    let converse_stream = CONVERSE.replace("/converse", "/converse-stream");
    simulator.push(Script::fault(timeout.clone()));
    let response = post(&simulator, &converse_stream, hello()).await;
    assert_eq!(response.status, 501);
    let reason = response.message();
    assert!(
        reason.contains("ConverseStream cannot send the exception `modelTimeoutException`"),
        "{reason}"
    );
    simulator.push(Script::fault(timeout));
    let body = json!({ "prompt": "hi", "max_tokens_to_sample": 5 });
    assert_eq!(
        post(&simulator, streams, body.to_string()).await.status,
        200
    );
}

#[tokio::test]
async fn an_unknown_model_id_is_rejected() {
    let options = Options {
        any_credentials: true,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    for (model, status) in [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 200),
        ("nvidia.of-tomorrow-v1:0", 200),
        ("us.anthropic.claude-sonnet-9-v1:0", 400),
        ("amazon.nova-mini-v1:0", 400),
    ] {
        let response = post(&simulator, &format!("/model/{model}/converse"), hello()).await;
        assert_eq!(response.status, status, "{model}");
        if status == 400 {
            assert_eq!(
                response.message(),
                "The provided model identifier is invalid."
            );
        }
    }
}

#[tokio::test]
async fn get_caller_identity_responds_in_xml() {
    let simulator = open_simulator().await;
    let response = post(
        &simulator,
        "/",
        "Action=GetCallerIdentity&Version=2011-06-15",
    )
    .await;
    assert_eq!(
        (response.status.as_u16(), response.header("content-type")),
        (200, "text/xml")
    );
    let text = String::from_utf8(response.body.unwrap().to_vec()).unwrap();
    assert!(text.contains("<Account>123456789012</Account>"), "{text}");
}

#[tokio::test]
async fn a_dropped_simulator_closes_its_connections() {
    let simulator = open_simulator().await;
    let mut stream = tokio::net::TcpStream::connect(simulator.address())
        .await
        .unwrap();
    // A response proves that the connection was accepted.
    let request = "GET /_simulator/status HTTP/1.1\r\nhost: x\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    let mut byte = [0];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut byte)
        .await
        .unwrap();
    drop(simulator);
    let mut rest = Vec::new();
    // The connection may end with or without an error.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
}
