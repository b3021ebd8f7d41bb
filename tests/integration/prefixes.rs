//! What has been said stays as it was, byte for byte, while a conversation goes on: Bedrock finds a
//! cached prefix by its bytes. Cache points are no part of them, and move with the end.

use outcrop::converse::content::ContentBlock;
use outcrop::converse::request::{ConverseRequest, SystemBlock, Tool};
use outcrop::openai::chat::ChatRequest;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::conversations::{Steps, call, conversation, document, picture};
use crate::translation::translated;

/// One of each way to treat turns, tools, schemas and media.
const MODELS: &[&str] = &[
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-opus-5",
    "us.amazon.nova-2-lite-v1:0",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "us.meta.llama4-scout-17b-instruct-v1:0",
    "mistral.mistral-large-3-675b-instruct",
    "mistral.pixtral-large-2502-v1:0",
    "deepseek.v3-v1:0",
    "moonshot.kimi-k2-thinking",
    "nvidia.of-tomorrow-v1:0",
];

/// The fields beside the conversation: tools with references and of a form to be fitted, and an
/// answer of a form.
fn fields() -> Value {
    let point = json!({"$defs": {"P": {"type": "object", "properties": {"z": {"type": "number"}, "a": {"type": "string"}}}},
        "type": "object", "properties": {"to": {"$ref": "#/$defs/P"}, "by": {"type": "array", "items": {"$ref": "#/$defs/P"}}}});
    let bounded = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 1}, "b": {"type": "string"}}});
    json!({
        "tools": [
            {"type": "function", "function": {"name": "go to", "parameters": point}},
            {"type": "function", "function": {"name": "rate", "parameters": bounded, "strict": true}},
            {"type": "custom", "custom": {"name": "run"}},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": point}},
    })
}

fn translate(model: &str, fields: &Value, steps: &[Vec<Value>]) -> ConverseRequest {
    let mut request = fields.clone();
    request["model"] = model.into();
    request["messages"] = steps.concat().into();
    let request: ChatRequest = serde_json::from_value(request).unwrap();
    let mut converse = translated(request).unwrap().converse;
    for message in &mut converse.messages {
        let is_point = |block: &ContentBlock| matches!(block, ContentBlock::CachePoint(_));
        message.content.retain(|block| !is_point(block));
    }
    converse
        .system
        .retain(|block| !matches!(block, SystemBlock::CachePoint(_)));
    if let Some(config) = converse.tool_config.as_mut() {
        config
            .tools
            .retain(|tool| !matches!(tool, Tool::CachePoint(_)));
    }
    converse
}

/// The bytes of all turns, and those of all the rest.
fn bytes(mut converse: ConverseRequest) -> (Vec<String>, String) {
    let messages = std::mem::take(&mut converse.messages);
    let turns = messages
        .iter()
        .map(|turn| serde_json::to_string(turn).unwrap());
    (turns.collect(), serde_json::to_string(&converse).unwrap())
}

fn check(model: &str, fields: &Value, steps: &Steps) {
    let grown: Vec<_> = (1..=steps.len())
        .map(|count| bytes(translate(model, fields, &steps[..count])))
        .collect();
    for pair in grown.windows(2) {
        let [(shorter, rest), (longer, longer_rest)] = pair else {
            continue;
        };
        assert_eq!(rest, longer_rest, "{model}");
        assert!(longer.len() > shorter.len(), "{model}");
        assert_eq!(shorter[..], longer[..shorter.len()], "{model}");
    }
}

fn takes_media(model: &str) -> bool {
    ["claude", "nova", "llama4", "mistral-large-3", "pixtral"]
        .iter()
        .any(|part| model.contains(part))
}

/// A long way of an agent, with media where the family takes them.
fn agent(with_media: bool) -> Steps {
    let media = |parts: &[Value], instead: &str| match with_media {
        true => Value::from(parts.to_vec()),
        false => Value::from(instead),
    };
    vec![
        vec![
            json!({"role": "system", "content": "Be brief."}),
            json!({"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}),
            json!({"role": "user", "content": "One,"}),
            json!({"role": "user", "content": media(&[document("a.pdf"), document("a.pdf")], "two.")}),
        ],
        vec![
            json!({"role": "assistant", "content": "I go.", "tool_calls": [
                call("call/1", "go to", "{\"to\": {\"z\": 1.0, \"a\": \"x\"}}"),
                {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "a\nb"}},
            ]}),
            json!({"role": "tool", "tool_call_id": "call_2", "content": media(&[picture(), document("a.pdf")], "{\"b\":1,\"a\":2}")}),
            json!({"role": "tool", "tool_call_id": "call/1", "content": "there", "is_error": true}),
        ],
        vec![
            json!({"role": "assistant", "content": "", "tool_calls": [call("call/1", "rate", ""), call("lost", "rate", "no JSON")]}),
            json!({"role": "tool", "tool_call_id": "call/1", "content": ""}),
            json!({"role": "user", "content": "And a word beside the results."}),
            json!({"role": "system", "content": "Be quick from now on."}),
        ],
        vec![
            json!({"role": "assistant", "content": "Done. "}),
            json!({"role": "user", "content": media(&[document("a 2.pdf"), json!({"type": "text", "text": "Again."})], "Again.")}),
        ],
        vec![
            json!({"role": "assistant", "content": null, "function_call": {"name": "go to", "arguments": "{}"}}),
            json!({"role": "function", "name": "go to", "content": "here"}),
        ],
        vec![
            json!({"role": "assistant", "content": "Farewell."}),
            json!({"role": "user", "content": "Farewell."}),
        ],
    ]
}

#[test]
fn an_agents_conversation_keeps_its_bytes_in_every_family() {
    for model in MODELS {
        check(model, &fields(), &agent(takes_media(model)));
    }
}

#[test]
fn reasoning_that_is_given_back_keeps_its_bytes() {
    let mut steps = agent(true);
    for message in steps.iter_mut().flatten() {
        if message["role"] == "assistant" {
            message["thinking_blocks"] = json!([
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "cmVk"},
            ]);
        }
    }
    let mut fields = fields();
    for (reasoning, model) in [
        ("low", MODELS[0]),
        ("high", MODELS[0]),
        ("low", MODELS[1]),
        ("none", MODELS[0]),
    ] {
        fields["reasoning_effort"] = reasoning.into();
        check(model, &fields, &steps);
    }
}

proptest! {
    #[test]
    fn any_conversation_keeps_its_bytes(
        model in select(MODELS),
        conversation in conversation(),
    ) {
        let written = conversation.written(takes_media(model));
        check(model, &fields(), &written);
    }
}
