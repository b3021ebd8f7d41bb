//! Model calls and credentials with the AWS SDK.

use std::collections::HashMap;

use crate::common::{CLAUDE, NOVA, client, client_with, simulator, user};
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata as _;
use aws_sdk_bedrockruntime::operation::RequestId as _;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    AnyToolChoice, ContentBlock, ContentBlockDelta, ContentBlockStart, ConversationRole,
    ConverseStreamOutput, ConverseTokensRequest, CountTokensInput, InferenceConfiguration, Message,
    ResponseStream, StopReason, Tool, ToolChoice, ToolConfiguration, ToolInputSchema,
    ToolResultBlock, ToolResultContentBlock, ToolSpecification,
};
use aws_smithy_types::Document;
use bedrock_simulator::{Credentials, Operation, Options, Simulator};

fn weather_tool() -> ToolConfiguration {
    let text = |value: &str| Document::String(value.to_owned());
    let object = |fields: Vec<(&str, Document)>| {
        Document::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<HashMap<_, _>>(),
        )
    };
    let schema = object(vec![
        ("type", text("object")),
        (
            "properties",
            object(vec![("city", object(vec![("type", text("string"))]))]),
        ),
        ("required", Document::Array(vec![text("city")])),
    ]);
    let tool = ToolSpecification::builder()
        .name("get_weather")
        .description("Tells the weather of a city")
        .input_schema(ToolInputSchema::Json(schema))
        .build()
        .unwrap();
    ToolConfiguration::builder()
        .tools(Tool::ToolSpec(tool))
        .build()
        .unwrap()
}

#[tokio::test]
async fn converse_returns_text_with_usage() {
    let simulator = simulator().await;
    let response = client(&simulator)
        .converse()
        .model_id(CLAUDE)
        .messages(user("Good morning, mountain"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.request_id().unwrap().len(), 36);
    assert_eq!(*response.stop_reason(), StopReason::EndTurn);
    let usage = response.usage().unwrap();
    assert_eq!(
        usage.total_tokens(),
        usage.input_tokens() + usage.output_tokens()
    );
    assert_eq!(usage.cache_read_input_tokens(), Some(0));
    let message = response.output().unwrap().as_message().unwrap();
    let text = message.content()[0].as_text().unwrap();
    assert!(text.contains("“Good morning, mountain”"), "{text}");

    let received = simulator.requests();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].operation, Some(Operation::Converse));
    assert_eq!(received[0].model.as_deref(), Some(CLAUDE));
    assert_eq!(received[0].json()["messages"][0]["role"], "user");
    simulator.idle().await;
    assert_eq!(simulator.abandoned(), 0);
}

