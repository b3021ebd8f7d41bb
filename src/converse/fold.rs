//! A whole answer as the events it would have been streamed as, so that both ways of answering
//! share one path to the client.

use super::event::{BlockStart, Delta, Event};
use super::response::{ConverseResponse, OutputBlock, OutputToolUse};

impl ConverseResponse {
    /// The events of the answer, in the order in which ConverseStream sends them.
    pub fn into_events(self) -> Vec<Event> {
        let Self {
            output,
            stop_reason,
            usage,
        } = self;
        let mut events = Vec::with_capacity(3 + 3 * output.message.content.len());
        events.push(Event::MessageStart);
        for (index, block) in (0..).zip(output.message.content) {
            push_block(&mut events, index, block);
        }
        events.push(Event::MessageStop { stop_reason });
        events.push(Event::Metadata { usage });
        events
    }
}

fn push_block(events: &mut Vec<Event>, index: u32, block: OutputBlock) {
    let OutputBlock {
        text,
        tool_use,
        reasoning_content,
        citations_content,
    } = block;
    let mut push = |delta| events.push(Event::BlockDelta { index, delta });
    if let Some(text) = text {
        push(Delta::Text(text));
    }
    if let Some(reasoning) = reasoning_content.and_then(|content| content.reasoning_text) {
        push(Delta::Reasoning(reasoning.text));
    }
    for cited in citations_content.into_iter().flat_map(|c| c.content) {
        push(Delta::Text(cited.text));
    }
    if let Some(tool_use) = tool_use {
        push_tool_use(events, index, tool_use);
    }
    events.push(Event::BlockStop { index });
}

fn push_tool_use(events: &mut Vec<Event>, index: u32, tool_use: OutputToolUse) {
    let OutputToolUse {
        tool_use_id,
        name,
        input,
        r#type,
    } = tool_use;
    let start = if r#type.as_deref() == Some("server_tool_use") {
        BlockStart::Hidden
    } else {
        BlockStart::ToolUse {
            id: tool_use_id,
            name,
        }
    };
    events.push(Event::BlockStart { index, start });
    if let Some(input) = input {
        events.push(Event::BlockDelta {
            index,
            delta: Delta::ToolInput(input.as_str().to_owned()),
        });
    }
}
