//! The translation of earlier turns stays the same, byte for byte, as a conversation grows. Bedrock
//! compares the bytes of a cached prefix, and newer Claude models accept their reasoning back only
//! after the same prompt. Two parts move with the end of the prompt and are not compared: cache
//! points, and the gateway's own instructions for structured output.

use std::sync::{Arc, LazyLock};

use outcrop::catalog::Tables;
use outcrop::config::ModelFiles;

use outcrop::converse::content::ContentBlock;
use outcrop::converse::request::{ConverseRequest, SystemBlock, Tool};
use outcrop::dialects::openai_chat::ChatRequest;
use outcrop::models::{Capabilities, Medium, ModelId};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::harness::conversations::{Steps, call, conversation, document, image_part};
use crate::harness::translation::translated;

/// A model for each way of treating turns, tools, schemas and media.
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

/// Request fields other than the conversation: tools with references and with schemas that need
/// adapting, and a response format.
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
    let last = converse.messages.len() - 1;
    for (position, message) in converse.messages.iter_mut().enumerate() {
        let is_point = |block: &ContentBlock| matches!(block, ContentBlock::CachePoint(_));
        message.content.retain(|block| !is_point(block));
        let is_instruction = |block: &ContentBlock| matches!(block, ContentBlock::Instruction(_));
        if position == last {
            // The gateway's instruction is at the end of the prompt only.
            let conversation_text = message.content.iter().take_while(|it| !is_instruction(it));
            let conversation_text = conversation_text.count();
            let instructions = message.content.split_off(conversation_text);
            assert!(instructions.iter().all(is_instruction), "{model}");
        }
        assert!(!message.content.iter().any(is_instruction), "{model}");
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

/// The bytes of each turn, and of the rest of the request.
fn bytes(mut converse: ConverseRequest) -> (Vec<String>, String) {
    let messages = std::mem::take(&mut converse.messages);
    let turns = messages
        .iter()
        .map(|turn| serde_json::to_string(turn).unwrap());
    (turns.collect(), serde_json::to_string(&converse).unwrap())
}

fn check(model: &str, fields: &Value, steps: &Steps) {
    let prompts: Vec<_> = (1..=steps.len())
        .map(|count| bytes(translate(model, fields, &steps[..count])))
        .collect();
    for pair in prompts.windows(2) {
        let [(shorter, rest), (longer, longer_rest)] = pair else {
            continue;
        };
        assert_eq!(rest, longer_rest, "{model}");
        assert!(longer.len() > shorter.len(), "{model}");
        assert_eq!(shorter[..], longer[..shorter.len()], "{model}");
    }
}

/// The parts that only the field `tools` may change: tools and instructions, and the turns.
fn prompt(converse: ConverseRequest) -> (String, Vec<String>) {
    let tools = converse.tool_config.map(|config| config.tools);
    let head = serde_json::to_string(&(tools, converse.system)).unwrap();
    let turns = converse.messages.iter();
    let turns = turns.map(|turn| serde_json::to_string(turn).unwrap());
    (head, turns.collect())
}

/// Checks the same for fields that change from turn to turn.
fn check_varied(model: &str, fields: &[Value], steps: &Steps) {
    let mut before: Option<(String, Vec<String>)> = None;
    for (count, fields) in (1..=steps.len()).zip(fields.iter().cycle()) {
        let (head, turns) = prompt(translate(model, fields, &steps[..count]));
        if let Some((head_before, turns_before)) = before {
            assert_eq!(head, head_before, "{model}: {fields}");
            assert!(turns.len() > turns_before.len(), "{model}");
            let prefix_families = &turns[..turns_before.len()];
            assert_eq!(prefix_families, turns_before, "{model}: {fields}");
        }
        before = Some((head, turns));
    }
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::load(&ModelFiles::default()).unwrap());

fn capabilities(model: &str) -> Arc<Capabilities> {
    Arc::clone(
        TABLES
            .capabilities
            .capabilities(&ModelId::parse(model).unwrap()),
    )
}

fn accepts_media(model: &str) -> bool {
    let input = &capabilities(model).input;
    [Medium::Image, Medium::Document]
        .iter()
        .all(|medium| input.contains(medium))
}

/// A chat model of every family on Converse.
static FAMILIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/models/models.toml");
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let families = table["family"].as_array().unwrap().iter();
    let talks = |family: &&toml::Value| {
        let others = ["embedding", "rerank", "image", "video"];
        !others.iter().any(|other| family.get(other).is_some())
    };
    let id = |family: &toml::Value| family["ids"][0].as_str().unwrap().to_owned();
    let models: Vec<String> = families.filter(talks).map(id).collect();
    assert!(models.len() > 40, "{models:?}");
    models
});

