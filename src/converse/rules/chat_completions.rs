//! The rules of AWS's chat-completions endpoints, in place of those of Converse. These endpoints
//! accept most requests as they are; what they do not accept is described in the model table.

use serde_json::Number;

use super::request_options::{EffortOption, JsonFormat, RequestOptions, Thinking};
use super::tool_choice::AllowedCalls;
use super::{Outcome, media, pairing, reasoning, replay, sampling, tool_choice, tools, turns};
use crate::converse::JsonText;
use crate::converse::content::ContentBlock;
use crate::converse::options::{JsonSchemaDefinition, OutputConfig};
use crate::converse::request::{ConverseRequest, SystemBlock, Tool};
use crate::error::{ApiError, Field, ThinkingField};
use crate::models::{Capabilities, Effort, RefusedField};
use crate::reply::Adjustments;

/// OpenAI's models accept `json_object` only if a message mentions JSON.
const JSON_INSTRUCTION: &str = "Answer with one JSON object and nothing else.";

/// Rewrites `request` for a chat-completions endpoint, and applies the options.
///
/// # Errors
///
/// If the model's minimum of completion tokens exceeds the operator's maximum.
pub(super) fn apply(
    request: &mut ConverseRequest,
    request_options: RequestOptions,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> Result<Outcome, ApiError> {
    let unsupported = UnsupportedFields::new(&request_options, capabilities);
    // No rest pattern: a new option does not compile until it is handled here.
    let RequestOptions {
        allowed_calls,
        one_call,
        reasoning,
        // Done before the rules of any upstream.
        dropped_share: _,
        // The endpoint takes back no reasoning.
        without_reasoning: _,
        top_k,
        frequency_penalty,
        presence_penalty,
        json,
        // `route` chooses Converse for these.
        web_search: _,
        last_turn_guard: _,
        has_converse_fields: _,
        // The endpoint caches automatically; `upstream_fields` has its own options.
        caching: _,
        output_limit,
        provider_fields,
        upstream_fields: _,
        returns_logprobs: _,
    } = request_options;

    turns::drop_blank_text(request);
    pairing::pair_tool_results(&mut request.messages, adjustments);
    media::move_out_of_results(&mut request.messages, capabilities, adjustments);
    replay::take_out(&mut request.messages, "ignored", adjustments, |_| false);
    let messages = &mut request.messages;
    messages.retain(|message| !message.content.is_empty());
    cache_points(request, capabilities, adjustments);

    if top_k.is_some() {
        adjustments.note(Field::TopK, "removed; the model does not accept it");
    }
    let penalties = [
        (
            "frequency_penalty",
            Field::FrequencyPenalty,
            frequency_penalty,
        ),
        ("presence_penalty", Field::PresencePenalty, presence_penalty),
    ];
    sampling_parameters(request, penalties, &unsupported, adjustments);
    if let Some(limit) = request.inference_config.max_tokens
        && limit < capabilities.min_max_tokens
        && output_limit.is_some_and(|max| max < capabilities.min_max_tokens)
    {
        return Err(below_minimum(capabilities.min_max_tokens));
    }
    sampling::limit(
        &mut request.inference_config,
        output_limit,
        capabilities,
        adjustments,
    );
    if let Some(effort) = effort(&reasoning, capabilities, adjustments) {
        set(request, "reasoning_effort", effort);
    }
    tools::drop_duplicate_names(request, adjustments);
    let allowed_calls = allowed(request, allowed_calls, capabilities);
    if one_call && request.tool_config.is_some() {
        set(request, "parallel_tool_calls", &false);
    }
    if let Some(format) = json {
        response_format(request, format);
    }
    for (key, value) in provider_fields.iter() {
        let fields = &mut request.additional_model_request_fields;
        fields.set_if_absent(key, value.clone());
    }
    remove_refused(request, capabilities, adjustments);
    Ok(Outcome {
        allowed_calls,
        ..Outcome::default()
    })
}

/// The fields that the endpoint does not support for the model.
pub(super) struct UnsupportedFields<'a> {
    capabilities: &'a Capabilities,
    /// Whether the model reasons on this request.
    reasons: bool,
}

