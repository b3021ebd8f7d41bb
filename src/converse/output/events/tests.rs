use super::*;

/// The output events for `events`, in debug format.
fn output_events(events: &[Event]) -> Vec<String> {
    struct RecordedEvents(Vec<String>);
    impl OutputWriter for RecordedEvents {
        fn output(&mut self, output: OutputEvent<'_>) {
            self.0.push(format!("{output:?}"));
        }
    }
    let mut recorded = RecordedEvents(Vec::new());
    let mut output_events = OutputEvents::new(Arc::default());
    for event in events {
        output_events
            .accept(event, &mut recorded)
            .expect("output events");
    }
    recorded.0
}

fn call(index: u32, id: &str) -> Event {
    let (id, name) = (id.to_owned(), "f".to_owned());
    let start = BlockStart::ToolUse { id, name };
    Event::BlockStart { index, start }
}

fn stop() -> Event {
    Event::MessageStop {
        stop_reason: StopReason::ToolUse,
        additional_fields: None,
    }
}

#[test]
fn tool_calls_without_a_stop_event_have_arguments() {
    let calls = [call(0, "a"), call(0, "b"), call(1, "c"), stop()];
    let arguments = output_events(&calls);
    let arguments: Vec<&String> = arguments.iter().filter(|p| p.contains("{}")).collect();
    assert_eq!(arguments.len(), 3, "{arguments:?}");
}

fn delta(index: u32, delta: Delta) -> Event {
    Event::BlockDelta { index, delta }
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
        Event::BlockStop { index: 0 },
        unknown(1),
        delta(1, Delta::Text("what".to_owned())),
        Event::BlockStop { index: 1 },
        call(2, "a"),
        delta(2, Delta::Text(" more".to_owned())),
        Event::BlockStop { index: 2 },
        stop(),
    ];
    let actual = output_events(&events);
    let expected = [
        "Role",
        "Reasoning(\"why\")",
        "Content(\"what\")",
        "ToolCall { index: 0, id: \"a\", name: \"f\", kind: Function }",
        "Content(\" more\")",
        "Arguments { index: 0, fragment: \"{}\", kind: Function }",
        "MessageStop(ToolUse)",
    ];
    assert_eq!(actual, expected);
}

#[test]
fn undelivered_events_are_counted() {
    struct NullWriter;
    impl OutputWriter for NullWriter {
        fn output(&mut self, _: OutputEvent<'_>) {}
    }
    let input = || Delta::ToolInput("{}".to_owned());
    let provider = Event::BlockStart {
        index: 1,
        start: BlockStart::Hidden,
    };
    for (events, undelivered) in [
        (vec![delta(0, Delta::Hidden), delta(0, input())], 2),
        (vec![Event::Unknown], 1),
        (vec![delta(0, Delta::ToolInput(String::new()))], 0),
        (vec![call(0, "a"), delta(0, input())], 0),
        (
            vec![call(0, "a"), delta(0, Delta::Reasoning("r".to_owned()))],
            1,
        ),
        (
            vec![provider, delta(1, input()), delta(1, Delta::Hidden)],
            0,
        ),
        (vec![stop(), delta(0, Delta::Text("late".to_owned()))], 1),
    ] {
        let mut output_events = OutputEvents::new(Arc::default());
        for event in &events {
            output_events
                .accept(event, &mut NullWriter)
                .expect("output events");
        }
        assert_eq!(output_events.undelivered(), undelivered, "{events:?}");
    }
}

#[test]
fn events_after_the_end_are_not_sent() {
    let late = Event::BlockDelta {
        index: 0,
        delta: Delta::Text("late".to_owned()),
    };
    let actual = output_events(&[stop(), late, call(1, "a"), stop()]);
    assert_eq!(actual, ["Role", "MessageStop(EndTurn)"]);
}
