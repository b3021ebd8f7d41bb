//! The AWS SDK for Rust with its endpoint at the gateway.

use aws_credential_types::Credentials;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Builder, Region, Token};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_sdk_bedrockruntime::operation::RequestId;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseStreamOutput, ConverseTokensRequest, CountTokensInput,
    Message, ResponseStream,
};
use bedrock_simulator::Script;
use outcrop::usage::Identity;
use serde_json::{Value, json};

use super::harness;
use crate::bedrock_api::signatures::{ID, SECRET};
use crate::chat::stream_ends::within_limit;
use crate::harness::{Harness, MODEL};

fn settings(harness: &Harness) -> Builder {
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        // The client's region; the gateway calls Bedrock in another.
        .region(Region::new("eu-west-3"))
        .endpoint_url(format!("http://{}", harness.address))
        .retry_config(RetryConfig::disabled())
}

fn signing(harness: &Harness, id: &str, secret: &str) -> Client {
    let credentials = Credentials::new(id, secret, None, None, "test");
    Client::from_conf(settings(harness).credentials_provider(credentials).build())
}

fn user(text: &str) -> Message {
    Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(text.to_owned()))
        .build()
        .unwrap()
}

async fn converse(client: &Client, model: &str) -> Result<String, (String, String)> {
    let call = client.converse().model_id(model).messages(user("hi"));
    match call.send().await {
        Ok(output) => Ok(output.request_id().unwrap_or_default().to_owned()),
        Err(error) => Err((
            error.code().unwrap_or_default().to_owned(),
            error.message().unwrap_or_default().to_owned(),
        )),
    }
}

fn claude() -> Blob {
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "hi"}],
    });
    Blob::new(body.to_string())
}

#[tokio::test]
async fn every_model_operation_accepts_a_signed_request() {
    let harness = harness(|_| {}).await;
    let client = signing(&harness, ID, SECRET);
    assert_ne!(converse(&client, MODEL).await, Ok(String::new()));
    let record = harness.records.take(1).await.remove(0);
    assert_eq!(record.identity, Some(Identity::Signature));

    let stream = client
        .converse_stream()
        .model_id(MODEL)
        .messages(user("hi"));
    let mut stream = stream.send().await.unwrap().stream;
    let mut text = String::new();
    let mut last = None;
    while let Some(event) = stream.recv().await.unwrap() {
        if let ConverseStreamOutput::ContentBlockDelta(delta) = &event
            && let Ok(delta_text) = delta.delta.as_ref().unwrap().as_text()
        {
            text.push_str(delta_text);
        }
        last = Some(event);
    }
    assert!(!text.is_empty());
    assert!(matches!(last, Some(ConverseStreamOutput::Metadata(_))));

    let invoked = client.invoke_model().model_id(MODEL).body(claude());
    let invoked = invoked.send().await.unwrap().body.into_inner();
    let invoked: Value = serde_json::from_slice(&invoked).unwrap();
    assert_eq!(invoked["type"], "message");

    let stream = client
        .invoke_model_with_response_stream()
        .model_id(MODEL)
        .body(claude());
    let mut stream = stream.send().await.unwrap().body;
    let mut last = Value::Null;
    while let Some(ResponseStream::Chunk(chunk)) = stream.recv().await.unwrap() {
        last = serde_json::from_slice(&chunk.bytes.unwrap().into_inner()).unwrap();
    }
    assert!(
        last["amazon-bedrock-invocationMetrics"].is_object(),
        "{last}"
    );

    let count_output = ConverseTokensRequest::builder()
        .messages(user("hi"))
        .build();
    let count_output = client
        .count_tokens()
        .model_id(MODEL.strip_prefix("us.").unwrap())
        .input(CountTokensInput::Converse(count_output));
    assert!(count_output.send().await.unwrap().input_tokens > 0);
}

#[tokio::test]
async fn a_gateway_key_works_as_a_bedrock_api_key() {
    let harness = harness(|_| {}).await;
    let client = |key: &str| {
        let settings = settings(&harness)
            .bearer_token(Token::new(key, None))
            .auth_scheme_preference([
                aws_smithy_runtime_api::client::auth::http::HTTP_BEARER_AUTH_SCHEME_ID,
            ]);
        Client::from_conf(settings.build())
    };
    assert!(converse(&client("sk-team-a"), MODEL).await.is_ok());
    let (code, _) = converse(&client("sk-other"), MODEL).await.unwrap_err();
    assert_eq!(code, "UnrecognizedClientException");
}

#[tokio::test]
async fn wrong_credentials_are_rejected_in_aws_error_format() {
    let harness = harness(|_| {}).await;
    for (id, secret, expected) in [
        (ID, "another secret", "InvalidSignatureException"),
        (
            "AKIAIOSFODNN7EXAMPLE",
            SECRET,
            "UnrecognizedClientException",
        ),
    ] {
        let (code, message) = converse(&signing(&harness, id, secret), MODEL)
            .await
            .unwrap_err();
        assert_eq!(code, expected, "{message}");
    }
    assert_eq!(harness.simulator.requests().len(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn the_start_of_a_refused_access_key_is_logged_and_no_more() {
    for (id, secret, start) in [
        (ID, "another secret", &ID[..5]),
        ("AKIAIOSFODNN7EXAMPLE", SECRET, "AKIAIO"),
    ] {
        crate::harness::logs::begin();
        let harness = harness(|_| {}).await;
        let refused = converse(&signing(&harness, id, secret), MODEL).await;
        assert!(refused.is_err());
        let line = within_limit(crate::harness::logs::request_line()).await;
        let logged = format!("rejected_key=\"{start}***\"");
        assert!(line.contains(&logged), "{line}");
        assert!(!line.contains(id) && !line.contains(secret), "{line}");
    }
}

#[tokio::test]
async fn without_configured_keys_any_credentials_are_accepted() {
    let harness = Harness::start().await;
    let client = signing(&harness, "AKIAIOSFODNN7EXAMPLE", "anything");
    assert!(converse(&client, MODEL).await.is_ok());
}

#[tokio::test]
async fn errors_have_the_sdks_types() {
    let harness = harness(|_| {}).await;
    let client = signing(&harness, ID, SECRET);
    let script = Script::error(400, "ValidationException", "no").times(0);
    harness.simulator.push(script);
    let call = client.converse().model_id(MODEL).messages(user("hi"));
    let error = call.send().await.unwrap_err().into_service_error();
    assert!(error.is_validation_exception(), "{error:?}");
}
