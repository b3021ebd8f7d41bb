//! Chat requests as the gateway handles them.

use super::{ChatFieldNames, ChatRequest, remote_addresses, translate};
use crate::converse::dialect::DialectRequest;
use crate::converse::media::RemoteAddress;
use crate::converse::translation::{ChatTranslation, TranslationContext};
use crate::error::{ApiError, FieldNames};
use crate::wire::{ParsedBody, missing_model};

/// The client's name of the model.
///
/// # Errors
///
/// If it is missing.
pub fn model_name(request: &ChatRequest) -> Result<String, ApiError> {
    match request.model.as_deref() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(missing_model(&request.unknown, ChatRequest::FIELDS)),
    }
}

impl DialectRequest for ParsedBody<ChatRequest> {
    fn names(&self) -> &dyn FieldNames {
        &ChatFieldNames
    }

    fn length(&self) -> usize {
        ParsedBody::length(self)
    }

    fn is_parsed(&self) -> bool {
        self.value().is_some()
    }

    fn remote_addresses(&self) -> Vec<RemoteAddress> {
        self.value().map(remote_addresses).unwrap_or_default()
    }

    fn translate(&mut self, context: &TranslationContext<'_>) -> Result<ChatTranslation, ApiError> {
        translate(*self.take()?, context)
    }
}
