//! The target `sse_writer`: the client's responses to any events.

use arbitrary::{Result, Unstructured};
use outcrop::converse::JsonText;
use outcrop::converse::event::{BlockStart, Delta, Event, Metadata};
use outcrop::converse::output::OutputOptions;
use outcrop::converse::response::{Citation, StopReason, Usage};
use outcrop::converse::rules::{AllowedCalls, JsonDelivery};
use outcrop::models::ReasoningReplay;
use serde_json::json;

use super::{choices, response_events};

/// The tool whose input is the JSON response, if the output options say so.
const JSON_TOOL: &str = "json_response";

/// Texts with a meaning for the code that searches them.
const TEXTS: [&str; 24] = [
    "<t>",
    "</t>",
    "<",
    "t>",
    "```json\n",
    "```",
    "`",
    "json",
    "{",
    "}",
    "[",
    " ",
    "\n",
    "\r\n",
    "\u{2028}",
    "é👋",
    "[REDACTED]",
    "[RED",
    "{\"input\":\"",
    "\\",
    "u00e9",
    "ud83d",
    "\"",
    "x",
];

/// Bedrock's stop reasons (botocore 1.44.5, bedrock-runtime: `StopReason`), Claude's `refusal`, and an
/// unknown one.
pub const STOP_REASONS: [&str; 11] = [
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "guardrail_intervened",
    "content_filtered",
    "malformed_model_output",
    "malformed_tool_use",
    "model_context_window_exceeded",
    "refusal",
    "something_new",
];

/// Panics if the streaming and the non-streaming response differ or the stream is not well-formed.
pub fn check(input: &[u8]) {
    let mut input = Unstructured::new(input);
    // If the input is too short, the response ends there.
    let _ = check_choices(&mut input);
}

fn check_choices(input: &mut Unstructured<'_>) -> Result<()> {
    let output_options = output_options(input.arbitrary()?);
    let count = input.int_in_range(1..=3)?;
    let order: [u8; 8] = input.arbitrary()?;
    let mut choice_events = vec![Vec::new(); count];
    while !input.is_empty() {
        let choice_index = input.choose_index(count)?;
        let Ok(event) = event(input) else {
            break;
        };
        choice_events[choice_index].push(event);
    }
    choices::agree(&choice_events, &order, &output_options);
    for events in &choice_events {
        response_events::agree(events, &output_options);
    }
    Ok(())
}

/// The output options that two bytes select.
pub fn output_options([flags, more]: [u8; 2]) -> OutputOptions {
    let is_set = |byte: u8, bit: u8| byte >> bit & 1 == 1;
    let mut output_options = OutputOptions {
        stream: true,
        include_usage: is_set(flags, 0),
        choices: 1,
        allowed_calls: match is_set(flags, 1) {
            true => AllowedCalls::None,
            false => AllowedCalls::All,
        },
        legacy_functions: is_set(flags, 2),
        one_tool_call: is_set(flags, 2) || is_set(flags, 3),
        reasoning_tag_strays: is_set(flags, 4),
        reasoning_replay: match is_set(flags, 5) {
            true => ReasoningReplay::Signed,
            false => ReasoningReplay::Text,
        },
        include_trace: is_set(flags, 6),
        include_response_fields: is_set(flags, 6),
        include_service_tier: is_set(flags, 7),
        ..OutputOptions::default()
    };
    output_options.json = match more & 3 {
        1 => Some(JsonDelivery::Text),
        3 => Some(JsonDelivery::Within),
        2 => Some(JsonDelivery::Tool(JSON_TOOL.to_owned())),
        _ => None,
    };
    if is_set(more, 2) {
        output_options.reasoning_tag = "t".to_owned();
    }
    if is_set(more, 3) {
        output_options.reasoning_placeholder = "[REDACTED]".to_owned();
    }
    output_options.names.bedrock_name("a.name of the client's");
    output_options.names.bedrock_name_of_custom("custom");
    output_options
}

fn event(input: &mut Unstructured<'_>) -> Result<Event> {
    let index = u32::from(input.arbitrary::<u8>()? % 4);
    Ok(match input.int_in_range(0..=9)? {
        0 => Event::MessageStart,
        1 => Event::Unknown,
        2 => Event::BlockStop { index },
        3 | 4 => Event::BlockStart {
            index,
            start: block_start(input)?,
        },
        5 => Event::MessageStop {
            stop_reason: StopReason::from(*input.choose(&STOP_REASONS)?),
            additional_fields: input
                .arbitrary::<bool>()?
                .then(|| json_of(input))
                .transpose()?,
        },
        6 => Event::Metadata(Box::new(metadata(input)?)),
        _ => Event::BlockDelta {
            index,
            delta: delta(input)?,
        },
    })
}

fn block_start(input: &mut Unstructured<'_>) -> Result<BlockStart> {
    Ok(match input.int_in_range(0..=5)? {
        5 => BlockStart::Unknown,
        0 => BlockStart::Hidden,
        1 => call("custom"),
        2 => call(JSON_TOOL),
        3 => call(&text(input)?),
        _ => call("f"),
    })
}

fn call(name: &str) -> BlockStart {
    BlockStart::ToolUse {
        id: format!("call of {name}"),
        name: name.to_owned(),
    }
}

fn delta(input: &mut Unstructured<'_>) -> Result<Delta> {
    Ok(match input.int_in_range(0..=8)? {
        0 => Delta::Hidden,
        1 => Delta::Signature(text(input)?),
        2 => Delta::RedactedReasoning(text(input)?),
        3 => Delta::Reasoning(text(input)?),
        4 => Delta::Citation(citation(input)?),
        5 | 6 => Delta::ToolInput(text(input)?),
        _ => Delta::Text(text(input)?),
    })
}

fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let choice = usize::from(input.arbitrary::<u8>()?);
    match TEXTS.get(choice % (TEXTS.len() + 4)) {
        Some(text) => Ok((*text).to_owned()),
        None => input.arbitrary(),
    }
}

fn metadata(input: &mut Unstructured<'_>) -> Result<Metadata> {
    Ok(Metadata {
        usage: Usage {
            input_tokens: input.arbitrary()?,
            output_tokens: input.arbitrary()?,
            cache_read_input_tokens: input.arbitrary()?,
            ..Usage::default()
        },
        trace: input
            .arbitrary::<bool>()?
            .then(|| json_of(input))
            .transpose()?,
        service_tier: input
            .arbitrary::<bool>()?
            .then(|| text(input))
            .transpose()?,
    })
}

fn citation(input: &mut Unstructured<'_>) -> Result<Citation> {
    if input.arbitrary()? {
        return json_of(input).map(Citation);
    }
    let web = json!({"title": text(input)?, "location": {"web": {"url": text(input)?}}});
    Ok(Citation(json_text(&web.to_string())))
}

/// JSON with arbitrary white space between tokens.
fn json_of(input: &mut Unstructured<'_>) -> Result<JsonText> {
    let value = json!({ "a": text(input)?, "thinking_tokens": input.arbitrary::<u64>()? });
    Ok(json_text(&match input.arbitrary()? {
        true => serde_json::to_string_pretty(&value).unwrap_or_default(),
        false => value.to_string(),
    }))
}

fn json_text(text: &str) -> JsonText {
    JsonText::parse(text.to_owned()).unwrap()
}
