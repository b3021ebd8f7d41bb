//! A request before it is sent to Bedrock. It may have to be revised: without a field that the
//! model refuses, without earlier reasoning, or without its oldest turns.

use std::sync::Arc;

use bytes::Bytes;

use crate::bedrock::UpstreamError;
use crate::catalog::ProfileSearch;
use crate::catalog::{ModelTarget, Registry};
use crate::config::Truncate;
use crate::converse::media::{RemoteFiles, fetched_length};
use crate::converse::output::OutputOptions;
use crate::converse::remembered::RememberedTurn;
use crate::converse::upstream::UpstreamRoute;
use crate::converse::upstream::chat_completions::ChatCompletionRequest;
use crate::dialects::openai_chat::{
    ChatOptions, ChatRequest, ChatTranslation, ClientFields, TranslationContext, drop_oldest,
    translate,
};
use crate::dialects::openai_completions::{CompletionFieldNames, chat_requests};
use crate::error::{ApiError, ErrorCode, Field, FieldNames};
use crate::identity::Caller;
use crate::models::ChatUpstream;
use crate::reply::Adjustments;
use crate::resources::body_memory::BodyPermit;
use crate::resources::reasoning_memory::ReasoningMemory;

/// The maximum number of revisions of a request.
const MAX_REVISIONS: u32 = 6;

/// The raw body, which is parsed again for a revision.
#[derive(Debug)]
pub(crate) enum SourceBody {
    Chat(Bytes),
    /// One prompt of a completion request.
    Completion {
        body: Bytes,
        /// The index of the prompt.
        prompt: usize,
        /// Whether the request has several prompts.
        several: bool,
    },
}

/// A serialized request, and the plan of its response. The parsed values are freed.
#[derive(Debug)]
pub(crate) struct PreparedRequest {
    /// The upstream that it is sent to.
    pub(super) upstream: ChatUpstream,
    /// The JSON in the upstream's format.
    pub(super) body: Bytes,
    pub(super) output_options: OutputOptions,
    pub(crate) adjustments: Adjustments,
    pub(super) has_cache_points: bool,
    /// The requested service tier.
    pub(super) tier: Option<&'static str>,
    /// Whether the table's price applies: it does not include the surcharge for optimized latency.
    pub(super) has_price: bool,
}

#[derive(Debug)]
pub(crate) struct PendingRequest {
    pub(crate) caller: Caller,
    pub(crate) target: ModelTarget,
    pub(crate) options: ChatOptions,
    pub(super) fetched: RemoteFiles,
    pub(crate) strict: bool,
    pub(super) truncate: Truncate,
    /// The memory reserved for the body.
    pub(crate) permit: Option<BodyPermit>,
    source_body: SourceBody,
    /// The parsed request; `None` once it has been translated.
    request: Option<Box<ChatRequest>>,
    /// The share of the conversation to keep, in thousandths.
    kept_share: u32,
    /// Whether earlier reasoning is removed, because the model has refused it.
    without_reasoning: bool,
    revisions: u32,
    profiles: ProfileSearch,
}

impl PendingRequest {
    pub(super) fn new(
        caller: Caller,
        request: Box<ChatRequest>,
        source_body: SourceBody,
        target: ModelTarget,
        options: ChatOptions,
    ) -> Self {
        Self {
            caller,
            target,
            options,
            fetched: RemoteFiles::new(),
            strict: false,
            truncate: Truncate::Refuse,
            permit: None,
            source_body,
            request: Some(request),
            kept_share: 1000,
            without_reasoning: false,
            revisions: 0,
            profiles: ProfileSearch::default(),
        }
    }

    /// The parsed request; `None` once it has been translated.
    pub(super) fn request(&self) -> Option<&ChatRequest> {
        self.request.as_deref()
    }

    /// The request with the rest of its conversation, and the number of removed messages.
    fn shortened(&mut self) -> Result<(Box<ChatRequest>, usize), ApiError> {
        let mut request: Box<ChatRequest> = match self.request.take() {
            Some(request) => request,
            None => self.source_body.read()?,
        };
        let dropped = match self.kept_share {
            1000 => 0,
            share => drop_oldest(&mut request, share)?,
        };
        Ok((request, dropped))
    }

    /// The length of the body, in bytes.
    fn length(&self) -> usize {
        match &self.source_body {
            SourceBody::Chat(body) | SourceBody::Completion { body, .. } => body.len(),
        }
    }

    /// The length of the translation's input, in bytes: the body and the fetched files.
    pub(crate) fn source_length(&self) -> usize {
        self.length().saturating_add(fetched_length(&self.fetched))
    }

    /// Reserves the memory for translating the request, which an earlier translation may have
    /// released.
    pub(super) async fn admit(&mut self) -> Result<(), ApiError> {
        let length = self.length();
        match (&mut self.permit, &self.request) {
            (Some(permit), None) => permit.admit(length).await,
            _ => Ok(()),
        }
    }

    /// Releases memory: what remains are the body, the fetched files, and `sent` bytes of
    /// serialized requests.
    pub(crate) fn shrink_memory(&mut self, sent: usize) {
        let held = self.source_length().saturating_add(sent);
        if let Some(permit) = &mut self.permit {
            permit.shrink_to(held);
        }
    }

