//! Bedrock's validation rules and messages.
//!
//! Each rule is a small function with its message; [`RULES`] is their order. Every rule has
//! evidence, a recording or several independent reports, and every recorded request that Bedrock
//! accepted passes (see `tests/integration/recordings.rs`). If a rejection is known but not its
//! wording, the message imitates the known ones.

mod additional;
mod binding;
mod caching;
pub(crate) mod constraints;
mod guardrails;
mod known_models;
mod limits;
mod media;
mod model;
pub(crate) mod moderation;
mod parameters;
mod shape;
mod structured;
mod subject;
mod thinking;
mod tool_results;
mod tool_schemas;
mod tools;
mod turns;

use serde_json::Value;

use crate::conversation::Conversation;
use crate::error::AwsError;
use crate::families::{Family, Maker};
use crate::runtime::Runtime;

pub(crate) use known_models::is_known;
pub(crate) use model::{model, permitted, served};
use subject::Subject;

type Rule = fn(&Subject<'_>) -> Result<(), AwsError>;

/// In order of evaluation.
const RULES: &[Rule] = &[
    shape::only_known_fields,
    constraints::all,
    shape::only_known_blocks,
    shape::tool_inputs_are_objects,
    shape::prompt_variables_have_a_prompt,
    guardrails::exists,
    turns::has_messages,
    turns::no_empty_messages,
    turns::user_first,
    turns::roles_alternate,
    turns::system_turns_supported,
    turns::blocks_fit_their_role,
    turns::no_blank_text,
    turns::system_supported,
    turns::no_prefill,
    tools::tools_supported,
    tools::choice_supported,
    tools::choice_is_offered,
    tools::schemas_are_objects,
    tool_schemas::tool_names_unique,
    tool_schemas::roots_are_plain,
    tool_schemas::properties_are_named_plainly,
    tools::config_present,
    tools::server_tools_supported,
    tools::strict_supported,
    tool_results::no_duplicate_ids,
    tool_results::ids_fit_the_family,
    tool_results::every_call_has_its_result,
    tool_results::no_surplus_results,
    tool_results::results_alone_in_turn,
    tool_results::status_supported,
    tool_results::media_supported,
    media::media_types_supported,
    media::s3_supported,
    media::not_too_many,
    media::document_names_unique,
    media::documents_have_text,
    media::image_formats_match,
    media::document_formats_match,
    caching::supported,
    caching::not_among_tools,
    caching::not_first,
    caching::not_after_reasoning,
    caching::not_after_documents,
    caching::at_most_four,
    caching::one_hour_supported,
    caching::long_before_short,
    parameters::sampling_supported,
    parameters::stop_sequences_supported,
    parameters::stop_sequences_not_blank,
    parameters::max_tokens_within_limit,
    parameters::paths_are_pointers,
    additional::only_known_fields,
    additional::efforts_supported,
    additional::no_second_tool_choice,
    thinking::kind_supported,
    thinking::consistent,
    thinking::nova_high_effort_alone,
    thinking::reasoning_input_supported,
    thinking::signed,
    thinking::last_turn_unmodified,
    binding::controls,
    binding::bound,
    thinking::last_turn_starts_with_reasoning,
    structured::supported,
    structured::schema_fits,
    limits::window,
];

/// Validates a Converse or ConverseStream request.
pub(crate) fn conversation(
    model: &str,
    request: &Value,
    streaming: bool,
    runtime: &Runtime,
) -> Result<(), AwsError> {
    let subject = Subject {
        model,
        request,
        conversation: Conversation::of(request),
        family: Family::of(model),
        streaming,
        runtime,
    };
    RULES.iter().try_for_each(|rule| rule(&subject))
}

/// Validates a CountTokens request: only Claude counts tokens, and only under its own id (recording
/// `counttokens-claude-err400-c168bd9e` names a profile). Conversations follow Converse's rules.
pub(crate) fn countable(model: &str, request: &Value, runtime: &Runtime) -> Result<(), AwsError> {
    if Family::of(model).maker != Maker::Anthropic || !model.starts_with("anthropic.") {
        return Err(AwsError::validation(
            "The provided model doesn't support counting tokens.",
        ));
    }
    let input = request.get("input").and_then(Value::as_object);
    if input.map(serde_json::Map::len) != Some(1) {
        return Err(AwsError::validation(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must not be null",
        ));
    }
    match input.and_then(|input| input.get("converse")) {
        Some(converse) => conversation(model, converse, false, runtime),
        None => Ok(()),
    }
}

/// A request that only has messages, for tests of the rules.
#[cfg(test)]
fn refusal(model: &str, request: Value) -> Option<String> {
    let runtime = Runtime::new(std::sync::Arc::default(), std::sync::Arc::default());
    conversation(model, &request, false, &runtime)
        .err()
        .map(|error| error.message)
}
