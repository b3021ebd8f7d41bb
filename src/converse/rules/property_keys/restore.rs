//! Maps property names that a model rejects to other names, and maps them back in tool calls and
//! in JSON responses.

use std::collections::HashMap;

use super::json_keys::KeyRewriter;
use crate::converse::event::{BlockStart, Delta, Event};

/// The mapping from the model's property names to the client's, for names that differ.
///
/// A name is mapped independently of its schema, so one map serves all schemas of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PropertyKeys {
    client_keys: HashMap<String, String>,
    /// Whether the response text is JSON with mapped names.
    in_text: bool,
}

impl PropertyKeys {
    /// Whether no property name is mapped.
    pub fn is_empty(&self) -> bool {
        self.client_keys.is_empty()
    }

    /// Adds the mapping from `key` to the client's name.
    pub fn insert(&mut self, key: &str, client_key: &str) {
        self.client_keys
            .insert(key.to_owned(), client_key.to_owned());
    }

    /// Declares that the response text is JSON with mapped names.
    pub fn expect_in_text(&mut self) {
        self.in_text = true;
    }

    /// The client's name for the model's property `key`; `None` if it is not mapped.
    pub fn client_key(&self, key: &str) -> Option<&str> {
        self.client_keys.get(key).map(String::as_str)
    }

    fn max_key(&self) -> usize {
        let lengths = self.client_keys.keys().map(String::len);
        lengths.max().unwrap_or_default()
    }
}

/// Restores the client's property names in the events of a response.
#[derive(Debug, Default)]
pub(crate) struct KeyRestorer {
    /// The open blocks with JSON, by `contentBlockIndex`.
    blocks: Vec<(u32, JsonBlock, KeyRewriter)>,
}

/// The JSON content of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonBlock {
    ToolInput,
    Text,
}

impl KeyRestorer {
    /// Returns the event with the client's names, or several events in its place.
    pub(crate) fn restore(&mut self, event: &Event, keys: &PropertyKeys) -> Vec<Event> {
        match event {
            Event::BlockStart { index, start } => {
                let mut events = self.close(Some(*index));
                if matches!(start, BlockStart::ToolUse { .. }) {
                    self.open(*index, JsonBlock::ToolInput, keys);
                }
                events.push(event.clone());
                events
            }
            Event::BlockDelta {
                index,
                delta: Delta::ToolInput(fragment),
            } => vec![self.delta(*index, JsonBlock::ToolInput, fragment, keys)],
            Event::BlockDelta {
                index,
                delta: Delta::Text(text),
            } if keys.in_text => vec![self.delta(*index, JsonBlock::Text, text, keys)],
            Event::BlockStop { index } => {
                let mut events = self.close(Some(*index));
                events.push(event.clone());
                events
            }
            Event::MessageStop { .. } => {
                let mut events = self.close(None);
                events.push(event.clone());
                events
            }
            _ => vec![event.clone()],
        }
    }

    fn open(&mut self, index: u32, kind: JsonBlock, keys: &PropertyKeys) {
        let rewriter = KeyRewriter::new(keys.max_key());
        self.blocks.push((index, kind, rewriter));
    }

    fn delta(&mut self, index: u32, kind: JsonBlock, text: &str, keys: &PropertyKeys) -> Event {
        if !self.blocks.iter().any(|(open, ..)| *open == index) {
            self.open(index, kind, keys);
        }
        let mut restored = String::with_capacity(text.len());
        let open = self.blocks.iter_mut().find(|(open, ..)| *open == index);
        if let Some((_, _, rewriter)) = open {
            rewriter.push(text, &|key| keys.client_key(key), &mut restored);
        }
        kind.event(index, restored)
    }

    /// Closes the block `index`, or all blocks; returns the buffered text.
    fn close(&mut self, index: Option<u32>) -> Vec<Event> {
        let mut events = Vec::new();
        self.blocks.retain_mut(|(open, kind, rewriter)| {
            if index.is_some_and(|index| index != *open) {
                return true;
            }
            let mut buffered = String::new();
            rewriter.finish(&mut buffered);
            if !buffered.is_empty() {
                events.push(kind.event(*open, buffered));
            }
            false
        });
        events
    }
}

impl JsonBlock {
    fn event(self, index: u32, text: String) -> Event {
        let delta = match self {
            Self::ToolInput => Delta::ToolInput(text),
            Self::Text => Delta::Text(text),
        };
        Event::BlockDelta { index, delta }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::response::StopReason;

    fn keys() -> PropertyKeys {
        let mut keys = PropertyKeys::default();
        keys.insert("_type_1", "@type");
        keys
    }

    fn start(index: u32) -> Event {
        let (id, name) = ("1".to_owned(), "f".to_owned());
        let start = BlockStart::ToolUse { id, name };
        Event::BlockStart { index, start }
    }

    fn input(index: u32, text: &str) -> Event {
        JsonBlock::ToolInput.event(index, text.to_owned())
    }

    fn text(index: u32, text: &str) -> Event {
        JsonBlock::Text.event(index, text.to_owned())
    }

    fn restored(events: &[Event], keys: &PropertyKeys) -> Vec<Event> {
        let mut restorer = KeyRestorer::default();
        let events = events.iter().flat_map(|e| restorer.restore(e, keys));
        events.collect()
    }

    #[test]
    fn arguments_get_their_original_names_back_per_block() {
        let stop = |index| Event::BlockStop { index };
        let events = [
            text(0, "{\"_type_1\""),
            start(1),
            input(1, "{\"_ty"),
            start(2),
            input(2, "{\"_type_1"),
            input(1, "pe_1\":1}"),
            stop(1),
            input(2, "\":2}"),
            stop(2),
        ];
        let expected = [
            text(0, "{\"_type_1\""),
            start(1),
            input(1, "{"),
            start(2),
            input(2, "{"),
            input(1, "\"@type\":1}"),
            stop(1),
            input(2, "\"@type\":2}"),
            stop(2),
        ];
        assert_eq!(restored(&events, &keys()), expected);
    }

    #[test]
    fn json_text_gets_its_original_names_back() {
        let mut keys = keys();
        keys.expect_in_text();
        let events = [text(0, "{\"_type"), text(0, "_1\": \"_type_1\"}")];
        let expected = [text(0, "{"), text(0, "\"@type\": \"_type_1\"}")];
        assert_eq!(restored(&events, &keys), expected);
    }

    #[test]
    fn truncated_json_is_emitted_at_the_end() {
        let stop = Event::MessageStop {
            stop_reason: StopReason::MaxTokens,
            additional_fields: None,
        };
        let events = [start(0), input(0, "{\"_type"), stop.clone()];
        let expected = [start(0), input(0, "{"), input(0, "\"_type"), stop];
        assert_eq!(restored(&events, &keys()), expected);
    }
}
