//! Reasoning over the wire: its format by family, its signatures, and the fields about it.

use bedrock_simulator::{Script, ScriptedResponse};
use serde_json::{Value, json};

use crate::common::{
    CLAUDE, NOVA, budget, converse, converse_request, stream, unsigned_simulator, with,
};

const SONNET_5: &str = "us.anthropic.claude-sonnet-5";

#[tokio::test]
async fn reasoning_has_the_format_of_each_family() {
    let simulator = unsigned_simulator().await;
    let hello = converse_request("hello");
    let none = json!({});
    let nova_2 = json!({ "additionalModelRequestFields": {
        "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "low" } } });
    let visible = json!({ "additionalModelRequestFields": {
        "thinking": { "type": "adaptive", "display": "summarized" } } });
    let omitted = json!({ "additionalModelRequestFields": { "thinking": { "type": "adaptive" } } });
    for (model, settings, expected_index, is_signed, text) in [
        (CLAUDE, &budget(), Some(0), true, "The user wants"),
        (CLAUDE, &none, None, false, ""),
        (SONNET_5, &visible, Some(0), true, "The user wants"),
        (SONNET_5, &omitted, Some(0), true, ""),
        (
            "us.amazon.nova-2-lite-v1:0",
            &nova_2,
            Some(0),
            false,
            "[REDACTED].",
        ),
        (
            "openai.gpt-oss-20b-1:0",
            &none,
            Some(0),
            false,
            "The user wants",
        ),
        (
            "us.deepseek.r1-v1:0",
            &none,
            Some(1),
            false,
            "The user wants",
        ),
        (NOVA, &none, None, false, ""),
    ] {
        let response = converse(&simulator, model, &with(hello.clone(), settings.clone())).await;
        let content = response["output"]["message"]["content"].as_array().unwrap();
        let reasoning_index = content
            .iter()
            .position(|block| block.get("reasoningContent").is_some());
        assert_eq!(reasoning_index, expected_index, "{model}");
        if let Some(expected_index) = reasoning_index {
            let reasoning = &content[expected_index]["reasoningContent"]["reasoningText"];
            assert_eq!(reasoning.get("signature").is_some(), is_signed, "{model}");
            assert!(
                reasoning["text"].as_str().unwrap().starts_with(text),
                "{model}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_sends_reasoning_then_its_signature_then_text() {
    let simulator = unsigned_simulator().await;
    let events = stream(
        &simulator,
        CLAUDE,
        &with(converse_request("hello"), budget()),
    )
    .await;
    let mut kinds: Vec<String> = events
        .iter()
        .map(|(name, payload)| match payload.pointer("/delta") {
            Some(Value::Object(delta)) => match delta.get("reasoningContent") {
                Some(reasoning) => reasoning
                    .as_object()
                    .unwrap()
                    .keys()
                    .next()
                    .unwrap()
                    .clone(),
                None => format!("content {}", delta.keys().next().unwrap()),
            },
            _ => name.clone(),
        })
        .collect();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "messageStart",
            "text",
            "signature",
            "contentBlockStop",
            "content text",
            "contentBlockStop",
            "messageStop",
            "metadata"
        ]
    );
    let gpt_oss = stream(
        &simulator,
        "openai.gpt-oss-20b-1:0",
        &converse_request("hello"),
    )
    .await;
    assert_eq!(gpt_oss[1].1["delta"], json!({ "text": "" }));
    assert_eq!(gpt_oss[3].1["contentBlockIndex"], 1);
}

#[tokio::test]
async fn reasoning_must_be_sent_back_unchanged() {
    let simulator = unsigned_simulator().await;
    let tools = json!({ "toolConfig": { "tools": [{ "toolSpec": { "name": "look_around",
        "inputSchema": { "json": { "type": "object", "properties": {} } } } }] } });
    let first_request = with(
        with(converse_request("Please look around"), tools),
        budget(),
    );
    let response = converse(&simulator, CLAUDE, &first_request).await;
    assert_eq!(response["stopReason"], "tool_use");
    let turn = response["output"]["message"].clone();
    let id = turn["content"][2]["toolUse"]["toolUseId"].clone();
    let result = json!({ "role": "user", "content": [
        { "toolResult": { "toolUseId": id, "content": [{ "text": "rocks" }] } }] });
    let continued = |turn: &Value| {
        let mut request = first_request.clone();
        let messages = request["messages"].as_array_mut().unwrap();
        messages.extend([turn.clone(), result.clone()]);
        request
    };
    let response = converse(&simulator, CLAUDE, &continued(&turn)).await;
    assert_eq!(response["stopReason"], "end_turn", "{response}");

    let mut changed = turn.clone();
    changed["content"][0]["reasoningContent"]["reasoningText"]["text"] = json!("Nothing.");
    let refused = converse(&simulator, CLAUDE, &continued(&changed)).await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("Invalid `signature`")
    );

    let mut bare = turn.clone();
    bare["content"].as_array_mut().unwrap().remove(0);
    let refused = converse(&simulator, CLAUDE, &continued(&bare)).await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("but found `text`")
    );
}

#[tokio::test]
async fn reasoning_signed_by_a_script_is_accepted() {
    let simulator = unsigned_simulator().await;
    let redacted = json!({ "reasoningContent": { "redactedContent": "b3BhcXVl" } });
    let request = |turn: Value| {
        let messages = json!([
            { "role": "user", "content": [{ "text": "hello" }] },
            { "role": "assistant", "content": turn },
            { "role": "user", "content": [{ "text": "again" }] },
        ]);
        with(json!({ "messages": messages }), budget())
    };
    let back = request(json!([redacted, { "text": "Hi." }]));
    let refused = converse(&simulator, CLAUDE, &back).await;
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("redacted_thinking")
    );
    let body = json!({ "output": { "message": { "role": "assistant",
        "content": [redacted, { "text": "Hi." }] } }, "stopReason": "end_turn" });
    simulator.push(Script::new(ScriptedResponse::Converse {
        body,
        headers: Default::default(),
    }));
    converse(&simulator, CLAUDE, &converse_request("hello")).await;
    let accepted = converse(&simulator, CLAUDE, &back).await;
    assert_eq!(accepted["stopReason"], "end_turn", "{accepted}");
}

#[tokio::test]
async fn claude_redacts_its_reasoning_on_the_trigger_string() {
    let simulator = unsigned_simulator().await;
    let magic = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9";
    let response = converse(&simulator, CLAUDE, &with(converse_request(magic), budget())).await;
    let block = &response["output"]["message"]["content"][0]["reasoningContent"];
    assert!(block["redactedContent"].is_string(), "{response}");
}

#[tokio::test]
async fn additional_model_response_fields_are_returned_on_request() {
    let simulator = unsigned_simulator().await;
    let paths = json!({
        "additionalModelResponseFieldPaths": [
            "/stop_sequence", "/delta/stop_sequence", "/usage/output_tokens_details"],
        "inferenceConfig": { "stopSequences": ["END"] },
    });
    let request = with(with(converse_request("one END two"), paths), budget());
    let complete = converse(&simulator, CLAUDE, &request).await;
    assert_eq!(complete["stopReason"], "stop_sequence");
    let fields = &complete["additionalModelResponseFields"];
    assert_eq!(fields["stop_sequence"], "END");
    assert!(fields["usage"]["output_tokens_details"]["thinking_tokens"].as_u64() > Some(0));
    let streamed = stream(&simulator, CLAUDE, &request).await;
    let (_, stop) = &streamed[streamed.len() - 2];
    let fields = &stop["additionalModelResponseFields"];
    assert_eq!(fields["delta"]["stop_sequence"], "END");
    assert!(fields["usage"]["output_tokens_details"]["thinking_tokens"].as_u64() > Some(0));
}
