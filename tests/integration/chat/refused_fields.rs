//! Fields that a model rejects although the model table allows them, and models that the table does
//! not list.

use bedrock_simulator::{Fault, Script};
use serde_json::{Value, json};

use crate::harness::logs;
use crate::harness::{Harness, MODEL, non_streaming, streamed};

/// `request` with additional fields.
fn with(mut request: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn refusing(message: &str) -> Script {
    Script::error(400, "ValidationException", message)
}

fn has(sent_upstream: &Value, pointer: &str) -> bool {
    sent_upstream.pointer(pointer).is_some()
}

/// A model for which the table has no schema restrictions.
const QWEN: &str = "qwen.qwen3-32b-v1:0";

/// The request fields that offer a tool with this schema.
fn offering(members: Value) -> Value {
    let mut schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for (name, value) in members.as_object().unwrap() {
        schema[name] = value.clone();
    }
    json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]})
}

/// A model, request fields, the path of one of them in Converse, Bedrock's error for it, and the
/// client's name for it.
fn cases() -> Vec<(
    &'static str,
    Value,
    &'static str,
    &'static str,
    &'static str,
)> {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": schema, "strict": true}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}});
    vec![
        (
            MODEL,
            json!({"service_tier": "flex"}),
            "/serviceTier",
            "This model doesn't support the serviceTier field. Remove serviceTier and try again.",
            "service_tier",
        ),
        (
            MODEL,
            json!({"performanceConfig": {"latency": "optimized"}}),
            "/performanceConfig",
            "This model doesn't support the performanceConfig.latency field.",
            "performanceConfig",
        ),
        (
            MODEL,
            json!({"stop": "END"}),
            "/inferenceConfig/stopSequences",
            "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
            "stop",
        ),
        (
            MODEL,
            json!({"temperature": 0.5, "max_tokens": 9}),
            "/inferenceConfig/temperature",
            "The model returned the following errors: `temperature` is deprecated for this model.",
            "temperature",
        ),
        (
            MODEL,
            json!({"top_k": 5}),
            "/additionalModelRequestFields",
            "The model returned the following errors: `top_k` is deprecated for this model.",
            "top_k",
        ),
        (
            MODEL,
            json!({"reasoning_effort": "low", "max_tokens": 2000}),
            "/additionalModelRequestFields",
            "The model returned the following errors: thinking is not supported on this model",
            "reasoning_effort",
        ),
        (
            MODEL,
            json!({"response_format": format}),
            "/outputConfig",
            "This model doesn't support the outputConfig.textFormat field.",
            "response_format",
        ),
        (
            MODEL,
            json!({"tools": [tool]}),
            "/toolConfig/tools/0/toolSpec/strict",
            "The model returned the following errors: tools.0.custom.strict: Extra inputs are not permitted",
            "tools[].function.strict",
        ),
        (
            MODEL,
            json!({"tools": [tool], "tool_choice": "required"}),
            "/toolConfig/toolChoice/any",
            "This model doesn't support the toolConfig.toolChoice.any field. Remove it and try again.",
            "tool_choice",
        ),
        (
            MODEL,
            json!({"messages": [{"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}}]}),
            "/messages/0/content/1/cachePoint",
            "You invoked an unsupported model or your request did not allow prompt caching.",
            "cache_control",
        ),
        (
            MODEL,
            json!({"messages": [{"role": "user", "content": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}),
            "/messages/0/content/1/cachePoint/ttl",
            "Malformed input request: #/messages/0/content/1/cachePoint: extraneous key [ttl] is not permitted, please reformat your input and try again.",
            "cache_control.ttl",
        ),
        (
            MODEL,
            json!({"messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "a", "content": "no", "is_error": true},
            ], "tools": [{"type": "function", "function": {"name": "f"}}]}),
            "/messages/2/content/0/toolResult/status",
            "This model doesn't support the toolResult.status field. Remove toolResult.status and try again.",
            "messages[].is_error",
        ),
        (
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            json!({"temperature": 0.5, "top_p": 0.5}),
            "/inferenceConfig/topP",
            "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            "top_p",
        ),
        (
            "amazon.nova-lite-v1:0",
            json!({"stop": "\n"}),
            "/inferenceConfig/stopSequences",
            "The model returned the following errors: stop_sequences: each stop sequence must contain non-whitespace",
            "stop",
        ),
        (
            QWEN,
            offering(json!({"anyOf": [{"required": ["a"]}]})),
            "/toolConfig/tools/0/toolSpec/inputSchema/json/anyOf",
            "The model returned the following errors: tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
            "tools[].function.parameters",
        ),
        (
            QWEN,
            offering(json!({"minProperties": 1})),
            "/toolConfig/tools/0/toolSpec/inputSchema/json/minProperties",
            "The model returned the following errors: Malformed input request: #/toolConfig/tools/0/toolSpec/inputSchema/json: extraneous key [minProperties] is not permitted, please reformat your input and try again.",
            "tools[].function.parameters",
        ),
        (
            QWEN,
            offering(json!({"properties": {"$a": {"type": "string"}}})),
            "/toolConfig/tools/0/toolSpec/inputSchema/json/properties/$a",
            "The model returned the following errors: tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
            "tools[].function.parameters",
        ),
        (
            "us.meta.llama3-3-70b-instruct-v1:0",
            json!({"additionalModelRequestFields": {"min_p": 0.5}}),
            "/additionalModelRequestFields",
            "Malformed input request: #: extraneous key [min_p] is not permitted, please reformat your input and try again.",
            "additionalModelRequestFields.min_p",
        ),
    ]
}

#[tokio::test]
async fn a_refused_field_is_omitted_from_then_on() {
    for (model, fields, pointer, refusal, field) in cases() {
        for request in [non_streaming("hi"), streamed("hi")] {
            let options = bedrock_simulator::Options {
                validate: false,
                ..bedrock_simulator::Options::default()
            };
            let harness = Harness::with_simulator(options, |_| {}).await;
            harness.simulator.push(refusing(refusal));
            let mut request = with(request, &fields);
            request["model"] = model.into();
            for calls in [2, 3] {
                let reply = harness.chat(&request).await;
                assert_eq!(reply.status, 200, "{field}: {}", reply.text);
                assert!(
                    reply.adjustments().contains(field),
                    "{field}: {:?}",
                    reply.headers
                );
                assert_eq!(harness.sent_upstream().len(), calls, "{field}");
            }
            let sent_upstream = harness.sent_upstream();
            assert!(
                has(&sent_upstream[0], pointer),
                "{field}: {}",
                sent_upstream[0]
            );
            for later in &sent_upstream[1..] {
                assert!(!has(later, pointer), "{field}: {later}");
            }
        }
    }
}

#[tokio::test]
async fn the_required_call_id_format_is_learned() {
    for (refusal, length) in [
        (
            "Tool call id was a:b but must be a-z, A-Z, 0-9, with a length of 9.",
            9,
        ),
        (
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
            16,
        ),
    ] {
        let harness = Harness::start().await;
        harness.simulator.push(refusing(refusal));
        let mut request = with(non_streaming("hi"), &offering(json!({})));
        request["model"] = QWEN.into();
        request["messages"] = json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [{"id": "a:b", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "a:b", "content": "no"},
        ]);
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let sent_upstream = harness.sent_upstream();
        let id = |sent_upstream: &Value, block: &str| {
            sent_upstream
                .pointer(block)
                .and_then(Value::as_str)
                .unwrap()
                .to_owned()
        };
        let call = "/messages/1/content/0/toolUse/toolUseId";
        assert_eq!(id(&sent_upstream[0], call), "a:b");
        let second_id = id(&sent_upstream[1], call);
        assert_eq!(second_id.len(), length, "{second_id}");
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(second_id.chars().all(fits), "{second_id}");
        let result = "/messages/2/content/0/toolResult/toolUseId";
        assert_eq!(id(&sent_upstream[1], result), second_id);
    }
}

#[tokio::test]
async fn a_rejection_in_the_first_frame_of_a_stream_is_handled_too() {
    let harness = Harness::start().await;
    harness.simulator.push(Script::fault(Fault::Exception {
        after_events: 0,
        code: "validationException".to_owned(),
        message: "This model doesn't support the serviceTier field.".to_owned(),
        original_status_code: None,
    }));
    let reply = harness
        .chat(&with(streamed("hi"), &json!({"service_tier": "flex"})))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.adjustments().contains("service_tier"));
    assert_eq!(reply.last_event(), "[DONE]");
    assert_eq!(harness.sent_upstream().len(), 2);
}

#[tokio::test]
async fn a_refused_field_is_learned_for_one_model_only() {
    let harness = Harness::start().await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    harness.simulator.push(refusing(refusal));
    let mut request = with(non_streaming("hi"), &json!({"service_tier": "flex"}));
    harness.chat(&request).await;
    request["model"] = "amazon.nova-lite-v1:0".into();
    let reply = harness.chat(&request).await;
    assert_eq!(reply.adjustments(), "");
    assert_eq!(harness.sent_upstream()[2]["serviceTier"]["type"], "flex");
}

#[tokio::test]
async fn strict_rejects_a_request_with_a_refused_field() {
    let harness = Harness::start().await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    harness.simulator.push(refusing(refusal));
    let request = with(non_streaming("hi"), &json!({"service_tier": "flex"}));
    for _ in 0..2 {
        let reply = harness
            .chat_with(&[("x-outcrop-strict", "true")], &request)
            .await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.error()["param"], "service_tier");
        assert_eq!(reply.error()["code"], "unsupported_parameter");
        // The gateway has learned it: no second call.
        assert_eq!(harness.sent_upstream().len(), 1);
    }
}

#[tokio::test]
async fn a_repeated_rejection_is_forwarded() {
    let harness = Harness::start().await;
    let refusal =
        "This model doesn't support the serviceTier field. Remove serviceTier and try again.";
    harness.simulator.push(refusing(refusal).times(0));
    let request = with(non_streaming("hi"), &json!({"service_tier": "flex"}));
    assert_eq!(harness.chat(&request).await.status, 400);
    assert_eq!(harness.sent_upstream().len(), 2);
}

#[tokio::test]
async fn an_unknown_model_is_logged_once_and_gets_no_special_fields() {
    logs::begin();
    let harness = Harness::start().await;
    let tool = json!({"type": "function", "function": {"name": "f", "strict": true}});
    let fields = json!({
        "reasoning_effort": "high",
        "top_k": 4,
        "tools": [tool],
        "tool_choice": "required",
        "messages": [{"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}}],
    });
    for model in [
        "nvidia.of-tomorrow-v1:0",
        "nvidia.of-tomorrow-v1:0",
        "amazon.of-tomorrow-v1:0",
    ] {
        let mut request = with(non_streaming("hi"), &fields);
        request["model"] = model.into();
        let reply = harness.chat(&request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        for field in [
            "reasoning_effort",
            "top_k",
            "tool_choice",
            "cache_control",
            "strict",
        ] {
            assert!(
                reply.adjustments().contains(field),
                "{field}: {}",
                reply.adjustments()
            );
        }
    }
    for sent_upstream in harness.sent_upstream() {
        assert_eq!(sent_upstream["additionalModelRequestFields"], Value::Null);
        assert_eq!(
            sent_upstream["toolConfig"]["toolChoice"],
            json!({"auto": {}})
        );
        assert_eq!(
            sent_upstream["messages"][0]["content"],
            json!([{"text": "hi"}])
        );
    }
    let log_lines = logs::lines_with("the model is not in the table");
    assert_eq!(log_lines.len(), 2, "{log_lines:?}");
    assert!(log_lines[0].contains("nvidia.of-tomorrow-v1:0"));
}