/// The families whose prefix has to stay unchanged.
fn prefix_families() -> Vec<String> {
    let models = FAMILIES.iter();
    let models = models.filter(|model| capabilities(model).keeps_prefix());
    models.cloned().collect()
}

/// The `fields` that a model supports.
fn supported_fields(model: &str, mut fields: Value) -> Value {
    if !capabilities(model).tools {
        let fields = fields.as_object_mut().unwrap();
        for field in ["tools", "tool_choice", "parallel_tool_calls"] {
            fields.remove(field);
        }
    }
    fields
}

/// Fields that one turn may have and the next may not.
fn request_options() -> Vec<Value> {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]});
    let rate = json!({"type": "function", "function": {"name": "rate"}});
    let run = json!({"type": "custom", "custom": {"name": "run"}});
    let allowed = |mode: &str, tools: &[&Value]| json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}});
    vec![
        json!({}),
        json!({"tool_choice": "none"}),
        json!({"tool_choice": "auto"}),
        json!({"tool_choice": "required"}),
        json!({"tool_choice": rate}),
        allowed("auto", &[&run]),
        allowed("required", &[&rate]),
        allowed("required", &[&rate, &run]),
        json!({"parallel_tool_calls": false}),
        json!({"response_format": {"type": "json_object"}}),
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}}),
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "additionalProperties": {"type": "integer"}}}}, "tool_choice": "none"}),
        json!({"stream": true, "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop": ["END"], "max_tokens": 5000}),
        json!({"prompt_cache_retention": "24h", "metadata": {"a": "b"}, "user": "u", "n": 2, "max_completion_tokens": 500}),
    ]
}

/// The request options that do not need tools.
fn options_without_tools() -> Vec<Value> {
    let mut request_options = request_options();
    let of_tools = ["tool_choice", "parallel_tool_calls"];
    request_options.retain(|request_option| {
        !of_tools
            .iter()
            .any(|field| request_option.get(field).is_some())
    });
    request_options
}

/// Each of the options, combined with the fields of all turns.
fn with_options(settled: &Value, request_options: &[Value]) -> Vec<Value> {
    let merged = request_options.iter().map(|request_option| {
        let mut fields = settled.clone();
        for (name, value) in request_option.as_object().unwrap() {
            fields[name] = value.clone();
        }
        fields
    });
    merged.collect()
}

/// The tools of all turns.
fn tools() -> Value {
    let mut tools = fields();
    tools.as_object_mut().unwrap().remove("response_format");
    tools
}

/// Adds a guardrail for all turns, on the last user turn only or on all.
fn guarded(mut settled: Value, only_last_turn: Option<bool>) -> Value {
    if let Some(only) = only_last_turn {
        settled["guardrailConfig"] = json!({"guardrailIdentifier": "abcd1234", "guardrailVersion": "1", "onlyLastTurn": only});
    }
    settled
}

/// Groups of efforts: turns may change between efforts of a group without changing the prefix.
/// Switching Claude's reasoning on or off invalidates the cached messages ("What invalidates the
/// cache", Anthropic's documentation of prompt caching).
fn efforts(model: &str) -> Vec<&'static [&'static str]> {
    let capabilities = capabilities(model);
    match (capabilities.always_reasons, capabilities.reasons_by_default) {
        (true, _) => vec![&["", "none", "low", "high", "max"]],
        (false, true) => vec![&["", "low", "high", "max"], &["none"]],
        (false, false) if capabilities.has_reasoning_control() => {
            vec![&["low", "high"], &["", "none"]]
        }
        (false, false) => vec![&["", "none", "low"]],
    }
}

