//! What is known about a response at its end: usage, service tier and the optional fields.

use super::{OutputOptions, ResponseSummary};
use crate::converse::JsonText;
use crate::converse::event::Metadata;
use crate::converse::response::Usage;
use crate::converse::trace::without_operator;
use crate::usage::TokenCounts;

/// The metadata of one response.
#[derive(Debug, Default)]
pub(super) struct ResponseMetadata {
    /// Bedrock's token usage; `None` until it is known.
    pub(super) usage: Option<Usage>,
    /// Bedrock's name of the service tier; `None` if not reported.
    pub(super) tier: Option<&'static str>,
    /// The fields that the client receives.
    pub(super) summary: ResponseSummary,
    /// The output tokens used for reasoning; 0 if the provider does not report them.
    reasoning_tokens: u64,
}

impl ResponseMetadata {
    /// Adds the provider-specific response fields.
    pub(super) fn note_fields(&mut self, fields: Option<&JsonText>, options: &OutputOptions) {
        let Some(fields) = fields else {
            return;
        };
        self.reasoning_tokens = thinking_tokens(fields);
        if options.include_response_fields {
            self.summary.response_fields = Some(fields.clone());
        }
    }

    /// Adds the last event, whose usage lacks the reasoning tokens.
    pub(super) fn note(&mut self, metadata: &Metadata, options: &OutputOptions) {
        let Metadata {
            usage,
            trace,
            service_tier,
        } = metadata;
        let mut usage = *usage;
        usage.reasoning_tokens = usage.reasoning_tokens.max(self.reasoning_tokens);
        self.usage = Some(usage);
        self.summary.usage = Some(TokenCounts::from(usage));
        self.tier = match service_tier.as_deref() {
            Some("flex") => Some("flex"),
            Some("priority") => Some("priority"),
            Some("reserved") => Some("reserved"),
            Some(_) => Some("default"),
            None => None,
        };
        if options.include_trace {
            let trace = trace.as_ref();
            self.summary.trace = trace.and_then(|trace| visible_trace(trace, options));
        }
        if options.include_service_tier {
            let tier = match service_tier.as_deref() {
                None => "default",
                Some("reserved") => "scale",
                Some(other) => other,
            };
            self.summary.service_tier = Some(tier.to_owned());
        }
    }
}

fn visible_trace(trace: &JsonText, options: &OutputOptions) -> Option<JsonText> {
    match &options.hidden_guardrail {
        None => Some(trace.clone()),
        Some(own) => JsonText::parse(without_operator(trace.as_str(), own)).ok(),
    }
}

/// The reasoning tokens in the provider-specific response fields; 0 if absent.
fn thinking_tokens(fields: &JsonText) -> u64 {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct ProviderFields {
        usage: ProviderUsage,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct ProviderUsage {
        output_tokens_details: Details,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Details {
        thinking_tokens: u64,
    }
    let fields: ProviderFields = serde_json::from_str(fields.as_str()).unwrap_or_default();
    fields.usage.output_tokens_details.thinking_tokens
}
