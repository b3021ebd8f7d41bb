//! Bedrock's CountTokens operation, over the wire to the simulator.

use bedrock_simulator::{Operation, Options, Script, Simulator};
use outcrop::bedrock::{Bedrock, BedrockSettings, ModelCall, SimulatedBedrock, UpstreamError};
use outcrop::models::ModelId;
use serde_json::{Value, json};

const MODEL: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";

async fn count(simulator: &Simulator, model: &str, converse: &Value) -> Result<u64, UpstreamError> {
    let mut settings = BedrockSettings {
        simulated: Some(SimulatedBedrock::at(simulator.url())),
        ..BedrockSettings::default()
    };
    settings.retry.base_delay = std::time::Duration::from_millis(1);
    let bedrock = Bedrock::connect(&settings).await.unwrap();
    let model = ModelId::parse(model).unwrap();
    let call = ModelCall::new(model, converse.to_string().into());
    bedrock.count_tokens(call).await
}

fn request() -> Value {
    json!({
        "messages": [{"role": "user", "content": [{"text": "one two three"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 10},
    })
}

#[tokio::test]
async fn a_profiles_model_is_counted_under_its_foundation_model_id() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    assert!(count(&simulator, MODEL, &request()).await.unwrap() >= 3);
    let sent_upstream = simulator.requests();
    assert_eq!(
        sent_upstream[0].model.as_deref(),
        Some("anthropic.claude-sonnet-4-20250514-v1:0")
    );
    let expected = json!({"input": {"converse": {
        "messages": request()["messages"],
        "system": request()["system"],
    }}});
    assert_eq!(sent_upstream[0].json(), expected);
}

#[tokio::test]
async fn count_tokens_is_retried_like_a_model_call() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let throttled = Script::error(429, "ThrottlingException", "Too many requests");
    simulator.push(throttled.for_operation(Operation::CountTokens).times(2));
    assert!(count(&simulator, MODEL, &request()).await.is_ok());
    assert_eq!(simulator.received(), 3);
}

#[tokio::test]
async fn a_model_without_count_tokens_is_rejected_once() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let refused = count(&simulator, "us.amazon.nova-lite-v1:0", &request()).await;
    let upstream_error = refused.unwrap_err();
    assert_eq!(upstream_error.code, "ValidationException");
    assert_eq!(simulator.received(), 1);
}
