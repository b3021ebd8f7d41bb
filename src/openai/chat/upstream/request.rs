//! Builds the request for the chat-completions upstream from the client's body. Fields that the
//! upstream does not accept are changed, rejected, or removed with a note.

use super::super::context::ChatOptions;
use super::super::parameters::{
    between, check_modalities, choices, effective_max_tokens, include_usage, no_messages,
};
use super::super::request_options::json_format;
use super::super::tools::{ToolFields, tool_translation};
use super::super::types::ChatRequest;
use super::fields::{ChatUpstreamBody, EXTENSIONS, json};
use super::messages::{mention_json, messages as upstream_messages, with_json_instruction};
use super::reasons;
use crate::converse::media::RemoteFiles;
use crate::converse::options::Fields;
use crate::converse::rules::ToolNames;
use crate::dialects::wire::{hint, refuse};
use crate::error::ApiError;
use crate::models::Capabilities;
use crate::reply::Adjustments;

/// The input of an upstream translation besides the request.
#[derive(Debug, Clone, Copy)]
pub struct ChatUpstreamContext<'a> {
    /// The upstream's id of the model.
    pub model: &'a str,
    /// The capabilities of the model.
    pub capabilities: &'a Capabilities,
    /// The model's maximum output tokens; `None` if unknown.
    pub output_limit: Option<u32>,
    /// The operator's options and the request's headers.
    pub options: &'a ChatOptions,
    /// The files that the gateway fetched from the URLs of the request.
    pub fetched: &'a RemoteFiles,
    /// The sorted indices of messages to remove from the body; the parsed request no longer has
    /// them.
    pub dropped: &'a [usize],
}

/// A request for the chat-completions upstream.
#[derive(Debug)]
pub struct ChatUpstreamRequest {
    /// The body to send.
    pub body: Fields,
    /// The options of the client's response.
    pub output_options: ChatUpstreamOptions,
    /// The notes about changed and ignored fields.
    pub adjustments: Adjustments,
}

/// The options of a request that determine the form of its response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatUpstreamOptions {
    /// Whether the client requested a stream.
    pub stream: bool,
    /// Whether the stream ends with a chunk with usage.
    pub include_usage: bool,
    /// The name of the tag around reasoning in the text; empty if the text has no reasoning.
    pub reasoning_tag: String,
    /// Bedrock's name of the requested service tier.
    pub tier: Option<&'static str>,
    /// The request's `metadata`, which the response repeats.
    pub metadata: Option<Fields>,
}

/// Builds the upstream request from `request` and from `body`, the same request as the client wrote
/// it. The caller has checked for an [`UnsupportedField`](super::UnsupportedField).
///
/// # Errors
///
/// If a field is invalid or not supported; the error names the field.
pub fn upstream_request(
    request: ChatRequest,
    body: Fields,
    context: &ChatUpstreamContext<'_>,
) -> Result<ChatUpstreamRequest, ApiError> {
    let ChatUpstreamContext {
        capabilities,
        options,
        ..
    } = *context;
    let reasons = reasons(&request, capabilities);
    // No rest pattern: a new field does not compile until it is handled here.
    let ChatRequest {
        model: _,
        messages,
        max_completion_tokens,
        max_tokens,
        temperature,
        top_p,
        stop,
        stream,
        stream_options,
        n,
        tools,
        tool_choice,
        parallel_tool_calls: _,
        functions,
        function_call,
        response_format,
        reasoning_effort,
        thinking: _,
        top_k,
        verbosity: _,
        service_tier: tier,
        frequency_penalty,
        presence_penalty,
        seed: _,
        logit_bias,
        logprobs,
        top_logprobs,
        modalities,
        audio,
        prediction: _,
        web_search_options: _,
        moderation,
        metadata,
        store,
        user: _,
        safety_identifier: _,
        prompt_cache_key: _,
        prompt_cache_retention: _,
        prompt_cache_options: _,
        guardrail_config: _,
        performance_config: _,
        request_metadata: _,
        prompt_variables: _,
        additional_model_request_fields: _,
        additional_model_response_field_paths: _,
        unknown,
    } = request;
    let mut builder = ChatUpstreamBody {
        body,
        capabilities,
        reasons,
        adjustments: Adjustments::default(),
    };
    builder.body.retain(|_, value| value.as_str() != "null");
    builder.body.set("model", json(context.model)?);
    builder.remove_fields(&EXTENSIONS);

    check_modalities(modalities)?;
    refuse("moderation", moderation, "use `guardrailConfig` instead")?;
    between(temperature, 0.0, 2.0, "temperature")?;
    between(top_p, 0.0, 1.0, "top_p")?;
    between(frequency_penalty, -2.0, 2.0, "frequency_penalty")?;
    between(presence_penalty, -2.0, 2.0, "presence_penalty")?;
    choices(n, options.max_n)?;
    builder.keep_or_refuse("logit_bias", logit_bias)?;
    for (field, value) in [("logprobs", logprobs), ("top_logprobs", top_logprobs)] {
        builder.logprobs(field, value);
    }
    for (field, value, default) in [("store", store, "false"), ("audio", audio, "")] {
        builder.body.remove(field);
        hint(field, value, default, &mut builder.adjustments);
    }
    if top_k.is_some() {
        builder
            .adjustments
            .note("top_k", "removed; the model does not accept it");
    }
    builder.sampling();
    let has_stop = stop.is_some_and(|texts| !texts.0.is_empty());
    if has_stop && (!capabilities.stop_sequences || builder.is_refused("stop")) {
        builder.drop("stop", "removed; the model does not accept it");
    }
    let limit = effective_max_tokens(
        max_completion_tokens,
        max_tokens,
        options,
        &mut builder.adjustments,
    )?;
    builder.limit(limit, context)?;
    builder.effort(reasoning_effort)?;
    let tier = builder.tier(tier, options)?;

    let stream = stream.unwrap_or(false);
    let include_usage = include_usage(stream, stream_options, &mut builder.adjustments)?;
    builder.stream(stream)?;

    let has_tools = tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let fields = ToolFields {
        tools,
        tool_choice,
        functions,
        function_call,
    };
    // Reports invalid tools. The notes are discarded: they apply only to Converse.
    tool_translation(
        fields,
        &mut ToolNames::default(),
        &mut Adjustments::default(),
    )?;
    builder.tools(has_tools)?;
    builder.tool_choice()?;

    let messages = messages.filter(|messages| !messages.is_empty());
    let (Some(messages), Some(text)) = (messages, builder.body.get("messages")) else {
        return Err(no_messages(&unknown));
    };
    let mut text = upstream_messages(text, &messages, context, &mut builder.adjustments)?;
    let json = json_format(response_format, &mut Adjustments::default())?;
    if json.is_some_and(|format| format.schema.is_none()) && !mention_json(&messages) {
        text = with_json_instruction(&text)?;
    }
    builder.body.set("messages", text);

    builder.unknown(&unknown, options);
    builder.remove_rejected();
    if metadata
        .as_ref()
        .is_some_and(|metadata| !metadata.is_empty())
    {
        builder
            .adjustments
            .note("metadata", "returned in the response; not sent to Bedrock");
    }
    Ok(ChatUpstreamRequest {
        body: builder.body,
        output_options: ChatUpstreamOptions {
            stream,
            include_usage,
            reasoning_tag: capabilities.reasoning_tag.clone(),
            tier,
            metadata,
        },
        adjustments: builder.adjustments,
    })
}
