//! Responses requests as the gateway handles them.

use std::sync::Arc;

use super::field_names::ResponsesFieldNames;
use super::request::types::ResponsesRequest;
use super::request::{Purpose, remote_addresses, translate};
use super::stored::Earlier;
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
    /// What it continues, which is not in its body.
    earlier: Arc<Earlier>,
    purpose: Purpose,
    names: ResponsesFieldNames,
}

impl ResponsesSource {
    /// A request that is parsed.
    ///
    /// # Errors
    ///
    /// If the request continues a response. An internal error if the body has been consumed.
    pub fn new(body: ParsedBody<ResponsesRequest>, purpose: Purpose) -> Result<Self, ApiError> {
        Self::continuing(body, Arc::default(), purpose)
    }

    /// A request that is parsed, with the stored items that it continues.
    ///
    /// # Errors
    ///
    /// If the request continues a response that is not among the stored items. An internal error if
    /// the body has been consumed, or if a stored item cannot be read.
    pub fn continuing(
        mut body: ParsedBody<ResponsesRequest>,
        earlier: Arc<Earlier>,
        purpose: Purpose,
    ) -> Result<Self, ApiError> {
        let request = body.value_mut().ok_or_else(ApiError::internal)?;
        if request.previous_response_id.is_some() && earlier.chain_items() == 0 {
            return Err(ApiError::unsupported(
                "previous_response_id",
                "`previous_response_id` is not supported here; send the complete conversation in \
                 `input`",
            ));
        }
        earlier.apply(request)?;
        let names = ResponsesFieldNames::of(request).after(earlier.chain_items());
        Ok(Self {
            body,
            earlier,
            purpose,
            names,
        })
    }

    /// The request with the items that it continues.
    ///
    /// # Errors
    ///
    /// An internal error if it has been translated.
    pub fn request(&self) -> Result<&ResponsesRequest, ApiError> {
        self.body.value().ok_or_else(ApiError::internal)
    }

    /// What the request continues.
    pub fn earlier(&self) -> &Arc<Earlier> {
        &self.earlier
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
        self.body.length().saturating_add(self.earlier.length())
    }

    fn is_parsed(&self) -> bool {
        self.body.value().is_some()
    }

    fn remote_addresses(&self) -> Vec<RemoteAddress> {
        self.body.value().map(remote_addresses).unwrap_or_default()
    }

    fn translate(&mut self, context: &TranslationContext<'_>) -> Result<ChatTranslation, ApiError> {
        let is_complete = self.is_parsed();
        let mut request = self.body.take()?;
        if !is_complete {
            self.earlier.apply(&mut request)?;
        }
        translate(*request, self.purpose, &self.names, context)
    }
}
