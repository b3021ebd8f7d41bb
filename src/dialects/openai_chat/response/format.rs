//! The format of a response: chunks, or one completion.

use super::chunks::ChunkWriter;
use super::completion::{Completion, CompletionHead};
use crate::converse::dialect::ResponseFormat;
use crate::converse::output::{OutputOptions, ResponseSummary};
use crate::dialects::openai_chat::field_names::ChatFieldNames;
use crate::error::{ApiError, FieldNames};

/// The format of the response to a chat request.
#[derive(Debug, Clone, Copy)]
pub struct ChatFormat<'a> {
    /// The id of the completion.
    pub id: &'a str,
    /// The time of creation in Unix seconds.
    pub created: u64,
    /// The client's name of the model.
    pub model: &'a str,
}

impl ResponseFormat for ChatFormat<'_> {
    type Stream = ChunkWriter;
    type Choice = Completion;

    fn names(&self) -> &dyn FieldNames {
        &ChatFieldNames
    }

    fn stream(&self, output_options: &OutputOptions) -> ChunkWriter {
        ChunkWriter::new(
            self.id,
            self.created,
            self.model,
            output_options.include_usage,
            output_options.legacy_functions,
        )
    }

    fn choice(&self, _index: u32, output_options: &OutputOptions) -> Completion {
        Completion::new(output_options.legacy_functions)
    }

    fn json(
        &self,
        choices: &[Completion],
        output_options: &OutputOptions,
        summary: &ResponseSummary,
    ) -> Result<Vec<u8>, ApiError> {
        let head = CompletionHead {
            id: self.id,
            created: self.created,
            model: self.model,
            metadata: output_options.metadata.as_ref(),
        };
        Completion::to_json(choices, head, summary).map_err(|_| ApiError::internal())
    }
}
