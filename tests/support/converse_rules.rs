//! Bedrock's rules for Converse requests (H1 to H20 of the project's contract), checked in the request
//! itself and independently of the code that builds it.

use std::collections::HashSet;

use outcrop::converse::content::{
    CachePoint, CacheTtl, ContentBlock, ToolResultBlock, ToolResultContent, ToolResultStatus,
};
use outcrop::converse::media::DocumentBlock;
use outcrop::converse::request::{
    ConverseRequest, Message, Role, SystemBlock, Tool, ToolChoice, ToolInputSchema,
};
use outcrop::models::{
    CachePosition, CallIdForm, Capabilities, Medium, Sampling, ToolResultCompanions,
};
use serde::de::IgnoredAny;
use serde_json::{Number, Value};

/// Panics if a model with these `capabilities` would reject `request`.
pub fn assert_rules(request: &ConverseRequest, capabilities: &Capabilities) {
    turns(&request.messages, capabilities);
    ids_differ(&request.messages);
    for (position, message) in request.messages.iter().enumerate() {
        let before = position
            .checked_sub(1)
            .map(|before| &request.messages[before]);
        assert_results_match_calls(message, before, capabilities);
        blocks(message, capabilities);
    }
    system(&request.system, capabilities);
    documents(&request.messages);
    tools(request, capabilities);
    cache_points(request, capabilities);
    settings(request, capabilities);
}

/// H1 to H5.
fn turns(turns: &[Message], capabilities: &Capabilities) {
    let first = turns.first().expect("at least one turn");
    assert!(
        first.role == Role::User || first.role == Role::Assistant && capabilities.leading_assistant
    );
    let last = turns.last().expect("at least one turn");
    assert!(last.role != Role::Assistant || capabilities.prefill);
    assert!(calls(last).is_empty(), "the last turn has tool calls");
    if let (Role::Assistant, Some(ContentBlock::Text(text))) = (last.role, last.content.last()) {
        assert_eq!(text.trim_end(), text, "a prefill ends with white space");
    }
    for pair in turns.windows(2) {
        assert_ne!(
            pair[0].role, pair[1].role,
            "consecutive turns have the same role"
        );
    }
    for turn in turns {
        assert!(turn.role != Role::System || capabilities.system_turns);
        assert!(!turn.content.is_empty(), "a turn has no content");
    }
}

/// H6 to H8 and H10.
fn assert_results_match_calls(
    turn: &Message,
    before: Option<&Message>,
    capabilities: &Capabilities,
) {
    let called = before.map(calls).unwrap_or_default();
    let result_ids: Vec<&str> = results(turn)
        .map(|result| result.tool_use_id.as_str())
        .collect();
    let call_ids: HashSet<&str> = called.iter().copied().collect();
    assert_eq!(
        call_ids.len(),
        called.len(),
        "two calls of a turn have the same id"
    );
    assert_eq!(
        call_ids,
        result_ids.iter().copied().collect(),
        "results do not match the calls"
    );
    assert_eq!(called.len(), result_ids.len(), "a call has two results");
    let has_only_results = result_ids.len() == turn.content.len() || result_ids.is_empty();
    assert!(has_only_results || capabilities.tool_result_companions == ToolResultCompanions::Any);
}

fn calls(turn: &Message) -> Vec<&str> {
    let ids = turn.content.iter().filter_map(|block| match block {
        ContentBlock::ToolUse(call) => Some(call.tool_use_id.as_str()),
        _ => None,
    });
    ids.collect()
}

fn results(turn: &Message) -> impl Iterator<Item = &ToolResultBlock> {
    turn.content.iter().filter_map(|block| match block {
        ContentBlock::ToolResult(result) => Some(result),
        _ => None,
    })
}

fn blocks(turn: &Message, capabilities: &Capabilities) {
    for block in &turn.content {
        assert!(!block.is_blank(), "blank text");
        let role = match block {
            ContentBlock::Text(_) | ContentBlock::Instruction(_) | ContentBlock::CachePoint(_) => {
                continue;
            }
            ContentBlock::ToolUse(call) => {
                call_id(&call.tool_use_id, capabilities);
                assert!(is_name(&call.name, "_-"), "{}", call.name);
                assert!(call.input.is_object(), "{:?}", call.input);
                Role::Assistant
            }
            ContentBlock::ReasoningContent(_) => Role::Assistant,
            ContentBlock::ToolResult(result) => {
                tool_result(result, capabilities);
                Role::User
            }
            ContentBlock::Image(_)
            | ContentBlock::Document(_)
            | ContentBlock::Video(_)
            | ContentBlock::Audio(_)
            | ContentBlock::GuardContent(_)
            | ContentBlock::SearchResult(_) => Role::User,
        };
        assert_eq!(turn.role, role, "{block:?}");
        assert!(capabilities.tools || !block.is_tool_block());
    }
    let has = |is: fn(&ContentBlock) -> bool| turn.content.iter().any(is);
    // H13
    let has_text = has(|b| matches!(b, ContentBlock::Text(_) | ContentBlock::GuardContent(_)));
    assert!(has_text || !has(|block| matches!(block, ContentBlock::Document(_))));
}

