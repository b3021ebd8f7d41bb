//! Pieces of an answer as server-sent events of text.

use bytes::Bytes;
use serde::Serialize;

use super::finish_reason;
use crate::openai::chat::{EventBuffer, OutputEvent, OutputWriter, ResponseSummary};

/// Writes `text_completion` events into a buffer: a stream's have the form of the whole answer.
#[derive(Debug)]
pub struct TextWriter {
    events: EventBuffer,
    /// The prompts, where they are said back.
    echoed: Vec<String>,
    /// The answers to each prompt.
    choices: u32,
    /// The answer, of several to one request, that the pieces belong to.
    choice: u32,
}

impl TextWriter {
    /// A writer for the answer `id`, begun at `created` (Unix seconds) by the model that the client
    /// calls `model`. Where there are prompts in `echoed`, each of the `choices` to one begins with
    /// it.
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

    /// What has been written since the last time.
    pub fn take(&mut self) -> Bytes {
        self.events.take()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Says which of several answers the next pieces belong to, from 0.
    pub fn choose(&mut self, choice: u32) {
        self.choice = choice;
    }

    /// Ends the stream: usage where it was asked for and is known, and what else is told at the end.
    pub fn done(&mut self, summary: &ResponseSummary) {
        self.events.done(summary);
    }

    /// Ends the stream with an error instead: one event, and no `[DONE]`.
    pub fn error(&mut self, error: &impl Serialize) {
        self.events.error(error);
    }

    /// The prompt that the chosen answer completes, where it is said back.
    fn echo(&mut self) {
        let index = self.choice.checked_div(self.choices).unwrap_or_default();
        if let Some(prompt) = self.echoed.get(index as usize) {
            write_choice(&mut self.events, prompt, self.choice, None);
        }
    }
}

impl OutputWriter for TextWriter {
    fn output(&mut self, output: OutputEvent<'_>) {
        let Self { events, choice, .. } = self;
        match output {
            OutputEvent::Role => self.echo(),
            OutputEvent::Content(text) => write_choice(events, text, *choice, None),
            OutputEvent::Finish(reason) => {
                write_choice(events, "", *choice, Some(finish_reason(reason)));
            }
            // A text has no place for anything else.
            OutputEvent::Reasoning(_)
            | OutputEvent::ThinkingBlock { .. }
            | OutputEvent::Annotation { .. }
            | OutputEvent::Citation { .. }
            | OutputEvent::ToolCall { .. }
            | OutputEvent::Arguments { .. } => {}
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
