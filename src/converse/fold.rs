//! Converts a non-streaming response to stream events, so that both use the same code path to the
//! client.

use super::event::{BlockStart, Delta, Event, Metadata};
use super::response::{
    CitationsContent, ConverseResponse, OutputBlock, OutputReasoning, OutputToolUse,
    ReasoningContent,
};

impl ConverseResponse {
    /// The events that ConverseStream would send, in the same order.
    pub fn into_events(self) -> Vec<Event> {
        let Self {
            output,
            stop_reason,
            usage,
            additional_model_response_fields,
            trace,
            service_tier,
        } = self;
        let mut events = Vec::with_capacity(3 + 3 * output.message.content.len());
        events.push(Event::MessageStart);
        for (index, block) in (0..).zip(output.message.content) {
            push_block(&mut events, index, block);
        }
        events.push(Event::MessageStop {
            stop_reason,
            additional_fields: additional_model_response_fields,
        });
        events.push(Event::Metadata(Box::new(Metadata {
            usage,
            trace,
            service_tier: service_tier.map(|tier| tier.r#type),
        })));
        events
    }
}

fn push_block(events: &mut Vec<Event>, index: u32, block: OutputBlock) {
    let OutputBlock {
        text,
        tool_use,
        reasoning_content,
        citations_content,
        tool_result,
    } = block;
    let is_supported = text.is_some()
        || tool_use.is_some()
        || reasoning_content.is_some()
        || citations_content.is_some()
        || tool_result.is_some();
    let mut push = |delta| events.push(Event::BlockDelta { index, delta });
    if let Some(text) = text {
        push(Delta::Text(text));
    }
    if let Some(ReasoningContent {
        reasoning_text,
        redacted_content,
    }) = reasoning_content
    {
        if let Some(OutputReasoning { text, signature }) = reasoning_text {
            push(Delta::Reasoning(text));
            signature
                .into_iter()
                .map(Delta::Signature)
                .for_each(&mut push);
        }
        let redacted = redacted_content.into_iter();
        redacted.map(Delta::RedactedReasoning).for_each(&mut push);
    }
    if let Some(CitationsContent { content, citations }) = citations_content {
        // In a stream, citations precede the text.
        citations
            .into_iter()
            .map(Delta::Citation)
            .for_each(&mut push);
        content
            .into_iter()
            .for_each(|cited| push(Delta::Text(cited.text)));
    }
    if !is_supported {
        push(Delta::Hidden);
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
