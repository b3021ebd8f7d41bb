//! Translates a chat request to a Converse request and the options of its response.

pub(super) mod assistant;
pub(super) mod cache_control;
pub(super) mod content;
pub(super) mod conversation;
pub(super) mod extensions;
pub(super) mod media;
pub(super) mod options;
pub(super) mod parameters;
pub(super) mod parts;
pub(super) mod prompt;
pub(super) mod tools;
pub(super) mod types;

use std::sync::Arc;

use super::client_fields::ClientFields;
use crate::converse::options::{Fields, GuardrailTrace};
use crate::converse::output::OutputOptions;
use crate::converse::request::ConverseRequest;
use crate::converse::rules::ToolNames;
use crate::converse::rules::{self, LastTurnGuard, RequestOptions};
use crate::converse::translation::{ChatTranslation, TranslationContext};
use crate::converse::upstream::route;
use crate::error::{ApiError, Field};
use crate::models::ChatUpstream;
use crate::reply::Adjustments;
use crate::wire::Texts;
use crate::wire::{hint, refuse};
use conversation::Conversation;
use extensions::{
    guardrail, labels, performance, prompt_variables, provider_fields, response_paths, service_tier,
};
use options::{cache_fields, cache_policy, json_format, reasoning_request};
use parameters::{
    InferenceFields, between, check_modalities, choices, include_usage, inference_config,
};
use prompt::{ChatPrompt, Prompt};
use types::{ChatRequest, PerformanceFields};

/// Translates a chat request to Converse. The caller handles `model`.
///
/// # Errors
///
/// If a field is invalid or not supported; the error names the field.
pub fn translate(
    request: ChatRequest,
    context: &TranslationContext<'_>,
) -> Result<ChatTranslation, ApiError> {
    translate_as(request, ClientFields::of_chat(), context)
}

/// The same for a request of another endpoint, with its terms.
///
/// # Errors
///
/// As [`translate`].
pub fn translate_as(
    request: ChatRequest,
    client: ClientFields<'_>,
    context: &TranslationContext<'_>,
) -> Result<ChatTranslation, ApiError> {
    let mut request = request;
    let prompt = ChatPrompt::take_from(&mut request);
    translate_with(request, prompt, client, context)
}

/// The same for a request whose dialect reads its tools and its conversation itself: `parameters`
/// has the others of its fields.
///
/// # Errors
///
/// As [`translate`].
pub(in crate::dialects) fn translate_with(
    parameters: ChatRequest,
    prompt: impl Prompt,
    client: ClientFields<'_>,
    context: &TranslationContext<'_>,
) -> Result<ChatTranslation, ApiError> {
    let translation = hub_translation(parameters, prompt, client, context);
    let translation = translation.map_err(|error| error.named(client.names))?;
    Ok(ChatTranslation {
        adjustments: translation.adjustments.named(client.names),
        ..translation
    })
}

