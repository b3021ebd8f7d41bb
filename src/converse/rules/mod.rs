//! What Bedrock refuses, and the repair: a request that any dialect made becomes one that the
//! model's family takes. The rules are numbered as in the project's contract (H1 to H21).

mod caching;
mod call_ids;
mod fields;
mod guard;
mod json;
mod media;
mod pairing;
mod reasoning;
mod replay;
mod sampling;
mod schema;
mod schema_fit;
mod schema_form_words;
mod schema_forms;
mod schema_keys;
mod schema_merge;
mod schema_root;
mod schema_words;
mod tool_choice;
mod tools;
mod turns;
mod wishes;

pub use json::JsonDelivery;
pub use tool_choice::AllowedCalls;
pub use wishes::{
    CachePolicy, EffortOption, JsonFormat, LastTurnGuard, ReasoningRequest, RequestOptions,
    Thinking,
};

use super::property_keys::PropertyKeys;
use super::request::ConverseRequest;
use crate::adjustments::Adjustments;
use crate::fault::ApiError;
use crate::models::Capabilities;

/// What the rules ask of the answer's way back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Which of the model's calls reach the client.
    pub allowed_calls: AllowedCalls,
    /// How the JSON that was asked for comes back.
    pub json: Option<JsonDelivery>,
    /// The properties that the model knows by other names than the client.
    pub keys: PropertyKeys,
    /// What stands at the end of the prompt, on families that bind their reasoning to the prompt.
    pub instructions: Vec<String>,
}

/// Repairs `request` for a model with these `facts`, and asks it for what is wished.
pub fn apply(
    request: &mut ConverseRequest,
    mut wishes: RequestOptions,
    facts: &Capabilities,
    adjustments: &mut Adjustments,
) -> Result<Outcome, ApiError> {
    if !facts.tools {
        tools::without_tools(request)?;
    } else if facts.keeps_prefix() {
        tools::without_list(request, facts, adjustments);
    }
    turns::drop_blank_text(request);
    pairing::pair_tool_results(&mut request.messages, adjustments);
    call_ids::make_unique(&mut request.messages, facts);
    media::move_out_of_results(&mut request.messages, facts, adjustments);
    if wishes.without_reasoning {
        replay::drop_refused(&mut request.messages, adjustments);
    }
    let reasons = reasoning::apply(
        request,
        wishes.reasoning,
        &wishes.provider_fields,
        wishes.output_limit,
        facts,
        adjustments,
    );

    tools::drop_namesakes(request, adjustments);
    let mut instructions = Vec::new();
    let allowed_calls = tool_choice::apply(
        request,
        std::mem::take(&mut wishes.allowed_calls),
        reasons,
        facts,
        &mut instructions,
        adjustments,
    );
    wishes.one_call &= allowed_calls != AllowedCalls::None;
    schema_root::flatten(request, "tools[].function.parameters", facts, adjustments);
    tools::strict(request, facts, adjustments);
    let json = wishes.json.take().map(|wish| {
        let terms = json::JsonContext {
            calls_forbidden: allowed_calls == AllowedCalls::None,
            reasons,
            facts,
        };
        json::apply(request, wish, terms, &mut instructions, adjustments)
    });
    if json.is_some() {
        let field = "response_format.json_schema.schema";
        schema_root::flatten(request, field, facts, adjustments);
    }
    schema::inline_references(request, facts, adjustments);
    schema_root::drop_keys(request, json.as_ref(), facts, adjustments);
    let keys = schema_keys::rename(request, json.as_ref(), facts, adjustments);
    sampling::apply(
        &mut request.inference_config,
        wishes.output_limit,
        facts,
        adjustments,
    );
    fields::apply(request, &mut wishes, reasons, facts, adjustments)?;

    let binding = facts.binds_thinking.then(|| instructions.clone());
    turns::instruct(request, instructions, facts);
    turns::place_instructions(request, facts);
    turns::merge_turns(&mut request.messages);
    pairing::results_first(&mut request.messages);
    turns::separate_results(&mut request.messages, facts);
    if let Some(asked_by) = wishes.last_turn_guard {
        guard::last_turn(&mut request.messages, asked_by, facts, adjustments);
    }
    turns::first_and_last_turn(&mut request.messages, reasons, facts, adjustments);
    media::text_beside_documents(&mut request.messages);
    caching::apply(request, wishes.caching, facts, adjustments);
    Ok(Outcome {
        allowed_calls,
        json,
        keys,
        instructions: binding.unwrap_or_default(),
    })
}
