//! The format of a response: `text_completion` events or one object.

use super::CompletionFieldNames;
use super::text::TextCompletion;
use super::writer::TextWriter;
use crate::converse::dialect::ResponseFormat;
use crate::converse::output::{OutputOptions, ResponseSummary};
use crate::dialects::openai_chat::CompletionHead;
use crate::error::{ApiError, FieldNames};

/// The format of the response to a completion request, with the choices of each prompt in order.
#[derive(Debug, Clone)]
pub struct TextFormat<'a> {
    /// The fields that all choices share.
    pub head: CompletionHead<'a>,
    /// The prompts, if they are echoed; empty if not.
    pub echoed: Vec<String>,
}

impl ResponseFormat for TextFormat<'_> {
    type Stream = TextWriter;
    type Choice = TextCompletion;

    fn names(&self) -> &dyn FieldNames {
        // The prompts of a request share its response.
        &CompletionFieldNames { prompt: None }
    }

    fn stream(&self, output_options: &OutputOptions) -> TextWriter {
        TextWriter::new(
            self.head.id,
            self.head.created,
            self.head.model,
            output_options.include_usage,
            self.echoed.clone(),
            output_options.choices,
        )
    }

    fn choice(&self, index: u32, output_options: &OutputOptions) -> TextCompletion {
        let prompt = index.checked_div(output_options.choices);
        let prompt = prompt.unwrap_or_default() as usize;
        TextCompletion::new(self.echoed.get(prompt).map(String::as_str))
    }

    fn json(
        &self,
        choices: &[TextCompletion],
        _output_options: &OutputOptions,
        summary: &ResponseSummary,
    ) -> Result<Vec<u8>, ApiError> {
        let json = TextCompletion::to_json(choices, self.head, summary);
        json.map_err(|_| ApiError::internal())
    }
}
