//! The response of the model if no script matches.
//!
//! * A tool is called if `toolChoice` requires it, or if the last user message has no tool result
//!   and its prompt shares a word with a tool's name or description (whole words of four letters or
//!   more).
//! * A tool is also called if the system prompt or the last user message demands it in text
//!   ("Answer by calling the tool `name`", "by calling one of the tools").
//! * The text is JSON that fits the schema if the request has `outputConfig`, Claude's
//!   `output_config.format`, or a JSON Schema in its text.
//! * Server tools, if offered, are used first.
//! * After a tool result, the text quotes it.
//! * A document with citations enabled is cited after the text.
//! * Otherwise the text quotes the user.

use serde_json::{Value, json};

use super::output::{ModelOutput, Part};
use super::{citations, reasoning, schema, server_tools};
use crate::conversation::{Conversation, Message, Tool, text};
use crate::families::{Family, Maker};
use crate::ids;
use crate::usage;

/// Maximum length of a quotation of the user or a tool, in characters.
const MAX_QUOTE_LENGTH: usize = 400;

pub(super) fn compose(
    model: &str,
    request: &Value,
    conversation: &Conversation<'_>,
) -> ModelOutput {
    let user_text = conversation.last_user_text();
    let family = Family::of(model);
    let calls = tools_to_call(conversation, &user_text);
    let mut model_output = if calls.is_empty() {
        let response_text = compose_text(model, request, conversation, &user_text);
        limited(&response_text, conversation)
    } else {
        calling(&calls, &user_text, conversation, &family)
    };
    if requested_schema(request, conversation).is_none() && model_output.stop_reason == "end_turn" {
        model_output
            .parts
            .extend(citations::part(&family, conversation));
    }
    model_output
        .parts
        .splice(0..0, server_tools::parts(conversation, &user_text));
    if let Some((part, tokens)) = reasoning::part(&family, conversation, &user_text) {
        model_output.thinking_tokens = tokens;
        if family.reasoning_last {
            model_output.parts.push(part);
        } else {
            model_output.parts.insert(0, part);
        }
    }
    let input = usage::of_request(request);
    let output = output_tokens(&model_output.parts) + model_output.thinking_tokens;
    model_output.usage = json!({
        "inputTokens": input,
        "outputTokens": output,
        "serverToolUsage": {},
        "totalTokens": input + output,
    });
    model_output
}

/// Truncates a text at the first stop sequence and at the token limit.
fn limited(response_text: &str, conversation: &Conversation<'_>) -> ModelOutput {
    let stop = conversation
        .stop_sequences()
        .filter_map(|stop| response_text.find(stop).map(|position| (position, stop)))
        .min();
    let mut truncated = stop.map_or(response_text, |(position, _)| {
        response_text.get(..position).unwrap_or_default()
    });
    let mut stop_reason = if stop.is_some() {
        "stop_sequence"
    } else {
        "end_turn"
    };
    let mut stop_sequence = stop.map(|(_, stop)| stop.to_owned());
    let limit = conversation.max_tokens().unwrap_or(u64::MAX);
    if usage::of_text(truncated) > limit {
        truncated = first_words(truncated, limit as usize);
        stop_reason = "max_tokens";
        stop_sequence = None;
    }
    ModelOutput {
        parts: vec![Part::words(truncated)],
        stop_reason: stop_reason.to_owned(),
        stop_sequence,
        ..ModelOutput::default()
    }
}

fn first_words(text: &str, count: usize) -> &str {
    let mut inside = false;
    let mut words = 0;
    for (position, character) in text.char_indices() {
        if character.is_whitespace() {
            if inside && words == count {
                return text.get(..position).unwrap_or_default();
            }
            inside = false;
        } else if !inside {
            inside = true;
            words += 1;
        }
    }
    text
}

fn compose_text(
    model: &str,
    request: &Value,
    conversation: &Conversation<'_>,
    user_text: &str,
) -> String {
    if let Some(schema) = requested_schema(request, conversation) {
        return schema::instance(&schema, user_text).to_string();
    }
    let last = conversation.messages.last();
    if let Some(result) = last.and_then(tool_result) {
        return format!(
            "The tool returned: {}. That is all I needed, so here is your answer. (A simulated {model} speaking.)",
            quoted(&result)
        );
    }
    // Recording `conv-deepseek-1bc44876`.
    let lead = if Family::of(model).reasoning_last {
        "\n\n"
    } else {
        ""
    };
    let prompt = conversation.prompt();
    let greeting = if prompt.trim().is_empty() {
        "You sent no text, and that is fine.".to_owned()
    } else {
        format!("You said: {}.", quoted(&prompt))
    };
    let media = last.map(media).unwrap_or_default();
    format!(
        "{lead}{greeting}{media} This is the Bedrock simulator speaking in place of {model}: no model has read your words and nobody is billed. Offer me a tool and mention it, and I will call it."
    )
}

