//! A request before it is sent to Bedrock. It may have to be revised: without a field that the
//! model refuses, without earlier reasoning, or without its oldest turns.

use std::sync::Arc;

use bytes::Bytes;

use crate::bedrock::UpstreamError;
use crate::catalog::ProfileSearch;
use crate::catalog::{ModelTarget, Registry};
use crate::config::{ResponseOwner, Truncate};
use crate::converse::dialect::DialectRequest;
use crate::converse::estimate::media_size;
use crate::converse::media::{RemoteAddress, RemoteFiles, fetched_length};
use crate::converse::output::OutputOptions;
use crate::converse::remembered::RememberedTurn;
use crate::converse::request::ConverseRequest;
use crate::converse::translation::{ChatOptions, ChatTranslation, TranslationContext};
use crate::converse::upstream::UpstreamRoute;
use crate::converse::upstream::chat_completions::ChatCompletionRequest;
use crate::error::{ApiError, ErrorCode, FieldNames};
use crate::identity::Caller;
use crate::limits::PromptSize;
use crate::models::ChatUpstream;
use crate::reply::Adjustments;
use crate::resources::body_memory::BodyPermit;
use crate::resources::reasoning_memory::ReasoningMemory;
use crate::resources::seals::Seals;

/// The maximum number of revisions of a request.
const MAX_REVISIONS: u32 = 6;

/// The parts of earlier responses: those that the gateway has, and the keys of those that clients
/// have.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(super) reasoning: Arc<ReasoningMemory>,
    pub(super) seals: Seals,
    /// Whose seals open.
    pub(super) owner: ResponseOwner,
}

/// A serialized request, and the plan of its response. The parsed values are freed.
#[derive(Debug)]
pub(crate) struct PreparedRequest {
    /// The upstream that it is sent to.
    pub(super) upstream: ChatUpstream,
    /// The JSON in the upstream's format.
    pub(super) body: Bytes,
    pub(super) output_options: Arc<OutputOptions>,
    pub(crate) adjustments: Adjustments,
    pub(super) has_cache_points: bool,
    /// The requested service tier.
    pub(super) tier: Option<&'static str>,
    /// The size of the prompt, if the caller's limits need it.
    pub(super) prompt: PromptSize,
    /// The maximum length of the response.
    pub(super) max_tokens: Option<u32>,
    /// Whether the table's price applies: it does not include the surcharge for optimized latency.
    pub(super) has_price: bool,
}

#[derive(Debug)]
pub(crate) struct PendingRequest<R> {
    pub(crate) caller: Caller,
    pub(crate) target: ModelTarget,
    pub(crate) options: ChatOptions,
    pub(super) fetched: RemoteFiles,
    pub(crate) strict: bool,
    pub(super) truncate: Truncate,
    /// The memory reserved for the body.
    pub(crate) permit: Option<BodyPermit>,
    request: R,
    /// The share of the conversation to keep, in thousandths.
    kept_share: u32,
    /// Whether earlier reasoning is removed, because the model has refused it.
    without_reasoning: bool,
    revisions: u32,
    profiles: ProfileSearch,
}

impl<R: DialectRequest> PendingRequest<R> {
    pub(super) fn new(
        caller: Caller,
        request: R,
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
            request,
            kept_share: 1000,
            without_reasoning: false,
            revisions: 0,
            profiles: ProfileSearch::default(),
        }
    }

    /// The files at URLs; empty once the request has been translated.
    pub(super) fn remote_addresses(&self) -> Vec<RemoteAddress> {
        self.request.remote_addresses()
    }

    /// The length of the translation's input, in bytes: the body and the fetched files.
    pub(crate) fn source_length(&self) -> usize {
        self.request
            .length()
            .saturating_add(fetched_length(&self.fetched))
    }

    /// Reserves the memory for translating the request, which an earlier translation may have
    /// released.
    pub(super) async fn admit(&mut self) -> Result<(), ApiError> {
        let length = self.request.length();
        match &mut self.permit {
            Some(permit) if !self.request.is_parsed() => permit.admit(length).await,
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
    pub(super) fn prepare(&mut self, memory: &Memory) -> Result<PreparedRequest, ApiError> {
        let ChatTranslation {
            converse,
            route: UpstreamRoute { upstream, .. },
            output_options,
            adjustments,
        } = self.translate(memory)?;
        // About the source's length: while a growing buffer is reallocated, it is held twice.
        let mut body = Vec::with_capacity(self.source_length() + 256);
        let written = match upstream {
            ChatUpstream::Converse => serde_json::to_writer(&mut body, &converse),
            ChatUpstream::OpenAi(_) => {
                let (model, stream) = (self.target.model.as_str(), !output_options.non_streaming);
                let request = ChatCompletionRequest::new(&converse, model, stream)?;
                serde_json::to_writer(&mut body, &request)
            }
        };
        written.map_err(|_| ApiError::internal())?;
        let prompt = match &self.caller.profile().limits {
            Some(_) => prompt_size(&converse, body.len()),
            None => PromptSize::default(),
        };
        Ok(PreparedRequest {
            upstream,
            prompt,
            max_tokens: converse.inference_config.max_tokens,
            body: body.into(),
            output_options: Arc::new(output_options),
            adjustments,
            has_cache_points: converse.has_cache_points(),
            tier: converse.service_tier.map(|tier| tier.r#type.as_str()),
            has_price: converse.performance_config.is_none(),
        })
    }

    /// Translates the request for its upstream.
    pub(super) fn translate(&mut self, memory: &Memory) -> Result<ChatTranslation, ApiError> {
        let Self {
            caller,
            target,
            options,
            fetched,
            request,
            kept_share,
            without_reasoning,
            ..
        } = self;
        let model_info = &target.model_info;
        let family = model_info.capabilities.family.as_str();
        let Memory {
            reasoning,
            seals,
            owner,
        } = memory;
        let owner = caller.owner(*owner);
        let recall = |key: &str| -> Option<Arc<RememberedTurn>> {
            reasoning.recall(caller.id(), family, key)
        };
        let unseal = |seal: &str| seals.open(&owner, seal);
        let context = TranslationContext {
            capabilities: &model_info.capabilities,
            upstream: target.upstream,
            output_limit: model_info.output_limit,
            options,
            recall: &recall,
            unseal: &unseal,
            origin: &target.origin(),
            dropped_share: 1000 - *kept_share,
            without_reasoning: *without_reasoning,
            fetched,
        };
        let translated = request.translate(&context)?;
        Ok(ChatTranslation {
            adjustments: self.finish(translated.adjustments)?,
            ..translated
        })
    }

    /// The paths of the hub's fields in the client's request.
    pub(crate) fn names(&self) -> &dyn FieldNames {
        self.request.names()
    }

    /// Notes the called profile, and rejects adjustments of a strict request.
    fn finish(&self, mut adjustments: Adjustments) -> Result<Adjustments, ApiError> {
        self.target.note_in(&mut adjustments);
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

/// The size of a prompt whose body has this length.
fn prompt_size(converse: &ConverseRequest, length: usize) -> PromptSize {
    let media = media_size(converse);
    PromptSize {
        bytes: (length as u64).saturating_sub(media.bytes),
        media_tokens: media.tokens,
    }
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
