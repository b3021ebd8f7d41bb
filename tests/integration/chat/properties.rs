//! Properties of generated event sequences and generated requests.

use outcrop::converse::JsonText;
use outcrop::converse::event::{BlockStart, Delta, Event, Metadata};
use outcrop::converse::output::OutputOptions;
use outcrop::converse::response::{Citation, StopReason, Usage};
use outcrop::converse::rules::{AllowedCalls, JsonDelivery};
use outcrop::models::ReasoningReplay;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{chat_request, choices, response_events};

fn delta() -> impl Strategy<Value = Delta> {
    prop_oneof![
        "\\PC{0,8}".prop_map(Delta::Text),
        "\\PC{0,8}".prop_map(Delta::ToolInput),
        "(<t>|</t>|```json\n|```|[a-z{} ]){0,4}".prop_map(Delta::Text),
        "\\PC{0,8}".prop_map(Delta::Reasoning),
        "\\[REDACTED\\]\\PC{0,8}".prop_map(Delta::Reasoning),
        "[a-z]{1,8}".prop_map(Delta::Signature),
        "[a-z]{1,8}".prop_map(Delta::RedactedReasoning),
        prop_oneof![
            Just(r#"{"title":"t","location":{"web":{"url":"https://a.b"}}}"#),
            Just(r#"{"location":{"documentPage":{"start":1}}}"#),
        ]
        .prop_map(|text| Delta::Citation(Citation(JsonText::parse(text.to_owned()).unwrap()))),
        "[a-z]{1,8}".prop_map(Delta::Refusal),
        Just(Delta::Logprobs(JsonText::parse("{}".to_owned()).unwrap())),
        Just(Delta::Hidden),
    ]
}

/// Names with a meaning in the Responses API.
const SPECIAL_NAMES: [&str; 6] = [
    "n__f",
    "shell",
    "local_shell",
    "apply_patch",
    "tool_search",
    "custom",
];

fn tool_name() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z]{1,8}", 1 => proptest::sample::select(&SPECIAL_NAMES[..]).prop_map(str::to_owned)]
}

/// The events of a block, including some that Bedrock should not send.
fn block() -> impl Strategy<Value = Vec<Event>> {
    let start = prop_oneof![
        Just(None),
        Just(Some(BlockStart::Hidden)),
        Just(Some(BlockStart::Unknown)),
        ("[a-z]{1,8}", tool_name()).prop_map(|(id, name)| Some(BlockStart::ToolUse { id, name })),
    ];
    (0u32..6, start, vec(delta(), 0..5), any::<bool>()).prop_map(|(index, start, deltas, stop)| {
        let start = start.map(|start| Event::BlockStart { index, start });
        let deltas = deltas
            .into_iter()
            .map(|delta| Event::BlockDelta { index, delta });
        let stop = stop.then_some(Event::BlockStop { index });
        start.into_iter().chain(deltas).chain(stop).collect()
    })
}

fn stop_reason() -> impl Strategy<Value = StopReason> {
    prop_oneof![
        Just(StopReason::EndTurn),
        Just(StopReason::ToolUse),
        Just(StopReason::MaxTokens),
        Just(StopReason::GuardrailIntervened),
        Just(StopReason::Refusal),
        Just(StopReason::Other),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    (vec(block(), 0..6), stop_reason(), any::<u32>()).prop_map(|(blocks, stop_reason, tokens)| {
        let usage = Usage {
            output_tokens: tokens.into(),
            ..Usage::default()
        };
        let mut events = vec![Event::MessageStart, Event::Unknown];
        events.extend(blocks.into_iter().flatten());
        events.push(Event::MessageStop {
            stop_reason,
            additional_fields: None,
        });
        events.push(Event::Metadata(Box::new(Metadata {
            usage,
            ..Metadata::default()
        })));
        events
    })
}

fn output_options() -> impl Strategy<Value = OutputOptions> {
    let json = prop_oneof![
        Just(None),
        Just(Some(JsonDelivery::Text)),
        Just(Some(JsonDelivery::Within)),
        Just(Some(JsonDelivery::Tool("a".to_owned()))),
    ];
    let flags = (0u8..4, any::<bool>(), any::<bool>(), any::<bool>());
    let tag = prop_oneof!["", "t"];
    (flags, json, tag, any::<bool>()).prop_map(|(flags, json, tag, strays)| {
        let (hide, one, legacy, keep_reasoning) = flags;
        OutputOptions {
            stream: true,
            include_usage: true,
            choices: 1,
            allowed_calls: match hide {
                0 => AllowedCalls::None,
                1 => AllowedCalls::Only(vec!["a".to_owned(), "b".to_owned()]),
                _ => AllowedCalls::All,
            },
            one_tool_call: one || legacy,
            legacy_functions: legacy,
            json,
            reasoning_tag: tag,
            reasoning_tag_strays: strays,
            reasoning_placeholder: "[REDACTED]".to_owned(),
            reasoning_replay: match keep_reasoning {
                true => ReasoningReplay::Signed,
                false => ReasoningReplay::None,
            },
            ..OutputOptions::default()
        }
    })
}

proptest! {
    #[test]
    fn a_stream_is_well_formed_and_equals_the_non_streaming_response(events in events(), output_options in output_options()) {
        response_events::agree(&events, &output_options);
        choices::agree(&[events], &[], &output_options);
    }

    #[test]
    fn concurrent_responses_do_not_mix(
        events in vec(events(), 2..4),
        turns in vec(any::<u8>(), 0..40),
        output_options in output_options(),
    ) {
        choices::agree(&events, &turns, &output_options);
    }
}

fn message() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["", "[ \n]{1,3}", "[a-z]{1,8}"];
    let ids = prop_oneof!["a", "b", "c"];
    prop_oneof![
        text.clone().prop_map(|text| json!({"role": "user", "content": text})),
        text.clone().prop_map(|text| json!({"role": "system", "content": text})),
        text.clone().prop_map(|text| json!({"role": "assistant", "content": text})),
        (text.clone(), vec(ids.clone(), 1..3)).prop_map(|(text, ids)| {
            let call = |id: &String| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{"}});
            let calls: Vec<Value> = ids.iter().map(call).collect();
            json!({"role": "assistant", "content": text, "tool_calls": calls})
        }),
        (text, ids).prop_map(|(text, id)| json!({"role": "tool", "tool_call_id": id, "content": text})),
    ]
}

proptest! {
    #[test]
    fn any_conversation_satisfies_bedrocks_rules(
        messages in vec(message(), 1..8),
        model in 0..chat_request::MODELS.len(),
        settings in any::<u8>(),
    ) {
        let body = json!({ "messages": messages }).to_string();
        let choices = [u8::try_from(model).unwrap(), settings];
        chat_request::check(&[&choices, body.as_bytes()].concat());
    }
}
