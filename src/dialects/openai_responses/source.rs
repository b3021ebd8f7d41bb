//! Responses requests as the gateway handles them.

use super::field_names::ResponsesFieldNames;
use super::request::types::ResponsesRequest;
use super::request::{Purpose, remote_addresses, translate};
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
pub fn model_name(request: &ResponsesRequest) -> Result<String, ApiError> {
    match request.model.as_deref() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(missing_model(&request.unknown, ResponsesRequest::FIELDS)),
    }
}

/// A Responses request, and what becomes of it.
#[derive(Debug)]
pub struct ResponsesSource {
    body: ParsedBody<ResponsesRequest>,
    purpose: Purpose,
    names: ResponsesFieldNames,
}

impl ResponsesSource {
    /// A request that is parsed.
    ///
    /// # Errors
    ///
    /// An internal error if the body has been consumed.
    pub fn new(body: ParsedBody<ResponsesRequest>, purpose: Purpose) -> Result<Self, ApiError> {
        let request = body.value().ok_or_else(ApiError::internal)?;
        let names = ResponsesFieldNames::of(request);
        Ok(Self {
            body,
            purpose,
            names,
        })
    }

    /// The paths of the hub's fields in the request.
    pub fn field_names(&self) -> &ResponsesFieldNames {
        &self.names
    }
}

impl DialectRequest for ResponsesSource {
    fn names(&self) -> &dyn FieldNames {
        &self.names
    }

    fn length(&self) -> usize {
        self.body.length()
    }

    fn is_parsed(&self) -> bool {
        self.body.value().is_some()
    }

    fn remote_addresses(&self) -> Vec<RemoteAddress> {
        self.body.value().map(remote_addresses).unwrap_or_default()
    }

    fn translate(&mut self, context: &TranslationContext<'_>) -> Result<ChatTranslation, ApiError> {
        translate(*self.body.take()?, self.purpose, &self.names, context)
    }
}
