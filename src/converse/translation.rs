//! The translation of a conversation, whatever its dialect: its input besides the request, and its
//! result.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::media::RemoteFiles;
use super::origin::Origin;
use super::output::OutputOptions;
use super::policy::{AllowList, GuardrailPolicy};
use super::remembered::RememberedTurn;
use super::request::ConverseRequest;
use super::upstream::UpstreamRoute;
use crate::models::{Capabilities, ChatUpstream};
use crate::reply::Adjustments;

/// The input of a translation besides the request.
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
    /// Opens what the gateway has sealed for the caller; `None` if it has not.
    pub unseal: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// The model, whose reasoning it accepts.
    pub origin: &'a Arc<Origin>,
    /// The share of the conversation to remove, in thousandths, oldest turns first.
    pub dropped_share: u32,
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
    pub guardrail_headers: GuardrailHeaders,
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
}

/// The guardrail that the headers of a request name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardrailHeaders {
    /// `X-Amzn-Bedrock-GuardrailIdentifier`
    pub identifier: Option<String>,
    /// `X-Amzn-Bedrock-GuardrailVersion`
    pub version: Option<String>,
    /// `X-Amzn-Bedrock-Trace`
    pub trace: Option<String>,
}

/// A translated request.
#[derive(Debug)]
pub struct ChatTranslation {
    /// The request for Bedrock, rewritten for its upstream.
    pub converse: ConverseRequest,
    /// The upstream of the request.
    pub route: UpstreamRoute,
    /// The options of the client's response.
    pub output_options: OutputOptions,
    /// The notes about changed and ignored fields.
    pub adjustments: Adjustments,
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            default_max_tokens: None,
            max_tokens_ceiling: None,
            max_n: 8,
            automatic_caching: true,
            guardrail: None,
            guardrail_headers: GuardrailHeaders::default(),
            service_tier_header: None,
            latency_header: None,
            forward_metadata: false,
            model_fields: AllowList::default(),
            s3_buckets: AllowList::default(),
            reserved_tier: false,
        }
    }
}

impl fmt::Debug for TranslationContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TranslationContext")
            .field("family", &self.capabilities.family)
            .field("output_limit", &self.output_limit)
            .field("dropped_share", &self.dropped_share)
            .field("without_reasoning", &self.without_reasoning)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
