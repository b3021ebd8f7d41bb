//! The context of a chat translation: the model's capabilities, the operator's options, and the
//! gateway's state.

use std::fmt;
use std::sync::Arc;

use super::field_names::ChatFieldNames;
use crate::converse::media::RemoteFiles;
use crate::converse::policy::{AllowList, GuardrailPolicy};
use crate::converse::remembered::RememberedTurn;
use crate::dialects::openai_chat::request::types::ChatRequest;
use crate::error::FieldNames;
use crate::models::{Capabilities, ChatUpstream};
use crate::wire::{ClientField, GuardrailFields};

/// The input of a chat translation besides the request.
pub struct TranslationContext<'a> {
    /// The capabilities of the model.
    pub capabilities: &'a Capabilities,
    /// The upstream configured for the model.
    pub upstream: ChatUpstream,
    /// The model's maximum output tokens; `None` if unknown.
    pub output_limit: Option<u32>,
    /// The operator's options and the request's headers.
    pub options: &'a ChatOptions,
    /// Looks up a remembered turn by a tool call id, as the client received it, or by the key of
    /// its reasoning.
    pub recall: &'a dyn Fn(&str) -> Option<Arc<RememberedTurn>>,
    /// Whether earlier reasoning is removed because the model rejected it in this conversation.
    pub without_reasoning: bool,
    /// The files that the gateway fetched from the URLs of the request.
    pub fetched: &'a RemoteFiles,
}

/// The operator's options for chat requests, and the options set by request headers.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatOptions {
    /// `maxTokens` if the request sets no limit.
    pub default_max_tokens: Option<u32>,
    /// The maximum of `maxTokens`.
    pub max_tokens_ceiling: Option<u32>,
    /// The maximum of `n`.
    pub max_n: u32,
    /// Whether cache points are placed automatically if the request has no breakpoints.
    pub automatic_caching: bool,
    /// The operator's guardrail, which requests cannot replace.
    pub guardrail: Option<GuardrailPolicy>,
    /// The guardrail of the request's headers.
    pub guardrail_headers: GuardrailFields,
    /// The service tier of the request's headers.
    pub service_tier_header: Option<String>,
    /// The latency mode (`performanceConfig`) of the request's headers.
    pub latency_header: Option<String>,
    /// Whether `metadata` is sent as `requestMetadata`, which Bedrock writes to the invocation log.
    pub forward_metadata: bool,
    /// The provider-specific fields that a request may set.
    pub model_fields: AllowList,
    /// The S3 buckets that a request may refer to.
    pub s3_buckets: AllowList,
    /// Whether `service_tier: "scale"` uses reserved capacity.
    pub reserved_tier: bool,
    /// Whether responses of the endpoint can have token probabilities as chat completions have
    /// them.
    pub returns_logprobs: bool,
    /// The endpoint's own words, for suggestions, errors and adjustment notes.
    pub client_fields: ClientFields,
}

/// What an endpoint calls the fields of a request.
#[derive(Clone)]
pub struct ClientFields {
    /// The fields of its request type.
    pub fields: &'static [ClientField],
    /// The paths of the hub's fields.
    pub names: Arc<dyn FieldNames>,
}

impl ClientFields {
    /// The fields of a chat request.
    pub fn of_chat() -> Self {
        Self {
            fields: ChatRequest::FIELDS,
            names: Arc::new(ChatFieldNames),
        }
    }
}

impl PartialEq for ClientFields {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.fields, other.fields)
    }
}

impl fmt::Debug for ClientFields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("ClientFields")
            .field(&self.names)
            .finish()
    }
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            default_max_tokens: None,
            max_tokens_ceiling: None,
            max_n: 8,
            automatic_caching: true,
            guardrail: None,
            guardrail_headers: GuardrailFields::default(),
            service_tier_header: None,
            latency_header: None,
            forward_metadata: false,
            model_fields: AllowList::default(),
            s3_buckets: AllowList::default(),
            reserved_tier: false,
            returns_logprobs: true,
            client_fields: ClientFields::of_chat(),
        }
    }
}

impl fmt::Debug for TranslationContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TranslationContext")
            .field("family", &self.capabilities.family)
            .field("output_limit", &self.output_limit)
            .field("without_reasoning", &self.without_reasoning)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
