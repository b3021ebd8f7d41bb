//! Writes output events as server-sent events of text completions.

use bytes::Bytes;

use super::{CompletionFieldNames, finish_reason};
use crate::converse::dialect::StreamWriter;
use crate::converse::output::{OutputDelta, OutputEvent, OutputWriter, ResponseSummary};
use crate::dialects::openai_chat::EventBuffer;
use crate::error::ApiError;
use crate::wire::error::ErrorBody;

/// Writes `text_completion` events into a buffer; stream events have the same form as a response.
#[derive(Debug)]
pub struct TextWriter {
    events: EventBuffer,
    /// The prompts, if they are echoed.
    echoed: Vec<String>,
    /// The number of choices for each prompt.
    choices: u32,
    /// The index of the current choice.
    choice: u32,
}

impl TextWriter {
    /// A writer for the completion `id`, created at `created` (Unix seconds) by the model with
    /// the client's name `model`. Each of the `choices` for a prompt starts with its entry in
    /// `echoed`, if any.
    pub fn new(
        id: &str,
        created: u64,
        model: &str,
        include_usage: bool,
        echoed: Vec<String>,
        choices: u32,
    ) -> Self {
        Self {
            events: EventBuffer::new(id, "text_completion", created, model, include_usage),
            echoed,
            choices,
            choice: 0,
        }
    }

    /// Writes the prompt of the current choice, if it is echoed.
    fn echo(&mut self) {
        let index = self.choice.checked_div(self.choices).unwrap_or_default();
        if let Some(prompt) = self.echoed.get(index as usize) {
            write_choice(&mut self.events, prompt, self.choice, None);
        }
    }
}

impl StreamWriter for TextWriter {
    fn take(&mut self) -> Bytes {
        self.events.take()
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn choose(&mut self, choice: u32) {
        self.choice = choice;
    }

    fn done(&mut self, summary: &ResponseSummary) {
        self.events.done(summary);
    }

    fn error(&mut self, error: &ApiError) {
        // The prompts of a request share its stream.
        let names = CompletionFieldNames { prompt: None };
        let error = error.clone().named(&names);
        self.events.error(&ErrorBody::from(&error));
    }
}

impl OutputWriter for TextWriter {
    fn output(&mut self, output: OutputEvent<'_>) {
        let Self { events, choice, .. } = self;
        match output {
            OutputEvent::MessageStart => self.echo(),
            OutputEvent::BlockDelta {
                delta: OutputDelta::Text(text) | OutputDelta::Refusal(text),
                ..
            } => write_choice(events, text, *choice, None),
            OutputEvent::MessageStop(reason) => {
                write_choice(events, "", *choice, Some(finish_reason(reason)));
            }
            // Text completions have no fields for other blocks.
            OutputEvent::BlockStart { .. }
            | OutputEvent::BlockDelta { .. }
            | OutputEvent::BlockStop { .. } => {}
        }
    }
}

fn write_choice(
    events: &mut EventBuffer,
    text: &str,
    choice: u32,
    finish_reason: Option<&'static str>,
) {
    events.begin();
    events.put(b"{\"text\":");
    events.value(text);
    events.put(b",\"index\":");
    events.value(&choice);
    events.put(b",\"logprobs\":null,\"finish_reason\":");
    events.value(&finish_reason);
    events.put(b"}");
    events.end();
}
