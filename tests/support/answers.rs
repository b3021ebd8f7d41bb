//! Answers as streams and as wholes, what holds of any of them, and that both say the same.

use std::sync::Arc;

use bytes::Bytes;
use outcrop::converse::event::Event;
use outcrop::fault::ApiError;
use outcrop::openai::chat::{
    ChunkWriter, Completion, CompletionHead, OutputEvents, OutputOptions, ResponseSummary,
};
use outcrop::openai::error::ErrorBody;
use serde_json::{Value, json};

/// Lists of which each item comes whole, with its place.
const LISTS: [&str; 3] = ["thinking_blocks", "annotations", "bedrock_citations"];

/// Panics unless `answers`, each to the same request, are the same as a stream and as a whole, and
/// the stream is one that clients read. `turns` says which answer's event comes next; what it
/// leaves comes in order.
pub fn agree(answers: &[Vec<Event>], turns: &[u8], plan: &OutputOptions) {
    let streamed = streamed(answers, turns, plan);
    let (whole, finished) = match whole(answers, plan) {
        Ok(whole) => whole,
        Err(fault) => {
            let said = streamed.expect_err("the stream has what is no answer");
            let error = serde_json::to_value(ErrorBody::from(&fault)).unwrap();
            assert_eq!(error_event(&said), error);
            return;
        }
    };
    let chunks = chunks(&streamed.expect("the whole answer is one"));
    for (choice, is_finished) in finished.into_iter().enumerate() {
        is_well_formed(&chunks, choice, is_finished, plan);
        let mut expected = spelled_out(&whole, choice);
        if is_finished {
            has_whole_parts(&expected["message"]);
        } else {
            // No such answer reaches a client whole.
            expected["finish_reason"] = Value::Null;
        }
        assert_eq!(folded(&chunks, choice), expected);
    }
    same_ending(&chunks, &whole, plan);
}

/// The bytes of a stream; where an answer is none, the bytes up to the error and with it.
pub fn streamed(
    answers: &[Vec<Event>],
    turns: &[u8],
    plan: &OutputOptions,
) -> Result<Bytes, Bytes> {
    let mut writer = ChunkWriter::new("id", 1, "model", plan.include_usage, plan.legacy_functions);
    let plan = Arc::new(plan.clone());
    let mut open: Vec<_> = answers
        .iter()
        .map(|events| (OutputEvents::new(Arc::clone(&plan)), events.iter()))
        .collect();
    let several = open.len() > 1;
    for (choice, (pieces, _)) in (0..).zip(&mut open).filter(|_| several) {
        writer.choose(choice);
        pieces.start(&mut writer);
    }
    let count = open.len();
    let turns = turns.iter().map(|turn| usize::from(*turn) % count);
    let rest = (0..count).flat_map(|choice| std::iter::repeat_n(choice, answers[choice].len()));
    for choice in turns.chain(rest) {
        let (pieces, events) = &mut open[choice];
        let Some(event) = events.next() else {
            continue;
        };
        writer.choose(u32::try_from(choice).unwrap());
        if let Err(fault) = pieces.accept(event, &mut writer) {
            writer.error(&ErrorBody::from(&fault));
            return Err(writer.take());
        }
    }
    let endings = open.iter().map(|(pieces, _)| pieces.ending().clone());
    writer.done(&ResponseSummary::of_all(endings));
    Ok(writer.take())
}

/// The whole answer, and which of the answers in it came to their end.
pub fn whole(answers: &[Vec<Event>], plan: &OutputOptions) -> Result<(Value, Vec<bool>), ApiError> {
    let plan = Arc::new(plan.clone());
    let mut completions = Vec::new();
    let mut all = Vec::new();
    for events in answers {
        let mut completion = Completion::new(plan.legacy_functions);
        let mut pieces = OutputEvents::new(Arc::clone(&plan));
        for event in events {
            pieces.accept(event, &mut completion)?;
        }
        completions.push(completion);
        all.push(pieces);
    }
    let head = CompletionHead {
        id: "id",
        created: 1,
        model: "model",
        metadata: None,
    };
    let ending = ResponseSummary::of_all(all.iter().map(|pieces| pieces.ending().clone()));
    let json = Completion::to_json(&completions, head, &ending).unwrap();
    let finished = all.iter().map(|pieces| pieces.finish().is_some());
    Ok((serde_json::from_slice(&json).unwrap(), finished.collect()))
}

/// The chunks of a stream that came to its end.
pub fn chunks(stream: &[u8]) -> Vec<Value> {
    let mut events = events(stream);
    assert_eq!(events.pop(), Some("[DONE]"));
    events
        .into_iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect()
}

/// The error that a stream ends with.
fn error_event(stream: &[u8]) -> Value {
    let mut events = events(stream);
    let error = serde_json::from_str(events.pop().expect("an event")).unwrap();
    for event in events {
        let _: Value = serde_json::from_str(event).unwrap();
    }
    error
}

/// The data of server-sent events, each of one line.
fn events(stream: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(stream).expect("UTF-8");
    let text = text.strip_suffix("\n\n").expect("an event that is whole");
    let events = text.split("\n\n").map(|event| {
        let data = event.strip_prefix("data: ").expect("data");
        assert!(!data.contains(['\n', '\r']), "more than one line: {data:?}");
        data
    });
    events.collect()
}

