//! One prompt of a completion request as the gateway handles it.

use bytes::Bytes;

use super::{CompletionFieldNames, CompletionRequest, chat_requests};
use crate::converse::dialect::DialectRequest;
use crate::converse::media::RemoteAddress;
use crate::converse::translation::{ChatTranslation, TranslationContext};
use crate::dialects::openai_chat::{ChatRequest, ClientFields, translate_as};
use crate::error::{ApiError, FieldNames};

/// The chat request of one prompt.
#[derive(Debug)]
pub struct PromptSource {
    /// `None` once it is translated.
    request: Option<Box<ChatRequest>>,
    /// The body with all prompts.
    body: Bytes,
    /// The index of the prompt.
    prompt: usize,
    names: CompletionFieldNames,
}

impl PromptSource {
    /// The chat request of the prompt with the index `prompt`, one of `several` in `body`.
    pub fn new(request: ChatRequest, body: Bytes, prompt: usize, several: bool) -> Self {
        Self {
            request: Some(Box::new(request)),
            body,
            prompt,
            names: CompletionFieldNames {
                prompt: several.then_some(prompt),
            },
        }
    }

    /// The request, parsed again if it was translated before.
    fn take(&mut self) -> Option<Box<ChatRequest>> {
        self.request.take().or_else(|| {
            let request = serde_json::from_slice(&self.body).ok()?;
            // The number of prompts was checked before.
            let prompts = chat_requests(request, u32::MAX).ok()?;
            prompts.requests.into_iter().nth(self.prompt).map(Box::new)
        })
    }
}

impl DialectRequest for PromptSource {
    fn names(&self) -> &dyn FieldNames {
        &self.names
    }

    fn length(&self) -> usize {
        self.body.len()
    }

    fn is_parsed(&self) -> bool {
        self.request.is_some()
    }

    fn remote_addresses(&self) -> Vec<RemoteAddress> {
        // Prompts are text.
        Vec::new()
    }

    fn translate(&mut self, context: &TranslationContext<'_>) -> Result<ChatTranslation, ApiError> {
        let request = self.take().ok_or_else(ApiError::internal)?;
        let client = ClientFields {
            fields: CompletionRequest::FIELDS,
            names: &self.names,
            returns_logprobs: false,
        };
        translate_as(*request, client, context)
    }
}