/// A long agent conversation, with media if the family supports them.
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
            json!({"role": "tool", "tool_call_id": "call_2", "content": media(&[image_part(), document("a.pdf")], "{\"b\":1,\"a\":2}")}),
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
    for model in FAMILIES.iter() {
        check(
            model,
            &supported_fields(model, fields()),
            &agent(accepts_media(model)),
        );
    }
}

#[test]
fn request_options_of_a_turn_do_not_change_its_prefix() {
    let request_options = request_options();
    for model in prefix_families() {
        let steps = agent(accepts_media(&model));
        for (position, request_option) in request_options.iter().enumerate() {
            let next = &request_options[(position + 1) % request_options.len()];
            let fields = with_options(&tools(), &[request_option.clone(), next.clone()]);
            check_varied(&model, &fields, &steps);
        }
    }
}

/// The client no longer sends tools, or another program started the conversation.
#[test]
fn tool_call_history_does_not_change_the_prefix_without_tools() {
    for model in prefix_families() {
        let steps = agent(accepts_media(&model));
        let fields = with_options(&json!({}), &options_without_tools());
        check_varied(&model, &fields, &steps);
        let converse_request = translate(&model, &json!({}), &steps);
        assert_eq!(converse_request.tool_config, None, "{model}");
        let conversation_text = bytes(converse_request).0.concat();
        for text in [
            "{\\\"to\\\": {\\\"z\\\": 1.0",
            "Tool call: run",
            "Tool error: there",
        ] {
            assert!(
                conversation_text.contains(text),
                "{model}: {text} in {conversation_text}"
            );
        }
    }
}

#[test]
fn a_last_turn_guardrail_does_not_change_earlier_turns() {
    for model in prefix_families() {
        let steps = agent(accepts_media(&model));
        for settled in [tools(), json!({})] {
            let settled = guarded(settled, Some(true));
            check_varied(&model, &[settled], &steps);
        }
    }
}

#[test]
fn reasoning_sent_back_keeps_its_bytes() {
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
        model in select(FAMILIES.clone()),
        conversation in conversation(),
    ) {
        let written = conversation.to_steps(accepts_media(&model));
        check(&model, &supported_fields(&model, fields()), &written);
    }

    #[test]
    fn any_conversation_keeps_its_bytes_when_request_options_change(
        model in select(prefix_families()),
        conversation in conversation(),
        has_tools in any::<bool>(),
        only_last_turn in of(any::<bool>()),
        request_options in vec((any::<Index>(), any::<Index>()), 6),
        efforts_of in any::<Index>(),
    ) {
        let (settled, all) = match has_tools {
            true => (tools(), self::request_options()),
            false => (json!({}), options_without_tools()),
        };
        let efforts = efforts(&model);
        let efforts = efforts_of.get(&efforts);
        let request_options: Vec<Value> = request_options
            .iter()
            .map(|(request_option, effort)| {
                let mut request_option = request_option.get(&all).clone();
                match *effort.get(efforts) {
                    "" => {}
                    effort => request_option["reasoning_effort"] = effort.into(),
                }
                request_option
            })
            .collect();
        let fields = with_options(&guarded(settled, only_last_turn), &request_options);
        let written = conversation.to_steps(accepts_media(&model));
        check_varied(&model, &fields, &written);
    }

    #[test]
    fn reasoning_keeps_its_bytes_when_a_later_turn_has_none(
        model in select(FAMILIES.clone()),
        conversation in conversation(),
        effort in select(vec!["", "none", "low", "high"]),
    ) {
        let mut fields = supported_fields(&model, fields());
        if !effort.is_empty() {
            fields["reasoning_effort"] = effort.into();
        }
        let written = conversation.to_steps(accepts_media(&model));
        check_varied(&model, &[fields], &written);
    }
}
