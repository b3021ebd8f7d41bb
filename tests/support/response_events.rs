//! The responses of the Responses API to any events: that a stream is what clients rely on, and that
//! the non-streaming response is the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use outcrop::config::OnBlocked;
use outcrop::converse::dialect::{ResponseFormat, StreamWriter};
use outcrop::converse::event::Event;
use outcrop::converse::output::{OutputEvents, OutputOptions, ResponseSummary};
use outcrop::dialects::openai_responses::{ResponseHead, ResponsesFormat, ResponsesRequest};
use outcrop::error::{ApiError, ErrorKind};
use serde_json::{Value, json};

const TERMINAL: [&str; 3] = [
    "response.completed",
    "response.incomplete",
    "response.failed",
];

/// Panics if the stream for `events` is not well-formed, or differs from the non-streaming response.
pub fn agree(events: &[Event], output_options: &OutputOptions) {
    let mut output_options = OutputOptions {
        choices: 1,
        legacy_functions: false,
        ..output_options.clone()
    };
    output_options.names.bedrock_name_of_custom("custom");
    let output_options = Arc::new(output_options);
    for (summary, on_blocked) in [
        (None, OnBlocked::Completed),
        (Some("auto"), OnBlocked::Incomplete),
        (Some("auto"), OnBlocked::Refusal),
    ] {
        let request = json!({"model": "m", "reasoning": {"summary": summary}, "tools": [
            {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]},
            {"type": "shell"}, {"type": "apply_patch"}, {"type": "local_shell"},
            {"type": "tool_search", "execution": "client"},
        ]});
        let request: ResponsesRequest = serde_json::from_value(request).unwrap();
        let head = ResponseHead::new("resp_0123456789abcdefghijklmn", 1, &request);
        let format = ResponsesFormat::new(head, &request, on_blocked, || 2);
        let terminal = assert_stream(&stream(&format, events, &output_options));
        let Some(response) = complete(&format, events, &output_options) else {
            assert_eq!(terminal["status"], "failed");
            continue;
        };
        assert_eq!(terminal, response);
    }
}

/// The bytes of the stream.
fn stream(
    format: &ResponsesFormat,
    events: &[Event],
    output_options: &Arc<OutputOptions>,
) -> String {
    let mut writer = format.stream(output_options);
    let mut output_events = OutputEvents::new(Arc::clone(output_options));
    let mut bytes = Vec::new();
    let mut failed = None;
    for event in events {
        failed = failed.or(output_events.accept(event, &mut writer).err());
        bytes.extend(writer.keepalive());
    }
    match failed {
        Some(error) => writer.error(&error),
        None if output_events.stop_reason().is_none() => {
            writer.error(&ApiError::new(ErrorKind::RateLimited, "throttled"));
        }
        None => writer.done(output_events.summary()),
    }
    // Nothing follows the end.
    writer.done(&ResponseSummary::default());
    writer.error(&ApiError::internal());
    bytes.extend(writer.keepalive());
    String::from_utf8(bytes).unwrap()
}

/// The non-streaming response; `None` if it is an error.
fn complete(
    format: &ResponsesFormat,
    events: &[Event],
    output_options: &Arc<OutputOptions>,
) -> Option<Value> {
    let mut choice = format.choice(0, output_options);
    let mut output_events = OutputEvents::new(Arc::clone(output_options));
    for event in events {
        output_events.accept(event, &mut choice).ok()?;
    }
    output_events.stop_reason()?;
    let json = format.json(&[choice], output_options, output_events.summary());
    Some(serde_json::from_slice(&json.unwrap()).unwrap())
}

/// The events of a stream: each a line with its type and a line with an object of this type.
pub fn parsed(stream: &str) -> Vec<Value> {
    let blocks = stream.split_terminator("\n\n");
    let events = blocks.map(|block| {
        let (kind, data) = block.split_once('\n').unwrap();
        let kind = kind.strip_prefix("event: ").unwrap();
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(event["type"], kind);
        event
    });
    events.collect()
}

/// Panics if the stream breaks a rule that clients rely on. Returns the final response.
pub fn assert_stream(stream: &str) -> Value {
    let events = parsed(stream);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let events: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] != "keepalive")
        .collect();
    let types: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(types[..2], ["response.created", "response.in_progress"]);
    let is_terminal = |kind: &&&str| TERMINAL.contains(*kind);
    assert_eq!(types.iter().filter(is_terminal).count(), 1);
    assert!(TERMINAL.contains(types.last().unwrap()), "{types:?}");
    let created = &events[0]["response"];
    let response = &events.last().unwrap()["response"];
    for member in ["id", "created_at", "model", "tools", "store"] {
        assert_eq!(created[member], response[member]);
    }
    assert_eq!(created["output"], json!([]));
    let mut members = created.as_object().unwrap().keys();
    assert!(members.all(|member| response.get(member).is_some()));

    let mut items = Items::default();
    for event in &events[2..events.len() - 1] {
        items.accept(event);
    }
    if let Some(open) = items.open {
        // It was cut off: clients run custom calls when they are done.
        assert_eq!(open.added["type"], "custom_tool_call");
    }
    assert_eq!(response["output"], Value::Array(items.done));
    if response["status"] == "completed" {
        let has_output = |item: &Value| item["type"] != "reasoning";
        let output = response["output"].as_array().unwrap();
        assert!(
            output.iter().any(has_output) || items.has_cut_call,
            "{response}"
        );
        assert!(response["completed_at"].is_u64());
    }
    assert_eq!(response["status"] == "failed", !response["error"].is_null());
    response.clone()
}

/// The items of a stream so far.
#[derive(Default)]
struct Items {
    done: Vec<Value>,
    open: Option<Item>,
    ids: BTreeSet<String>,
    added: usize,
    has_cut_call: bool,
}

