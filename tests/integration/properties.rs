//! What holds for any events and any request.

use outcrop::converse::event::{BlockStart, Delta, Event};
use outcrop::converse::request::{ContentBlock, Role};
use outcrop::converse::response::{StopReason, Usage};
use outcrop::models::{ModelId, ModelTable};
use outcrop::openai::chat::{AnswerPlan, ChatRequest, ChunkWriter, Completion, Pieces, translate};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::data_lines;

fn delta() -> impl Strategy<Value = Delta> {
    prop_oneof![
        "\\PC{0,8}".prop_map(Delta::Text),
        "\\PC{0,8}".prop_map(Delta::ToolInput),
        "\\PC{0,8}".prop_map(Delta::Reasoning),
        Just(Delta::Hidden),
    ]
}

/// A block as Bedrock sends them, and now and then one that it should not send.
fn block() -> impl Strategy<Value = Vec<Event>> {
    let start = prop_oneof![
        Just(None),
        Just(Some(BlockStart::Hidden)),
        ("[a-z]{1,8}", "[a-z]{1,8}").prop_map(|(id, name)| Some(BlockStart::ToolUse { id, name })),
    ];
    (0u32..6, start, vec(delta(), 0..5), any::<bool>()).prop_map(|(index, start, deltas, stop)| {
        let start = start.map(|start| Event::BlockStart { index, start });
        let deltas = deltas
            .into_iter()
            .map(|delta| Event::BlockDelta { index, delta });
        let stop = stop.then_some(Event::BlockStop { index });
        start.into_iter().chain(deltas).chain(stop).collect()
    })
}

fn stop_reason() -> impl Strategy<Value = StopReason> {
    prop_oneof![
        Just(StopReason::EndTurn),
        Just(StopReason::ToolUse),
        Just(StopReason::MaxTokens),
        Just(StopReason::GuardrailIntervened),
        "[a-z_]{1,12}".prop_map(StopReason::Other),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    (vec(block(), 0..6), stop_reason(), any::<u32>()).prop_map(|(blocks, stop_reason, tokens)| {
        let usage = Usage {
            output_tokens: tokens.into(),
            ..Usage::default()
        };
        let mut events = vec![Event::MessageStart, Event::Unknown];
        events.extend(blocks.into_iter().flatten());
        events.push(Event::MessageStop { stop_reason });
        events.push(Event::Metadata { usage });
        events
    })
}

fn plan() -> impl Strategy<Value = AnswerPlan> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(hide, one, legacy)| AnswerPlan {
        stream: true,
        include_usage: true,
        hide_tool_calls: hide,
        one_tool_call: one || legacy,
        legacy_functions: legacy,
        ..AnswerPlan::default()
    })
}

