//! Chooses the upstream of a request: the one configured for the model, or Converse for features
//! that it does not have.

use crate::converse::content::{ContentBlock, ToolResultContent};
use crate::converse::media::{ImageBlock, MediaSource};
use crate::converse::options::ServiceTierType;
use crate::converse::request::ConverseRequest;
use crate::converse::rules::RequestOptions;
use crate::error::{ApiError, Field, FormatField, GuardrailField, PartField, Sentence};
use crate::models::{Capabilities, ChatUpstream};

/// The upstream of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamRoute {
    /// The API that serves the request.
    pub upstream: ChatUpstream,
    /// The field for which Converse serves it instead of the model's configured upstream.
    pub rerouted_for: Option<UnsupportedField>,
}

/// A field that AWS's chat-completions endpoints do not support, in general or for this model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedField {
    /// The field.
    pub field: Field,
    /// The reason, for the client.
    why: &'static str,
}

impl UnsupportedField {
    /// The error for a model that Converse does not support either.
    fn refusal(self) -> ApiError {
        let Self { field, why } = self;
        ApiError::unsupported(
            field.clone(),
            Sentence::about(
                field,
                format!(
                    " is not supported for this model, which is only available on AWS's \
                     chat-completions endpoint: {why}"
                ),
            ),
        )
    }
}

/// The upstream of `request`, to which no rules have been applied yet.
///
/// # Errors
///
/// If a field is not supported by the `configured` upstream, nor the model by Converse.
pub fn route(
    configured: ChatUpstream,
    request: &ConverseRequest,
    request_options: &RequestOptions,
    capabilities: &Capabilities,
) -> Result<UpstreamRoute, ApiError> {
    let unsupported_field = match configured {
        ChatUpstream::Converse => None,
        ChatUpstream::OpenAi(_) => unsupported_field(request, request_options, capabilities),
    };
    match unsupported_field {
        Some(field) if !capabilities.converse => Err(field.refusal()),
        Some(_) => Ok(UpstreamRoute {
            upstream: ChatUpstream::Converse,
            rerouted_for: unsupported_field,
        }),
        None => Ok(UpstreamRoute {
            upstream: configured,
            rerouted_for: None,
        }),
    }
}

/// The first field that AWS's chat-completions endpoints do not support.
fn unsupported_field(
    request: &ConverseRequest,
    request_options: &RequestOptions,
    capabilities: &Capabilities,
) -> Option<UnsupportedField> {
    let tier = request.service_tier.map(|tier| tier.r#type);
    let checks = [
        (
            request.guardrail_config.is_some(),
            Field::Guardrail(GuardrailField::Whole),
            "the endpoint has no guardrails",
        ),
        (
            request.performance_config.is_some(),
            Field::Performance,
            "the endpoint has no latency modes",
        ),
        (
            tier == Some(ServiceTierType::Reserved),
            Field::ServiceTier,
            "the endpoint has no reserved capacity",
        ),
        (
            !request.request_metadata.is_empty(),
            Field::RequestMetadata,
            "the endpoint has no request metadata",
        ),
        (
            !request.prompt_variables.is_empty(),
            Field::PromptVariables,
            "the endpoint has no stored prompts",
        ),
        (
            request_options.has_converse_fields,
            Field::ProviderField(None),
            "only Converse has this field",
        ),
        (
            !request.additional_model_response_field_paths.is_empty(),
            Field::ResponsePath(None),
            "only Converse has this field",
        ),
        (
            request_options.web_search,
            Field::WebSearch,
            "the endpoint has no web search",
        ),
        (
            request_options.json.is_some() && !capabilities.upstream_response_format,
            Field::ResponseFormat(FormatField::Whole),
            "the model ignores it on that endpoint",
        ),
        (
            request.tool_config.is_some()
                && !capabilities.upstream_tools_with_reasoning
                && request_options.reasoning.reasons_by_default(capabilities),
            Field::Tools,
            "the model accepts tools on that endpoint only with `reasoning_effort: \"none\"`",
        ),
        (
            !has_only_text_and_images(request),
            Field::any_part(PartField::Whole),
            "the endpoint accepts only text, and images as data URLs or web addresses",
        ),
    ];
    let first = checks.into_iter().find(|(is_used, ..)| *is_used);
    first.map(|(_, field, why)| UnsupportedField { field, why })
}

fn has_only_text_and_images(request: &ConverseRequest) -> bool {
    let mut blocks = request.messages.iter().flat_map(|turn| &turn.content);
    blocks.all(|block| match block {
        ContentBlock::Text(_)
        | ContentBlock::Instruction(_)
        | ContentBlock::ToolUse(_)
        | ContentBlock::ReasoningContent(_)
        | ContentBlock::CachePoint(_) => true,
        ContentBlock::Image(image) => has_bytes(image),
        ContentBlock::ToolResult(result) => result.content.iter().all(|content| match content {
            ToolResultContent::Text(_) | ToolResultContent::Json(_) => true,
            ToolResultContent::Image(image) => has_bytes(image),
            ToolResultContent::Document(_)
            | ToolResultContent::Video(_)
            | ToolResultContent::SearchResult(_) => false,
        }),
        ContentBlock::Document(_)
        | ContentBlock::Video(_)
        | ContentBlock::Audio(_)
        | ContentBlock::GuardContent(_)
        | ContentBlock::SearchResult(_) => false,
    })
}

fn has_bytes(image: &ImageBlock) -> bool {
    matches!(image.source, MediaSource::Bytes(_))
}