fn quoted(words: &str) -> String {
    let words = words.trim();
    match words.char_indices().nth(MAX_QUOTE_LENGTH) {
        None => format!("“{words}”"),
        Some((end, _)) => format!("“{}…”", words.get(..end).unwrap_or_default()),
    }
}

/// A sentence that lists the attached media.
fn media(message: &Message<'_>) -> String {
    let kinds = [
        ("image", "image"),
        ("document", "document"),
        ("video", "video"),
        ("audio", "recording"),
    ];
    let media_counts: Vec<String> = kinds
        .into_iter()
        .map(|(kind, name)| (message.of_kind(kind).count(), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if media_counts.is_empty() {
        String::new()
    } else {
        format!(" With it came {}.", media_counts.join(" and "))
    }
}

/// The tool results of a message as one text.
fn tool_result(message: &Message<'_>) -> Option<String> {
    let results: Vec<String> = message
        .of_kind("toolResult")
        .flat_map(|result| {
            result
                .get("content")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        })
        .filter_map(|content| match (content.get("text"), content.get("json")) {
            (Some(Value::String(text)), _) => Some(text.clone()),
            (_, Some(json)) => Some(json.to_string()),
            _ => None,
        })
        .collect();
    message.has("toolResult").then(|| results.join(", "))
}

/// The schema in `outputConfig`, in Claude's `output_config.format`, or in the last user message.
fn requested_schema(request: &Value, conversation: &Conversation<'_>) -> Option<Value> {
    if let Some(schema) = request.pointer("/outputConfig/textFormat/structure/jsonSchema/schema") {
        return serde_json::from_str(schema.as_str()?).ok();
    }
    let format_schema =
        request.pointer("/additionalModelRequestFields/output_config/format/schema");
    format_schema
        .cloned()
        .or_else(|| schema_in(&conversation.last_user_text()))
}

/// The object after the words "JSON Schema".
fn schema_in(words: &str) -> Option<Value> {
    let (_, rest) = words.split_once("JSON Schema")?;
    let (_, schema) = rest.split_at(rest.find('{')?);
    let mut values = serde_json::Deserializer::from_str(schema).into_iter();
    values.next()?.ok()
}

/// A response that calls these tools. Claude adds a sentence first unless the call was forced.
fn calling(
    tools: &[Tool<'_>],
    user_text: &str,
    conversation: &Conversation<'_>,
    family: &Family,
) -> ModelOutput {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
    let intro = (family.maker == Maker::Anthropic && !is_forced(conversation))
        .then(|| Part::words(&format!("I'll use {} for that.", names.join(" and "))));
    let calls = tools.iter().map(|tool| Part::Tool {
        id: ids::tool_use_id(),
        name: tool.name.to_owned(),
        input: schema::instance(tool.schema, user_text),
    });
    ModelOutput {
        parts: intro.into_iter().chain(calls).collect(),
        stop_reason: "tool_use".to_owned(),
        ..ModelOutput::default()
    }
}

fn is_forced(conversation: &Conversation<'_>) -> bool {
    let choice = conversation.tools.as_ref().and_then(|tools| tools.choice);
    choice.is_some_and(|choice| choice.kind != "auto")
}

fn tools_to_call<'a>(conversation: &Conversation<'a>, user_text: &str) -> Vec<Tool<'a>> {
    let Some(tools) = &conversation.tools else {
        return Vec::new();
    };
    let prompt = conversation.prompt();
    let mentioned = |tool: &Tool<'a>| shares_word(tool, &prompt);
    match tools.choice {
        Some(choice) if choice.kind == "tool" => {
            let name = text(choice.value.get("name"));
            conversation
                .offered()
                .filter(|tool| tool.name == name)
                .take(1)
                .collect()
        }
        Some(choice) if choice.kind == "any" => {
            let best = conversation.offered().find(mentioned);
            best.or_else(|| conversation.offered().next())
                .into_iter()
                .collect()
        }
        _ => {
            let limit = if expects_one_call(conversation) {
                1
            } else {
                usize::MAX
            };
            let has_result = conversation
                .messages
                .last()
                .is_some_and(|last| last.has("toolResult"));
            let chosen: Vec<Tool<'a>> = conversation
                .offered()
                .filter(|tool| !has_result && mentioned(tool))
                .take(limit)
                .collect();
            match chosen.is_empty() {
                true => tool_demanded_in_text(conversation, user_text)
                    .into_iter()
                    .collect(),
                false => chosen,
            }
        }
    }
}

/// The tool that the system prompt or the user demands in text; `None` if the last message already
/// contains its result.
fn tool_demanded_in_text<'a>(conversation: &Conversation<'a>, user_text: &str) -> Option<Tool<'a>> {
    let system = conversation
        .system
        .iter()
        .filter(|block| block.kind == "text");
    let mut texts = system
        .filter_map(|block| block.value.as_str())
        .chain([user_text]);
    let named = |text: &str| {
        let after = CALL_THE_TOOL
            .iter()
            .find_map(|phrase| text.split_once(phrase))?
            .1;
        let name = after.trim_matches(|c: char| c.is_whitespace() || "`\"'".contains(c));
        let name = name.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
        name.into_iter().next().map(str::to_owned)
    };
    let results = conversation
        .messages
        .last()
        .map(|last| last.tool_ids("toolResult"));
    let results = results.unwrap_or_default();
    let was_called = |tool: &Tool<'a>| {
        let calls = conversation
            .messages
            .iter()
            .flat_map(|m| m.of_kind("toolUse"));
        let mut calls = calls.filter(|call| text(call.get("name")) == tool.name);
        calls.any(|call| results.contains(&text(call.get("toolUseId"))))
    };
    texts.find_map(|text| {
        if let Some(name) = named(text) {
            let mut offered = conversation.offered().filter(|tool| tool.name == name);
            return offered.find(|tool| !was_called(tool));
        }
        let any = CALL_ONE.iter().any(|phrase| text.contains(phrase));
        let first = || conversation.offered().next();
        (any && results.is_empty()).then(first).flatten()
    })
}

