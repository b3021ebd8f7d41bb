//! Recorded exchanges with embedding and rerank models, replayed through the gateway. The recordings
//! are next to the repository and not part of it.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bedrock_simulator::{Options, Script, ScriptedResponse};
use outcrop::config::Config;
use outcrop::models::ModelId;
use serde_json::{Value, json};

use crate::harness::Harness;

const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/recordings");

#[tokio::test]
async fn recorded_vectors_and_scores_reach_the_client_unchanged() {
    let Ok(files) = Path::new(RECORDINGS).read_dir() else {
        println!("did not run: no recordings next to the repository");
        return;
    };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut played = 0;
    for file in files.iter().filter(|file| is_json(file)) {
        let recording: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        if recording["meta"]["operation"] != "InvokeModel" || recording["response"]["status"] != 200
        {
            continue;
        }
        let response_json = &recording["response"]["body_json"];
        if response_json["results"][0].get("relevance_score").is_some() {
            ranks(file, &recording).await;
        } else if let Some(recorded_embeddings) = recorded_embeddings(response_json) {
            embeds(file, &recording, &recorded_embeddings).await;
        } else {
            continue;
        }
        played += 1;
    }
    println!("{played} recordings of embeddings and rerankings played");
    assert!(played > 0, "no recording has embeddings or scores");
}

fn is_json(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "json")
}

/// The embeddings of a recorded response.
fn recorded_embeddings(response_json: &Value) -> Option<Vec<Value>> {
    let is_embedding = |value: &Value| value[0].is_number();
    let first = &response_json["embedding"];
    if is_embedding(first) {
        return Some(vec![first.clone()]);
    }
    let list = ["/embeddings/float", "/embeddings", "/data"]
        .iter()
        .find_map(|path| response_json.pointer(path)?.as_array())?;
    let embedding = |entry: &Value| match is_embedding(entry) {
        true => Some(entry.clone()),
        false => entry.get("embedding").filter(|v| is_embedding(v)).cloned(),
    };
    list.iter().map(embedding).collect()
}

/// The model's id in the recording, and a base model with the same body for ids that do not reveal
/// theirs.
fn model(recording: &Value) -> (String, ModelId) {
    let path = recording["request"]["path"].as_str().unwrap();
    let name = path.split('/').nth(2).unwrap();
    let name = percent_encoding::percent_decode_str(name).decode_utf8();
    let body = &recording["request"]["body"];
    let base = match body.get("inputText").is_some() {
        true => "amazon.titan-embed-text-v2:0",
        false => "cohere.embed-v4:0",
    };
    (name.unwrap().into_owned(), ModelId::parse(base).unwrap())
}

async fn harness(file: &Path, recording: &Value) -> (Harness, String) {
    let (name, base) = model(recording);
    let change = |config: &mut Config| {
        config.base_models.insert(name.clone(), base.clone());
        // This name is not a valid model id.
        if name == "cohere.embed" {
            config.models.insert(name.clone(), base.into());
        }
    };
    let options = Options {
        validate: false,
        ..Options::default()
    };
    let harness = Harness::with_simulator(options, change).await;
    harness
        .simulator
        .push(Script::new(ScriptedResponse::Recording {
            file: file.to_path_buf(),
        }));
    (harness, name)
}

