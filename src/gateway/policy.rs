//! The effective settings of a chat request, from the operator, the key and the request headers.

use serde::{Deserialize, Serialize};

use super::Gateway;
use crate::catalog::ModelTarget;
use crate::config::{ChatOverrides, Truncate};
use crate::converse::dialect::DialectRequest;
use crate::converse::policy::GuardrailPolicy;
use crate::converse::translation::{ChatOptions, GuardrailHeaders};
use crate::gateway::PendingRequest;
use crate::identity::Caller;

/// The options in the headers of a chat request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct HeaderOptions {
    /// `x-outcrop-strict`
    pub strict: bool,
    /// `x-outcrop-truncate`
    pub truncate: Option<Truncate>,
    /// `x-outcrop-cache`
    pub cache: Option<bool>,
    /// `X-Amzn-Bedrock-Guardrail…`
    pub guardrail: GuardrailHeaders,
    /// `X-Amzn-Bedrock-Service-Tier`
    pub service_tier: Option<String>,
    /// `X-Amzn-Bedrock-PerformanceConfig-Latency`
    pub latency: Option<String>,
}

impl Gateway {
    /// Applies the settings to a request.
    ///
    /// The key takes precedence over the model, and the model over `[chat]`. A request cannot
    /// enable what the operator has disabled, nor bypass a guardrail or a maximum.
    pub(crate) fn pending_for<R: DialectRequest>(
        &self,
        caller: &Caller,
        request: R,
        target: ModelTarget,
        headers: Option<Box<HeaderOptions>>,
    ) -> PendingRequest<R> {
        let headers = headers.map(|headers| *headers).unwrap_or_default();
        let scopes = || self.scopes(caller, &target);
        let strict = self.is_strict(caller, &target, headers.strict);
        let truncate = scopes().find_map(|scope| scope.truncate);
        let is_off = |cache: Option<bool>| cache == Some(false);
        let is_cached = !is_off(headers.cache) && !scopes().any(|scope| is_off(scope.cache));
        let ceilings = scopes().filter_map(|scope| scope.max_tokens_ceiling);
        let options = ChatOptions {
            default_max_tokens: scopes().find_map(|scope| scope.max_tokens),
            max_tokens_ceiling: ceilings.min(),
            max_n: self.chat.max_n,
            automatic_caching: is_cached,
            guardrail: self.guardrail(caller, &target).cloned(),
            guardrail_headers: headers.guardrail,
            service_tier_header: headers.service_tier,
            latency_header: headers.latency,
            forward_metadata: self.chat.forward_metadata,
            model_fields: self.chat.model_fields.clone(),
            s3_buckets: self.chat.s3_buckets.clone(),
            reserved_tier: self.chat.reserved_tier,
        };
        let mut pending = PendingRequest::new(caller.clone(), request, target, options);
        pending.strict = strict;
        pending.truncate = headers.truncate.or(truncate).unwrap_or(Truncate::Refuse);
        pending
    }

    /// The mandatory guardrail for requests of `caller` to `target`: the key's takes precedence
    /// over the model's, and the model's over the one in `[chat]`.
    pub(crate) fn guardrail<'a>(
        &'a self,
        caller: &'a Caller,
        target: &'a ModelTarget,
    ) -> Option<&'a GuardrailPolicy> {
        let mut scopes = self.scopes(caller, target);
        scopes.find_map(|scope| scope.guardrail.as_ref())
    }

    /// The settings that apply to requests of `caller` to `target`, those with precedence first.
    pub(crate) fn scopes<'a>(
        &'a self,
        caller: &'a Caller,
        target: &'a ModelTarget,
    ) -> impl Iterator<Item = &'a ChatOverrides> + Clone {
        let key = &caller.profile().chat;
        [key, &target.chat, &self.chat.common].into_iter()
    }

    /// Whether a request that cannot be served exactly as written is refused: the header or the
    /// operator may require it.
    pub(crate) fn is_strict(&self, caller: &Caller, target: &ModelTarget, by_header: bool) -> bool {
        by_header || self.scopes(caller, target).any(|scope| scope.strict)
    }
}
