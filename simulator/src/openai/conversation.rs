//! Converts a chat completions request to a Converse request, for the echo.

use serde_json::{Map, Value, json};

use super::models::Family;

/// The equivalent Converse request.
pub(crate) fn as_converse(request: &Value) -> Value {
    let mut converse = Map::new();
    let mut system = Vec::new();
    let mut turns: Vec<Value> = Vec::new();
    for message in list(request.get("messages")) {
        match text(message.get("role")) {
            "system" | "developer" => system.extend(blocks(message)),
            "assistant" => {
                let calls = list(message.get("tool_calls")).map(call);
                turns.push(turn("assistant", blocks(message).into_iter().chain(calls)));
            }
            "tool" => turns.push(turn("user", [result(message)])),
            _ => turns.push(turn("user", blocks(message))),
        }
    }
    converse.insert("messages".to_owned(), turns.into());
    converse.insert("system".to_owned(), system.into());
    let limit = request
        .get("max_completion_tokens")
        .or(request.get("max_tokens"));
    converse.insert("inferenceConfig".to_owned(), json!({ "maxTokens": limit }));
    let tools: Vec<Value> = list(request.get("tools")).filter_map(tool).collect();
    let choice = request.get("tool_choice");
    if !tools.is_empty() && choice.and_then(Value::as_str) != Some("none") {
        let choice = tool_choice(choice);
        let config = json!({ "tools": tools, "toolChoice": choice });
        converse.insert("toolConfig".to_owned(), config);
    }
    if let Some(schema) = requested_schema(request) {
        let json_schema = json!({ "schema": schema.to_string() });
        let format = json!({ "textFormat": { "structure": { "jsonSchema": json_schema } } });
        converse.insert("outputConfig".to_owned(), format);
    }
    converse.into()
}

fn turn(role: &str, content: impl IntoIterator<Item = Value>) -> Value {
    let content: Vec<Value> = content.into_iter().collect();
    json!({ "role": role, "content": content })
}

fn blocks(message: &Value) -> Vec<Value> {
    match message.get("content") {
        Some(Value::String(text_content)) if !text_content.is_empty() => {
            vec![json!({ "text": text_content })]
        }
        parts => list(parts).map(part).collect(),
    }
}

fn part(part: &Value) -> Value {
    match text(part.get("type")) {
        "image_url" => {
            let url = text(part.pointer("/image_url/url"));
            let (head, data) = url.split_once(";base64,").unwrap_or_default();
            let format = head.strip_prefix("data:image/").unwrap_or_default();
            json!({ "image": { "format": format, "source": { "bytes": data } } })
        }
        _ => json!({ "text": text(part.get("text")) }),
    }
}

fn call(call: &Value) -> Value {
    let input = text(call.pointer("/function/arguments"));
    let input: Value = serde_json::from_str(input).unwrap_or_default();
    json!({ "toolUse": {
        "toolUseId": call.get("id"),
        "name": call.pointer("/function/name"),
        "input": input,
    } })
}

fn result(message: &Value) -> Value {
    json!({ "toolResult": {
        "toolUseId": message.get("tool_call_id"),
        "content": blocks(message),
    } })
}

fn tool(tool: &Value) -> Option<Value> {
    let function = tool.get("function")?;
    let schema = function.get("parameters").cloned();
    Some(json!({ "toolSpec": {
        "name": function.get("name"),
        "description": text(function.get("description")),
        "inputSchema": { "json": schema.unwrap_or(json!({ "type": "object" })) },
    } }))
}

fn tool_choice(choice: Option<&Value>) -> Value {
    match choice {
        Some(Value::String(word)) if word == "required" => json!({ "any": {} }),
        Some(Value::Object(object)) => {
            let name = object
                .get("function")
                .and_then(|function| function.get("name"));
            json!({ "tool": { "name": name } })
        }
        _ => json!({ "auto": {} }),
    }
}

/// The requested JSON schema; `None` for models that ignore `response_format`.
fn requested_schema(request: &Value) -> Option<Value> {
    let family = Family::of(text(request.get("model")))?;
    let format = request
        .get("response_format")
        .filter(|_| family.response_format)?;
    match text(format.get("type")) {
        "json_object" => Some(json!({
            "type": "object",
            "properties": { "answer": { "type": "string" } },
            "required": ["answer"],
        })),
        "json_schema" => format.pointer("/json_schema/schema").cloned(),
        _ => None,
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
