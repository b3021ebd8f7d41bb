//! The simulator, which rejects what Bedrock rejects, accepts the requests of the golden folders and
//! any generated request.

use bedrock_simulator::{Guardrail, Options};
use outcrop::config::{Config, ModelEntry};
use outcrop::models::{ChatUpstream, ModelId};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::harness::conversations::conversation;
use crate::harness::golden::{ERROR, cases};

/// The guardrail that the requests use.
fn guardrail() -> Guardrail {
    Guardrail {
        id: "abcd1234".to_owned(),
        versions: vec!["1".to_owned()],
        ..Guardrail::demo()
    }
}

/// Sends models that default to AWS's OpenAI endpoints to Converse.
fn on_converse(config: &mut Config) {
    for name in ["openai.gpt-5.6", "openai.gpt-6-luna"] {
        let entry = ModelEntry {
            upstream: Some(ChatUpstream::Converse),
            ..ModelEntry::from(ModelId::parse(name).unwrap())
        };
        config.models.insert(name.to_owned(), entry);
    }
}

#[tokio::test]
async fn every_golden_request_is_accepted_by_the_simulator() {
    let options = Options {
        // The reasoning in the golden requests has no valid signature.
        foreign_signatures: true,
        guardrails: vec![guardrail()],
        ..Options::default()
    };
    let harness = Harness::with_simulator(options, on_converse).await;
    let mut refused = Vec::new();
    for case in cases("chat") {
        let mut request: Value = case.request();
        for stream in [false, true] {
            request["stream"] = stream.into();
            harness.simulator.clear();
            let reply = harness.chat(&request).await;
            // One request: the gateway does not have to learn from a rejection.
            let is_as_expected = match case.optional(ERROR) {
                Some(error) => {
                    let error: Value = serde_json::from_str(&error).unwrap();
                    reply.status == 400
                        && reply.json() == error
                        && harness.sent_upstream().is_empty()
                }
                None => reply.status == 200 && harness.sent_upstream().len() == 1,
            };
            if !is_as_expected {
                let name = case.name();
                refused.push(format!(
                    "{name}, stream {stream}: {} {}",
                    reply.status, reply.text
                ));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// A chat model of every family that the simulator supports.
const MODELS: &[&str] = &[
    "anthropic.claude-3-haiku-20240307-v1:0",
    "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-opus-4-5-20251101-v1:0",
    "us.anthropic.claude-sonnet-4-6",
    "us.anthropic.claude-opus-4-7",
    "us.anthropic.claude-sonnet-5",
    "us.anthropic.claude-opus-5",
    "global.anthropic.claude-opus-5-5",
    "us.anthropic.claude-fable-5",
    "amazon.nova-lite-v1:0",
    "amazon.nova-micro-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "us.meta.llama4-scout-17b-instruct-v1:0",
    "mistral.mistral-large-2402-v1:0",
    "mistral.mistral-large-3-675b-instruct",
    "us.mistral.pixtral-large-2502-v1:0",
    "mistral.magistral-small-2509",
    "cohere.command-r-v1:0",
    "us.deepseek.r1-v1:0",
    "deepseek.v3-v1:0",
    "qwen.qwen3-32b-v1:0",
    "qwen.qwen3-coder-30b-a3b-v1:0",
    "openai.gpt-oss-120b-1:0",
    "openai.gpt-6-luna",
    "xai.grok-4.6",
    "ai21.jamba-1-5-large-v1:0",
    "us.writer.palmyra-x5-v1:0",
    "moonshot.kimi-k2-thinking",
    "zai.glm-4.7",
    "minimax.minimax-m2",
    "google.gemma-3-27b-it",
    "nvidia.nemotron-nano-9b-v2",
];

/// `None` or one of these values.
fn maybe(values: Value) -> impl Strategy<Value = Option<Value>> {
    let Value::Array(values) = values else {
        panic!("expected a list of values");
    };
    of(select(values))
}

/// Any valid combination of request fields other than the conversation.
fn fields() -> impl Strategy<Value = Value> {
    let schema = json!({"type": "object", "properties": {
        "a": {"type": "integer", "minimum": 1}, "b": {"$ref": "#/$defs/B"}}, "$defs": {"B": {"type": "string"}}});
    let tool = |name: &str, strict: bool| json!({"type": "function", "function": {"name": name, "parameters": schema, "strict": strict}});
    let mut cached = tool("go to", true);
    cached["cache_control"] = json!({"type": "ephemeral"});
    let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": true}});
    let named = [
        (
            "tools",
            json!([[cached, tool("rate", false)], [tool("rate", true)]]),
        ),
        (
            "tool_choice",
            json!(["auto", "none", "required", {"type": "function", "function": {"name": "rate"}},
                {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "name": "rate"}]}}]),
        ),
        ("parallel_tool_calls", json!([true, false])),
        ("response_format", json!([{"type": "json_object"}, format])),
        (
            "reasoning_effort",
            json!(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
        ),
        (
            "thinking",
            json!([{"type": "enabled", "budget_tokens": 3000}, {"type": "enabled", "budget_tokens": 500000}, {"type": "adaptive"}, {"type": "disabled"}]),
        ),
        ("temperature", json!([0, 0.5, 1, 2])),
        ("top_p", json!([0.5, 0.97, 1])),
        ("top_k", json!([5])),
        ("max_tokens", json!([1, 1000, 2000, 1_000_000])),
        ("stop", json!(["END", ["a", "b"]])),
        ("frequency_penalty", json!([0, 0.5])),
        ("stream", json!([true])),
        ("service_tier", json!(["auto", "flex"])),
        ("web_search_options", json!([{}])),
        ("performanceConfig", json!([{"latency": "optimized"}])),
        (
            "guardrailConfig",
            json!([{"guardrailIdentifier": "abcd1234", "guardrailVersion": "1", "trace": "enabled",
            "streamProcessingMode": "async", "onlyLastTurn": true}]),
        ),
        ("prompt_cache_retention", json!(["24h"])),
    ];
    named
        .into_iter()
        .map(|(name, values)| maybe(values).prop_map(move |value| (name, value)))
        .collect::<Vec<_>>()
        .prop_map(|fields| {
            let present = fields
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let mut fields: serde_json::Map<String, Value> = present.collect();
            if !fields.contains_key("tools") {
                fields.remove("tool_choice");
            }
            fields.into()
        })
}

#[test]
fn any_request_is_accepted_or_rejected_by_the_gateway_itself() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options = Options {
        foreign_signatures: true,
        guardrails: vec![guardrail()],
        ..Options::default()
    };
    let harness = runtime.block_on(Harness::with_simulator(options, |_| {}));
    let requests = (select(MODELS), fields(), conversation(), any::<bool>());
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(
        &requests,
        |(model, mut request, conversation, with_media)| {
            request["model"] = model.into();
            request["messages"] = conversation.to_steps(with_media).concat().into();
            harness.simulator.clear();
            let reply = runtime.block_on(harness.chat(&request));
            let sent_upstream = harness.simulator.requests();
            // One request, since the gateway has nothing to learn from a rejection, except for the
            // efforts of Grok, which the table does not list. `thinking` becomes an effort there.
            let has_effort =
                !request["reasoning_effort"].is_null() || !request["thinking"].is_null();
            let max_requests = if model == "xai.grok-4.6" && has_effort {
                2
            } else {
                1
            };
            let is_accepted = reply.status == 200
                && (1..=max_requests).contains(&sent_upstream.len())
                && !reply.text.contains("{\"error\"");
            let is_rejected_by_gateway = reply.status == 400 && sent_upstream.is_empty();
            prop_assert!(
                is_accepted || is_rejected_by_gateway,
                "{model} {} {}\n{}\n{sent_upstream:?}",
                reply.status,
                reply.text,
                reply.adjustments()
            );
            Ok(())
        },
    );
    if let Err(test_error) = outcome {
        panic!("{test_error}");
    }
}
