//! A chat request as a Converse request, and what its answer has to look like.

use super::content::Texts;
use super::conversation::{Conversation, conversation, note_unknown};
use super::names::ToolNames;
use super::parameters::{
    InferenceFields, check_modalities, check_n, check_response_format, hint, include_usage,
    inference_config, refuse,
};
use super::pieces::AnswerPlan;
use super::tools::{ToolFields, tool_plan};
use super::types::ChatRequest;
use crate::adjustments::Adjustments;
use crate::converse::request::ConverseRequest;
use crate::converse::rules;
use crate::fault::Fault;
use crate::models::Facts;

/// A chat request, understood.
#[derive(Debug)]
pub struct Translated {
    /// What Bedrock is asked.
    pub converse: ConverseRequest,
    /// What the client is answered.
    pub plan: AnswerPlan,
    /// What was changed on the way.
    pub adjustments: Adjustments,
}

/// Translates `request` for a model with these `facts`. The model's name is the caller's business.
///
/// Fails with a fault that names the field which cannot be served.
pub fn translate(request: ChatRequest, facts: &Facts) -> Result<Translated, Fault> {
    let mut adjustments = Adjustments::default();
    let mut names = ToolNames::default();
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
        parallel_tool_calls,
        functions,
        function_call,
        response_format,
        reasoning_effort,
        verbosity,
        service_tier,
        frequency_penalty,
        presence_penalty,
        seed,
        logit_bias,
        logprobs,
        top_logprobs,
        modalities,
        audio,
        prediction,
        web_search_options,
        moderation,
        metadata,
        store,
        user,
        safety_identifier,
        prompt_cache_key,
        prompt_cache_retention,
        prompt_cache_options,
        guardrail_config,
        prompt_variables,
        additional_model_request_fields,
        additional_model_response_field_paths,
        unknown,
    } = request;

    check_n(n)?;
    check_response_format(response_format)?;
    check_modalities(modalities)?;
    let no_logprobs = "Bedrock gives no token probabilities";
    refuse("logprobs", logprobs, no_logprobs)?;
    refuse("top_logprobs", top_logprobs, no_logprobs)?;
    refuse("logit_bias", logit_bias, "Bedrock takes no bias of tokens")?;
    let not_yet = "it is not translated yet";
    refuse("web_search_options", web_search_options, not_yet)?;
    refuse("moderation", moderation, not_yet)?;
    refuse("guardrailConfig", guardrail_config, not_yet)?;
    refuse("promptVariables", prompt_variables, not_yet)?;
    refuse(
        "additionalModelRequestFields",
        additional_model_request_fields,
        not_yet,
    )?;
    refuse(
        "additionalModelResponseFieldPaths",
        additional_model_response_field_paths,
        not_yet,
    )?;
    for (field, value, usual) in [
        ("reasoning_effort", reasoning_effort, "\"none\""),
        ("verbosity", verbosity, "\"medium\""),
        ("service_tier", service_tier, "\"auto\""),
        ("frequency_penalty", frequency_penalty, "0"),
        ("presence_penalty", presence_penalty, "0"),
        ("seed", seed, ""),
        ("audio", audio, ""),
        ("prediction", prediction, ""),
        ("metadata", metadata, ""),
        ("store", store, "false"),
        ("user", user, ""),
        ("safety_identifier", safety_identifier, ""),
        ("prompt_cache_key", prompt_cache_key, ""),
        (
            "prompt_cache_retention",
            prompt_cache_retention,
            "\"in_memory\"",
        ),
        ("prompt_cache_options", prompt_cache_options, ""),
    ] {
        hint(field, value, usual, &mut adjustments);
    }
    note_unknown(&mut adjustments, &unknown, "");

    let inference_config = inference_config(
        InferenceFields {
            max_completion_tokens,
            max_tokens,
            temperature,
            top_p,
            stop: stop.filter(|Texts(texts)| !texts.is_empty()),
        },
        &mut adjustments,
    )?;
    let stream = stream.unwrap_or(false);
    let include_usage = include_usage(stream, stream_options, &mut adjustments)?;
    let tool_fields = ToolFields {
        tools,
        tool_choice,
        functions,
        function_call,
    };
    let tool_plan = tool_plan(tool_fields, &mut names, &mut adjustments)?;
    let messages = messages.filter(|messages| !messages.is_empty());
    let Some(messages) = messages else {
        return Err(Fault::invalid(
            "messages",
            "`messages` is empty or missing; a request has at least one message",
        ));
    };
    let Conversation { system, messages } =
        conversation(messages, facts, &mut names, &mut adjustments)?;

    let mut converse = ConverseRequest {
        messages,
        system,
        inference_config,
        tool_config: tool_plan.config,
    };
    let outcome = rules::apply(&mut converse, tool_plan.forbidden, facts, &mut adjustments)?;
    Ok(Translated {
        converse,
        plan: AnswerPlan {
            stream,
            include_usage,
            names,
            legacy_functions: tool_plan.legacy,
            hide_tool_calls: outcome.hide_tool_calls,
            one_tool_call: tool_plan.legacy || parallel_tool_calls == Some(false),
        },
        adjustments,
    })
}
