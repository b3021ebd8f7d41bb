//! The events of a stored stream, which a client may follow from any number on.

use bytes::Bytes;

use super::events::{EventSink, SseEvents};
use super::replay::{Lifecycle, terminal_event};
use crate::converse::options::Fields;

/// The end of an event.
const END: &str = "\n\n";

/// The number of events in a text.
pub(in super::super) fn count_events(events: &str) -> u64 {
    events.matches(END).count() as u64
}

/// The events after the first `skipped`.
pub(in super::super) fn from_event(events: &str, skipped: u64) -> &str {
    let Some(last) = skipped.checked_sub(1) else {
        return events;
    };
    let mut ends = events.match_indices(END);
    let last = usize::try_from(last).unwrap_or(usize::MAX);
    let start = ends.nth(last).map(|(start, end)| start + end.len());
    start
        .and_then(|start| events.get(start..))
        .unwrap_or_default()
}

/// Whether the last one of `events` ends a stream.
pub(in super::super) fn is_ended(events: &str) -> bool {
    let last = events.trim_end_matches('\n').rsplit(END).next();
    let kind = last.and_then(|last| last.strip_prefix("event: "));
    let kind = kind.and_then(|kind| kind.lines().next());
    matches!(
        kind,
        Some("response.completed" | "response.incomplete" | "response.failed")
    )
}

/// The event that ends the stream of `response`, with this number; `None` if it has not ended.
pub(in super::super) fn ended_event(response: &Fields, number: u64) -> Option<Bytes> {
    let kind = terminal_event(response)?;
    let mut events = SseEvents::starting_at(number);
    events.event(kind, &Lifecycle { response });
    Some(events.take())
}

/// What keeps the connection alive. It repeats the number of the last event, since the events of the
/// response have numbers without it.
pub(in super::super) fn keepalive(number: u64) -> Bytes {
    let mut events = SseEvents::starting_at(number);
    events.keepalive();
    events.take()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;

    const EVENTS: &str = "event: a\ndata: 0\n\nevent: response.completed\ndata: 1\n\n";

    #[test]
    fn events_are_counted_and_skipped() {
        assert_eq!((count_events(EVENTS), count_events("")), (2, 0));
        assert_eq!(from_event(EVENTS, 0), EVENTS);
        assert_eq!(
            from_event(EVENTS, 1),
            "event: response.completed\ndata: 1\n\n"
        );
        assert_eq!(from_event(EVENTS, 2), "");
        assert_eq!(from_event(EVENTS, u64::MAX), "");
    }

    #[test]
    fn the_last_event_is_known_by_its_type() {
        assert!(is_ended(EVENTS));
        assert!(!is_ended(from_event(EVENTS, 2)));
        assert!(!is_ended(
            "event: a\ndata: \"event: response.completed\"\n\n"
        ));
    }

    #[test]
    fn a_response_that_has_ended_has_a_last_event() {
        let event = |status: &str| {
            let json = format!("{{\"status\":\"{status}\"}}");
            let response = Fields::from_object(&JsonText::parse(json).expect("JSON"));
            ended_event(&response.expect("an object"), 7)
        };
        assert_eq!(event("queued"), None);
        assert_eq!(event("in_progress"), None);
        let cancelled = event("cancelled").expect("an event");
        let expected = "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\
                        \"sequence_number\":7,\"response\":{\"status\":\"cancelled\"}}\n\n";
        assert_eq!(cancelled, expected);
        assert!(is_ended(std::str::from_utf8(&cancelled).expect("text")));
    }
}
