//! Streaming and non-streaming responses to the same events: properties of each, and that both have
//! the same content.

use std::sync::Arc;

use bytes::Bytes;
use outcrop::converse::dialect::StreamWriter;
use outcrop::converse::event::Event;
use outcrop::converse::output::{OutputEvents, OutputOptions, ResponseSummary};
use outcrop::dialects::openai_chat::{ChunkWriter, Completion, CompletionHead};
use outcrop::error::ApiError;
use outcrop::wire::error::ErrorBody;
use serde_json::{Value, json};

use super::message_blocks;

/// Lists whose items are not split into deltas. In a stream, each item has an index.
const LISTS: [&str; 3] = ["thinking_blocks", "annotations", "bedrock_citations"];

/// Panics unless the streaming and the non-streaming response to the events of `choices` agree and the
/// stream is well-formed. `order` selects the choice of each next event; the remaining events follow
/// choice by choice.
pub fn agree(choices: &[Vec<Event>], order: &[u8], output_options: &OutputOptions) {
    let streamed = streamed(choices, order, output_options);
    let (non_streaming, finished) = match non_streaming(choices, output_options) {
        Ok(non_streaming) => non_streaming,
        Err(error) => {
            let error_bytes = streamed.expect_err("the stream ends with an error as well");
            let error = serde_json::to_value(ErrorBody::from(&error)).unwrap();
            assert_eq!(error_event(&error_bytes), error);
            return;
        }
    };
    let chunks = chunks(&streamed.expect("the stream has no error"));
    for (choice, is_finished) in finished.into_iter().enumerate() {
        is_well_formed(&chunks, choice, is_finished, output_options);
        let mut expected = with_defaults(&non_streaming, choice);
        if is_finished {
            assert_parts_complete(&expected["message"]);
        } else {
            // A client never receives a non-streaming response with such a choice.
            expected["finish_reason"] = Value::Null;
        }
        assert_eq!(assembled(&chunks, choice), expected);
        message_blocks::add_up(&choices[choice], output_options, &expected);
    }
    assert_same_end(&chunks, &non_streaming, output_options);
}

/// The bytes of the stream; `Err` with the bytes up to and including an error event.
pub fn streamed(
    choices: &[Vec<Event>],
    order: &[u8],
    output_options: &OutputOptions,
) -> Result<Bytes, Bytes> {
    let mut writer = ChunkWriter::new(
        "id",
        1,
        "model",
        output_options.include_usage,
        output_options.legacy_functions,
    );
    let output_options = Arc::new(output_options.clone());
    let mut open: Vec<_> = choices
        .iter()
        .map(|events| {
            (
                OutputEvents::new(Arc::clone(&output_options)),
                events.iter(),
            )
        })
        .collect();
    let several = open.len() > 1;
    for (choice, (output_events, _)) in (0..).zip(&mut open).filter(|_| several) {
        writer.choose(choice);
        output_events.start(&mut writer);
    }
    let count = open.len();
    let order = order
        .iter()
        .map(|next_choice| usize::from(*next_choice) % count);
    let rest = (0..count).flat_map(|choice| std::iter::repeat_n(choice, choices[choice].len()));
    for choice in order.chain(rest) {
        let (output_events, events) = &mut open[choice];
        let Some(event) = events.next() else {
            continue;
        };
        writer.choose(u32::try_from(choice).unwrap());
        if let Err(error) = output_events.accept(event, &mut writer) {
            writer.error(&error);
            return Err(writer.take());
        }
    }
    let summaries = open
        .iter()
        .map(|(output_events, _)| output_events.summary().clone());
    writer.done(&ResponseSummary::of_all(summaries));
    Ok(writer.take())
}

/// The non-streaming response, and whether each choice is finished.
pub fn non_streaming(
    choices: &[Vec<Event>],
    output_options: &OutputOptions,
) -> Result<(Value, Vec<bool>), ApiError> {
    let output_options = Arc::new(output_options.clone());
    let mut completions = Vec::new();
    let mut finished_events = Vec::new();
    for events in choices {
        let mut completion = Completion::new(output_options.legacy_functions);
        let mut output_events = OutputEvents::new(Arc::clone(&output_options));
        for event in events {
            output_events.accept(event, &mut completion)?;
        }
        completions.push(completion);
        finished_events.push(output_events);
    }
    let head = CompletionHead {
        id: "id",
        created: 1,
        model: "model",
        metadata: None,
    };
    let summary = ResponseSummary::of_all(
        finished_events
            .iter()
            .map(|output_events| output_events.summary().clone()),
    );
    let json = Completion::to_json(&completions, head, &summary).unwrap();
    let finished = finished_events
        .iter()
        .map(|output_events| output_events.stop_reason().is_some());
    Ok((serde_json::from_slice(&json).unwrap(), finished.collect()))
}