async fn embeds(file: &Path, recording: &Value, recorded_embeddings: &[Value]) {
    let (harness, name) = harness(file, recording).await;
    let body = &recording["request"]["body"];
    let texts = texts(body, &recording["response"]["body_json"]);
    assert_eq!(texts.len(), recorded_embeddings.len(), "{}", file.display());
    let mut request = json!({"model": name, "input": texts});
    for (key, paths) in [
        ("dimensions", ["/dimensions", "/output_dimension"]),
        (
            "input_type",
            ["/input_type", "/singleEmbeddingParams/embeddingPurpose"],
        ),
        (
            "truncate",
            ["/truncate", "/singleEmbeddingParams/text/truncationMode"],
        ),
    ] {
        if let Some(value) = paths.iter().find_map(|path| body.pointer(path)) {
            request[key] = value.clone();
        }
    }
    let reply = harness.post("/v1/embeddings", &request).await;
    assert_eq!(reply.status, 200, "{}: {}", file.display(), reply.text);
    let response_json = reply.json();
    let actual = response_json["data"].as_array().unwrap().iter();
    let actual: Vec<&Value> = actual.map(|entry| &entry["embedding"]).collect();
    assert!(
        actual.iter().copied().eq(recorded_embeddings),
        "{}",
        file.display()
    );
    assert_eq!(
        response_json["usage"]["prompt_tokens"],
        tokens(recording),
        "{}",
        file.display()
    );
    assert_request_matches(&harness, body, file);

    harness
        .simulator
        .push(Script::new(ScriptedResponse::Recording {
            file: file.to_path_buf(),
        }));
    request["encoding_format"] = json!("base64");
    let response_json = harness.post("/v1/embeddings", &request).await.json();
    for (entry, embedding) in response_json["data"]
        .as_array()
        .unwrap()
        .iter()
        .zip(recorded_embeddings)
    {
        let bytes = BASE64_STANDARD.decode(entry["embedding"].as_str().unwrap());
        let numbers = embedding.as_array().unwrap().iter();
        let expected = numbers.flat_map(|n| (n.as_f64().unwrap() as f32).to_le_bytes());
        assert!(
            bytes.unwrap().into_iter().eq(expected),
            "{}",
            file.display()
        );
    }
}

/// The texts to embed: from the request, or from the response if the request was not recorded.
fn texts(body: &Value, response_json: &Value) -> Vec<Value> {
    let one = ["/inputText", "/singleEmbeddingParams/text/value"];
    let one = one.iter().find_map(|path| body.pointer(path));
    let several = body.get("texts").or_else(|| response_json.get("texts"));
    match (one, several) {
        (Some(text), _) => vec![text.clone()],
        (None, Some(texts)) => texts.as_array().unwrap().clone(),
        (None, None) => Vec::new(),
    }
}

fn tokens(recording: &Value) -> u64 {
    let response = &recording["response"];
    let header = &response["headers"]["x-amzn-bedrock-input-token-count"];
    let header = header.as_str().map(|count| count.parse().unwrap());
    header
        .or_else(|| response["body_json"]["inputTextTokenCount"].as_u64())
        .unwrap_or_default()
}

/// Asserts that the gateway's body has every field of the recorded body. It may have more.
fn assert_request_matches(harness: &Harness, recorded: &Value, file: &Path) {
    let body = harness.simulator.requests().pop().unwrap().json();
    let Some(recorded) = recorded.as_object() else {
        return;
    };
    for (key, value) in recorded {
        // Explicit default values: Titan's `normalize`, and Cohere's only embedding type.
        let is_default = key == "normalize" && *value == json!(true) || key == "embedding_types";
        let same = match value.as_object() {
            Some(within) => within.iter().all(|(key2, value)| body[key][key2] == *value),
            None => body[key] == *value,
        };
        assert!(is_default || same, "{}: `{key}` in {body}", file.display());
    }
}

async fn ranks(file: &Path, recording: &Value) {
    let (harness, name) = harness(file, recording).await;
    let body = &recording["request"]["body"];
    let request = json!({
        "model": name,
        "query": body["query"],
        "documents": body["documents"],
        "top_n": body["top_n"],
    });
    let reply = harness.post("/v1/rerank", &request).await;
    assert_eq!(reply.status, 200, "{}: {}", file.display(), reply.text);
    let recorded = &recording["response"]["body_json"]["results"];
    assert_eq!(&reply.json()["results"], recorded, "{}", file.display());
    assert_eq!(&harness.simulator.requests().pop().unwrap().json(), body);
}
