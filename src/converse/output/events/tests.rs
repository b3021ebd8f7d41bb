use super::*;
use crate::converse::JsonText;
use crate::converse::event::{BlockStart, Delta};
use crate::converse::output::OutputEvent;
use crate::converse::response::Citation;
use crate::converse::rules::{AllowedCalls, JsonDelivery};
use crate::models::ReasoningReplay;

/// One line for each output event.
#[derive(Default)]
struct Lines(Vec<String>);

impl OutputWriter for Lines {
    fn output(&mut self, output: OutputEvent<'_>) {
        self.0.push(match output {
            OutputEvent::MessageStart => "start".to_owned(),
            OutputEvent::BlockStart { index, block } => format!("{index} start {block:?}"),
            OutputEvent::BlockDelta { index, delta } => format!("{index} {delta:?}"),
            OutputEvent::BlockStop { index } => format!("{index} stop"),
            OutputEvent::MessageStop(reason) => format!("stop {reason:?}"),
        });
    }
}

fn lines_with(options: OutputOptions, events: &[Event]) -> Vec<String> {
    let mut lines = Lines::default();
    let mut output_events = OutputEvents::new(Arc::new(options));
    for event in events {
        output_events
            .accept(event, &mut lines)
            .expect("output events");
    }
    lines.0
}

fn lines(events: &[Event]) -> Vec<String> {
    lines_with(OutputOptions::default(), events)
}

fn call(index: u32, id: &str) -> Event {
    let (id, name) = (id.to_owned(), "f".to_owned());
    let start = BlockStart::ToolUse { id, name };
    Event::BlockStart { index, start }
}

fn delta(index: u32, delta: Delta) -> Event {
    Event::BlockDelta { index, delta }
}

fn text(index: u32, text: &str) -> Event {
    delta(index, Delta::Text(text.to_owned()))
}

fn input(index: u32, fragment: &str) -> Event {
    delta(index, Delta::ToolInput(fragment.to_owned()))
}

fn end(index: u32) -> Event {
    Event::BlockStop { index }
}

fn stop() -> Event {
    Event::MessageStop {
        stop_reason: StopReason::ToolUse,
        additional_fields: None,
    }
}

#[test]
fn tool_calls_without_a_stop_event_have_arguments() {
    let lines = lines(&[call(0, "a"), call(0, "b"), call(1, "c"), stop()]);
    let arguments: Vec<&String> = lines.iter().filter(|line| line.contains("{}")).collect();
    assert_eq!(arguments.len(), 3, "{lines:?}");
}

#[test]
fn deltas_determine_the_type_of_a_block_with_an_unknown_start() {
    let unknown = |index| Event::BlockStart {
        index,
        start: BlockStart::Unknown,
    };
    let events = [
        unknown(0),
        delta(0, Delta::Reasoning("why".to_owned())),
        end(0),
        unknown(1),
        text(1, "what"),
        end(1),
        call(2, "a"),
        text(2, " more"),
        end(2),
        stop(),
    ];
    let expected = [
        "start",
        "0 start Reasoning",
        "0 Reasoning(\"why\")",
        "0 stop",
        "1 start Text",
        "1 Text(\"what\")",
        "1 stop",
        "2 start ToolCall { id: \"a\", name: \"f\", kind: Function }",
        "2 Input { fragment: \"{}\", kind: Function }",
        "2 stop",
        "3 start Text",
        "3 Text(\" more\")",
        "3 stop",
        "stop ToolUse",
    ];
    assert_eq!(lines(&events), expected);
}

#[test]
fn interleaved_calls_are_blocks_one_after_another() {
    let interleaved = [
        call(0, "a"),
        call(1, "b"),
        input(1, "{"),
        input(0, "{}"),
        text(2, "c"),
        input(1, "}"),
        end(0),
        end(1),
        end(2),
        stop(),
    ];
    let in_order = [
        call(0, "a"),
        input(0, "{}"),
        end(0),
        call(1, "b"),
        input(1, "{"),
        input(1, "}"),
        end(1),
        text(2, "c"),
        end(2),
        stop(),
    ];
    assert_eq!(lines(&interleaved), lines(&in_order));
}

#[test]
fn a_call_without_a_stop_event_does_not_hold_back_the_rest_for_ever() {
    let mut events = vec![call(0, "a")];
    events.extend(std::iter::repeat_n(text(1, "b"), 5000));
    let lines = lines(&events);
    let is_text = |line: &&String| *line == "1 Text(\"b\")";
    assert_eq!(lines.iter().filter(is_text).count(), 5000);
}

