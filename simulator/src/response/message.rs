//! A model's output as the response of Converse or the events of ConverseStream.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::output::{Extras, ModelOutput, Part};
use super::response_fields;
use crate::families::{Family, Maker};
use crate::frames;
use crate::reply::Reply;

/// Reported as `latencyMs`; constant.
pub(crate) const LATENCY_MS: u64 = 42;

impl Extras {
    /// Adds the members to a non-streaming response or to a stream's metadata.
    fn add_to(&self, body: &mut Value) {
        for (name, value) in [
            ("trace", &self.trace),
            ("performanceConfig", &self.performance_config),
            ("serviceTier", &self.service_tier),
        ] {
            add(body, name, value.as_ref());
        }
    }
}

fn add(body: &mut Value, name: &str, value: Option<&Value>) {
    if let (Value::Object(fields), Some(value)) = (body, value) {
        fields.insert(name.to_owned(), value.clone());
    }
}

impl ModelOutput {
    pub(crate) fn non_streaming(&self, family: &Family) -> Reply {
        let content: Vec<Value> = self.parts.iter().map(|part| part.block(family)).collect();
        let mut body = json!({
            "metrics": { "latencyMs": LATENCY_MS },
            "output": { "message": { "content": content, "role": "assistant" } },
            "stopReason": self.stop_reason,
            "usage": self.response_usage(family),
        });
        self.extras.add_to(&mut body);
        let scripted = self.extras.response_fields.clone();
        let fields = scripted.or_else(|| response_fields::of_response(self, family));
        add(&mut body, "additionalModelResponseFields", fields.as_ref());
        body.sort_all_objects();
        Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
    }

    /// Claude's usage has the cache counts in both spellings, even if they are 0 (recording
    /// `conv-claude-082dfe86`).
    fn response_usage(&self, family: &Family) -> Value {
        let mut usage = self.usage.clone();
        if let (Maker::Anthropic, Value::Object(fields)) = (family.maker, &mut usage) {
            for name in ["cacheReadInputTokens", "cacheWriteInputTokens"] {
                let count = fields.entry(name).or_insert(0.into()).clone();
                fields.insert(name.replace("Tokens", "TokenCount"), count);
            }
        }
        usage
    }

    /// The events of a ConverseStream response: messageStart, blocks, messageStop, metadata.
    pub(crate) fn events(&self, family: &Family) -> Reply {
        let mut events = Events::default();
        events.push("messageStart", json!({ "role": "assistant" }));
        // Recording `convs-gpt-oss-7231524f`.
        let opening = family
            .opens_with_empty_text
            .then(|| Part::Text(vec![String::new()]));
        for (index, part) in opening.iter().chain(&self.parts).enumerate() {
            if let Some(start) = part.start(family) {
                events.push(
                    "contentBlockStart",
                    json!({ "contentBlockIndex": index, "start": start }),
                );
            }
            for delta in part.deltas(family) {
                events.push(
                    "contentBlockDelta",
                    json!({ "contentBlockIndex": index, "delta": delta }),
                );
            }
            events.push("contentBlockStop", json!({ "contentBlockIndex": index }));
        }
        let mut stop = json!({ "stopReason": self.stop_reason });
        let scripted = self.extras.response_fields.clone();
        let fields = scripted.or_else(|| response_fields::of_stream(self, family));
        add(&mut stop, "additionalModelResponseFields", fields.as_ref());
        events.push("messageStop", stop);
        let mut metadata = json!({ "metrics": { "latencyMs": LATENCY_MS }, "usage": self.usage });
        self.extras.add_to(&mut metadata);
        events.push("metadata", metadata);
        Reply::events(events.0)
    }
}

impl Part {
    fn block(&self, family: &Family) -> Value {
        match self {
            Self::Text(deltas) => json!({ "text": deltas.concat() }),
            Self::Tool { id, name, input } => {
                let mut tool = json!({ "input": input, "name": name, "toolUseId": id });
                set_tool_type(&mut tool, family);
                json!({ "toolUse": tool })
            }
            Self::Other(block) => block.clone(),
        }
    }

    /// Only tool calls and tool results have a start event.
    fn start(&self, family: &Family) -> Option<Value> {
        match self {
            Self::Text(_) => None,
            Self::Tool { id, name, .. } => {
                let mut tool = json!({ "name": name, "toolUseId": id });
                set_tool_type(&mut tool, family);
                Some(json!({ "toolUse": tool }))
            }
            Self::Other(block) => {
                let kind = ["toolUse", "toolResult"]
                    .into_iter()
                    .find(|kind| block.get(kind).is_some())?;
                let mut start = block.get(kind)?.clone();
                if let Value::Object(fields) = &mut start {
                    fields.retain(|name, _| !matches!(name.as_str(), "input" | "content"));
                }
                Some(json!({ kind: start }))
            }
        }
    }

    fn deltas(&self, family: &Family) -> Vec<Value> {
        match self {
            Self::Text(deltas) => deltas.iter().map(|text| json!({ "text": text })).collect(),
            Self::Tool { input, .. } => tool_deltas(input, family),
            Self::Other(block) => block_deltas(block, family),
        }
    }
}

/// Claude starts with an empty delta and sends the JSON in fragments (recording
/// `convs-claude-2b460f69`); other models send one delta (`convs-nova-042412e7`).
fn tool_deltas(input: &Value, family: &Family) -> Vec<Value> {
    let delta = |text: &str| json!({ "toolUse": { "input": text } });
    let text = input.to_string();
    if family.maker != Maker::Anthropic {
        return vec![delta(&text)];
    }
    let mut deltas = vec![delta("")];
    let characters: Vec<char> = text.chars().collect();
    deltas.extend(
        characters
            .chunks(9)
            .map(|fragment| delta(&String::from_iter(fragment))),
    );
    deltas
}

fn block_deltas(block: &Value, family: &Family) -> Vec<Value> {
    let reasoning = |value: Value| json!({ "reasoningContent": value });
    let mut deltas = Vec::new();
    if let Some(text) = block
        .pointer("/reasoningContent/reasoningText/text")
        .and_then(Value::as_str)
    {
        deltas.extend(
            text.split_inclusive(' ')
                .map(|word| reasoning(json!({ "text": word }))),
        );
    }
    if let Some(signature) = block.pointer("/reasoningContent/reasoningText/signature") {
        deltas.push(reasoning(json!({ "signature": signature })));
    }
    if let Some(redacted) = block.pointer("/reasoningContent/redactedContent") {
        deltas.push(reasoning(json!({ "redactedContent": redacted })));
    }
    let list = |path: &str| {
        block
            .pointer(path)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    deltas.extend(
        list("/citationsContent/citations").map(|citation| json!({ "citation": citation })),
    );
    deltas.extend(list("/citationsContent/content").cloned());
    if let Some(input) = block.pointer("/toolUse/input") {
        deltas.extend(tool_deltas(input, family));
    }
    if let Some(content) = block.pointer("/toolResult/content") {
        deltas.push(json!({ "toolResult": content }));
    }
    deltas
}

/// Claude's calls have a `type` (recording `conv-claude-8fb73972`).
fn set_tool_type(tool: &mut Value, family: &Family) {
    if let (Maker::Anthropic, Value::Object(fields)) = (family.maker, tool) {
        fields.insert("type".to_owned(), "tool_use".into());
    }
}

/// Frames in event order, padded as by Bedrock.
#[derive(Default)]
struct Events(Vec<Bytes>);

impl Events {
    fn push(&mut self, name: &str, payload: Value) {
        let payload = frames::padded(payload, self.0.len());
        self.0.push(frames::event(name, &payload));
    }
}