impl<'a> UnsupportedFields<'a> {
    pub(super) fn new(request_options: &RequestOptions, capabilities: &'a Capabilities) -> Self {
        Self {
            capabilities,
            reasons: request_options.reasoning.reasons_by_default(capabilities),
        }
    }

    pub(super) fn contains(&self, field: &str) -> bool {
        let lists = |fields: &[String]| fields.iter().any(|unsupported| unsupported == field);
        lists(&self.capabilities.upstream_unsupported)
            || match self.reasons {
                true => lists(&self.capabilities.upstream_unsupported_with_reasoning),
                false => lists(&self.capabilities.upstream_unsupported_without_reasoning),
            }
    }

    /// Why `field` is not supported, for the client.
    pub(super) fn why(&self, field: &str) -> &'static str {
        let always = &self.capabilities.upstream_unsupported;
        match always.iter().any(|unsupported| unsupported == field) {
            true => "the model does not accept it",
            false => {
                "the model does not accept it with reasoning; send `reasoning_effort: \"none\"`"
            }
        }
    }
}

/// The endpoint has no cache points after tools.
fn cache_points(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    if let Some(config) = request.tool_config.as_mut() {
        let count = config.tools.len();
        config
            .tools
            .retain(|tool| !matches!(tool, Tool::CachePoint(_)));
        if config.tools.len() < count {
            adjustments.ignored(Field::CacheControl);
        }
    }
    if !capabilities.refuses(&RefusedField::CachePoint) {
        return;
    }
    let mut removed = false;
    let mut is_other = |is_point: bool| {
        removed |= is_point;
        !is_point
    };
    let system = &mut request.system;
    system.retain(|block| is_other(matches!(block, SystemBlock::CachePoint(_))));
    for message in &mut request.messages {
        let content = &mut message.content;
        content.retain(|block| is_other(matches!(block, ContentBlock::CachePoint(_))));
    }
    if removed {
        adjustments.note(Field::CacheControl, "removed; the model does not accept it");
    }
}

/// Removes sampling parameters that the model does not support: the response is still useful.
fn sampling_parameters(
    request: &mut ConverseRequest,
    penalties: [(&str, Field, Option<Number>); 2],
    unsupported: &UnsupportedFields<'_>,
    adjustments: &mut Adjustments,
) {
    let mut note_removed = |field: Field, value: &Number, default: f64| {
        if value.as_f64() != Some(default) {
            let action = match unsupported.reasons {
                true => "removed; not supported with reasoning",
                false => "removed; the model does not accept it",
            };
            adjustments.note(field, action);
        }
    };
    let config = &mut request.inference_config;
    for (name, field, parameter) in [
        ("temperature", Field::Temperature, &mut config.temperature),
        ("top_p", Field::TopP, &mut config.top_p),
    ] {
        if let Some(value) = parameter.take_if(|_| unsupported.contains(name)) {
            note_removed(field, &value, 1.0);
        }
    }
    for (name, field, penalty) in penalties {
        match penalty {
            Some(penalty) if unsupported.contains(name) => note_removed(field, &penalty, 0.0),
            Some(penalty) => set(request, name, &penalty),
            None => {}
        }
    }
    let stop = &mut request.inference_config.stop_sequences;
    let accepts_stop = unsupported.capabilities.stop_sequences && !unsupported.contains("stop");
    if !accepts_stop && !stop.is_empty() {
        stop.clear();
        adjustments.note(
            Field::StopSequences,
            "removed; the model does not accept it",
        );
    }
}

fn below_minimum(min: u32) -> ApiError {
    ApiError::unsupported_value(
        Field::MaxCompletionTokens,
        format!(
            "the model requires a limit of at least {min} tokens, which exceeds the maximum of \
             this gateway's operator; use another model"
        ),
    )
}

