//! H9 and the kinds of tool choice: what must be declared, and what can be demanded.

use std::collections::HashSet;

use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::content::ContentBlock;
use crate::converse::request::{
    ConverseRequest, SystemBlock, Tool, ToolChoice, ToolConfig, ToolInputSchema, ToolSpec,
};
use crate::fault::Fault;
use crate::models::{Facts, ReasoningReplay};

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

/// H9: a conversation with calls in it has its tools declared, also where the client offers none
/// or wants none called. Returns whether the model's calls are to be kept from the client.
pub(super) fn declare(request: &mut ConverseRequest, calls_forbidden: bool) -> bool {
    if !calls_forbidden {
        return false;
    }
    let called = called_tools(request);
    if called.is_empty() {
        request.tool_config = None;
        return true;
    }
    let config = request.tool_config.get_or_insert_with(|| ToolConfig {
        tools: called.into_iter().map(bare_tool).collect(),
        tool_choice: None,
    });
    config.tool_choice = None;
    true
}

/// The names of the tools that the conversation has calls of, each once, in order.
fn called_tools(request: &ConverseRequest) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for block in request.messages.iter().flat_map(|message| &message.content) {
        if let ContentBlock::ToolUse(call) = block
            && known.insert(&call.name)
        {
            names.push(call.name.clone());
        }
    }
    names
}

fn bare_tool(name: String) -> Tool {
    let any_object = JsonText::parse(r#"{"type":"object"}"#.to_owned());
    Tool::ToolSpec(ToolSpec {
        name,
        description: None,
        input_schema: ToolInputSchema::Json(
            any_object.unwrap_or_else(|_| JsonText::empty_object()),
        ),
        strict: None,
    })
}

/// What the family cannot be made to do, or not while it reasons, is asked of it in words.
pub(super) fn choose(
    request: &mut ConverseRequest,
    reasons: bool,
    facts: &Facts,
    adjustments: &mut Adjustments,
) {
    let Some(config) = request.tool_config.as_mut() else {
        return;
    };
    let thinks = reasons && facts.reasoning_replay == ReasoningReplay::Signed;
    let instruction = match &config.tool_choice {
        Some(ToolChoice::Any {}) if !facts.forces_any_tool || thinks => {
            "Answer by calling one of the tools.".to_owned()
        }
        Some(ToolChoice::Tool { name }) if !facts.forces_named_tool || thinks => {
            let name = name.clone();
            config
                .tools
                .retain(|tool| tool.spec().is_none_or(|spec| spec.name == name));
            format!("Answer by calling the tool `{name}`.")
        }
        _ => return,
    };
    config.tool_choice = Some(ToolChoice::Auto {});
    request.system.push(SystemBlock::Text(instruction));
    let action = match thinks {
        true => "asked for in words, a model that reasons cannot be forced",
        false => "asked for in words, this model cannot be forced",
    };
    adjustments.note("tool_choice", action);
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
