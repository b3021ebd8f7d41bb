//! Pieces of an answer as one `text_completion` object.

use serde::Serialize;

use super::finish_reason;
use crate::converse::JsonText;
use crate::openai::chat::{
    CompletionHead, FinishReason, OutputEvent, OutputWriter, ResponseSummary, UsageObject,
};

/// An answer that is being put together: one of the `choices`.
#[derive(Debug, Default)]
pub struct TextCompletion {
    text: String,
    finish: Option<FinishReason>,
}

impl TextCompletion {
    /// An answer of which nothing has arrived, behind the prompt where that is said back.
    pub fn new(echoed: Option<&str>) -> Self {
        Self {
            text: echoed.unwrap_or_default().to_owned(),
            finish: None,
        }
    }

    /// The JSON of all answers to one request.
    pub fn to_json(
        completions: &[Self],
        head: CompletionHead<'_>,
        summary: &ResponseSummary,
    ) -> serde_json::Result<Vec<u8>> {
        let CompletionHead {
            id,
            created,
            model,
            // Completions have no labels.
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
            finish_reason: finish_reason(self.finish.unwrap_or(FinishReason::Stop)),
        }
    }
}

impl OutputWriter for TextCompletion {
    fn output(&mut self, output: OutputEvent<'_>) {
        match output {
            OutputEvent::Content(text) => self.text.push_str(text),
            OutputEvent::Finish(reason) => self.finish = Some(reason),
            // A text has no place for anything else.
            OutputEvent::Role
            | OutputEvent::Reasoning(_)
            | OutputEvent::ThinkingBlock { .. }
            | OutputEvent::Annotation { .. }
            | OutputEvent::Citation { .. }
            | OutputEvent::ToolCall { .. }
            | OutputEvent::Arguments { .. } => {}
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