#[tokio::test]
async fn converse_stream_sends_the_same_text_in_chunks() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let mut stream = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("Good morning, mountain"))
        .inference_config(InferenceConfiguration::builder().max_tokens(5).build())
        .send()
        .await
        .unwrap()
        .stream;
    let (mut text, mut chunk_count, mut kinds) = (String::new(), 0, Vec::new());
    while let Some(event) = stream.recv().await.unwrap() {
        match event {
            ConverseStreamOutput::MessageStart(_) => kinds.push("start"),
            ConverseStreamOutput::ContentBlockDelta(delta) => {
                text.push_str(delta.delta().unwrap().as_text().unwrap());
                chunk_count += 1;
            }
            ConverseStreamOutput::ContentBlockStop(_) => kinds.push("blockStop"),
            ConverseStreamOutput::MessageStop(stop) => {
                assert_eq!(*stop.stop_reason(), StopReason::MaxTokens);
                kinds.push("stop");
            }
            ConverseStreamOutput::Metadata(metadata) => {
                assert_eq!(metadata.usage().unwrap().output_tokens(), 5);
                kinds.push("metadata");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text, "You said: “Good morning, mountain”.");
    assert_eq!(chunk_count, 5);
    assert_eq!(kinds, ["start", "blockStop", "stop", "metadata"]);
}

#[tokio::test]
async fn a_tool_call_streams_in_fragments_and_accepts_its_result() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let mut stream = client
        .converse_stream()
        .model_id(CLAUDE)
        .messages(user("How is the weather in New York?"))
        .tool_config(weather_tool())
        .send()
        .await
        .unwrap()
        .stream;
    let (mut id, mut fragments) = (String::new(), Vec::new());
    while let Some(event) = stream.recv().await.unwrap() {
        match event {
            ConverseStreamOutput::ContentBlockStart(start) => match start.start() {
                Some(ContentBlockStart::ToolUse(tool)) => {
                    assert_eq!(
                        (start.content_block_index(), tool.name()),
                        (1, "get_weather")
                    );
                    id = tool.tool_use_id().to_owned();
                }
                other => panic!("{other:?}"),
            },
            ConverseStreamOutput::ContentBlockDelta(delta) => {
                if let Some(ContentBlockDelta::ToolUse(tool)) = delta.delta() {
                    fragments.push(tool.input().to_owned());
                }
            }
            ConverseStreamOutput::MessageStop(stop) => {
                assert_eq!(*stop.stop_reason(), StopReason::ToolUse)
            }
            _ => {}
        }
    }
    assert!(
        fragments.len() > 2 && fragments[0].is_empty(),
        "{fragments:?}"
    );
    assert_eq!(fragments.concat(), r#"{"city":"New York"}"#);

    let call = aws_sdk_bedrockruntime::types::ToolUseBlock::builder()
        .tool_use_id(&id)
        .name("get_weather")
        .input(Document::Object(HashMap::new()))
        .build()
        .unwrap();
    let result = ToolResultBlock::builder()
        .tool_use_id(&id)
        .content(ToolResultContentBlock::Text("21 degrees".to_owned()))
        .build()
        .unwrap();
    let turn = |role, block| {
        Message::builder()
            .role(role)
            .content(block)
            .build()
            .unwrap()
    };
    let response = client
        .converse()
        .model_id(CLAUDE)
        .messages(user("How is the weather in New York?"))
        .messages(turn(
            ConversationRole::Assistant,
            ContentBlock::ToolUse(call),
        ))
        .messages(turn(
            ConversationRole::User,
            ContentBlock::ToolResult(result),
        ))
        .tool_config(weather_tool())
        .send()
        .await
        .unwrap();
    let message = response.output().unwrap().as_message().unwrap();
    assert!(
        message.content()[0]
            .as_text()
            .unwrap()
            .contains("“21 degrees”")
    );
}

#[tokio::test]
async fn a_forced_tool_is_called() {
    let simulator = simulator().await;
    let forced = ToolConfiguration::builder()
        .set_tools(Some(weather_tool().tools().to_vec()))
        .tool_choice(ToolChoice::Any(AnyToolChoice::builder().build()))
        .build()
        .unwrap();
    let response = client(&simulator)
        .converse()
        .model_id(NOVA)
        .messages(user("Hello"))
        .tool_config(forced)
        .send()
        .await
        .unwrap();
    let message = response.output().unwrap().as_message().unwrap();
    let call = message.content()[0].as_tool_use().unwrap();
    assert_eq!(call.name(), "get_weather");
    assert!(call.input().as_object().unwrap().contains_key("city"));
}

#[tokio::test]
async fn invoke_model_uses_the_native_format() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let body = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"Hello you"}]}"#;
    let response = client
        .invoke_model()
        .model_id(CLAUDE)
        .body(Blob::new(body))
        .send()
        .await
        .unwrap();
    let response: serde_json::Value = serde_json::from_slice(response.body().as_ref()).unwrap();
    assert_eq!(
        (&response["type"], &response["stop_reason"]),
        (&"message".into(), &"end_turn".into())
    );
    assert!(
        response["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Hello you")
    );

    let mut stream = client
        .invoke_model_with_response_stream()
        .model_id(CLAUDE)
        .body(Blob::new(body))
        .send()
        .await
        .unwrap()
        .body;
    let mut kinds = Vec::new();
    while let Some(ResponseStream::Chunk(chunk)) = stream.recv().await.unwrap() {
        let chunk: serde_json::Value =
            serde_json::from_slice(chunk.bytes().unwrap().as_ref()).unwrap();
        kinds.push(chunk["type"].as_str().unwrap().to_owned());
        if kinds.last().unwrap() == "message_stop" {
            assert!(chunk["amazon-bedrock-invocationMetrics"]["inputTokenCount"].is_u64());
        }
    }
    assert_eq!(kinds.first().unwrap(), "message_start");
    assert_eq!(kinds.last().unwrap(), "message_stop");

    let embedding = client
        .invoke_model()
        .model_id("amazon.titan-embed-text-v2:0")
        .body(Blob::new(r#"{"inputText":"hello","dimensions":256}"#))
        .send()
        .await
        .unwrap();
    let embedding: serde_json::Value = serde_json::from_slice(embedding.body().as_ref()).unwrap();
    assert_eq!(embedding["embedding"].as_array().unwrap().len(), 256);
}

#[tokio::test]
async fn count_tokens_needs_claudes_foundation_model_id() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let count = |model: &str| {
        let request = ConverseTokensRequest::builder()
            .messages(user("one two three"))
            .build();
        client
            .count_tokens()
            .model_id(model)
            .input(CountTokensInput::Converse(request))
            .send()
    };
    let count_output = count("anthropic.claude-sonnet-4-20250514-v1:0")
        .await
        .unwrap();
    assert!(count_output.input_tokens() >= 3);
    for refused in [CLAUDE, NOVA] {
        let error = count(refused).await.unwrap_err();
        assert_eq!(
            error.message(),
            Some("The provided model doesn't support counting tokens.")
        );
    }
}

