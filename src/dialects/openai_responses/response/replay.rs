//! The events of a response that has ended, made from its object.

use bytes::Bytes;
use serde::Serialize;

use super::events::{EventSink, SseEvents};
use super::followed::from_event;
use super::json_of;
use crate::converse::JsonText;
use crate::converse::options::Fields;

/// The members of a response that are known only at its end.
const FINAL_MEMBERS: [&str; 4] = ["completed_at", "error", "incomplete_details", "usage"];

/// An event about the whole response.
#[derive(Serialize)]
pub(super) struct Lifecycle<'a> {
    pub(super) response: &'a Fields,
}

/// The events of `response` after the first `skipped`, as a stream would have had them with one delta
/// for each text.
pub(in super::super) fn replayed(response: &Fields, skipped: u64) -> Bytes {
    let mut events = SseEvents::default();
    let mut started = response.clone();
    started.set("status", json_of(&"in_progress"));
    started.set("output", json_of::<[(); 0]>(&[]));
    for member in FINAL_MEMBERS {
        started.set(member, json_of(&()));
    }
    let start = Lifecycle { response: &started };
    events.event("response.created", &start);
    events.event("response.in_progress", &start);
    for (index, item) in list(response, "output").iter().enumerate() {
        let Some(item) = Fields::from_object(item) else {
            continue;
        };
        let mut writer = ItemWriter {
            events: &mut events,
            place: object([
                ("item_id", member(&item, "id")),
                ("output_index", json_of(&index)),
            ]),
        };
        writer.item(index, &item);
    }
    if let Some(last) = terminal_event(response) {
        events.event(last, &Lifecycle { response });
    }
    let events = events.take();
    let text = std::str::from_utf8(&events).unwrap_or_default();
    let rest = from_event(text, skipped).len();
    events.slice(events.len() - rest..)
}

/// The type of the event that ends the stream of `response`; `None` if it has not ended.
pub(super) fn terminal_event(response: &Fields) -> Option<&'static str> {
    match text(response, "status").as_str() {
        "completed" => Some("response.completed"),
        // A response that its client has cancelled has no event of its own.
        "incomplete" | "cancelled" => Some("response.incomplete"),
        "failed" => Some("response.failed"),
        _ => None,
    }
}

/// Writes the events of one item.
struct ItemWriter<'a> {
    events: &'a mut SseEvents,
    /// The members of all events within the item.
    place: Fields,
}

/// The names of the events of one text.
struct TextEvents {
    part_added: &'static str,
    delta: &'static str,
    done: &'static str,
    part_done: &'static str,
}

const OUTPUT_TEXT: TextEvents = TextEvents {
    part_added: "response.content_part.added",
    delta: "response.output_text.delta",
    done: "response.output_text.done",
    part_done: "response.content_part.done",
};

const REFUSAL: TextEvents = TextEvents {
    delta: "response.refusal.delta",
    done: "response.refusal.done",
    ..OUTPUT_TEXT
};

const REASONING_TEXT: TextEvents = TextEvents {
    delta: "response.reasoning_text.delta",
    done: "response.reasoning_text.done",
    ..OUTPUT_TEXT
};

const SUMMARY_TEXT: TextEvents = TextEvents {
    part_added: "response.reasoning_summary_part.added",
    delta: "response.reasoning_summary_text.delta",
    done: "response.reasoning_summary_text.done",
    part_done: "response.reasoning_summary_part.done",
};