/// The chunks of a stream that ends with `[DONE]`.
pub fn chunks(stream: &[u8]) -> Vec<Value> {
    let mut events = events(stream);
    assert_eq!(events.pop(), Some("[DONE]"));
    events
        .into_iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect()
}

/// The error event at the end of a stream.
fn error_event(stream: &[u8]) -> Value {
    let mut events = events(stream);
    let error = serde_json::from_str(events.pop().expect("an event")).unwrap();
    for event in events {
        let _: Value = serde_json::from_str(event).unwrap();
    }
    error
}

/// The data of server-sent events, which must be one line each.
fn events(stream: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(stream).expect("UTF-8");
    let text = text.strip_suffix("\n\n").expect("a complete event");
    let events = text.split("\n\n").map(|event| {
        let data = event.strip_prefix("data: ").expect("data");
        assert!(!data.contains(['\n', '\r']), "more than one line: {data:?}");
        data
    });
    events.collect()
}

/// Panics unless the chunks of a choice are what clients expect of a stream.
pub fn is_well_formed(
    chunks: &[Value],
    choice: usize,
    is_finished: bool,
    output_options: &OutputOptions,
) {
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
            output_options.include_usage.then_some(&Value::Null)
        );
        if of_choice["index"] != choice {
            continue;
        }
        // The finish reason is in the last chunk.
        assert_eq!(finishes, 0, "{chunk}");
        let delta = &of_choice["delta"];
        let role = delta.get("role").and_then(Value::as_str);
        assert_eq!(role, (deltas == 0).then_some("assistant"), "{chunk}");
        deltas += 1;
        finishes += usize::from(of_choice["finish_reason"].is_string());
    }
    assert_eq!(finishes, usize::from(is_finished));
}

/// A choice as a client assembles it from a stream: strings joined, tool calls by index.
pub fn assembled(chunks: &[Value], choice: usize) -> Value {
    let mut message =
        json!({"content": "", "refusal": "", "reasoning_content": "", "tool_calls": []});
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
        for key in ["content", "refusal", "reasoning_content"] {
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

/// Adds the delta of a tool call. Indexes have no gaps.
fn join_call(calls: &mut Vec<Value>, call_delta: &Value) {
    let index = usize::try_from(call_delta["index"].as_u64().unwrap()).unwrap();
    if index == calls.len() {
        let kind = call_delta["type"]
            .as_str()
            .expect("the first delta of a call has its type");
        let (member, input) = members(kind);
        calls.push(json!({"id": call_delta["id"], "type": kind}));
        calls[index][member] = json!({"name": call_delta[member]["name"], input: ""});
    } else {
        assert!(
            call_delta.get("id").is_none() && call_delta.get("type").is_none(),
            "{call_delta}"
        );
    }
    let call = calls.get_mut(index).expect("a started call");
    let (member, input) = members(call["type"].as_str().unwrap());
    join(&mut call[member][input], &call_delta[member][input]);
}

fn members(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "custom" => ("custom", "input"),
        _ => ("function", "arguments"),
    }
}

fn join(text: &mut Value, call_delta: &Value) {
    if let Some(call_delta) = call_delta.as_str() {
        let joined = format!("{}{call_delta}", text.as_str().unwrap());
        *text = joined.into();
    }
}

/// A choice of a non-streaming response, with default values for absent fields.
pub fn with_defaults(non_streaming: &Value, choice: usize) -> Value {
    let streamed_message = &non_streaming["choices"][choice]["message"];
    let text = |key: &str| {
        streamed_message[key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut message = json!({
        "content": text("content"),
        "refusal": text("refusal"),
        "reasoning_content": text("reasoning_content"),
        "tool_calls": streamed_message.get("tool_calls").cloned().unwrap_or(json!([])),
    });
    if let Some(call) = streamed_message.get("function_call") {
        message["function_call"] = call.clone();
    }
    for key in LISTS {
        message[key] = streamed_message.get(key).cloned().unwrap_or(json!([]));
    }
    json!({"message": message, "finish_reason": non_streaming["choices"][choice]["finish_reason"]})
}

/// Asserts that arguments can be parsed and that citations are within the text.
fn assert_parts_complete(message: &Value) {
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

/// Asserts that the fields of the last chunk equal those of the non-streaming response.
fn assert_same_end(chunks: &[Value], non_streaming: &Value, output_options: &OutputOptions) {
    let last = chunks.last().filter(|chunk| chunk["choices"] == json!([]));
    for key in ["trace", "additional_model_response_fields", "service_tier"] {
        assert_eq!(
            last.and_then(|chunk| chunk.get(key)),
            non_streaming.get(key),
            "{key}"
        );
    }
    let usage = last.and_then(|chunk| chunk.get("usage"));
    assert!(output_options.include_usage || usage.is_none());
    if let Some(usage) = usage {
        assert_eq!(usage, &non_streaming["usage"]);
    }
    let without_choice = chunks.iter().filter(|chunk| chunk["choices"] == json!([]));
    assert_eq!(without_choice.count(), usize::from(last.is_some()));
}