#[tokio::test]
async fn rejections_map_to_the_sdks_error_types() {
    let simulator = simulator().await;
    let error = client(&simulator)
        .converse()
        .model_id("does-not-exist")
        .messages(user("hi"))
        .send()
        .await
        .unwrap_err();
    assert!(error.as_service_error().unwrap().is_validation_exception());
    assert_eq!(
        error.message(),
        Some("The provided model identifier is invalid.")
    );
    assert!(error.request_id().is_some());
}

#[tokio::test]
async fn only_known_credentials_are_accepted() {
    let session = Credentials {
        access_key_id: "ASIASESSION".to_owned(),
        session_token: Some("token".to_owned()),
        ..Credentials::default()
    };
    let expired = Credentials {
        access_key_id: "ASIAEXPIRED".to_owned(),
        expired: true,
        ..Credentials::default()
    };
    let options = Options {
        credentials: vec![Credentials::default(), session, expired],
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let secret = Credentials::default().secret_access_key;
    let access_key = Credentials::default().access_key_id;
    for (key, secret, token, expected) in [
        (access_key.as_str(), secret.as_str(), None, None),
        ("ASIASESSION", &secret, Some("token"), None),
        (
            "ASIASESSION",
            &secret,
            Some("other"),
            Some("UnrecognizedClientException"),
        ),
        (
            "ASIASESSION",
            &secret,
            None,
            Some("UnrecognizedClientException"),
        ),
        ("ASIAEXPIRED", &secret, None, Some("ExpiredTokenException")),
        (
            "AKIAUNKNOWN",
            &secret,
            None,
            Some("UnrecognizedClientException"),
        ),
        (
            &access_key,
            "wrong",
            None,
            Some("InvalidSignatureException"),
        ),
    ] {
        let client = client_with(
            &simulator,
            key.to_owned(),
            secret.to_owned(),
            token.map(str::to_owned),
        );
        let arn =
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0";
        let response = client
            .converse()
            .model_id(arn)
            .messages(user("hi"))
            .send()
            .await;
        let code = response
            .err()
            .map(|error| error.code().unwrap_or_default().to_owned());
        assert_eq!(code.as_deref(), expected, "{key} {token:?}");
    }
}
