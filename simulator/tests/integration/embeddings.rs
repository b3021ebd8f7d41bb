//! Embedding and reranking models with the AWS SDK: responses and validation errors.

use crate::common::{client, simulator, user};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata as _;
use aws_sdk_bedrockruntime::primitives::Blob;
use bedrock_simulator::Simulator;
use serde_json::{Value, json};

const TITAN: &str = "amazon.titan-embed-text-v2:0";
const ENGLISH: &str = "cohere.embed-english-v3";
const COHERE: &str = "cohere.embed-v4:0";
const NOVA: &str = "amazon.nova-2-multimodal-embeddings-v1:0";
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn invoke(simulator: &Simulator, model: &str, body: &Value) -> Result<Value, String> {
    let call = client(simulator)
        .invoke_model()
        .model_id(model)
        .body(Blob::new(body.to_string()));
    match call.send().await {
        Ok(response) => Ok(serde_json::from_slice(response.body().as_ref()).unwrap()),
        Err(error) => Err(error.message().unwrap_or_default().to_owned()),
    }
}

#[tokio::test]
async fn each_request_format_has_its_response_format() {
    let simulator = simulator().await;
    let url = format!("data:image/png;base64,{PNG}");
    for (model, body, json_path, length) in [
        (TITAN, json!({"inputText": "a"}), "/embedding", 1024),
        (
            TITAN,
            json!({"inputText": "a", "dimensions": 256, "normalize": false}),
            "/embeddingsByType/float",
            256,
        ),
        (
            "amazon.titan-embed-image-v1",
            json!({"inputImage": PNG, "embeddingConfig": {"outputEmbeddingLength": 384}}),
            "/embedding",
            384,
        ),
        (
            ENGLISH,
            json!({"texts": ["a", "b"], "input_type": "search_query"}),
            "/embeddings/1",
            1024,
        ),
        (
            ENGLISH,
            json!({"images": [url], "input_type": "image", "embedding_types": ["float"]}),
            "/embeddings/float/0",
            1024,
        ),
        (
            COHERE,
            json!({"texts": ["a"], "input_type": "clustering", "output_dimension": 512}),
            "/embeddings/float/0",
            512,
        ),
        (
            COHERE,
            json!({"input_type": "search_document", "inputs": [{"content": [
                {"type": "text", "text": "a"}, {"type": "image_url", "image_url": url},
            ]}]}),
            "/embeddings/float/0",
            1536,
        ),
        (
            NOVA,
            json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {
                "embeddingPurpose": "GENERIC_INDEX",
                "text": {"truncationMode": "NONE", "value": "a"},
            }}),
            "/embeddings/0/embedding",
            3072,
        ),
        (
            "us.twelvelabs.marengo-embed-2-7-v1:0",
            json!({"inputType": "text", "inputText": "a", "textTruncate": "none"}),
            "/data/0/embedding",
            1024,
        ),
        (
            "us.twelvelabs.marengo-embed-3-0-v1:0",
            json!({"inputType": "image", "image": {"mediaSource": {"base64String": PNG}}}),
            "/data/0/embedding",
            512,
        ),
        (
            "amazon.rerank-v1:0",
            json!({"query": "a", "documents": ["a", "b"], "top_n": 1}),
            "/results",
            1,
        ),
    ] {
        let response = invoke(&simulator, model, &body).await.unwrap();
        let list = response.pointer(json_path).and_then(Value::as_array);
        assert_eq!(list.map(Vec::len), Some(length), "{model} {body}");
    }
}

#[tokio::test]
async fn invalid_bodies_are_rejected_with_all_violations() {
    let simulator = simulator().await;
    let long = "x".repeat(2120);
    let many: Vec<&str> = std::iter::repeat_n("a", 97).collect();
    for (model, body, expected) in [
        (
            TITAN,
            json!({"inputText": "a", "dimensions": 300}),
            "#/dimensions: 300 is not a valid enum value",
        ),
        (
            TITAN,
            json!({"inputText": "", "colour": "red"}),
            "#/inputText: expected minLength: 1, actual: 0#: extraneous key [colour] is not permitted",
        ),
        (
            "amazon.titan-embed-text-v1",
            json!({"inputText": "a", "dimensions": 1536}),
            "#: extraneous key [dimensions] is not permitted",
        ),
        (
            TITAN,
            json!({"inputText": "x".repeat(40_000)}),
            "Max input tokens: 8192, request input token count: 10000",
        ),
        (
            ENGLISH,
            json!({"texts": [long], "input_type": "search_query"}),
            "#/texts/0: expected maxLength: 2048, actual: 2120",
        ),
        (
            ENGLISH,
            json!({"inputText": "a"}),
            "#: required key [input_type] not found#: extraneous key [inputText] is not permitted",
        ),
        (
            COHERE,
            json!({"texts": many, "input_type": "search_query"}),
            "#/texts: expected maximum item count: 96, found: 97",
        ),
        (
            COHERE,
            json!({"texts": "a", "input_type": "search"}),
            "#/texts: expected type: JSONArray, found: String#/input_type: search is not a valid enum value",
        ),
        (
            NOVA,
            json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {}}),
            "#/singleEmbeddingParams: required key [embeddingPurpose] not found",
        ),
        (
            "amazon.titan-embed-image-v1",
            json!({"inputImage": "aGVsbG8="}),
            "Could not process image",
        ),
        (
            "cohere.rerank-v3-5:0",
            json!({"query": "a", "documents": ["a"]}),
            "#: required key [api_version] not found",
        ),
        (
            "amazon.rerank-v1:0",
            json!({"query": "a", "documents": ["a"], "top_n": 2}),
            "#/top_n: 2 is not less or equal to 1",
        ),
    ] {
        let message = invoke(&simulator, model, &body).await.unwrap_err();
        assert!(message.contains(expected), "{model}: {message}");
    }
}

#[tokio::test]
async fn embedding_models_support_neither_converse_nor_streaming() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let error = client
        .converse()
        .model_id(TITAN)
        .messages(user("hi"))
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .message()
            .unwrap()
            .contains("This action doesn't support the model")
    );
    let error = client
        .invoke_model_with_response_stream()
        .model_id(COHERE)
        .body(Blob::new(r#"{"texts":["a"],"input_type":"search_query"}"#))
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        error.message(),
        Some("The model is unsupported for streaming.")
    );
}
