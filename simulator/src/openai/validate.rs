//! Validation of chat completions requests.

use serde_json::{Map, Value};

use super::models::Family;
use super::refusal::Refusal;

/// All fields of OpenAI's request; others are rejected.
const FIELDS: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

const MESSAGE: &[&str] = &[
    "audio",
    "content",
    "name",
    "refusal",
    "role",
    "tool_call_id",
    "tool_calls",
];

const PART: &[&str] = &[
    "file",
    "image_url",
    "input_audio",
    "prompt_cache_breakpoint",
    "refusal",
    "text",
    "type",
];

const TOOL: &[&str] = &["custom", "function", "type"];

/// Rejected while the model reasons.
const NOT_WHILE_REASONING: &[&str] = &[
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "top_logprobs",
];

/// Rejects a body that the API rejects.
pub(crate) fn request(body: &[u8], service: Option<&str>) -> Result<(), Refusal> {
    let request: Value = serde_json::from_slice(body).map_err(|error| Refusal {
        code: None,
        param: None,
        ..Refusal::of(
            "",
            "",
            format!("The request body is not valid JSON: {error}"),
        )
    })?;
    let fields = request
        .as_object()
        .ok_or_else(|| Refusal::of("", "invalid_value", "The request body is not an object."))?;
    require_known_fields(fields, FIELDS, "")?;
    let family = family(fields, service)?;
    messages(fields, family)?;
    limits(fields, family)?;
    refused(fields, family)?;
    form(fields, family)
}

fn family(fields: &Map<String, Value>, service: Option<&str>) -> Result<&'static Family, Refusal> {
    let model = fields.get("model").and_then(Value::as_str);
    let model = model.ok_or_else(|| missing("model"))?;
    let family = Family::of(model).ok_or_else(|| Refusal::no_model(model))?;
    if family.mantle_only && service == Some("bedrock") {
        return Err(Refusal::no_model(model));
    }
    Ok(family)
}

fn messages(fields: &Map<String, Value>, family: &Family) -> Result<(), Refusal> {
    let messages = fields.get("messages").and_then(Value::as_array);
    let messages = messages.filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| missing("messages"))?;
    for (index, message) in messages.iter().enumerate() {
        let path = format!("messages[{index}]");
        let message = message.as_object().ok_or_else(|| missing(&path))?;
        require_known_fields(message, MESSAGE, &format!("{path}."))?;
        let role = message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !matches!(role, "system" | "developer" | "user" | "assistant" | "tool") {
            let message = format!("Invalid value: '{role}'.");
            return Err(Refusal::of(
                format!("{path}.role"),
                "invalid_value",
                message,
            ));
        }
        let calls = message.get("tool_calls").and_then(Value::as_array);
        for (position, call) in calls.into_iter().flatten().enumerate() {
            let path = format!("{path}.tool_calls[{position}]");
            name(call.as_object().ok_or_else(|| missing(&path))?, &path)?;
        }
        let parts = message.get("content").and_then(Value::as_array);
        for (position, part) in parts.into_iter().flatten().enumerate() {
            part_of(part, &format!("{path}.content[{position}]"), family)?;
        }
    }
    Ok(())
}

fn part_of(part: &Value, path: &str, family: &Family) -> Result<(), Refusal> {
    let fields = part.as_object().ok_or_else(|| missing(path))?;
    require_known_fields(fields, PART, &format!("{path}."))?;
    let Some(image) = fields.get("image_url") else {
        return Ok(());
    };
    let path = format!("{path}.image_url");
    if !family.images {
        let message = "This model does not support image inputs.";
        return Err(Refusal::of(path, "unsupported_value", message));
    }
    let url = image.get("url").and_then(Value::as_str).unwrap_or_default();
    match url.starts_with("data:image/") {
        true => Ok(()),
        false => Err(Refusal::of(
            format!("{path}.url"),
            "invalid_image_url",
            "Remote image URLs are not supported. Provide the image as a data URL.",
        )),
    }
}

fn limits(fields: &Map<String, Value>, family: &Family) -> Result<(), Refusal> {
    for field in ["max_completion_tokens", "max_tokens"] {
        let limit = fields.get(field).filter(|limit| !limit.is_null());
        let min = family.min_tokens;
        if limit.is_some_and(|limit| limit.as_u64().is_none_or(|limit| limit < min)) {
            let message = format!(
                "Invalid '{field}': integer below minimum value. Expected a value >= {min}."
            );
            return Err(Refusal::of(field, "integer_below_min_value", message));
        }
    }
    if fields.contains_key("stream_options") && fields.get("stream") != Some(&Value::Bool(true)) {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::of("stream_options", "invalid_value", message));
    }
    Ok(())
}