/// The reasoning effort: the next higher effort that the model has, otherwise its highest. If the
/// model table lists none, the endpoint decides.
fn effort(
    requested: &super::ReasoningRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> Option<&'static str> {
    let field = requested.field();
    let level = match (requested.thinking, requested.effort) {
        (None, None) => return None,
        (Some(Thinking::Disabled | Thinking::BetweenTools), _)
        | (None, Some(EffortOption::None)) => None,
        (Some(Thinking::Enabled { budget }), _) => {
            let action = "replaced by an effort; the model does not accept a budget";
            adjustments.note(Field::Thinking(ThinkingField::Budget), action);
            Some(reasoning::effort_of(budget))
        }
        (_, Some(EffortOption::Level(effort))) => Some(effort),
        (Some(Thinking::Adaptive), _) => Some(Effort::Medium),
    };
    let efforts = &capabilities.efforts;
    let Some(effort) = level else {
        if !capabilities.always_reasons || efforts.is_empty() {
            return Some("none");
        }
        let min = efforts.first().copied().unwrap_or(Effort::Low).as_str();
        adjustments.note(
            field,
            format!("set to `{min}`; reasoning cannot be disabled"),
        );
        return Some(min);
    };
    let at_or_above = efforts.iter().find(|supported| **supported >= effort);
    let nearest = *at_or_above.or(efforts.last()).unwrap_or(&effort);
    if nearest != effort && requested.effort.is_some() {
        let (nearest, effort) = (nearest.as_str(), effort.as_str());
        let action = format!("set to `{nearest}`; the model has no `{effort}`");
        adjustments.note(Field::ReasoningEffort, action);
    }
    Some(nearest.as_str())
}

/// The calls that are returned to the client. Those that the request forbids, the endpoint forbids
/// the model.
fn allowed(
    request: &mut ConverseRequest,
    requested: AllowedCalls,
    capabilities: &Capabilities,
) -> AllowedCalls {
    match requested {
        AllowedCalls::All => AllowedCalls::All,
        AllowedCalls::Only(names) => tool_choice::restrict_to(request, names, capabilities),
        AllowedCalls::None => {
            if let Some(config) = request.tool_config.as_mut() {
                config.tool_choice = None;
                set(request, "tool_choice", "none");
            }
            AllowedCalls::None
        }
    }
}

fn response_format(request: &mut ConverseRequest, format: JsonFormat) {
    #[derive(serde::Serialize)]
    struct Format {
        r#type: &'static str,
    }
    let JsonFormat {
        name,
        description,
        schema,
        strict,
    } = format;
    if let Some(schema) = schema {
        request.output_config = Some(OutputConfig::json_schema(JsonSchemaDefinition {
            schema: schema.into_text(),
            name,
            description,
            strict,
        }));
        return;
    }
    if !mentions_json(request) {
        let instruction = SystemBlock::Text(JSON_INSTRUCTION.to_owned());
        request.system.push(instruction);
    }
    let format = Format {
        r#type: "json_object",
    };
    set(request, "response_format", &format);
}

/// Whether any text of the conversation mentions JSON.
fn mentions_json(request: &ConverseRequest) -> bool {
    let has = |text: &str| text.to_ascii_lowercase().contains("json");
    let mut system = request.system.iter();
    let mut blocks = request.messages.iter().flat_map(|turn| &turn.content);
    system.any(|block| matches!(block, SystemBlock::Text(text) if has(text)))
        || blocks.any(|block| matches!(block, ContentBlock::Text(text) if has(text)))
}

/// Removes the fields that the model turned out to reject.
fn remove_refused(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    for refused in &capabilities.refused {
        let RefusedField::UpstreamField(field) = refused else {
            continue;
        };
        let config = &mut request.inference_config;
        let was_set = match *field {
            "temperature" => config.temperature.take().is_some(),
            "top_p" => config.top_p.take().is_some(),
            "stop" => !std::mem::take(&mut config.stop_sequences).is_empty(),
            "service_tier" => request.service_tier.take().is_some(),
            field => request
                .additional_model_request_fields
                .remove(field)
                .is_some(),
        };
        if was_set {
            let field = super::upstream_fields::named(field);
            adjustments.note(field, "removed; the model does not accept it");
        }
    }
}

fn set<T: serde::Serialize + ?Sized>(request: &mut ConverseRequest, field: &str, value: &T) {
    if let Ok(value) = JsonText::of(value) {
        request.additional_model_request_fields.set(field, value);
    }
}