#[test]
fn a_text_block_follows_bedrocks_block_unless_the_text_is_json() {
    let events = [text(0, "[1"), end(0), text(1, ",2]"), end(1), stop()];
    let separate = [
        "start",
        "0 start Text",
        "0 Text(\"[1\")",
        "0 stop",
        "1 start Text",
        "1 Text(\",2]\")",
        "1 stop",
        "stop EndTurn",
    ];
    assert_eq!(lines(&events), separate);
    let options = OutputOptions {
        json: Some(JsonDelivery::Text),
        ..OutputOptions::default()
    };
    let joined = [
        "start",
        "0 start Text",
        "0 Text(\"[1\")",
        "0 Text(\",2]\")",
        "0 stop",
        "stop EndTurn",
    ];
    assert_eq!(lines_with(options, &events), joined);
}

#[test]
fn reasoning_in_tags_is_a_block() {
    let options = OutputOptions {
        reasoning_tag: "t".to_owned(),
        ..OutputOptions::default()
    };
    let events = [text(0, "<t>why</t>\n"), text(0, "what"), end(0), stop()];
    let expected = [
        "start",
        "0 start Reasoning",
        "0 Reasoning(\"why\")",
        "0 stop",
        "1 start Text",
        "1 Text(\"what\")",
        "1 stop",
        "stop EndTurn",
    ];
    assert_eq!(lines_with(options, &events), expected);
}

#[test]
fn reasoning_without_visible_text_is_a_block_if_the_client_sends_it_back() {
    let events = [
        delta(0, Delta::Signature("s".to_owned())),
        end(0),
        delta(1, Delta::RedactedReasoning("r".to_owned())),
        end(1),
        stop(),
    ];
    assert_eq!(lines(&events), ["start", "stop EndTurn"]);
    let options = OutputOptions {
        reasoning_replay: ReasoningReplay::Signed,
        ..OutputOptions::default()
    };
    let expected = [
        "start",
        "0 start Reasoning",
        "0 Signature(ReasoningText { text: \"\", signature: Some(\"s\") })",
        "0 stop",
        "1 start RedactedReasoning(\"r\")",
        "1 stop",
        "stop EndTurn",
    ];
    assert_eq!(lines_with(options, &events), expected);
}

#[test]
fn withheld_calls_and_discarded_prose_are_not_blocks() {
    let none = OutputOptions {
        allowed_calls: AllowedCalls::None,
        ..OutputOptions::default()
    };
    let events = [text(0, "so"), end(0), call(1, "a"), input(1, "{}"), end(1)];
    let expected = ["start", "0 start Text", "0 Text(\"so\")"];
    assert_eq!(lines_with(none, &events), expected);
    let json = OutputOptions {
        json: Some(JsonDelivery::Tool("f".to_owned())),
        ..OutputOptions::default()
    };
    let expected = ["start", "0 start Text", "0 Text(\"{}\")"];
    assert_eq!(lines_with(json, &events), expected);
}

#[test]
fn citations_without_text_belong_to_the_text_before_them() {
    let citation = JsonText::parse("{}".to_owned()).expect("JSON");
    let citation = |index| delta(index, Delta::Citation(Citation(citation.clone())));
    let events = [
        text(0, "a"),
        end(0),
        citation(1),
        end(1),
        citation(2),
        text(2, "b"),
        end(2),
        stop(),
    ];
    let cited = |start, end| {
        format!(
            "Citation {{ citation: Citation({{}}), span: Span {{ start: {start}, end: {end} }} }}"
        )
    };
    let expected = [
        "start".to_owned(),
        "0 start Text".to_owned(),
        "0 Text(\"a\")".to_owned(),
        format!("0 {}", cited(1, 1)),
        "0 stop".to_owned(),
        "1 start Text".to_owned(),
        "1 Text(\"b\")".to_owned(),
        format!("1 {}", cited(1, 2)),
        "1 stop".to_owned(),
        "stop EndTurn".to_owned(),
    ];
    assert_eq!(lines(&events), expected);
}

#[test]
fn undelivered_events_are_counted() {
    let provider = Event::BlockStart {
        index: 1,
        start: BlockStart::Hidden,
    };
    for (events, undelivered) in [
        (vec![delta(0, Delta::Hidden), input(0, "{}")], 2),
        (vec![Event::Unknown], 1),
        (vec![input(0, "")], 0),
        (vec![call(0, "a"), input(0, "{}")], 0),
        (
            vec![call(0, "a"), delta(0, Delta::Reasoning("r".to_owned()))],
            1,
        ),
        (vec![provider, input(1, "{}"), delta(1, Delta::Hidden)], 0),
        (vec![stop(), text(0, "late")], 1),
    ] {
        let mut output_events = OutputEvents::new(Arc::default());
        for event in &events {
            output_events
                .accept(event, &mut Lines::default())
                .expect("output events");
        }
        assert_eq!(output_events.undelivered(), undelivered, "{events:?}");
    }
}

#[test]
fn events_after_the_end_are_not_sent() {
    let actual = lines(&[stop(), text(0, "late"), call(1, "a"), stop()]);
    assert_eq!(actual, ["start", "stop EndTurn"]);
}