/// H11.
fn tool_result(result: &ToolResultBlock, capabilities: &Capabilities) {
    call_id(&result.tool_use_id, capabilities);
    assert!(!result.content.is_empty(), "a tool result has no content");
    assert!(result.status != Some(ToolResultStatus::Error) || capabilities.tool_result_status);
    for content in &result.content {
        let medium = match content {
            ToolResultContent::Text(text) => {
                assert!(!text.trim().is_empty(), "blank text in a tool result");
                continue;
            }
            ToolResultContent::Json(json) => {
                assert!(
                    json.is_object() && capabilities.tool_result_json,
                    "{json:?}"
                );
                continue;
            }
            ToolResultContent::SearchResult(_) => continue,
            ToolResultContent::Image(_) => Medium::Image,
            ToolResultContent::Document(_) => Medium::Document,
            ToolResultContent::Video(_) => Medium::Video,
        };
        assert!(
            capabilities.tool_result_input.contains(&medium),
            "{medium:?}"
        );
    }
}

fn system(blocks: &[SystemBlock], capabilities: &Capabilities) {
    assert!(capabilities.system || blocks.is_empty());
    for block in blocks {
        if let SystemBlock::Text(text) = block {
            assert!(!text.trim().is_empty(), "a blank system prompt");
        }
    }
}

fn documents(turns: &[Message]) {
    let blocks = turns.iter().flat_map(|turn| &turn.content);
    let documents: Vec<&DocumentBlock> = blocks
        .flat_map(|block| match block {
            ContentBlock::Document(document) => vec![document],
            ContentBlock::ToolResult(result) => {
                let content = result.content.iter().filter_map(|content| match content {
                    ToolResultContent::Document(document) => Some(document),
                    _ => None,
                });
                content.collect()
            }
            _ => Vec::new(),
        })
        .collect();
    assert!(documents.len() <= 5);
    let names: HashSet<&str> = documents.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(
        names.len(),
        documents.len(),
        "two documents have the same name"
    );
    for name in names {
        assert!(
            (1..=200).contains(&name.len()) && !name.contains("  "),
            "{name}"
        );
        let is_legal = |c: char| c.is_ascii_alphanumeric() || " -()[]".contains(c);
        assert!(name.chars().all(is_legal), "{name}");
    }
}

/// H9, H15 and H16.
fn tools(request: &ConverseRequest, capabilities: &Capabilities) {
    let blocks = request.messages.iter().flat_map(|turn| &turn.content);
    let Some(config) = &request.tool_config else {
        assert!(
            !blocks.into_iter().any(ContentBlock::is_tool_block),
            "tool blocks without tools"
        );
        return;
    };
    assert!(capabilities.tools);
    let is_point = |tool: &Tool| matches!(tool, Tool::CachePoint(_));
    assert!(
        !config.tools.iter().all(is_point),
        "the tool list has no tool"
    );
    let mut names = HashSet::new();
    for spec in config.tools.iter().filter_map(Tool::spec) {
        assert!(is_name(&spec.name, "_-"), "{}", spec.name);
        assert!(names.insert(&spec.name), "two tools have the same name");
        let description = spec.description.as_deref().unwrap_or("none");
        assert!(!description.trim().is_empty(), "an empty description");
        assert!(spec.strict.is_none() || capabilities.strict_tools);
        let ToolInputSchema::Json(schema) = &spec.input_schema;
        assert!(schema.is_object(), "{schema:?}");
        // JSON allows unpaired surrogates, which Rust strings do not; such schemas are passed through.
        if let Ok(schema) = serde_json::from_str::<Value>(schema.as_str()) {
            assert_eq!(schema["type"], "object", "{schema}");
            root(&schema, capabilities);
        }
    }
    match &config.tool_choice {
        None | Some(ToolChoice::Auto {}) => {}
        Some(ToolChoice::Any {}) => assert!(capabilities.forces_any_tool),
        Some(ToolChoice::Tool { name }) => {
            assert!(capabilities.forces_named_tool);
            let mut offered = config.tools.iter().filter_map(Tool::spec);
            assert!(
                offered.any(|spec| spec.name == *name),
                "{name} is not offered"
            );
        }
    }
}

/// The root of a tool's schema and the names of its properties.
fn root(schema: &Value, capabilities: &Capabilities) {
    let members = schema.as_object().expect("an object");
    let combines = |key: &&String| ["anyOf", "oneOf", "allOf"].contains(&key.as_str());
    assert!(
        capabilities.schema_root_combinators || !members.keys().any(|key| combines(&key)),
        "{schema}"
    );
    let keys = &capabilities.schema_root_keys;
    assert!(
        keys.is_empty() || members.keys().all(|key| keys.contains(key)),
        "{schema}"
    );
    let properties = members.get("properties").and_then(Value::as_object);
    let mut names = properties
        .into_iter()
        .flat_map(|properties| properties.keys());
    assert!(
        capabilities.any_property_key || names.all(|name| is_name(name, "_.-")),
        "{schema}"
    );
}