/// The translation, whose error and notes name fields of the hub.
fn hub_translation(
    parameters: ChatRequest,
    mut prompt: impl Prompt,
    client: ClientFields<'_>,
    context: &TranslationContext<'_>,
) -> Result<ChatTranslation, ApiError> {
    let TranslationContext {
        capabilities,
        options,
        ..
    } = *context;
    let mut adjustments = Adjustments::default();
    let mut names = ToolNames::default();
    // No rest pattern: a new field does not compile until it is handled here.
    let ChatRequest {
        model: _,
        // The prompt.
        messages: _,
        tools: _,
        tool_choice: _,
        functions: _,
        function_call: _,
        max_completion_tokens,
        max_tokens,
        temperature,
        top_p,
        stop,
        stream,
        stream_options,
        n,
        parallel_tool_calls,
        response_format,
        reasoning_effort,
        thinking,
        top_k,
        verbosity,
        service_tier: tier,
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
        performance_config,
        request_metadata,
        prompt_variables: variables,
        additional_model_request_fields,
        additional_model_response_field_paths,
        unknown,
    } = parameters;

    check_modalities(modalities)?;
    refuse("moderation", moderation, "use `guardrailConfig` instead")?;
    let cache_fields = cache_fields(
        prompt_cache_retention.as_deref(),
        prompt_cache_options.as_ref(),
    )?;
    let mut upstream_fields = Fields::default();
    for (field, value) in [
        ("logit_bias", logit_bias),
        ("logprobs", logprobs),
        ("top_logprobs", top_logprobs),
        ("verbosity", verbosity),
        ("seed", seed),
        ("audio", audio),
        ("prediction", prediction),
        ("store", store),
        ("user", user),
        ("safety_identifier", safety_identifier),
        ("prompt_cache_key", prompt_cache_key),
    ]
    .into_iter()
    .chain(cache_fields)
    {
        if let Some(value) = value {
            upstream_fields.push(field, value);
        }
    }

    let tier = tier.or_else(|| options.service_tier_header.clone());
    let performance_config = performance_config.or_else(|| {
        let latency = options.latency_header.clone()?;
        Some(PerformanceFields {
            latency: Some(latency),
            ..PerformanceFields::default()
        })
    });
    let stream = stream.unwrap_or(false);
    let include_usage = include_usage(stream, stream_options, &mut adjustments)?;
    let choices = choices(n, options.max_n)?;
    let inference_config = inference_config(
        InferenceFields {
            max_completion_tokens,
            max_tokens,
            temperature,
            top_p,
            stop: stop.filter(|Texts(texts)| !texts.is_empty()),
        },
        options,
        &mut adjustments,
    )?;
    let tool_translation = prompt.tools(&mut names, &mut adjustments)?;
    let guardrail = guardrail(guardrail_config, options, &mut adjustments)?;
    let response_paths = response_paths(additional_model_response_field_paths)?;
    let one_call = tool_translation.legacy || parallel_tool_calls == Some(false);
    let ceiling = options.max_tokens_ceiling;
    // An empty object enables web search, too.
    let web_search = web_search_options.as_ref().and_then(Fields::from_object);
    for (key, value) in web_search.iter().flat_map(Fields::iter) {
        let field = format!("web_search_options.{key}");
        hint(field, Some(value.clone()), "\"medium\"", &mut adjustments);
    }
    let mut request_options = RequestOptions {
        allowed_calls: tool_translation.allowed,
        one_call,
        dropped_share: context.dropped_share,
        without_reasoning: context.without_reasoning,
        reasoning: reasoning_request(reasoning_effort, thinking, options, &mut adjustments)?,
        top_k,
        frequency_penalty: between(frequency_penalty, -2.0, 2.0, Field::FrequencyPenalty)?,
        presence_penalty: between(presence_penalty, -2.0, 2.0, Field::PresencePenalty)?,
        json: json_format(response_format, &mut adjustments)?,
        web_search: web_search.is_some(),
        caching: cache_policy(
            options.automatic_caching,
            prompt_cache_options,
            prompt_cache_retention,
            &mut adjustments,
        )?,
        last_turn_guard: guardrail
            .as_ref()
            .filter(|policy| policy.only_last_turn)
            .map(|_| match options.guardrail {
                Some(_) => LastTurnGuard::Operator,
                None => LastTurnGuard::Request,
            }),
        output_limit: context.output_limit.into_iter().chain(ceiling).min(),
        has_converse_fields: additional_model_request_fields
            .as_ref()
            .is_some_and(|fields| !fields.is_empty()),
        provider_fields: provider_fields(
            additional_model_request_fields,
            &unknown,
            client.fields,
            options,
            &mut adjustments,
        )?,
        upstream_fields,
        returns_logprobs: client.returns_logprobs,
    };
    let labels = labels(
        request_metadata,
        metadata.as_ref(),
        options,
        &mut adjustments,
    )?;
    let Conversation { system, messages } =
        prompt.conversation(context, &mut names, &mut adjustments)?;

    let mut converse = ConverseRequest {
        messages,
        system,
        inference_config,
        tool_config: tool_translation.config,
        guardrail_config: guardrail.map(|policy| policy.config),
        additional_model_request_fields: Default::default(),
        prompt_variables: prompt_variables(variables, &mut adjustments)?,
        additional_model_response_field_paths: response_paths.clone(),
        request_metadata: labels,
        performance_config: performance(performance_config, capabilities, &mut adjustments)?,
        service_tier: service_tier(tier.as_deref(), options, capabilities, &mut adjustments)?,
        output_config: None,
    };
    let route = route(context.upstream, &converse, &request_options, capabilities)?;
    let upstream = route.upstream;
    let noted = adjustments;
    let mut adjustments =
        rules::upstream_fields(upstream, &mut converse, &mut request_options, capabilities)?;
    adjustments.extend(noted);
    let outcome = rules::apply(
        upstream,
        &mut converse,
        request_options,
        capabilities,
        &mut adjustments,
    )?;
    let streams_tools = capabilities.stream_tools || upstream != ChatUpstream::Converse;
    let non_streaming = !stream || converse.tool_config.is_some() && !streams_tools;
    let mut include_trace = false;
    let own = options.guardrail.as_ref().map(|policy| &policy.config);
    let hidden_guardrail = own.map(|config| config.guardrail_identifier.clone());
    if let Some(guardrail) = converse.guardrail_config.as_mut() {
        let trace = guardrail.trace.unwrap_or(GuardrailTrace::Disabled);
        include_trace = trace != GuardrailTrace::Disabled;
        // Converse rejects this field; only ConverseStream has it.
        guardrail.stream_processing_mode.take_if(|_| non_streaming);
    }
    Ok(ChatTranslation {
        output_options: OutputOptions {
            stream,
            non_streaming,
            choices,
            include_usage,
            names,
            keys: outcome.keys,
            legacy_functions: tool_translation.legacy,
            allowed_calls: outcome.allowed_calls,
            one_tool_call: one_call,
            json: outcome.json,
            instructions: outcome.instructions,
            reasoning_tag: capabilities.reasoning_tag.clone(),
            reasoning_tag_strays: capabilities.reasoning_tag_strays,
            reasoning_placeholder: capabilities.reasoning_placeholder.clone(),
            reasoning_replay: capabilities.reasoning_replay,
            origin: Some(Arc::clone(context.origin)),
            include_trace,
            hidden_guardrail,
            include_response_fields: !response_paths.is_empty(),
            include_service_tier: tier.is_some(),
            metadata,
        },
        converse,
        route,
        adjustments,
    })
}