    /// Translates and serializes the request.
    pub(super) fn prepare(
        &mut self,
        memory: &ReasoningMemory,
    ) -> Result<PreparedRequest, ApiError> {
        let ChatTranslation {
            converse,
            route: UpstreamRoute { upstream, .. },
            output_options,
            adjustments,
        } = self.translate(memory)?;
        // About the source's length: while a growing buffer is reallocated, it is held twice.
        let mut body = Vec::with_capacity(self.source_length() + 1024);
        let written = match upstream {
            ChatUpstream::Converse => serde_json::to_writer(&mut body, &converse),
            ChatUpstream::OpenAi(_) => {
                let (model, stream) = (self.target.model.as_str(), !output_options.non_streaming);
                let request = ChatCompletionRequest::new(&converse, model, stream)?;
                serde_json::to_writer(&mut body, &request)
            }
        };
        written.map_err(|_| ApiError::internal())?;
        Ok(PreparedRequest {
            upstream,
            body: body.into(),
            output_options,
            adjustments,
            has_cache_points: converse.has_cache_points(),
            tier: converse.service_tier.map(|tier| tier.r#type.as_str()),
            has_price: converse.performance_config.is_none(),
        })
    }

    /// Translates the request for its upstream.
    pub(crate) fn translate(
        &mut self,
        memory: &ReasoningMemory,
    ) -> Result<ChatTranslation, ApiError> {
        let (request, dropped) = self.shortened()?;
        let Self {
            caller,
            target,
            options,
            fetched,
            without_reasoning,
            ..
        } = self;
        let model_info = &target.model_info;
        let family = model_info.capabilities.family.as_str();
        let recall = |key: &str| -> Option<Arc<RememberedTurn>> {
            memory.recall(caller.name(), family, key)
        };
        // A shortened conversation is a different one, to which thinking signatures are not bound.
        let is_cut = model_info.capabilities.binds_thinking && dropped > 0;
        let context = TranslationContext {
            capabilities: &model_info.capabilities,
            upstream: target.upstream,
            output_limit: model_info.output_limit,
            options,
            recall: &recall,
            without_reasoning: *without_reasoning || is_cut,
            fetched,
        };
        let translated = translate(*request, &context)?;
        Ok(ChatTranslation {
            adjustments: self.finish(translated.adjustments, dropped)?,
            ..translated
        })
    }

    /// The paths of the hub's fields in the client's request.
    pub(crate) fn names(&self) -> &dyn FieldNames {
        self.options.client_fields.names.as_ref()
    }

    /// Notes the removed messages, and rejects adjustments of a strict request.
    fn finish(
        &self,
        mut adjustments: Adjustments,
        dropped: usize,
    ) -> Result<Adjustments, ApiError> {
        self.target.note_in(&mut adjustments);
        if dropped > 0 {
            adjustments.note(
                Field::Messages,
                format!("the {dropped} oldest removed: the conversation was too long"),
            );
        }
        let adjustments = adjustments.named(self.names());
        if self.strict {
            refuse_adjustments(&adjustments)?;
        }
        Ok(adjustments)
    }

    /// Revises the request after `error`; returns the error if no revision can help.
    pub(super) fn revise(
        &mut self,
        error: UpstreamError,
        models: &Registry,
    ) -> Result<(), UpstreamError> {
        if self.revisions >= MAX_REVISIONS {
            return Err(error);
        }
        self.revisions += 1;
        // The conversation is the cause; nothing is learned about the model.
        if error.refuses_reasoning && !self.without_reasoning {
            self.without_reasoning = true;
            return Ok(());
        }
        let model = &self.target.model;
        if let Some(profile) = self.profiles.next(&error, model, models.resolver()) {
            models.call_profile(&mut self.target, profile);
            return Ok(());
        }
        if let Some(field) = error.refused_field.clone() {
            return match models.learn(&mut self.target, field) {
                true => Ok(()),
                false => Err(error),
            };
        }
        let is_too_long = error.api_error.code == Some(ErrorCode::ContextLengthExceeded);
        if !is_too_long || self.truncate == Truncate::Refuse {
            return Err(error);
        }
        // Bedrock may report the excess. Tokens are not evenly distributed, so a little less than
        // the reported share is kept. Without a report, a quarter is removed.
        let fits = u32::from(error.fitting_share.unwrap_or(750).min(950));
        self.kept_share = self.kept_share * fits / 1000;
        Ok(())
    }

    /// Remembers the inference profile that serves the model, once Bedrock has responded.
    pub(super) fn learn_profile(&mut self, models: &Registry) {
        self.profiles.learn(&self.target.model, models.resolver());
    }
}

impl SourceBody {
    /// The words of the client's endpoint.
    pub(super) fn client_fields(&self) -> ClientFields {
        match self {
            Self::Chat(_) => ClientFields::of_chat(),
            Self::Completion {
                prompt, several, ..
            } => {
                let prompt = several.then_some(*prompt);
                CompletionFieldNames { prompt }.client_fields()
            }
        }
    }

    fn read(&self) -> Result<Box<ChatRequest>, ApiError> {
        let read = match self {
            Self::Chat(body) => serde_json::from_slice(body).ok(),
            Self::Completion { body, prompt, .. } => completed(body, *prompt).map(Box::new),
        };
        // It was parsed before.
        read.ok_or_else(ApiError::internal)
    }
}

fn completed(body: &[u8], prompt: usize) -> Option<ChatRequest> {
    let request = serde_json::from_slice(body).ok()?;
    // The number of prompts was checked before.
    let prompted = chat_requests(request, u32::MAX).ok()?;
    prompted.requests.into_iter().nth(prompt)
}

/// Rejects a strict request that needs adjustments.
pub(crate) fn refuse_adjustments(adjustments: &Adjustments) -> Result<(), ApiError> {
    match adjustments.iter().next() {
        None => Ok(()),
        Some(first) => Err(ApiError::unsupported(
            first.field.clone(),
            format!(
                "the request cannot be served exactly as written, as `x-outcrop-strict` requires: \
                 {first}; change the request or remove the header"
            ),
        )),
    }
}