/// The form of a tool call's id.
fn call_id(id: &str, capabilities: &Capabilities) {
    let is_nine = is_name(id, "") && id.len() == 9;
    let fits = match capabilities.tool_call_ids {
        CallIdForm::Converse => is_name(id, "_.:-"),
        CallIdForm::Words => is_name(id, "_-"),
        CallIdForm::NineAlphanumerics => is_nine,
        CallIdForm::NineAlphanumericsOrBedrocks => {
            let random = id.strip_prefix("tooluse_");
            is_nine || random.is_some_and(|random| is_name(random, "_-") && random.len() == 22)
        }
    };
    assert!(fits, "{id}");
}

/// Tool call ids are unique.
fn ids_differ(turns: &[Message]) {
    let ids: Vec<&str> = turns.iter().flat_map(calls).collect();
    let call_ids: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(call_ids.len(), ids.len(), "two calls have the same id");
}

/// H14.
fn cache_points(request: &ConverseRequest, capabilities: &Capabilities) {
    let points: Vec<&CachePoint> = request.cache_points().map(|(_, point)| point).collect();
    assert!(points.len() <= 4, "{} cache points", points.len());
    let is_long = |point: &CachePoint| point.ttl == Some(CacheTtl::OneHour);
    assert!(capabilities.cache_one_hour || !points.iter().any(|point| is_long(point)));
    let after_first_short = points.iter().skip_while(|point| is_long(point));
    assert!(
        !after_first_short.into_iter().any(|point| is_long(point)),
        "a cache point for one hour follows one for five minutes"
    );

    let assert_position_allowed = |cache_position, has: bool| {
        assert!(!has || capabilities.cache_points.contains(&cache_position))
    };
    let tools = request.tool_config.as_ref().map(|config| &config.tools);
    let is_tools_point = |tool: &Tool| matches!(tool, Tool::CachePoint(_));
    let tools = tools.into_iter().flatten();
    assert_position_allowed(CachePosition::Tools, tools.clone().any(is_tools_point));
    assert!(
        !tools.clone().next().is_some_and(is_tools_point),
        "a cache point before the tools"
    );

    let is_system_point = |block: &SystemBlock| matches!(block, SystemBlock::CachePoint(_));
    assert_position_allowed(
        CachePosition::System,
        request.system.iter().any(is_system_point),
    );
    let first = request.system.first();
    assert!(
        !first.is_some_and(is_system_point),
        "a cache point before the system prompt"
    );

    let is_point = |block: &ContentBlock| matches!(block, ContentBlock::CachePoint(_));
    for turn in &request.messages {
        assert_position_allowed(CachePosition::Messages, turn.content.iter().any(is_point));
        assert!(
            !turn.content.first().is_some_and(is_point),
            "a cache point at the start of a turn"
        );
        for pair in turn.content.windows(2).filter(|pair| is_point(&pair[1])) {
            let fits = !matches!(
                pair[0],
                ContentBlock::Document(_)
                    | ContentBlock::Video(_)
                    | ContentBlock::ReasoningContent(_)
            );
            assert!(fits, "a cache point after {:?}", pair[0]);
        }
    }
}

/// H17, H18, and the other fields apart from the conversation.
fn settings(request: &ConverseRequest, capabilities: &Capabilities) {
    let config = &request.inference_config;
    let min_tokens = capabilities.min_max_tokens.max(1);
    assert!(config.max_tokens.is_none_or(|limit| limit >= min_tokens));
    let is_share = |number: &Option<Number>| {
        let value = number.as_ref().and_then(Number::as_f64);
        value.is_none_or(|value| (0.0..=1.0).contains(&value))
    };
    assert!(is_share(&config.temperature) && is_share(&config.top_p));
    match capabilities.sampling {
        Sampling::Both => {}
        Sampling::TemperatureOrTopP => {
            assert!(config.temperature.is_none() || config.top_p.is_none());
        }
        Sampling::None => assert!(config.temperature.is_none() && config.top_p.is_none()),
    }
    assert!(config.stop_sequences.is_empty() || capabilities.stop_sequences);
    assert!(!config.stop_sequences.iter().any(String::is_empty));
    let is_blank = |text: &String| text.trim().is_empty();
    assert!(capabilities.blank_stop_sequences || !config.stop_sequences.iter().any(is_blank));
    for (key, value) in request.additional_model_request_fields.iter() {
        assert!(is_json(value.as_str()), "{key}");
    }
    let paths = &request.additional_model_response_field_paths;
    assert!(paths.len() <= 10 && paths.iter().all(|path| path.starts_with('/')));
    assert!(request.request_metadata.len() <= 16);
    assert!(request.output_config.is_none() || capabilities.structured_output);
}

/// Whether `text` is a JSON value. As in the JSON grammar, strings may have unpaired surrogates and
/// numbers may have any size.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Whether `text` is 1 to 64 letters, digits and `punctuation`.
fn is_name(text: &str, punctuation: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || punctuation.contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(fits)
}
