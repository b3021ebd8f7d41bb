//! Builds a `text_completion` object from output events.

use serde::Serialize;

use super::finish_reason;
use crate::converse::JsonText;
use crate::converse::output::{OutputDelta, OutputEvent, OutputWriter, ResponseSummary};
use crate::dialects::openai_chat::{CompletionHead, UsageObject};

/// A choice under construction.
#[derive(Debug)]
pub struct TextCompletion {
    text: String,
    finish: &'static str,
}

impl TextCompletion {
    /// An empty choice, or one that starts with the echoed prompt.
    pub fn new(echoed: Option<&str>) -> Self {
        Self {
            text: echoed.unwrap_or_default().to_owned(),
            finish: "stop",
        }
    }

    /// The JSON of a response with all choices.
    pub fn to_json(
        completions: &[Self],
        head: CompletionHead<'_>,
        summary: &ResponseSummary,
    ) -> serde_json::Result<Vec<u8>> {
        let CompletionHead {
            id,
            created,
            model,
            // Completions have no metadata.
            metadata: _,
        } = head;
        let ResponseSummary {
            usage,
            trace,
            response_fields,
            service_tier,
        } = summary;
        let choices = (0..).zip(completions);
        serde_json::to_vec(&TextCompletionObject {
            id,
            object: "text_completion",
            created,
            model,
            choices: choices
                .map(|(index, completion)| completion.choice(index))
                .collect(),
            usage: UsageObject::from(usage.unwrap_or_default()),
            service_tier: service_tier.as_deref(),
            trace: trace.as_ref(),
            additional_model_response_fields: response_fields.as_ref(),
        })
    }

    fn choice(&self, index: u32) -> ChoiceObject<'_> {
        ChoiceObject {
            text: &self.text,
            index,
            logprobs: None,
            finish_reason: self.finish,
        }
    }
}

impl OutputWriter for TextCompletion {
    fn output(&mut self, output: OutputEvent<'_>) {
        match output {
            OutputEvent::BlockDelta {
                delta: OutputDelta::Text(text) | OutputDelta::Refusal(text),
                ..
            } => self.text.push_str(text),
            OutputEvent::MessageStop(reason) => self.finish = finish_reason(reason),
            // Text completions have no fields for other blocks.
            OutputEvent::MessageStart
            | OutputEvent::BlockStart { .. }
            | OutputEvent::BlockDelta { .. }
            | OutputEvent::BlockStop { .. } => {}
        }
    }
}

#[derive(Serialize)]
struct TextCompletionObject<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceObject<'a>>,
    usage: UsageObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<&'a JsonText>,
}

#[derive(Serialize)]
struct ChoiceObject<'a> {
    text: &'a str,
    index: u32,
    logprobs: Option<()>,
    finish_reason: &'static str,
}
