//! What Bedrock refuses, and the repair: a request that any dialect made becomes one that the
//! model's family takes. The rules are numbered as in the project's contract (H1 to H21).

mod pairing;
mod sampling;
mod schema;
mod tools;
mod turns;

use super::request::ConverseRequest;
use crate::adjustments::Adjustments;
use crate::fault::Fault;
use crate::models::Facts;

/// What the rules ask of the answer's way back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Calls must not reach the client: it offered no tools, or wants none called.
    pub hide_tool_calls: bool,
}

/// Repairs `request` for a model with these `facts`; `calls_forbidden` says that the client wants
/// no tool called, which Converse has no word for.
pub fn apply(
    request: &mut ConverseRequest,
    calls_forbidden: bool,
    facts: &Facts,
    adjustments: &mut Adjustments,
) -> Result<Outcome, Fault> {
    if !facts.tools {
        tools::without_tools(request)?;
    }
    turns::drop_blank_text(request);
    pairing::pair_tool_results(&mut request.messages, adjustments);
    turns::place_instructions(request, facts);
    turns::merge_turns(&mut request.messages);
    pairing::results_first(&mut request.messages);
    turns::separate_results(&mut request.messages, facts);
    turns::first_and_last_turn(&mut request.messages, facts, adjustments);
    sampling::apply(&mut request.inference_config, facts, adjustments);
    let hide_tool_calls = tools::declare(request, calls_forbidden);
    tools::choose(request, facts, adjustments);
    schema::inline_references(request, facts, adjustments);
    Ok(Outcome { hide_tool_calls })
}
