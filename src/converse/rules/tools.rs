//! H9 and the kinds of tool choice: what must be declared, and what can be demanded.

use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::request::{
    ContentBlock, ConverseRequest, SystemBlock, Tool, ToolChoice, ToolConfig, ToolInputSchema,
    ToolSpec,
};
use crate::fault::Fault;
use crate::models::Facts;

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
            ContentBlock::Text(_) | ContentBlock::Image(_) => continue,
        };
        *block = ContentBlock::Text(text);
    }
    Ok(())
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
    for block in request.messages.iter().flat_map(|message| &message.content) {
        if let ContentBlock::ToolUse(call) = block
            && !names.contains(&call.name)
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
    })
}

/// What the family cannot be made to do is asked of it in words.
pub(super) fn choose(request: &mut ConverseRequest, facts: &Facts, adjustments: &mut Adjustments) {
    let Some(config) = request.tool_config.as_mut() else {
        return;
    };
    let instruction = match &config.tool_choice {
        Some(ToolChoice::Any {}) if !facts.forces_any_tool => {
            "Answer by calling one of the tools.".to_owned()
        }
        Some(ToolChoice::Tool { name }) if !facts.forces_named_tool => {
            let name = name.clone();
            config
                .tools
                .retain(|Tool::ToolSpec(spec)| spec.name == name);
            format!("Answer by calling the tool `{name}`.")
        }
        _ => return,
    };
    config.tool_choice = Some(ToolChoice::Auto {});
    request.system.push(SystemBlock::Text(instruction));
    adjustments.note(
        "tool_choice",
        "asked for in words, this model cannot be forced",
    );
}
