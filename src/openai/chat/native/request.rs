//! A chat request for one of AWS's OpenAI surfaces: the client's own body, with what the surface
//! does not take changed, refused by name, or left out with a note.

use super::super::media::RemoteFiles;
use super::super::names::ToolNames;
use super::super::parameters::{
    answers, between, check_modalities, hint, include_usage, most_tokens, no_messages, refuse,
};
use super::super::terms::ChatOptions;
use super::super::tools::{ToolFields, tool_plan};
use super::super::types::ChatRequest;
use super::super::wishes::json_wish;
use super::fields::{ChatUpstreamBody, EXTENSIONS, json};
use super::messages::{mention_json, messages as passed_messages, with_json_instruction};
use super::reasons;
use crate::adjustments::Adjustments;
use crate::converse::options::Fields;
use crate::fault::ApiError;
use crate::models::Capabilities;

/// What a request is passed on under.
#[derive(Debug, Clone, Copy)]
pub struct ChatUpstreamContext<'a> {
    /// The model's id.
    pub model: &'a str,
    /// What the model takes.
    pub facts: &'a Capabilities,
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
    pub plan: ChatUpstreamOptions,
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
/// [`Obstacle`](super::Obstacle) is none of its business.
///
/// Fails with a fault that names the field which cannot be served.
pub fn pass_on(
    request: ChatRequest,
    body: Fields,
    terms: &ChatUpstreamContext<'_>,
) -> Result<ChatUpstreamRequest, ApiError> {
    let ChatUpstreamContext { facts, options, .. } = *terms;
    let reasons = reasons(&request, facts);
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
    let mut draft = ChatUpstreamBody {
        body,
        facts,
        reasons,
        adjustments: Adjustments::default(),
    };
    draft.body.retain(|_, value| value.as_str() != "null");
    draft.body.set("model", json(terms.model)?);
    draft.leave_out(&EXTENSIONS);

    check_modalities(modalities)?;
    let no_scores = "ask for a guardrail with `guardrailConfig` instead";
    refuse("moderation", moderation, no_scores)?;
    between(temperature, 0.0, 2.0, "temperature")?;
    between(top_p, 0.0, 1.0, "top_p")?;
    between(frequency_penalty, -2.0, 2.0, "frequency_penalty")?;
    between(presence_penalty, -2.0, 2.0, "presence_penalty")?;
    answers(n, options.most_answers)?;
    draft.trusted("logit_bias", logit_bias)?;
    for (field, value) in [("logprobs", logprobs), ("top_logprobs", top_logprobs)] {
        draft.logprobs(field, value);
    }
    for (field, value, usual) in [("store", store, "false"), ("audio", audio, "")] {
        draft.body.remove(field);
        hint(field, value, usual, &mut draft.adjustments);
    }
    if top_k.is_some() {
        draft
            .adjustments
            .note("top_k", "dropped, this model does not take it");
    }
    draft.sampling();
    let has_stop = stop.is_some_and(|texts| !texts.0.is_empty());
    if has_stop && (!facts.stop_sequences || draft.is_refused("stop")) {
        draft.drop("stop", "dropped, this model does not take it");
    }
    let limit = most_tokens(
        max_completion_tokens,
        max_tokens,
        options,
        &mut draft.adjustments,
    )?;
    draft.limit(limit, terms)?;
    draft.effort(reasoning_effort)?;
    let tier = draft.tier(tier, options)?;

    let stream = stream.unwrap_or(false);
    let include_usage = include_usage(stream, stream_options, &mut draft.adjustments)?;
    draft.stream(stream)?;

    let has_tools = tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let fields = ToolFields {
        tools,
        tool_choice,
        functions,
        function_call,
    };
    // What is wrong with tools is wrong anywhere; what Converse would note is not.
    tool_plan(
        fields,
        &mut ToolNames::default(),
        &mut Adjustments::default(),
    )?;
    draft.tools(has_tools)?;
    draft.tool_choice()?;

    let messages = messages.filter(|messages| !messages.is_empty());
    let (Some(messages), Some(text)) = (messages, draft.body.get("messages")) else {
        return Err(no_messages(&unknown));
    };
    let mut text = passed_messages(text, &messages, terms, &mut draft.adjustments)?;
    let json = json_wish(response_format, &mut Adjustments::default())?;
    if json.is_some_and(|wish| wish.schema.is_none()) && !mention_json(&messages) {
        text = with_json_instruction(&text)?;
    }
    draft.body.set("messages", text);

    draft.unknown(&unknown, options);
    draft.learned();
    if metadata
        .as_ref()
        .is_some_and(|metadata| !metadata.is_empty())
    {
        draft
            .adjustments
            .note("metadata", "given back, not passed on");
    }
    Ok(ChatUpstreamRequest {
        body: draft.body,
        plan: ChatUpstreamOptions {
            stream,
            include_usage,
            reasoning_tag: facts.reasoning_tag.clone(),
            tier,
            metadata,
        },
        adjustments: draft.adjustments,
    })
}