/// An item that is not done.
struct Item {
    added: Value,
    index: usize,
    /// The parts that are done, and the open one with its text.
    parts: Vec<Value>,
    open: Option<String>,
    annotations: Vec<Value>,
    /// The input of a call.
    input: String,
    is_input_done: bool,
}

impl Items {
    fn accept(&mut self, event: &Value) {
        let kind = event["type"].as_str().unwrap();
        if kind == "response.output_item.added" {
            return self.add(event);
        }
        let mut item = self
            .open
            .take()
            .unwrap_or_else(|| panic!("{event} without an item"));
        assert_eq!(event["output_index"], item.index);
        if kind == "response.output_item.done" {
            self.done.push(item.finish(&event["item"]));
            return;
        }
        assert_eq!(event["item_id"], item.added["id"], "{event}");
        item.accept(kind, event);
        self.open = Some(item);
    }

    fn add(&mut self, event: &Value) {
        if let Some(cut) = self.open.take() {
            // It is never done; a refusal may follow.
            assert_eq!(cut.added["type"], "custom_tool_call", "{event}");
        }
        let item = &event["item"];
        assert_eq!(event["output_index"], self.added);
        let id = item["id"].as_str().unwrap();
        assert!(!id.is_empty() && self.ids.insert(id.to_owned()), "{id}");
        for (member, empty) in [
            ("content", json!([])),
            ("summary", json!([])),
            ("arguments", json!("")),
            ("input", json!("")),
        ] {
            let is_object = item[member].is_object();
            assert!(
                item[member].is_null() || is_object || item[member] == empty,
                "{item}"
            );
        }
        let is_compaction = item["type"] == "compaction";
        assert!(
            is_compaction || item.get("encrypted_content").is_none(),
            "{item}"
        );
        self.has_cut_call |= item["type"] == "custom_tool_call";
        self.open = Some(Item {
            added: item.clone(),
            index: self.added,
            parts: Vec::new(),
            open: None,
            annotations: Vec::new(),
            input: String::new(),
            is_input_done: false,
        });
        self.added += 1;
    }
}

impl Item {
    fn accept(&mut self, kind: &str, event: &Value) {
        let part_index = [&event["content_index"], &event["summary_index"]];
        if let Some(index) = part_index.into_iter().find(|index| !index.is_null()) {
            assert_eq!(*index, self.parts.len(), "{event}");
        }
        let text = |member: &str| event[member].as_str().unwrap().to_owned();
        match kind {
            "response.content_part.added" | "response.reasoning_summary_part.added" => {
                assert!(self.open.replace(String::new()).is_none());
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.reasoning_summary_text.delta"
            | "response.reasoning_text.delta" => {
                assert_ne!(event["delta"], "");
                self.open.as_mut().unwrap().push_str(&text("delta"));
            }
            "response.output_text.annotation.added" => {
                assert!(self.open.is_some());
                assert_eq!(event["annotation_index"], self.annotations.len());
                self.annotations.push(event["annotation"].clone());
            }
            "response.output_text.done"
            | "response.reasoning_summary_text.done"
            | "response.reasoning_text.done" => {
                assert_eq!(self.open.as_deref(), Some(&*text("text")));
            }
            "response.refusal.done" => {
                assert_eq!(self.open.as_deref(), Some(&*text("refusal")));
            }
            "response.content_part.done" | "response.reasoning_summary_part.done" => {
                let part = &event["part"];
                let end = self.open.take().unwrap();
                let text = part["text"].as_str().or(part["refusal"].as_str());
                assert_eq!(text, Some(&*end));
                if part["type"] == "output_text" {
                    let annotations = std::mem::take(&mut self.annotations);
                    assert_eq!(part["annotations"], Value::Array(annotations));
                    assert_eq!(part["logprobs"], json!([]));
                }
                self.parts.push(part.clone());
            }
            "response.compaction.compacting" => {}
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                assert_ne!(event["delta"], "");
                self.input.push_str(&text("delta"));
            }
            "response.function_call_arguments.done" => {
                assert_eq!(event["name"], self.added["name"]);
                assert_eq!(text("arguments"), self.input);
                self.is_input_done = true;
            }
            "response.custom_tool_call_input.done" => {
                assert_eq!(text("input"), self.input);
                self.is_input_done = true;
            }
            other => panic!("unknown event {other}"),
        }
    }

    /// The complete item, which has what its events said.
    fn finish(self, done: &Value) -> Value {
        assert!(self.open.is_none(), "{done}");
        for member in ["type", "id", "call_id", "name", "namespace", "role"] {
            assert_eq!(done[member], self.added[member], "{done}");
        }
        let parts = Value::Array(self.parts);
        match done["type"].as_str().unwrap() {
            "message" => assert_eq!(done["content"], parts),
            "reasoning" if done["content"].is_null() => assert_eq!(done["summary"], parts),
            "reasoning" => {
                assert_eq!((&done["content"], &done["summary"]), (&parts, &json!([])));
            }
            "function_call" => {
                assert!(self.is_input_done && done["status"].is_string());
                assert_eq!(done["arguments"], self.input);
            }
            "custom_tool_call" => {
                assert!(self.is_input_done && done["status"] == "completed");
                assert_eq!(done["input"], self.input);
            }
            "tool_search_call" => assert!(done["arguments"].is_object()),
            "compaction" => assert_ne!(done["encrypted_content"], ""),
            "local_shell_call" | "shell_call" => assert!(done["action"].is_object()),
            "apply_patch_call" => assert!(done["operation"].is_object()),
            other => panic!("unknown item {other}"),
        }
        done.clone()
    }
}
