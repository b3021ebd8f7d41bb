//! The fields of a request other than tools and input: each is translated, rejected or noted.

use super::Purpose;
use super::content::StringOrList;
use super::tools::RequestedTools;
use super::types::{InputItem, ReasoningConfig, ResponsesRequest, ResponsesTextFormat, TextConfig};
use crate::converse::JsonText;
use crate::converse::translation::TranslationContext;
use crate::dialects::openai_chat::{ChatRequest, JsonSchemaFormat, ResponseFormat};
use crate::error::{ApiError, Field};
use crate::models::ChatUpstream;
use crate::reply::Adjustments;
use crate::wire::{Words, hint, note_unknown, refuse};

/// The fields of a request by their use.
pub(super) struct Parameters {
    /// The parameters that chat requests have, too.
    pub(super) shared: ChatRequest,
    pub(super) instructions: Option<String>,
    pub(super) input: Option<StringOrList<Box<InputItem>>>,
    pub(super) tools: RequestedTools,
}

const TRUNCATIONS: Words<bool> = Words::new("a truncation", &[("auto", true), ("disabled", false)]);

const SUMMARIES: Words<()> = Words::new(
    "a form of summary",
    &[("auto", ()), ("concise", ()), ("detailed", ())],
);

/// Values of `include` without an effect: the gateway always returns them, or has no such output.
const INCLUDED: [&str; 7] = [
    "reasoning.encrypted_content",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "message.input_image.image_url",
];

/// Reads the parameters of `request`.
pub(super) fn parameters(
    request: ResponsesRequest,
    purpose: Purpose,
    context: &TranslationContext<'_>,
    adjustments: &mut Adjustments,
) -> Result<Parameters, ApiError> {
    // No rest pattern: a new field does not compile until it is handled here.
    let ResponsesRequest {
        model: _,
        input,
        instructions,
        max_output_tokens,
        max_tool_calls,
        temperature,
        top_p,
        top_k,
        top_logprobs,
        tools,
        tool_choice,
        parallel_tool_calls,
        text,
        verbosity,
        reasoning,
        include,
        stream,
        // The stream has neither padding nor optional usage.
        stream_options: _,
        // The service decides both before the translation.
        store: _,
        previous_response_id,
        conversation,
        background: _,
        background_options,
        truncation,
        context_management,
        prompt,
        metadata,
        service_tier,
        prompt_cache_key,
        prompt_cache_retention,
        prompt_cache_options,
        user,
        safety_identifier,
        moderation,
        image,
        access_programs,
        generate,
        stream_id,
        // Codex sends it with each request.
        client_metadata: _,
        personality,
        guardrail_config,
        performance_config,
        request_metadata,
        prompt_variables,
        additional_model_request_fields,
        additional_model_response_field_paths,
        unknown,
    } = request;
    check_conversation(previous_response_id.as_deref(), conversation)?;
    let no_prompts = "prompts are not stored; send the text in `instructions`";
    refuse("prompt", prompt, no_prompts)?;
    refuse(
        "top_logprobs",
        top_logprobs,
        "this API returns no token probabilities",
    )?;
    TRUNCATIONS.read(truncation.as_deref(), "truncation")?;
    check_include(include.unwrap_or_default(), adjustments)?;
    for (field, value) in [
        ("max_tool_calls", max_tool_calls),
        ("background_options", background_options),
        ("context_management", context_management),
        ("image", image),
        ("access_programs", access_programs),
        ("generate", generate),
        ("stream_id", stream_id),
        ("personality", personality),
    ] {
        hint(field, value, "", adjustments);
    }
    let updates = Updates::of(&input);
    let reasoning_effort = effort(reasoning, adjustments)?;
    let (format, text_verbosity) = text_config(text, adjustments);
    let shared = ChatRequest {
        max_completion_tokens: max_output_tokens,
        temperature,
        top_p,
        top_k,
        parallel_tool_calls,
        response_format: updates.format.map(response_format).or(format),
        verbosity: text_verbosity.or(verbosity),
        reasoning_effort: updates.effort.or(reasoning_effort),
        stream: stream.filter(|_| purpose == Purpose::Respond),
        metadata,
        service_tier: tier(service_tier, adjustments),
        // It improves the hit rate of OpenAI's caches only.
        prompt_cache_key: prompt_cache_key.filter(|_| context.upstream != ChatUpstream::Converse),
        prompt_cache_retention,
        prompt_cache_options,
        user,
        safety_identifier,
        moderation,
        guardrail_config,
        performance_config,
        request_metadata,
        prompt_variables,
        additional_model_request_fields,
        additional_model_response_field_paths,
        unknown,
        ..ChatRequest::default()
    };
    Ok(Parameters {
        shared,
        instructions,
        input,
        tools: RequestedTools {
            declared: tools.unwrap_or_default(),
            added: Vec::new(),
            choice: tool_choice,
        },
    })
}

