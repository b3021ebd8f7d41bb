//! Rewrites a request of any dialect to one that the model's family accepts. The rules are
//! numbered as in the project's contract (H1 to H21).

mod caching;
mod call_ids;
mod chat_completions;
mod fields;
mod guard;
pub(crate) mod json;
mod media;
mod pairing;
pub(crate) mod property_keys;
pub(crate) mod reasoning;
mod replay;
mod request_options;
mod sampling;
mod schema;
mod tool_choice;
pub(crate) mod tools;
mod truncate;
mod turns;
mod upstream_fields;

pub use json::JsonDelivery;
pub use property_keys::PropertyKeys;
pub use request_options::{
    CachePolicy, EffortOption, JsonFormat, LastTurnGuard, ReasoningRequest, RequestOptions,
    Thinking,
};
pub use tool_choice::AllowedCalls;
pub use tools::ToolNames;
pub use upstream_fields::upstream_fields;

use super::request::ConverseRequest;
use crate::error::{ApiError, Field, FormatField, ToolField};
use crate::models::{Capabilities, ChatUpstream};
use crate::reply::Adjustments;

/// What processing of the response needs to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Which tool calls are returned to the client.
    pub allowed_calls: AllowedCalls,
    /// How requested JSON is returned.
    pub json: Option<JsonDelivery>,
    /// The property names that differ between the model and the client.
    pub keys: PropertyKeys,
    /// The instructions at the end of the prompt, on families that bind reasoning to the prompt.
    pub instructions: Vec<String>,
}

/// Rewrites `request` for `upstream` and a model with these `capabilities`, and applies the
/// options.
pub fn apply(
    upstream: ChatUpstream,
    request: &mut ConverseRequest,
    mut request_options: RequestOptions,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> Result<Outcome, ApiError> {
    let is_cut = truncate::drop_oldest(request, request_options.dropped_share, adjustments)?;
    // A shortened conversation is a different one, to which thinking signatures are not bound.
    request_options.without_reasoning |= is_cut && capabilities.binds_thinking;
    match upstream {
        ChatUpstream::Converse => {
            apply_for_converse(request, request_options, capabilities, adjustments)
        }
        ChatUpstream::OpenAi(_) => {
            chat_completions::apply(request, request_options, capabilities, adjustments)
        }
    }
}

fn apply_for_converse(
    request: &mut ConverseRequest,
    mut request_options: RequestOptions,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) -> Result<Outcome, ApiError> {
    if !capabilities.tools {
        tools::without_tools(request)?;
    } else if capabilities.keeps_prefix() {
        tools::without_list(request, capabilities, adjustments);
    }
    turns::drop_blank_text(request);
    pairing::pair_tool_results(&mut request.messages, adjustments);
    call_ids::make_unique(&mut request.messages, capabilities);
    media::move_out_of_results(&mut request.messages, capabilities, adjustments);
    if request_options.without_reasoning {
        replay::drop_refused(&mut request.messages, adjustments);
    }
    let reasons = reasoning::apply(
        request,
        request_options.reasoning,
        &request_options.provider_fields,
        request_options.output_limit,
        capabilities,
        adjustments,
    );

    tools::drop_duplicate_names(request, adjustments);
    let mut instructions = Vec::new();
    let allowed_calls = tool_choice::apply(
        request,
        std::mem::take(&mut request_options.allowed_calls),
        reasons,
        capabilities,
        &mut instructions,
        adjustments,
    );
    request_options.one_call &= allowed_calls != AllowedCalls::None;
    schema::root::flatten(
        request,
        &Field::any_tool(ToolField::Schema),
        capabilities,
        adjustments,
    );
    tools::strict(request, capabilities, adjustments);
    let json = request_options.json.take().map(|format| {
        let context = json::JsonContext {
            calls_forbidden: allowed_calls == AllowedCalls::None,
            reasons,
            capabilities,
        };
        json::apply(request, format, context, &mut instructions, adjustments)
    });
    if json.is_some() {
        let field = Field::ResponseFormat(FormatField::Schema);
        schema::root::flatten(request, &field, capabilities, adjustments);
    }
    schema::inline_references(request, capabilities, adjustments);
    schema::root::drop_keys(request, json.as_ref(), capabilities, adjustments);
    let keys = property_keys::rename(request, json.as_ref(), capabilities, adjustments);
    sampling::apply(
        &mut request.inference_config,
        request_options.output_limit,
        capabilities,
        adjustments,
    );
    fields::apply(
        request,
        &mut request_options,
        reasons,
        capabilities,
        adjustments,
    )?;

    let binding = capabilities.binds_thinking.then(|| instructions.clone());
    turns::instruct(request, instructions, capabilities);
    turns::move_instructions(request, capabilities);
    turns::merge_turns(&mut request.messages);
    pairing::results_first(&mut request.messages);
    turns::separate_results(&mut request.messages, capabilities);
    if let Some(requested_by) = request_options.last_turn_guard {
        guard::last_turn(
            &mut request.messages,
            requested_by,
            capabilities,
            adjustments,
        );
    }
    turns::first_and_last_turn(&mut request.messages, reasons, capabilities, adjustments);
    media::add_text_with_documents(&mut request.messages);
    caching::apply(request, request_options.caching, capabilities, adjustments);
    Ok(Outcome {
        allowed_calls,
        json,
        keys,
        instructions: binding.unwrap_or_default(),
    })
}