/// Panics where the chunks of one of the answers are not what clients expect of a stream.
pub fn is_well_formed(chunks: &[Value], choice: usize, is_finished: bool, plan: &OutputOptions) {
    let mut deltas = 0;
    let mut finishes = 0;
    for chunk in chunks {
        assert_eq!(chunk["id"], "id");
        assert_eq!(chunk["object"], "chat.completion.chunk");
        let Some(of_choice) = chunk["choices"].get(0) else {
            continue;
        };
        assert_eq!(
            chunk.get("usage"),
            plan.include_usage.then_some(&Value::Null)
        );
        if of_choice["index"] != choice {
            continue;
        }
        // The finish comes behind every delta.
        assert_eq!(finishes, 0, "{chunk}");
        let delta = &of_choice["delta"];
        let role = delta.get("role").and_then(Value::as_str);
        assert_eq!(role, (deltas == 0).then_some("assistant"), "{chunk}");
        deltas += 1;
        finishes += usize::from(of_choice["finish_reason"].is_string());
    }
    assert_eq!(finishes, usize::from(is_finished));
}

/// What a client makes of one of the answers of a stream: strings are joined, calls are put in
/// their places.
pub fn folded(chunks: &[Value], choice: usize) -> Value {
    let mut message = json!({"content": "", "reasoning_content": "", "tool_calls": []});
    for key in LISTS {
        message[key] = json!([]);
    }
    let mut finish = Value::Null;
    let of_choice = chunks.iter().filter_map(|chunk| chunk["choices"].get(0));
    for of_choice in of_choice.filter(|of_choice| of_choice["index"] == choice) {
        if !of_choice["finish_reason"].is_null() {
            finish = of_choice["finish_reason"].clone();
        }
        let delta = &of_choice["delta"];
        for key in ["content", "reasoning_content"] {
            join(&mut message[key], &delta[key]);
        }
        for key in LISTS {
            for item in delta[key].as_array().into_iter().flatten() {
                let mut item = item.clone();
                let index = item.as_object_mut().unwrap().remove("index").unwrap();
                let list = message[key].as_array_mut().unwrap();
                assert_eq!(index, list.len());
                list.push(item);
            }
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            join_call(message["tool_calls"].as_array_mut().unwrap(), call);
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
    json!({"message": message, "finish_reason": finish})
}

/// Puts a piece of a call in its place; places have no gaps.
fn join_call(calls: &mut Vec<Value>, piece: &Value) {
    let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
    if index == calls.len() {
        let kind = piece["type"].as_str().expect("a call begins with its kind");
        let (member, input) = members(kind);
        calls.push(json!({"id": piece["id"], "type": kind}));
        calls[index][member] = json!({"name": piece[member]["name"], input: ""});
    } else {
        assert!(
            piece.get("id").is_none() && piece.get("type").is_none(),
            "{piece}"
        );
    }
    let call = calls.get_mut(index).expect("a call that has begun");
    let (member, input) = members(call["type"].as_str().unwrap());
    join(&mut call[member][input], &piece[member][input]);
}

fn members(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "custom" => ("custom", "input"),
        _ => ("function", "arguments"),
    }
}

fn join(text: &mut Value, piece: &Value) {
    if let Some(piece) = piece.as_str() {
        let joined = format!("{}{piece}", text.as_str().unwrap());
        *text = joined.into();
    }
}

/// One of the answers of a whole with its absent members written out.
pub fn spelled_out(whole: &Value, choice: usize) -> Value {
    let given = &whole["choices"][choice]["message"];
    let text = |key: &str| given[key].as_str().unwrap_or_default().to_owned();
    let mut message = json!({
        "content": text("content"),
        "reasoning_content": text("reasoning_content"),
        "tool_calls": given.get("tool_calls").cloned().unwrap_or(json!([])),
    });
    if let Some(call) = given.get("function_call") {
        message["function_call"] = call.clone();
    }
    for key in LISTS {
        message[key] = given.get(key).cloned().unwrap_or(json!([]));
    }
    json!({"message": message, "finish_reason": whole["choices"][choice]["finish_reason"]})
}

/// Clients parse the arguments of functions, and cut stretches out of the text.
fn has_whole_parts(message: &Value) {
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        assert_ne!(call["function"]["arguments"], "", "{call}");
    }
    let length = message["content"].as_str().unwrap().chars().count();
    for list in &LISTS[1..] {
        for item in message[*list].as_array().into_iter().flatten() {
            let span = item.get("url_citation").unwrap_or(item);
            let [start, end] = ["start_index", "end_index"].map(|key| span[key].as_u64().unwrap());
            assert!(start <= end && end <= length as u64, "{item} of {length}");
        }
    }
}

/// What is told at the end is told in both ways.
fn same_ending(chunks: &[Value], whole: &Value, plan: &OutputOptions) {
    let last = chunks.last().filter(|chunk| chunk["choices"] == json!([]));
    for key in ["trace", "additional_model_response_fields", "service_tier"] {
        assert_eq!(
            last.and_then(|chunk| chunk.get(key)),
            whole.get(key),
            "{key}"
        );
    }
    let usage = last.and_then(|chunk| chunk.get("usage"));
    assert!(plan.include_usage || usage.is_none());
    if let Some(usage) = usage {
        assert_eq!(usage, &whole["usage"]);
    }
    let without_choice = chunks.iter().filter(|chunk| chunk["choices"] == json!([]));
    assert_eq!(without_choice.count(), usize::from(last.is_some()));
}
