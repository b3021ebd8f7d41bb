//! What Bedrock refuses, in its words.
//!
//! Each rule is a small function with its message; [`RULES`] is their order. A rule is here only
//! where a recording or several independent reports show it: every recorded request that Bedrock
//! accepted passes (see `tests/recordings.rs`).

mod caching;
mod constraints;
mod media;
mod model;
mod parameters;
mod shape;
mod tool_results;
mod tools;
mod turns;

use serde_json::Value;

use crate::conversation::Conversation;
use crate::error::AwsError;
use crate::families::{Family, Maker};

pub(crate) use model::model;

/// What a rule looks at.
struct Subject<'a> {
    request: &'a Value,
    conversation: Conversation<'a>,
    family: Family,
    streaming: bool,
}

type Rule = fn(&Subject<'_>) -> Result<(), AwsError>;

/// In the order in which they speak up.
const RULES: &[Rule] = &[
    shape::only_known_fields,
    constraints::all,
    shape::only_known_blocks,
    shape::tool_inputs_are_objects,
    turns::some_message,
    turns::no_empty_message,
    turns::user_first,
    turns::roles_alternate,
    turns::no_blank_text,
    turns::system_supported,
    turns::no_prefill,
    tools::tools_supported,
    tools::choice_supported,
    tools::schemas_are_objects,
    tools::config_present,
    tool_results::no_duplicate_ids,
    tool_results::every_call_has_its_result,
    tool_results::no_surplus_results,
    tool_results::alone_in_their_turn,
    tool_results::status_supported,
    media::kinds_supported,
    media::documents_named_apart,
    media::documents_have_text,
    media::images_are_what_they_say,
    caching::supported,
    caching::at_most_four,
    caching::not_after_reasoning,
    parameters::sampling_supported,
    parameters::thinking_consistent,
    parameters::output_schema_is_json,
];

/// Refuses a Converse or ConverseStream request that Bedrock would refuse.
pub(crate) fn conversation(model: &str, request: &Value, streaming: bool) -> Result<(), AwsError> {
    let subject = Subject {
        request,
        conversation: Conversation::of(request),
        family: Family::of(model),
        streaming,
    };
    RULES.iter().try_for_each(|rule| rule(&subject))
}

/// Refuses a CountTokens request: only Claude counts, and only under its own id (recording
/// `counttokens-claude-err400-c168bd9e` names a profile).
pub(crate) fn countable(model: &str, request: &Value) -> Result<(), AwsError> {
    if Family::of(model).maker != Maker::Anthropic || !model.starts_with("anthropic.") {
        return Err(AwsError::validation(
            "The provided model doesn't support counting tokens.",
        ));
    }
    let input = request
        .get("input")
        .and_then(Value::as_object)
        .map(serde_json::Map::len);
    if input != Some(1) {
        return Err(AwsError::validation(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must not be null",
        ));
    }
    Ok(())
}

/// A request made of messages alone, for the tests of rules.
#[cfg(test)]
fn refusal(model: &str, request: Value) -> Option<String> {
    conversation(model, &request, false)
        .err()
        .map(|error| error.message)
}