/// Precedes the name of a demanded tool.
const CALL_THE_TOOL: [&str; 2] = ["calling the tool ", "call the tool "];

/// Demands a call to any tool.
const CALL_ONE: [&str; 2] = ["calling one of the tools", "call one of the tools"];

/// Whether Claude's own `disable_parallel_tool_use` is set.
fn expects_one_call(conversation: &Conversation<'_>) -> bool {
    conversation
        .additional
        .pointer("/tool_choice/disable_parallel_tool_use")
        == Some(&Value::Bool(true))
}

fn shares_word(tool: &Tool<'_>, user_text: &str) -> bool {
    let user_text: Vec<String> = long_words(user_text).collect();
    long_words(tool.name)
        .chain(long_words(tool.description))
        .any(|word| user_text.contains(&word))
}

/// Words of four letters or more, in lower case. Names are split at underscores and hyphens.
fn long_words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| word.chars().count() >= 4 && !COMMON.contains(&word.to_lowercase().as_str()))
        .map(str::to_lowercase)
}

/// Words that do not indicate a tool's purpose.
const COMMON: [&str; 16] = [
    "about", "call", "current", "does", "from", "give", "given", "have", "please", "return",
    "tell", "that", "this", "tool", "what", "with",
];

fn output_tokens(parts: &[Part]) -> u64 {
    let of_part = |part: &Part| match part {
        Part::Text(deltas) => usage::of_text(&deltas.concat()),
        Part::Tool { input, .. } => 8 + input.to_string().len() as u64 / 4,
        // Reasoning tokens are counted where the block is created.
        Part::Other(_) => 0,
    };
    parts.iter().map(of_part).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn response_text(request: Value) -> ModelOutput {
        compose("anthropic.claude-x", &request, &Conversation::of(&request))
    }

    fn request(user_text: &str) -> Value {
        json!({
            "messages": [{ "role": "user", "content": [{ "text": user_text }] }],
            "toolConfig": { "tools": [{ "toolSpec": {
                "name": "get_weather",
                "description": "Returns the weather of a place",
                "inputSchema": { "json": { "type": "object",
                    "properties": { "city": { "type": "string" } }, "required": ["city"] } },
            }}]},
        })
    }

    #[test]
    fn a_tool_is_called_when_the_user_mentions_it() {
        let model_output = response_text(request("What is the weather in Lisbon?"));
        assert_eq!(model_output.stop_reason, "tool_use");
        assert_eq!(model_output.text(), "I'll use get_weather for that.");
        assert!(
            matches!(model_output.parts.last(), Some(Part::Tool { input, .. })
            if *input == json!({ "city": "Lisbon" }))
        );
        assert_eq!(
            response_text(request("Hello there")).stop_reason,
            "end_turn"
        );
    }

    #[test]
    fn the_context_of_a_client_is_not_part_of_the_prompt() {
        let mut request = request("Hello");
        let context = json!({ "text": "<context>The weather in Lisbon</context>" });
        request["messages"][0]["content"]
            .as_array_mut()
            .unwrap()
            .insert(0, context);
        let model_output = response_text(request);
        assert!(model_output.text().starts_with("You said: “Hello”."));
    }

    #[test]
    fn a_tool_is_called_when_it_is_demanded_in_text() {
        let called = |request: Value| match response_text(request).parts.pop() {
            Some(Part::Tool { name, .. }) => Some(name),
            _ => None,
        };
        let mut demanding = request("Hello there");
        demanding["system"] =
            json!([{ "text": "Respond by calling the tool `get_weather`, not as text." }]);
        assert_eq!(called(demanding.clone()).as_deref(), Some("get_weather"));
        demanding["system"] = json!([{ "text": "Answer by calling one of the tools." }]);
        assert_eq!(called(demanding.clone()).as_deref(), Some("get_weather"));
        demanding["system"] = json!([{ "text": "Answer by calling the tool `another`." }]);
        assert_eq!(called(demanding), None);
        let by_user = request("Hello there. Answer by calling the tool get_weather.");
        assert_eq!(called(by_user).as_deref(), Some("get_weather"));

        let mut with_result = request("Hello there");
        with_result["system"] = json!([{ "text": "Answer by calling the tool `get_weather`." }]);
        with_result["messages"] = json!([
            { "role": "user", "content": [{ "text": "Hello there" }] },
            { "role": "assistant", "content": [
                { "toolUse": { "toolUseId": "t", "name": "get_weather", "input": {} } }] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": "t", "content": [{ "text": "sunny" }] } }] },
        ]);
        assert_eq!(called(with_result), None);
    }

    #[test]
    fn claudes_own_format_is_followed() {
        let mut demanding = request("Hello there");
        demanding["additionalModelRequestFields"] = json!({ "output_config": { "format": {
            "type": "json_schema", "schema": { "type": "object", "required": ["city"],
            "properties": { "city": { "type": "string" } } } } } });
        assert_eq!(response_text(demanding).text(), r#"{"city":"example"}"#);
    }

    #[test]
    fn stop_sequences_and_limits_end_the_text() {
        let mut with_stop = request("one two three");
        with_stop["inferenceConfig"] = json!({ "stopSequences": ["three", "two"] });
        let model_output = response_text(with_stop);
        assert_eq!(
            (
                model_output.text().as_str(),
                model_output.stop_reason.as_str()
            ),
            ("You said: “one ", "stop_sequence")
        );

        let mut with_limit = request("one two three");
        with_limit["inferenceConfig"] = json!({ "maxTokens": 3 });
        let model_output = response_text(with_limit);
        assert_eq!(
            (
                model_output.text().as_str(),
                model_output.stop_reason.as_str()
            ),
            ("You said: “one", "max_tokens")
        );
        assert_eq!(model_output.usage["outputTokens"], 3);
    }

    #[test]
    fn a_schema_in_the_text_is_followed() {
        let words = r#"Answer with a value of this JSON Schema, no Markdown: {"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]} Thanks."#;
        let mut demanding = request(words);
        if let Some(fields) = demanding.as_object_mut() {
            fields.remove("toolConfig");
        }
        let user_text: Value =
            serde_json::from_str(&response_text(demanding).text()).unwrap_or_default();
        assert!(user_text["n"].is_i64(), "{user_text}");
    }

    #[test]
    fn the_response_quotes_a_tool_result() {
        let mut demanding = request("What is the weather?");
        let result = json!({ "role": "user", "content": [
            { "toolResult": { "toolUseId": "t", "content": [{ "json": { "degrees": 21 } }] } }] });
        demanding["messages"]
            .as_array_mut()
            .into_iter()
            .for_each(|messages| messages.push(result.clone()));
        assert!(
            response_text(demanding)
                .text()
                .contains(r#"{"degrees":21}"#)
        );
    }
}
