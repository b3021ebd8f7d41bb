//! The paths of the hub's fields in a completion request.

use crate::dialects::openai_chat::ChatFieldNames;
use crate::error::{Field, FieldNames, OutputField};

/// The names of completions, for a request with one prompt or for one of several.
#[derive(Debug, Clone, Copy)]
pub struct CompletionFieldNames {
    /// The index of the prompt, if the request has several.
    pub prompt: Option<usize>,
}

impl FieldNames for CompletionFieldNames {
    fn path(&self, field: &Field) -> String {
        match field {
            // The prompt is the whole conversation, and there are no tools or options besides.
            Field::Messages
            | Field::Message(..)
            | Field::CacheControl
            | Field::CacheTtl
            | Field::CachePolicy(_)
            | Field::Tools
            | Field::Tool(..)
            | Field::ToolChoice(_)
            | Field::WebSearch
            | Field::ResponseFormat(_)
            | Field::Verbosity
            | Field::ReasoningEffort
            | Field::Thinking(_)
            | Field::ServiceTier
            | Field::PromptVariables
            | Field::Metadata(_) => match self.prompt {
                Some(index) => format!("prompt[{index}]"),
                None => "prompt".to_owned(),
            },
            Field::MaxTokens | Field::MaxCompletionTokens => "max_tokens".to_owned(),
            Field::Output(OutputField::Messages | OutputField::ToolCalls) => {
                "choices[].text".to_owned()
            }
            // All other fields are the same in chat.
            Field::Model
            | Field::Temperature
            | Field::TopP
            | Field::TopK
            | Field::StopSequences
            | Field::FrequencyPenalty
            | Field::PresencePenalty
            | Field::Choices
            | Field::Guardrail(_)
            | Field::Performance
            | Field::Latency
            | Field::RequestMetadata
            | Field::ProviderField(_)
            | Field::ResponsePath(_)
            | Field::Upstream(_)
            | Field::Output(OutputField::InputTokens) => ChatFieldNames.path(field),
        }
    }
}
