//! A generated response as a chat completion or as its chunks.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::models::Family;
use crate::ids;
use crate::reply::{Reply, ReplyBody};
use crate::response::output::{ModelOutput, Part};

/// Reasoning tokens of OpenAI models that do not return their reasoning.
const HIDDEN_REASONING: u64 = 8;

/// The parts of a response in OpenAI's terms.
struct CompletionParts {
    /// The content deltas of a stream; inline reasoning is a single delta.
    content: Vec<String>,
    calls: Vec<Value>,
    finish_reason: &'static str,
}

/// A non-streaming `chat.completion`.
pub(crate) fn non_streaming(model: &str, model_output: &ModelOutput, request: &Value) -> Reply {
    let CompletionParts {
        content,
        calls,
        finish_reason,
    } = completion_parts(model, model_output);
    let content = content.concat();
    let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
    if let (false, Some(fields)) = (calls.is_empty(), message.as_object_mut()) {
        if content.is_empty() {
            fields.insert("content".to_owned(), Value::Null);
        }
        fields.insert("tool_calls".to_owned(), calls.into());
    }
    let mut body = head("chat.completion", model, request);
    if let Some(fields) = body.as_object_mut() {
        let choice = json!({
            "finish_reason": finish_reason, "index": 0, "logprobs": null, "message": message,
        });
        fields.insert("choices".to_owned(), json!([choice]));
        fields.insert("usage".to_owned(), usage(model, model_output, request));
    }
    body.sort_all_objects();
    Reply::json(StatusCode::OK, Bytes::from(body.to_string()))
}

/// The chunks of a stream, as server-sent events: role, content, tool calls, finish reason, and
/// usage if requested.
pub(crate) fn chunks(model: &str, model_output: &ModelOutput, request: &Value) -> Reply {
    let CompletionParts {
        content,
        calls,
        finish_reason,
    } = completion_parts(model, model_output);
    let head = head("chat.completion.chunk", model, request);
    let includes_usage =
        request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
    let chunk = |choices: Value, usage: Option<Value>| {
        let mut chunk = head.clone();
        if let Some(fields) = chunk.as_object_mut() {
            fields.insert("choices".to_owned(), choices);
            if includes_usage {
                fields.insert("usage".to_owned(), usage.into());
            }
        }
        chunk.sort_all_objects();
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let delta = |delta: Value, finish_reason: Option<&str>| {
        let choice = json!({ "delta": delta, "finish_reason": finish_reason, "index": 0 });
        chunk(json!([choice]), None)
    };
    let mut events = vec![delta(json!({ "role": "assistant", "content": "" }), None)];
    events.extend(
        content
            .iter()
            .map(|text| delta(json!({ "content": text }), None)),
    );
    for (index, mut call) in calls.into_iter().enumerate() {
        let arguments = call.pointer_mut("/function/arguments").map(Value::take);
        if let Some(fields) = call.as_object_mut() {
            fields.insert("index".to_owned(), index.into());
        }
        if let Some(empty) = call.pointer_mut("/function/arguments") {
            *empty = "".into();
        }
        events.push(delta(json!({ "tool_calls": [call] }), None));
        let fragment = json!({ "index": index, "function": { "arguments": arguments } });
        events.push(delta(json!({ "tool_calls": [fragment] }), None));
    }
    events.push(delta(json!({}), Some(finish_reason)));
    if includes_usage {
        events.push(chunk(json!([]), Some(usage(model, model_output, request))));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    Reply::typed(
        StatusCode::OK,
        "text/event-stream",
        ReplyBody::Chunks(events),
    )
}

fn head(object: &str, model: &str, request: &Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    json!({
        "id": format!("chatcmpl-{}", ids::request_id()),
        "object": object,
        "created": now.map(|now| now.as_secs()).unwrap_or_default(),
        "model": model,
        "service_tier": request.get("service_tier").cloned().unwrap_or("default".into()),
    })
}

fn completion_parts(model: &str, model_output: &ModelOutput) -> CompletionParts {
    let family = Family::of(model);
    let is_inline = family.is_some_and(|family| family.inline_reasoning);
    let mut content = Vec::new();
    let mut calls = Vec::new();
    for part in &model_output.parts {
        match part {
            Part::Text(words) => content.extend(words.iter().cloned()),
            Part::Tool { name, input, .. } => calls.push(call(is_inline, name, input)),
            // Recordings `inv-gpt-oss-18cedd87`, `invs-gpt-oss-a31fbcbe`.
            Part::Other(block) if is_inline => {
                let thought = block.pointer("/reasoningContent/reasoningText/text");
                let thought = thought.and_then(Value::as_str).unwrap_or_default();
                content.push(format!("<reasoning>{thought}</reasoning>"));
            }
            Part::Other(_) => {}
        }
    }
    CompletionParts {
        content,
        calls,
        finish_reason: match model_output.stop_reason.as_str() {
            "tool_use" => "tool_calls",
            "max_tokens" => "length",
            "guardrail_intervened" | "content_filtered" => "content_filter",
            _ => "stop",
        },
    }
}

fn call(is_open_weight: bool, name: &str, input: &Value) -> Value {
    let id = match is_open_weight {
        // Recording `inv-gpt-oss-2e9081ed`.
        true => format!("chatcmpl-tool-{}", ids::request_id().replace('-', "")),
        false => format!("call_{}", ids::characters(24)),
    };
    let arguments = input.to_string();
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

fn usage(model: &str, model_output: &ModelOutput, request: &Value) -> Value {
    let count = |name: &str| {
        model_output
            .usage
            .get(name)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let cached = count("cacheReadInputTokens");
    let input = count("inputTokens") + cached + count("cacheWriteInputTokens");
    let effort = request.get("reasoning_effort").and_then(Value::as_str);
    let is_hidden = Family::of(model).is_some_and(|family| family.reasons);
    if !is_hidden {
        let output = count("outputTokens");
        return json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        });
    }
    let reasoning = if effort == Some("none") {
        0
    } else {
        HIDDEN_REASONING
    };
    let output = count("outputTokens") + reasoning;
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": { "cached_tokens": cached, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": reasoning, "audio_tokens": 0 },
    })
}