fn stream(events: &[Event], plan: &AnswerPlan) -> Vec<Value> {
    let mut writer = ChunkWriter::new("id", 1, "model", plan.include_usage, plan.legacy_functions);
    let mut pieces = Pieces::new(plan.clone());
    for event in events {
        pieces.accept(event, &mut writer).unwrap();
    }
    let bytes = writer.take();
    let text = std::str::from_utf8(&bytes).unwrap();
    let lines = data_lines(text).into_iter();
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

fn whole(events: &[Event], plan: &AnswerPlan) -> Value {
    let mut completion = Completion::new(plan.legacy_functions);
    let mut pieces = Pieces::new(plan.clone());
    for event in events {
        pieces.accept(event, &mut completion).unwrap();
    }
    serde_json::from_slice(&completion.to_json("id", 1, "model").unwrap()).unwrap()
}

/// What a client makes of a stream: strings are joined, calls are put in their places.
fn folded(chunks: &[Value]) -> Value {
    let mut message = json!({"content": "", "reasoning_content": "", "tool_calls": []});
    let mut finish = Value::Null;
    let mut usage = Value::Null;
    for chunk in chunks {
        if !chunk["usage"].is_null() {
            usage = chunk["usage"].clone();
        }
        let Some(choice) = chunk["choices"].get(0) else {
            continue;
        };
        if !choice["finish_reason"].is_null() {
            finish = choice["finish_reason"].clone();
        }
        let delta = &choice["delta"];
        for key in ["content", "reasoning_content"] {
            join(&mut message[key], &delta[key]);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let calls = message["tool_calls"].as_array_mut().unwrap();
            let index = call["index"].as_u64().unwrap() as usize;
            if index == calls.len() {
                calls
                    .push(json!({"id": "", "type": "", "function": {"name": "", "arguments": ""}}));
            }
            for key in ["id", "type"] {
                join(&mut calls[index][key], &call[key]);
            }
            for key in ["name", "arguments"] {
                join(&mut calls[index]["function"][key], &call["function"][key]);
            }
        }
        if let Some(call) = delta.get("function_call") {
            if message.get("function_call").is_none() {
                message["function_call"] = json!({"name": "", "arguments": ""});
            }
            for key in ["name", "arguments"] {
                join(&mut message["function_call"][key], &call[key]);
            }
        }
    }
    json!({"message": message, "finish_reason": finish, "usage": usage})
}

fn join(text: &mut Value, piece: &Value) {
    if let Some(piece) = piece.as_str() {
        let joined = format!("{}{piece}", text.as_str().unwrap());
        *text = joined.into();
    }
}

/// A whole answer with its absent members written out.
fn spelled_out(answer: &Value) -> Value {
    let given = &answer["choices"][0]["message"];
    let text = |key: &str| given[key].as_str().unwrap_or_default().to_owned();
    let mut message = json!({
        "content": text("content"),
        "reasoning_content": text("reasoning_content"),
        "tool_calls": given.get("tool_calls").cloned().unwrap_or(json!([])),
    });
    if let Some(call) = given.get("function_call") {
        message["function_call"] = call.clone();
    }
    let finish = answer["choices"][0]["finish_reason"].clone();
    json!({"message": message, "finish_reason": finish, "usage": answer["usage"]})
}

proptest! {
    #[test]
    fn folding_a_stream_gives_the_whole_answer(events in events(), plan in plan()) {
        let chunks = stream(&events, &plan);
        prop_assert_eq!(folded(&chunks), spelled_out(&whole(&events, &plan)));
    }

    #[test]
    fn any_events_give_a_well_formed_stream(events in events(), plan in plan()) {
        let chunks = stream(&events, &plan);
        prop_assert_eq!(&chunks[0]["choices"][0]["delta"]["role"], "assistant");
        let last = &chunks[chunks.len() - 1];
        prop_assert_eq!(&last["choices"], &json!([]));
        let mut finishes = 0;
        for (position, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(&chunk["id"], "id");
            prop_assert_eq!(&chunk["object"], "chat.completion.chunk");
            prop_assert_eq!(chunk["usage"].is_null(), position + 1 < chunks.len());
            let choice = &chunk["choices"][0];
            prop_assert!(position == 0 || choice["delta"].get("role").is_none());
            finishes += usize::from(choice["finish_reason"].is_string());
        }
        prop_assert_eq!(finishes, 1);
        // The finish comes after every delta.
        let finish = &chunks[chunks.len() - 2]["choices"][0]["finish_reason"];
        prop_assert!(finish.is_string());
    }
}

fn message() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["", "[ \n]{1,3}", "[a-z]{1,8}"];
    let ids = prop_oneof!["a", "b", "c"];
    prop_oneof![
        text.clone().prop_map(|text| json!({"role": "user", "content": text})),
        text.clone().prop_map(|text| json!({"role": "system", "content": text})),
        text.clone().prop_map(|text| json!({"role": "assistant", "content": text})),
        (text.clone(), vec(ids.clone(), 1..3)).prop_map(|(text, ids)| {
            let call = |id: &String| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{"}});
            let calls: Vec<Value> = ids.iter().map(call).collect();
            json!({"role": "assistant", "content": text, "tool_calls": calls})
        }),
        (text, ids).prop_map(|(text, id)| json!({"role": "tool", "tool_call_id": id, "content": text})),
    ]
}

const MODELS: &[&str] = &[
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-opus-5",
    "meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-large-2402-v1:0",
    "amazon.titan-text-express-v1",
    "amazon.nova-lite-v1:0",
    "someone.unknown-v1",
];

fn ids_of(blocks: &[ContentBlock], calls: bool) -> Vec<&str> {
    let ids = blocks.iter().filter_map(|block| match block {
        ContentBlock::ToolUse(call) if calls => Some(call.tool_use_id.as_str()),
        ContentBlock::ToolResult(result) if !calls => Some(result.tool_use_id.as_str()),
        _ => None,
    });
    ids.collect()
}

proptest! {
    #[test]
    fn any_conversation_keeps_bedrocks_rules(messages in vec(message(), 1..8), model in 0..MODELS.len()) {
        let request = json!({"model": MODELS[model], "messages": messages}).to_string();
        let request: ChatRequest = serde_json::from_str(&request).unwrap();
        let table = ModelTable::built_in().unwrap();
        let facts = table.facts(&ModelId::parse(MODELS[model]).unwrap());
        let converse = translate(request, facts).unwrap().converse;
        let turns = &converse.messages;
        prop_assert!(!turns.is_empty());
        prop_assert!(turns[0].role == Role::User || facts.leading_assistant);
        let last = turns.last().unwrap();
        prop_assert!(last.role != Role::Assistant || facts.prefill);
        for (position, turn) in turns.iter().enumerate() {
            prop_assert!(!turn.content.is_empty());
            prop_assert!(!turn.content.iter().any(ContentBlock::is_blank));
            let previous = position.checked_sub(1).map(|before| &turns[before]);
            prop_assert!(previous.is_none_or(|previous| previous.role != turn.role));
            let results = ids_of(&turn.content, false);
            let called = previous.map(|previous| ids_of(&previous.content, true));
            let mut called = called.unwrap_or_default();
            let mut answered = results.clone();
            called.sort_unstable();
            answered.sort_unstable();
            prop_assert_eq!(called, answered);
            prop_assert!(results.len() == turn.content.len()
                || results.is_empty()
                || facts.beside_tool_result == outcrop::models::BesideToolResult::Anything);
        }
        prop_assert!(ids_of(&last.content, true).is_empty());
        let has_tools = turns.iter().any(|turn| turn.content.iter().any(ContentBlock::is_tool_block));
        prop_assert!(!has_tools || converse.tool_config.is_some());
    }
}
