//! What an endpoint calls the fields of its requests.

use super::field_names::ChatFieldNames;
use crate::dialects::openai_chat::request::types::ChatRequest;
use crate::error::FieldNames;
use crate::wire::ClientField;

/// The terms of an endpoint whose requests are translated as chat requests.
#[derive(Debug, Clone, Copy)]
pub struct ClientFields<'a> {
    /// The fields of its request type, for suggestions.
    pub fields: &'static [ClientField],
    /// The paths of the hub's fields, for errors and adjustment notes.
    pub names: &'a dyn FieldNames,
    /// Whether its responses can have token probabilities as chat completions have them.
    pub returns_logprobs: bool,
}

impl ClientFields<'static> {
    /// Those of chat completions.
    pub fn of_chat() -> Self {
        Self {
            fields: ChatRequest::FIELDS,
            names: &ChatFieldNames,
            returns_logprobs: true,
        }
    }
}
