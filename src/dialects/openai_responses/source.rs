//! A Responses request, translated to chat, as the gateway handles it.

use std::sync::Arc;

use super::field_names::ResponsesFieldNames;
use super::types::ResponsesRequest;
use crate::converse::dialect::DialectRequest;
use crate::converse::media::RemoteAddress;
use crate::converse::translation::{ChatTranslation, TranslationContext};
use crate::dialects::openai_chat::{ChatRequest, ClientFields, remote_addresses, translate_as};
use crate::error::{ApiError, FieldNames};

/// The chat request of a Responses request whose tokens are counted. It is never sent, so that it
/// does not have to be revised.
#[derive(Debug)]
pub struct ResponsesSource {
    /// `None` once it is translated.
    request: Option<Box<ChatRequest>>,
    names: Arc<ResponsesFieldNames>,
}

impl ResponsesSource {
    /// A request whose fields have `names`.
    pub fn new(request: ChatRequest, names: Arc<ResponsesFieldNames>) -> Self {
        Self {
            request: Some(Box::new(request)),
            names,
        }
    }
}

impl DialectRequest for ResponsesSource {
    fn names(&self) -> &dyn FieldNames {
        self.names.as_ref()
    }

    fn length(&self) -> usize {
        // The body is freed.
        0
    }

    fn is_parsed(&self) -> bool {
        self.request.is_some()
    }

    fn remote_addresses(&self) -> Vec<RemoteAddress> {
        let request = self.request.as_deref();
        request.map(remote_addresses).unwrap_or_default()
    }

    fn translate(&mut self, context: &TranslationContext<'_>) -> Result<ChatTranslation, ApiError> {
        let request = self.request.take().ok_or_else(ApiError::internal)?;
        let client = ClientFields {
            fields: ResponsesRequest::FIELDS,
            names: self.names.as_ref(),
            returns_logprobs: true,
        };
        translate_as(*request, client, context)
    }
}
