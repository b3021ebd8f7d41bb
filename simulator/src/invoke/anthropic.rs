//! Anthropic's Messages format of InvokeModel.

use serde_json::{Value, json};

use crate::ids;
use crate::response::output::{ModelOutput, Part};

/// Converts the parts of a Messages request that the echo uses to Converse's format.
pub(super) fn as_converse(request: &Value) -> Value {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let messages: Vec<Value> = list(request.get("messages"))
        .iter()
        .map(|message| {
            let content: Vec<Value> = match message.get("content") {
                Some(Value::String(text)) => vec![json!({ "text": text })],
                blocks => list(blocks).iter().map(block).collect(),
            };
            json!({ "role": message.get("role"), "content": content })
        })
        .collect();
    let tools: Vec<Value> = list(request.get("tools"))
        .iter()
        .filter(|tool| tool.get("input_schema").is_some())
        .map(|tool| {
            json!({ "toolSpec": {
                "name": tool.get("name"),
                "description": tool.get("description"),
                "inputSchema": { "json": tool.get("input_schema") },
            }})
        })
        .collect();
    let mut converse = json!({
        "messages": messages,
        "inferenceConfig": {
            "maxTokens": request.get("max_tokens"),
            "stopSequences": list(request.get("stop_sequences")),
        },
        "additionalModelRequestFields": { "tool_choice": request.get("tool_choice") },
    });
    if let (false, Value::Object(fields)) = (tools.is_empty(), &mut converse) {
        let choice = match request.pointer("/tool_choice/type").and_then(Value::as_str) {
            Some("any") => json!({ "any": {} }),
            Some("tool") => json!({ "tool": { "name": request.pointer("/tool_choice/name") } }),
            _ => json!({ "auto": {} }),
        };
        fields.insert(
            "toolConfig".to_owned(),
            json!({ "tools": tools, "toolChoice": choice }),
        );
    }
    converse
}

fn block(block: &Value) -> Value {
    match block.get("type").and_then(Value::as_str) {
        // Text blocks in Nova's format have no type.
        Some("text") | None => json!({ "text": block.get("text") }),
        Some("tool_result") => {
            let content = match block.get("content") {
                Some(Value::String(text)) => json!([{ "text": text }]),
                content => json!(content),
            };
            json!({ "toolResult": { "toolUseId": block.get("tool_use_id"), "content": content } })
        }
        Some("image") => json!({ "image": {} }),
        Some("document") => json!({ "document": {} }),
        _ => json!({ "other": {} }),
    }
}

/// A non-streaming message.
pub(super) fn message(model: &str, model_output: &ModelOutput) -> Value {
    let content: Vec<Value> = model_output
        .parts
        .iter()
        .map(|part| full(part, true))
        .collect();
    json!({
        "id": format!("msg_bdrk_{}", ids::characters(24)),
        "type": "message",
        "role": "assistant",
        "model": model.trim_start_matches("anthropic."),
        "content": content,
        "stop_reason": model_output.stop_reason,
        "stop_sequence": model_output.stop_sequence,
        "usage": usage(model_output),
    })
}

/// The events of a streamed message.
pub(super) fn chunks(model: &str, model_output: &ModelOutput) -> Vec<Value> {
    let mut start = message(model, model_output);
    if let Value::Object(fields) = &mut start {
        fields.insert("content".to_owned(), json!([]));
        fields.insert("stop_reason".to_owned(), Value::Null);
        fields.insert("stop_sequence".to_owned(), Value::Null);
        fields.insert(
            "usage".to_owned(),
            json!({ "input_tokens": model_output.usage.get("inputTokens"), "output_tokens": 1 }),
        );
    }
    let mut chunks = vec![json!({ "type": "message_start", "message": start })];
    for (index, part) in model_output.parts.iter().enumerate() {
        chunks.push(json!({ "type": "content_block_start", "index": index, "content_block": full(part, false) }));
        let deltas = deltas(part);
        chunks.extend(
            deltas.into_iter().map(
                |delta| json!({ "type": "content_block_delta", "index": index, "delta": delta }),
            ),
        );
        chunks.push(json!({ "type": "content_block_stop", "index": index }));
    }
    chunks.push(json!({
        "type": "message_delta",
        "delta": { "stop_reason": model_output.stop_reason, "stop_sequence": model_output.stop_sequence },
        "usage": { "output_tokens": model_output.usage.get("outputTokens") },
    }));
    chunks.push(json!({ "type": "message_stop" }));
    chunks
}

/// A content block, either complete or as in `content_block_start`.
fn full(part: &Part, with_content: bool) -> Value {
    match part {
        Part::Text(deltas) => {
            let text = if with_content {
                deltas.concat()
            } else {
                String::new()
            };
            json!({ "type": "text", "text": text })
        }
        Part::Tool { id, name, input } => {
            let id = id.replace("tooluse_", "toolu_bdrk_");
            let input = if with_content {
                input.clone()
            } else {
                json!({})
            };
            json!({ "type": "tool_use", "id": id, "name": name, "input": input })
        }
        Part::Other(block) => thinking(block).unwrap_or_else(|| block.clone()),
    }
}

/// A Converse reasoning block in Anthropic's format.
fn thinking(block: &Value) -> Option<Value> {
    let content = block.get("reasoningContent")?;
    let text = |name: &str| content.get("reasoningText").and_then(|text| text.get(name));
    Some(match content.get("redactedContent") {
        Some(data) => json!({ "type": "redacted_thinking", "data": data }),
        None => {
            json!({ "type": "thinking", "thinking": text("text"), "signature": text("signature") })
        }
    })
}

fn deltas(part: &Part) -> Vec<Value> {
    match part {
        Part::Text(deltas) => deltas
            .iter()
            .map(|text| json!({ "type": "text_delta", "text": text }))
            .collect(),
        Part::Tool { input, .. } => ["", &input.to_string()]
            .map(|text| json!({ "type": "input_json_delta", "partial_json": text }))
            .to_vec(),
        Part::Other(_) => Vec::new(),
    }
}

fn usage(model_output: &ModelOutput) -> Value {
    json!({
        "input_tokens": model_output.usage.get("inputTokens"),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": model_output.usage.get("outputTokens"),
    })
}