fn refused(fields: &Map<String, Value>, family: &Family) -> Result<(), Refusal> {
    let effort = fields.get("reasoning_effort").and_then(Value::as_str);
    if let Some(effort) = effort.filter(|effort| !family.efforts.contains(effort)) {
        let message = format!(
            "Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
        );
        return Err(Refusal::of(
            "reasoning_effort",
            "unsupported_value",
            message,
        ));
    }
    let reasons = family.reasons && effort != Some("none");
    let is_set = |field: &str| fields.get(field).is_some_and(|value| !value.is_null());
    let while_reasoning = NOT_WHILE_REASONING.iter().filter(|_| reasons);
    let mut all = family.refuses.iter().chain(while_reasoning);
    if let Some(field) = all.find(|field| is_set(field)) {
        let message = format!("Unsupported parameter: '{field}' is not supported with this model.");
        return Err(Refusal::of(*field, "unsupported_parameter", message));
    }
    if family.reasons && !reasons && is_set("stop") {
        let message = "Unsupported parameter: 'stop' is not supported with this model.";
        return Err(Refusal::of("stop", "unsupported_parameter", message));
    }
    let tools = fields.get("tools").and_then(Value::as_array);
    if reasons && tools.is_some() {
        let message = "Function tools with reasoning_effort are not supported for this model in /v1/chat/completions. Please use /v1/responses instead.";
        return Err(Refusal::of("reasoning_effort", "invalid_value", message));
    }
    for (index, tool) in tools.into_iter().flatten().enumerate() {
        let path = format!("tools[{index}]");
        let tool = tool.as_object().ok_or_else(|| missing(&path))?;
        require_known_fields(tool, TOOL, &format!("{path}."))?;
        name(tool, &path)?;
    }
    Ok(())
}

/// The function name of a tool or of a tool call.
fn name(object: &Map<String, Value>, path: &str) -> Result<(), Refusal> {
    let name = object
        .get("function")
        .and_then(|function| function.get("name"));
    let name = name.and_then(Value::as_str).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if object.contains_key("function")
        && !((1..=64).contains(&name.len()) && name.chars().all(is_plain))
    {
        let path = format!("{path}.function.name");
        let message = format!(
            "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        );
        return Err(Refusal::of(path, "invalid_value", message));
    }
    Ok(())
}

fn form(fields: &Map<String, Value>, family: &Family) -> Result<(), Refusal> {
    let kind = fields
        .get("response_format")
        .and_then(|format| format.get("type"));
    let requires_json_object = kind.and_then(Value::as_str) == Some("json_object");
    let messages = fields
        .get("messages")
        .map(Value::to_string)
        .unwrap_or_default();
    if family.response_format && requires_json_object && !messages.to_lowercase().contains("json") {
        let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
        return Err(Refusal {
            code: None,
            ..Refusal::of("messages", "", message)
        });
    }
    Ok(())
}

fn require_known_fields(
    fields: &Map<String, Value>,
    names: &[&str],
    path: &str,
) -> Result<(), Refusal> {
    let unknown_field = fields.keys().find(|field| !names.contains(&field.as_str()));
    match unknown_field {
        None => Ok(()),
        Some(field) => {
            let field = format!("{path}{field}");
            let message = format!("Unknown parameter: '{field}'.");
            Err(Refusal::of(field, "unknown_parameter", message))
        }
    }
}

fn missing(field: &str) -> Refusal {
    let message = format!("Missing required parameter: '{field}'.");
    Refusal::of(field, "missing_required_parameter", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(model: &str, more: &Value) -> Option<(String, Option<&'static str>)> {
        let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
        if let (Some(fields), Some(more)) = (body.as_object_mut(), more.as_object()) {
            fields.extend(more.clone());
        }
        let refused = request(body.to_string().as_bytes(), Some("bedrock")).err();
        refused.map(|refusal| (refusal.param.unwrap_or_default(), refusal.code))
    }

    #[test]
    fn each_family_rejects_unsupported_parameters() {
        let (gpt, oss, grok) = (
            "openai.gpt-6-luna",
            "openai.gpt-oss-20b-1:0",
            "xai.grok-4.6",
        );
        let tools = json!([{ "type": "function", "function": { "name": "f" } }]);
        for (model, more, param) in [
            (gpt, json!({}), None),
            (gpt, json!({ "temperature": 0.5 }), Some("temperature")),
            (
                gpt,
                json!({ "temperature": 0.5, "reasoning_effort": "none" }),
                None,
            ),
            (
                gpt,
                json!({ "stop": ["x"], "reasoning_effort": "none" }),
                Some("stop"),
            ),
            (gpt, json!({ "tools": tools }), Some("reasoning_effort")),
            (
                gpt,
                json!({ "tools": tools, "reasoning_effort": "none" }),
                None,
            ),
            (gpt, json!({ "max_tokens": 15 }), Some("max_tokens")),
            (
                gpt,
                json!({ "response_format": { "type": "json_object" } }),
                Some("messages"),
            ),
            (
                gpt,
                json!({ "guardrailConfig": {} }),
                Some("guardrailConfig"),
            ),
            (oss, json!({ "logit_bias": { "1": 1 } }), Some("logit_bias")),
            (
                oss,
                json!({ "response_format": { "type": "json_object" } }),
                None,
            ),
            (
                grok,
                json!({ "presence_penalty": 0.1 }),
                Some("presence_penalty"),
            ),
            ("openai.gpt-5.4", json!({}), Some("model")),
            ("amazon.nova-lite-v1:0", json!({}), Some("model")),
        ] {
            let rejected_param = refusal(model, &more).map(|(param, _)| param);
            assert_eq!(rejected_param.as_deref(), param, "{model} {more}");
        }
    }
}
