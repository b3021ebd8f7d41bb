//! A chat request for one of AWS's OpenAI surfaces: the client's own body, with what the surface
//! does not take changed, refused by name, or left out with a note.

use super::super::context::ChatOptions;
use super::super::media::RemoteFiles;
use super::super::names::ToolNames;
use super::super::parameters::{
    between, check_modalities, choices, effective_max_tokens, hint, include_usage, no_messages,
    refuse,
};
use super::super::request_options::json_format;
use super::super::tools::{ToolFields, tool_translation};
use super::super::types::ChatRequest;
use super::fields::{ChatUpstreamBody, EXTENSIONS, json};
use super::messages::{mention_json, messages as upstream_messages, with_json_instruction};
use super::reasons;
use crate::adjustments::Adjustments;
use crate::converse::options::Fields;
use crate::error::ApiError;
use crate::models::Capabilities;

/// What a request is passed on under.
#[derive(Debug, Clone, Copy)]
pub struct ChatUpstreamContext<'a> {
    /// The model's id.
    pub model: &'a str,
    /// What the model takes.
    pub capabilities: &'a Capabilities,
    /// The most tokens that the model can write, where that is known.
    pub output_limit: Option<u32>,
    /// What the operator and the request's headers say.
    pub options: &'a ChatOptions,
    /// What the gateway has fetched from the addresses of the request.
    pub fetched: &'a RemoteFiles,
    /// The places of messages that are left out, in order; the request has them no more.
    pub dropped: &'a [usize],
}

/// A chat request for a surface.
#[derive(Debug)]
pub struct ChatUpstreamRequest {
    /// What is sent.
    pub body: Fields,
    /// What the client is answered.
    pub output_options: ChatUpstreamOptions,
    /// What was changed on the way.
    pub adjustments: Adjustments,
}

/// What the client's request says of its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatUpstreamOptions {
    /// Whether it is streamed.
    pub stream: bool,
    /// Whether the stream ends with a chunk of usage.
    pub include_usage: bool,
    /// The tag that reasoning stands in within the text; empty where it does not.
    pub reasoning_tag: String,
    /// The tier that was asked for, in Bedrock's word.
    pub tier: Option<&'static str>,
    /// The client's labels, which are given back.
    pub metadata: Option<Fields>,
}

/// Passes `request` on, whose body as the client wrote it is `body`. What is an
/// [`UnsupportedField`](super::UnsupportedField) is none of its business.
///
/// Fails with a fault that names the field which cannot be served.
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
    // Taken apart without a rest pattern: a new field does not compile until it is treated here.
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
    let no_scores = "ask for a guardrail with `guardrailConfig` instead";
    refuse("moderation", moderation, no_scores)?;
    between(temperature, 0.0, 2.0, "temperature")?;
    between(top_p, 0.0, 1.0, "top_p")?;
    between(frequency_penalty, -2.0, 2.0, "frequency_penalty")?;
    between(presence_penalty, -2.0, 2.0, "presence_penalty")?;
    choices(n, options.max_n)?;
    builder.trusted("logit_bias", logit_bias)?;
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
            .note("top_k", "dropped, this model does not take it");
    }
    builder.sampling();
    let has_stop = stop.is_some_and(|texts| !texts.0.is_empty());
    if has_stop && (!capabilities.stop_sequences || builder.is_refused("stop")) {
        builder.drop("stop", "dropped, this model does not take it");
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
    // What is wrong with tools is wrong anywhere; what Converse would note is not.
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
    builder.learned();
    if metadata
        .as_ref()
        .is_some_and(|metadata| !metadata.is_empty())
    {
        builder
            .adjustments
            .note("metadata", "given back, not passed on");
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
