//! Tools where the family has none, several of one name, and inputs that are held to their schemas.

use std::collections::HashSet;

use crate::adjustments::Adjustments;
use crate::converse::content::ContentBlock;
use crate::converse::request::{ConverseRequest, Tool, ToolInputSchema};
use crate::fault::Fault;
use crate::models::Facts;

/// The most tools that are held to their schemas, by the live checks noted in pydantic-ai.
const MOST_STRICT_TOOLS: usize = 20;

/// A family without tools: offering some is refused; calls of before are told as text.
pub(super) fn without_tools(request: &mut ConverseRequest) -> Result<(), Fault> {
    if request.tool_config.is_some() {
        return Err(Fault::unsupported(
            "tools",
            "this model calls no tools; ask for another model, or leave `tools` out",
        ));
    }
    let blocks = request
        .messages
        .iter_mut()
        .flat_map(|message| message.content.iter_mut());
    for block in blocks {
        let text = match block {
            ContentBlock::ToolUse(call) => {
                format!("Tool call: {} {}", call.name, call.input.as_str())
            }
            ContentBlock::ToolResult(result) => super::pairing::result_text(result),
            _ => continue,
        };
        *block = ContentBlock::Text(text);
    }
    Ok(())
}

/// Of several tools of one name, which Bedrock refuses, the last one is offered.
pub(super) fn drop_namesakes(request: &mut ConverseRequest, adjustments: &mut Adjustments) {
    let Some(config) = request.tool_config.as_mut() else {
        return;
    };
    let mut names: HashSet<String> = HashSet::new();
    let mut kept: Vec<Tool> = Vec::with_capacity(config.tools.len());
    for tool in config.tools.drain(..).rev() {
        let is_namesake = tool
            .spec()
            .is_some_and(|spec| !names.insert(spec.name.clone()));
        if !is_namesake {
            kept.push(tool);
            continue;
        }
        // The cache point that follows a tool goes with it.
        kept.pop_if(|tool| matches!(tool, Tool::CachePoint(_)));
        adjustments.note("tools", "several of one name, the last of them is offered");
    }
    kept.reverse();
    config.tools = kept;
}

/// Holds inputs to their schemas where the family does so, for as many tools as it does so for.
pub(super) fn strict(request: &mut ConverseRequest, facts: &Facts, adjustments: &mut Adjustments) {
    let mut left = MOST_STRICT_TOOLS;
    for tool in request.tool_config.iter_mut().flat_map(|c| &mut c.tools) {
        let Tool::ToolSpec(spec) = tool else {
            continue;
        };
        if spec.strict != Some(true) {
            spec.strict = None;
            continue;
        }
        let ToolInputSchema::Json(schema) = &spec.input_schema;
        let fitted = match facts.strict_tools && left > 0 {
            true => {
                super::schema_fit::fitted(schema, facts, "tools[].function.parameters", adjustments)
            }
            false => None,
        };
        match fitted {
            Some(schema) => {
                left -= 1;
                spec.input_schema = ToolInputSchema::Json(schema);
            }
            None => {
                spec.strict = None;
                adjustments.note(
                    "tools[].function.strict",
                    "dropped, not kept to by this model",
                );
            }
        }
    }
}