impl ItemWriter<'_> {
    fn item(&mut self, index: usize, item: &Fields) {
        let event =
            |item: &Fields| object([("output_index", json_of(&index)), ("item", json_of(item))]);
        self.events
            .event("response.output_item.added", &event(&empty(item)));
        match text(item, "type").as_str() {
            "message" => self.parts(item, "content", "content_index"),
            "reasoning" => {
                self.parts(item, "summary", "summary_index");
                self.parts(item, "content", "content_index");
            }
            "function_call" => self.input(
                item,
                "arguments",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
            ),
            "custom_tool_call" => self.input(
                item,
                "input",
                "response.custom_tool_call_input.delta",
                "response.custom_tool_call_input.done",
            ),
            _ => {}
        }
        self.events.event("response.output_item.done", &event(item));
    }

    /// The parts in `list_name`, whose events have their position as `index_name`.
    fn parts(&mut self, item: &Fields, list_name: &str, index_name: &str) {
        for (index, part) in list(item, list_name).iter().enumerate() {
            let Some(part) = Fields::from_object(part) else {
                continue;
            };
            let (names, member_name) = match text(&part, "type").as_str() {
                "refusal" => (REFUSAL, "refusal"),
                "reasoning_text" => (REASONING_TEXT, "text"),
                "summary_text" => (SUMMARY_TEXT, "text"),
                _ => (OUTPUT_TEXT, "text"),
            };
            let mut place = self.place.clone();
            place.set(index_name, json_of(&index));
            self.part(&place, &part, &names, member_name);
        }
    }

    fn part(&mut self, place: &Fields, part: &Fields, names: &TextEvents, member_name: &str) {
        let annotations = list(part, "annotations");
        let with = |members: &[(&str, JsonText)]| {
            let mut event = place.clone();
            for (name, value) in members {
                event.set(name, value.clone());
            }
            // The events of output text have its probabilities, of which there are none.
            if names.delta == OUTPUT_TEXT.delta && !members.iter().any(|(name, _)| *name == "part")
            {
                event.set("logprobs", json_of::<[(); 0]>(&[]));
            }
            event
        };
        let mut started = part.clone();
        started.set(member_name, json_of(&""));
        if part.get("annotations").is_some() {
            started.set("annotations", json_of::<[(); 0]>(&[]));
        }
        let value = member(part, member_name);
        self.events
            .event(names.part_added, &with(&[("part", json_of(&started))]));
        if !value.is_neutral() {
            self.events
                .event(names.delta, &with(&[("delta", value.clone())]));
        }
        for (index, annotation) in annotations.into_iter().enumerate() {
            let mut event = place.clone();
            event.set("annotation_index", json_of(&index));
            event.set("annotation", annotation);
            let name = "response.output_text.annotation.added";
            self.events.event(name, &event);
        }
        self.events
            .event(names.done, &with(&[(member_name, value)]));
        self.events
            .event(names.part_done, &with(&[("part", json_of(part))]));
    }

    /// The input of a call, which is the member `member_name`.
    fn input(&mut self, item: &Fields, member_name: &str, delta: &'static str, done: &'static str) {
        let value = member(item, member_name);
        let mut event = self.place.clone();
        if value.as_str() != "\"\"" {
            event.set("delta", value.clone());
            self.events.event(delta, &event);
            event.remove("delta");
        }
        if member_name == "arguments" {
            event.set("name", member(item, "name"));
        }
        event.set(member_name, value);
        self.events.event(done, &event);
    }
}

/// An item before its content.
fn empty(item: &Fields) -> Fields {
    let mut empty = item.clone();
    let is_custom = text(item, "type") == "custom_tool_call";
    for (name, value) in item.iter() {
        match name {
            "arguments" | "input" if value.as_str().starts_with('"') => {
                empty.set(name, json_of(&""));
            }
            "summary" => empty.set(name, json_of::<[(); 0]>(&[])),
            "content" if text(item, "type") == "message" => {
                empty.set(name, json_of::<[(); 0]>(&[]));
            }
            // Clients accept one status of custom calls: `completed`.
            "status" if !is_custom => empty.set(name, json_of(&"in_progress")),
            _ => {}
        }
    }
    let is_compaction = text(item, "type") == "compaction";
    empty.retain(|name, _| match name {
        "content" => text(item, "type") == "message",
        "encrypted_content" => is_compaction,
        "status" => !is_custom,
        _ => true,
    });
    if is_compaction {
        empty.set("encrypted_content", json_of(&""));
    }
    empty
}

fn object<const N: usize>(members: [(&str, JsonText); N]) -> Fields {
    let mut object = Fields::default();
    for (name, value) in members {
        object.push(name, value);
    }
    object
}

/// A member; `null` if it is absent.
fn member(fields: &Fields, name: &str) -> JsonText {
    let value = fields.get(name).cloned();
    value.unwrap_or_else(|| json_of(&()))
}

fn text(fields: &Fields, name: &str) -> String {
    let value = fields.get(name).map(JsonText::as_str);
    let text = value.and_then(|value| serde_json::from_str(value).ok());
    text.unwrap_or_default()
}

fn list(fields: &Fields, name: &str) -> Vec<JsonText> {
    let value = fields.get(name).map(JsonText::as_str);
    let list = value.and_then(|value| serde_json::from_str(value).ok());
    list.unwrap_or_default()
}
