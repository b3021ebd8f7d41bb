//! What the operator, the key and the request's headers say of a chat request, put together.

use super::Pipeline;
use super::models::ModelTarget;
use super::pending_request::{PendingRequest, SourceBody};
use crate::config::{ChatOverrides, Truncate};
use crate::identity::Caller;
use crate::openai::chat::{ChatOptions, ChatRequest, GuardrailFields, GuardrailPolicy};

/// What the headers of a chat request say.
#[derive(Debug, Clone, Default)]
pub struct HeaderOptions {
    /// `x-outcrop-strict`
    pub strict: bool,
    /// `x-outcrop-truncate`
    pub truncate: Option<Truncate>,
    /// `x-outcrop-cache`
    pub cache: Option<bool>,
    /// `X-Amzn-Bedrock-Guardrail…`
    pub guardrail: GuardrailFields,
    /// `X-Amzn-Bedrock-Service-Tier`
    pub service_tier: Option<String>,
    /// `X-Amzn-Bedrock-PerformanceConfig-Latency`
    pub latency: Option<String>,
}

impl Pipeline {
    /// The request under the settings that hold for it.
    ///
    /// The key goes before the model, and the model before `[chat]`. A request cannot switch on
    /// what the operator has switched off, nor get around a guardrail or a ceiling.
    pub(super) fn settled(
        &self,
        caller: Caller,
        request: Box<ChatRequest>,
        source_body: SourceBody,
        target: ModelTarget,
        headers: HeaderOptions,
    ) -> PendingRequest {
        let no_overrides = ChatOverrides::default();
        let key = self.keys.get(caller.name()).unwrap_or(&no_overrides);
        let scopes = [key, &target.chat, &self.chat.common];
        let strict = self.is_strict(&caller, &target, headers.strict);
        let truncate = scopes.iter().find_map(|scope| scope.truncate);
        let is_off = |cache: Option<bool>| cache == Some(false);
        let is_cached = !is_off(headers.cache) && !scopes.iter().any(|scope| is_off(scope.cache));
        let ceilings = scopes.iter().filter_map(|scope| scope.max_tokens_ceiling);
        let options = ChatOptions {
            default_max_tokens: scopes.iter().find_map(|scope| scope.max_tokens),
            max_tokens_ceiling: ceilings.min(),
            max_n: self.chat.max_n,
            automatic_caching: is_cached,
            guardrail: self.guardrail(&caller, &target).cloned(),
            guardrail_headers: headers.guardrail,
            service_tier_header: headers.service_tier,
            latency_header: headers.latency,
            forward_metadata: self.chat.forward_metadata,
            model_fields: self.chat.model_fields.clone(),
            s3_buckets: self.chat.s3_buckets.clone(),
            reserved_tier: self.chat.reserved_tier,
            client_fields: source_body.client_fields(),
        };
        let mut pending = PendingRequest::new(caller, request, source_body, target, options);
        pending.strict = strict;
        pending.truncate = headers.truncate.or(truncate).unwrap_or(Truncate::Refuse);
        pending
    }

    /// The guardrail that no request of `caller` to `target` gets around: the key's before the
    /// model's, and the model's before `[chat]`'s.
    pub(super) fn guardrail<'a>(
        &'a self,
        caller: &Caller,
        target: &'a ModelTarget,
    ) -> Option<&'a GuardrailPolicy> {
        let key = self.keys.get(caller.name());
        let scopes = [key, Some(&target.chat), Some(&self.chat.common)];
        let scopes = scopes.into_iter().flatten();
        scopes.filter_map(|scope| scope.guardrail.as_ref()).next()
    }

    /// Whether a request that is not served as it is written is refused: where its header asks for
    /// that, or the operator does.
    pub(super) fn is_strict(&self, caller: &Caller, target: &ModelTarget, by_header: bool) -> bool {
        let by_key = self.keys.get(caller.name()).is_some_and(|key| key.strict);
        by_header || by_key || target.chat.strict || self.chat.common.strict
    }
}