/// Refuses stored conversations. The items of the previous response are in the input.
fn check_conversation(
    previous_response_id: Option<&str>,
    conversation: Option<JsonText>,
) -> Result<(), ApiError> {
    let has_conversation = conversation.as_ref().is_some_and(|text| !text.is_neutral());
    if previous_response_id.is_some() && has_conversation {
        return Err(ApiError::invalid(
            "conversation",
            "`previous_response_id` and `conversation` cannot be used together",
        ));
    }
    let not_stored = "conversations are not stored; use `previous_response_id`, or send the complete \
                      conversation in `input`";
    refuse("conversation", conversation, not_stored)
}

fn check_include(include: Vec<String>, adjustments: &mut Adjustments) -> Result<(), ApiError> {
    for (index, value) in include.iter().enumerate() {
        if value == "message.output_text.logprobs" {
            return Err(ApiError::unsupported_value(
                format!("include[{index}]"),
                "this API returns no token probabilities; remove the value",
            ));
        }
        if !INCLUDED.contains(&value.as_str()) {
            adjustments.ignored("include[]");
        }
    }
    Ok(())
}

/// OpenAI's fastest tier is Bedrock's priority tier.
fn tier(tier: Option<String>, adjustments: &mut Adjustments) -> Option<String> {
    if tier.as_deref() != Some("ultrafast") {
        return tier;
    }
    adjustments.note(Field::ServiceTier, "replaced by `priority`");
    Some("priority".to_owned())
}

/// The configuration updates among the items, of which the last counts.
#[derive(Default)]
struct Updates {
    effort: Option<String>,
    format: Option<ResponsesTextFormat>,
}

impl Updates {
    fn of(input: &Option<StringOrList<Box<InputItem>>>) -> Self {
        let mut updates = Self::default();
        let Some(StringOrList::List(items)) = input else {
            return updates;
        };
        let is_update = |item: &InputItem| item.kind.as_deref() == Some("configuration_update");
        for item in items.iter().filter(|item| is_update(item)) {
            let reasoning = item.reasoning.as_ref();
            let effort = reasoning.and_then(|reasoning| reasoning.effort.clone());
            let format = item.text.as_ref().and_then(|text| text.format.clone());
            updates.effort = effort.or(updates.effort);
            updates.format = format.or(updates.format);
        }
        updates
    }
}

/// The response format and the verbosity.
fn text_config(
    text: Option<TextConfig>,
    adjustments: &mut Adjustments,
) -> (Option<ResponseFormat>, Option<JsonText>) {
    let TextConfig {
        format,
        verbosity,
        unknown,
    } = text.unwrap_or_default();
    note_unknown(adjustments, &unknown, "text.");
    let format = format.map(|format| {
        note_unknown(adjustments, &format.unknown, "text.format.");
        response_format(format)
    });
    (format, verbosity)
}

/// Chat nests these fields in `json_schema`; here they are next to `type`.
fn response_format(format: ResponsesTextFormat) -> ResponseFormat {
    let ResponsesTextFormat {
        kind,
        name,
        description,
        schema,
        strict,
        unknown: _,
    } = format;
    let json_schema = JsonSchemaFormat {
        name,
        description,
        schema,
        strict,
        ..JsonSchemaFormat::default()
    };
    ResponseFormat {
        kind,
        json_schema: Some(json_schema),
        ..ResponseFormat::default()
    }
}

/// The reasoning effort. A summary does not switch reasoning on.
fn effort(
    reasoning: Option<ReasoningConfig>,
    adjustments: &mut Adjustments,
) -> Result<Option<String>, ApiError> {
    let Some(ReasoningConfig {
        effort,
        summary,
        generate_summary,
        context,
        mode,
        unknown,
    }) = reasoning
    else {
        return Ok(None);
    };
    SUMMARIES.read(summary.as_deref(), "reasoning.summary")?;
    SUMMARIES.read(generate_summary.as_deref(), "reasoning.generate_summary")?;
    if context.as_deref() == Some("current_turn") {
        adjustments.ignored("reasoning.context");
    }
    if mode.is_some_and(|mode| mode != "standard") {
        adjustments.ignored("reasoning.mode");
    }
    note_unknown(adjustments, &unknown, "reasoning.");
    Ok(effort)
}
