//! Translates a Responses request to a chat request.

use super::content::StringOrList;
use super::field_names::ResponsesFieldNames;
use super::items::Items;
use super::tools::{choice, tools};
use super::types::{ReasoningConfig, ResponsesRequest, ResponsesTextFormat, TextConfig};
use crate::converse::JsonText;
use crate::dialects::openai_chat::{ChatRequest, JsonSchemaFormat, ResponseFormat};
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::UnknownFields;
use crate::wire::misspelling;
use crate::wire::{hint, note_unknown, refuse};

/// A Responses request translated to chat.
#[derive(Debug)]
pub struct AsChat {
    /// The chat request.
    pub request: ChatRequest,
    /// The paths of the hub's fields in the client's request.
    pub field_names: ResponsesFieldNames,
    /// The adjustments, in terms of the client's request.
    pub adjustments: Adjustments,
}

/// Translates `request` to a chat request.
///
/// Fails with an error that names the unsupported field: those that need stored responses, and
/// those that only OpenAI hosts.
pub fn as_chat(request: ResponsesRequest) -> Result<AsChat, ApiError> {
    let mut adjustments = Adjustments::default();
    // Destructured without `..`, so that a new field does not compile until it is handled here.
    let ResponsesRequest {
        model,
        input,
        instructions,
        tools: requested_tools,
        tool_choice,
        parallel_tool_calls,
        text,
        reasoning,
        max_output_tokens,
        temperature,
        top_p,
        top_logprobs,
        service_tier,
        metadata,
        user,
        safety_identifier,
        prompt_cache_key,
        prompt_cache_retention,
        prompt_cache_options,
        moderation,
        previous_response_id,
        conversation,
        prompt,
        truncation,
        context_management,
        stream,
        stream_options,
        background,
        store,
        include,
        max_tool_calls,
        personality,
        unknown,
    } = request;

    let not_stored = "responses are not stored; send the complete conversation in `input`";
    if previous_response_id.is_some() {
        let message = format!("`previous_response_id` is not supported: {not_stored}");
        return Err(ApiError::unsupported("previous_response_id", message));
    }
    refuse("conversation", conversation, not_stored)?;
    let no_prompts = "prompts are not stored; send the text in `instructions`";
    refuse("prompt", prompt, no_prompts)?;
    for (field, value, default) in [
        ("truncation", truncation, "\"disabled\""),
        ("context_management", context_management, ""),
        ("stream", stream, ""),
        ("stream_options", stream_options, ""),
        ("background", background, ""),
        ("store", store, "true"),
        ("include", include, ""),
        ("max_tool_calls", max_tool_calls, ""),
        ("personality", personality, ""),
    ] {
        hint(field, value, default, &mut adjustments);
    }

    let mut items = Items::new(&mut adjustments);
    items.instructions(instructions);
    match input {
        None => check_misspelt_input(&unknown)?,
        Some(StringOrList::String(text)) => items.text(text),
        Some(StringOrList::List(list)) => items.list(list)?,
    }
    let (messages, mut field_names) = items.into_messages();
    let tools = tools(requested_tools, &mut field_names, &mut adjustments)?;
    let (format, verbosity) = text_config(text, &mut adjustments);
    let request = ChatRequest {
        model,
        messages: Some(messages),
        tools: tools.declared,
        web_search_options: tools.web_search,
        tool_choice: tool_choice.map(|requested| choice(requested, &mut adjustments)),
        parallel_tool_calls,
        response_format: format,
        verbosity,
        reasoning_effort: effort(reasoning, &mut adjustments),
        max_completion_tokens: max_output_tokens,
        temperature,
        top_p,
        top_logprobs,
        service_tier,
        metadata,
        user,
        safety_identifier,
        prompt_cache_key,
        prompt_cache_retention,
        prompt_cache_options,
        moderation,
        unknown,
        ..ChatRequest::default()
    };
    Ok(AsChat {
        request,
        field_names,
        adjustments,
    })
}

/// A request may have only instructions, unless a misspelled key suggests that `input` was
/// intended.
fn check_misspelt_input(unknown: &UnknownFields) -> Result<(), ApiError> {
    let misspelling = misspelling(unknown, "input", ResponsesRequest::FIELDS);
    match misspelling.is_empty() {
        true => Ok(()),
        false => Err(ApiError::missing(
            "input",
            format!("`input` is missing; send a text, or items{misspelling}"),
        )),
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

fn effort(reasoning: Option<ReasoningConfig>, adjustments: &mut Adjustments) -> Option<String> {
    let ReasoningConfig {
        effort,
        summary,
        generate_summary,
        context,
        mode,
        unknown,
    } = reasoning?;
    for (field, value, default) in [
        ("reasoning.summary", summary, ""),
        ("reasoning.generate_summary", generate_summary, ""),
        ("reasoning.context", context, "\"auto\""),
        ("reasoning.mode", mode, "\"standard\""),
    ] {
        hint(field, value, default, adjustments);
    }
    note_unknown(adjustments, &unknown, "reasoning.");
    effort
}
