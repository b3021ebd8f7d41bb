//! Recorded traffic: accepted requests pass, rejected ones are rejected with the same message, and
//! recorded responses are replayed byte for byte.

use std::path::{Path, PathBuf};

use crate::common::{open_simulator, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bedrock_simulator::{Guardrail, Options, Script, Simulator};
use serde_json::Value;

/// Next to the repository; not part of it.
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recordings");

/// All recordings with their paths; prints a message and returns none if the folder is missing.
fn recordings() -> Vec<(PathBuf, Value)> {
    let Ok(files) = Path::new(RECORDINGS).read_dir() else {
        println!("skipped: no recordings next to the repository");
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    let read = |file: PathBuf| {
        let recording = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        (file, recording)
    };
    files.into_iter().map(read).collect()
}

/// Guardrails that recorded requests use.
const GUARDRAILS: [&str; 4] = [
    "5zwrmdlsra2e",
    "guardrail1234",
    "v9kpg6yrwhs2",
    "xbgw7g293v7o",
];

/// Validates everything except what only Bedrock can know: credentials, models that have retired
/// since, and its own reasoning signatures.
async fn strict_simulator() -> Simulator {
    let guardrails = GUARDRAILS.map(|id| Guardrail {
        id: id.to_owned(),
        ..Guardrail::demo()
    });
    let options = Options {
        any_credentials: true,
        retired_models: Vec::new(),
        guardrails: guardrails.to_vec(),
        foreign_signatures: true,
        any_model: true,
        ..Options::default()
    };
    Simulator::start(options).await.unwrap()
}

#[tokio::test]
async fn every_recorded_conversation_accepted_by_bedrock_passes() {
    let simulator = strict_simulator().await;
    let mut refused = Vec::new();
    let mut accepted_count = 0;
    for (_, recording) in recordings() {
        let is_conversation = matches!(
            recording["meta"]["operation"].as_str(),
            Some("Converse" | "ConverseStream" | "CountTokens")
        );
        // An exception in a stream has status 200.
        let accepted = recording["response"]["status"] == 200
            && !recording["response"]
                .to_string()
                .contains(":exception-type");
        let request = &recording["request"];
        if !is_conversation || !accepted || !request["body"].is_object() {
            continue;
        }
        let response_json = post(
            &simulator,
            request["path"].as_str().unwrap(),
            request["body"].to_string(),
        )
        .await;
        if response_json.status == 200 {
            accepted_count += 1;
        } else {
            refused.push(format!("{}: {}", recording["id"], response_json.message()));
        }
    }
    assert!(
        refused.is_empty(),
        "{accepted_count} passed, but not\n{}",
        refused.join("\n")
    );
}

#[tokio::test]
async fn every_recorded_embedding_and_rerank_request_accepted_by_bedrock_passes() {
    let simulator = strict_simulator().await;
    for (_, recording) in recordings() {
        let (request, recorded) = (&recording["request"], &recording["response"]["body_json"]);
        let json_paths = ["/embedding", "/embeddings", "/results/0/relevance_score"];
        let embeds = json_paths
            .iter()
            .any(|json_path| recorded.pointer(json_path).is_some());
        // The simulator does not know the base models of another account's profiles.
        let names_model = !request["path"].as_str().unwrap().contains("arn%3A");
        if !embeds || !names_model || !request["body"].is_object() {
            continue;
        }
        let path = request["path"].as_str().unwrap();
        let response_json = post(&simulator, path, request["body"].to_string()).await;
        let id = &recording["id"];
        assert_eq!(
            response_json.status,
            200,
            "{id}: {}",
            response_json.message()
        );
        // Embeddings have the same number and length, rankings the same documents.
        let regenerated = response_json.json();
        for json_path in [
            "/embedding",
            "/embeddingsByType/float",
            "/embeddings",
            "/embeddings/0",
            "/embeddings/float",
            "/embeddings/float/0",
            "/embeddings/0/embedding",
            "/results",
        ] {
            let count = |value: &Value| value.pointer(json_path)?.as_array().map(Vec::len);
            if let Some(expected) = count(recorded) {
                assert_eq!(count(&regenerated), Some(expected), "{id}: {json_path}");
            }
        }
    }
}

/// Rejections whose reason is visible in the request.
const REFUSED: [&str; 10] = [
    "conv-claude-err400-0a603759",
    "conv-claude-err400-4530a170",
    "conv-claude-err400-b71d1ebb",
    "conv-nova-err400-0ecd558b",
    "conv-nova-err400-a8b9d2b9",
    "conv-other-err400-1eeb06dc",
    "conv-other-err400-d029bb06",
    "convs-other-err400-304207f6",
    "inv-other-err400-08de9097",
    "counttokens-claude-err400-c168bd9e",
];

#[tokio::test]
async fn recorded_rejections_are_reproduced_with_the_same_message() {
    let simulator = strict_simulator().await;
    for (_, recording) in recordings() {
        if !REFUSED.contains(&recording["id"].as_str().unwrap()) {
            continue;
        }
        let request = &recording["request"];
        let response_json = post(
            &simulator,
            request["path"].as_str().unwrap(),
            request["body"].to_string(),
        )
        .await;
        let response = &recording["response"];
        assert_eq!(
            Value::from(response_json.status.as_u16()),
            response["status"],
            "{}",
            recording["id"]
        );
        assert_eq!(
            response_json.json(),
            response["body_json"],
            "{}",
            recording["id"]
        );
        if let Some(error_type) = response["headers"]["x-amzn-errortype"].as_str() {
            assert_eq!(response_json.header("x-amzn-errortype"), error_type);
        }
    }
}

#[tokio::test]
async fn recordings_are_played_back_byte_for_byte() {
    let simulator = open_simulator().await;
    for (file, recording) in recordings() {
        let response = &recording["response"];
        let Some(body) = response["body_base64"].as_str() else {
            continue;
        };
        simulator.push(Script::recording(file));
        let response_json = post(&simulator, "/model/any/converse", "{}").await;
        let id = &recording["id"];
        assert_eq!(
            Value::from(response_json.status.as_u16()),
            response["status"],
            "{id}"
        );
        assert!(
            response_json.body.as_ref().unwrap() == &BASE64_STANDARD.decode(body).unwrap(),
            "{id}"
        );
        for name in ["content-type", "x-amzn-errortype"] {
            assert_eq!(
                response_json.header(name),
                response["headers"][name].as_str().unwrap_or_default(),
                "{id}"
            );
        }
    }
}
