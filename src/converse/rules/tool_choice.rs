//! H9 and tool choice: which tools must be declared, which calls can be forced, and which calls
//! are hidden from the client.
//!
//! On families whose prefix must stay unchanged, the tool choice never changes the tool list: it
//! becomes an instruction at the end of the prompt, and is enforced in the response.

use std::collections::HashSet;

use crate::converse::JsonText;
use crate::converse::content::ContentBlock;
use crate::converse::request::{
    ConverseRequest, Tool, ToolChoice, ToolConfig, ToolInputSchema, ToolSpec,
};
use crate::error::{Field, ToolChoiceField};
use crate::models::{Capabilities, ReasoningReplay};
use crate::reply::Adjustments;

/// Which tool calls are returned to the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedCalls {
    /// All calls.
    #[default]
    All,
    /// Calls of these tools.
    Only(Vec<String>),
    /// No calls.
    None,
}

impl AllowedCalls {
    /// Whether a call of the tool `name` is returned to the client.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|allowed| allowed == name),
            Self::None => false,
        }
    }
}

/// Applies the tool choice as far as the family supports it. Returns which calls are returned to
/// the client, and adds instructions for the model to `instructions`.
pub(super) fn apply(
    request: &mut ConverseRequest,
    requested: AllowedCalls,
    reasons: bool,
    capabilities: &Capabilities,
    instructions: &mut Vec<String>,
    adjustments: &mut Adjustments,
) -> AllowedCalls {
    let requested = match requested {
        AllowedCalls::None => {
            forbid(request, capabilities, instructions);
            return AllowedCalls::None;
        }
        AllowedCalls::Only(names) => restrict_to(request, names, capabilities),
        AllowedCalls::All => AllowedCalls::All,
    };
    choose(
        request,
        requested,
        reasons,
        capabilities,
        instructions,
        adjustments,
    )
}

/// H9: a conversation with tool calls must declare tools, even if the client sends none or
/// forbids calls.
fn forbid(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    instructions: &mut Vec<String>,
) {
    let called = called_tools(request);
    match request.tool_config.as_mut() {
        Some(config) if capabilities.keeps_prefix() => {
            config.tool_choice = None;
            instructions.push("Answer without calling a tool.".to_owned());
        }
        Some(config) if !called.is_empty() => config.tool_choice = None,
        Some(_) => request.tool_config = None,
        // The client no longer sends tools: declaring the called ones suffices.
        None if !called.is_empty() => {
            request.tool_config = Some(ToolConfig {
                tools: called.into_iter().map(bare_tool).collect(),
                tool_choice: None,
            });
        }
        None => {}
    }
}

/// The names of the tools called in the conversation, without duplicates, in order.
fn called_tools(request: &ConverseRequest) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for block in request.messages.iter().flat_map(|message| &message.content) {
        if let ContentBlock::ToolUse(call) = block
            && seen.insert(&call.name)
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

/// Bedrock has no list of allowed tools besides the tool list. If the tool list may change
/// between requests, the other tools are removed.
pub(super) fn restrict_to(
    request: &mut ConverseRequest,
    names: Vec<String>,
    capabilities: &Capabilities,
) -> AllowedCalls {
    let Some(config) = request.tool_config.as_mut() else {
        return AllowedCalls::All;
    };
    let is_allowed = |tool: &Tool| tool.spec().is_none_or(|spec| names.contains(&spec.name));
    if config.tools.iter().all(is_allowed) {
        return AllowedCalls::All;
    }
    if capabilities.keeps_prefix() {
        return AllowedCalls::Only(names);
    }
    config.tools.retain(is_allowed);
    AllowedCalls::All
}

/// If the family does not support forcing the call, or not with reasoning, the prompt requests
/// it.
fn choose(
    request: &mut ConverseRequest,
    requested: AllowedCalls,
    reasons: bool,
    capabilities: &Capabilities,
    instructions: &mut Vec<String>,
    adjustments: &mut Adjustments,
) -> AllowedCalls {
    let Some(config) = request.tool_config.as_mut() else {
        return requested;
    };
    let reasons_signed = reasons && capabilities.reasoning_replay == ReasoningReplay::Signed;
    let forces_any = capabilities.forces_any_tool && !reasons_signed;
    let forces_named = capabilities.forces_named_tool && !reasons_signed;
    let choice = match (config.tool_choice.take(), &requested) {
        // If one tool is allowed, `any` forces that tool.
        (Some(ToolChoice::Any {}), AllowedCalls::Only(names)) => match names.as_slice() {
            [name] => Some(ToolChoice::Tool { name: name.clone() }),
            _ => Some(ToolChoice::Any {}),
        },
        (choice, _) => choice,
    };
    let (instruction, allowed) = match (&choice, requested) {
        (Some(ToolChoice::Tool { .. }), _) if forces_named => {
            config.tool_choice = choice;
            return AllowedCalls::All;
        }
        (Some(ToolChoice::Tool { name }), _) => {
            let allowed = match capabilities.keeps_prefix() {
                true => AllowedCalls::Only(vec![name.clone()]),
                false => {
                    config
                        .tools
                        .retain(|tool| tool.spec().is_none_or(|spec| spec.name == *name));
                    AllowedCalls::All
                }
            };
            (format!("Answer by calling the tool `{name}`."), allowed)
        }
        (Some(ToolChoice::Any {}), AllowedCalls::Only(names)) => {
            let words = format!("Answer by calling one of these tools: {}.", list(&names));
            let allowed = AllowedCalls::Only(names);
            if forces_any {
                config.tool_choice = choice;
                instructions.push(words);
                return allowed;
            }
            (words, allowed)
        }
        (Some(ToolChoice::Any {}), allowed) if forces_any => {
            config.tool_choice = choice;
            return allowed;
        }
        (Some(ToolChoice::Any {}), allowed) => {
            ("Answer by calling one of the tools.".to_owned(), allowed)
        }
        (Some(ToolChoice::Auto {}) | None, AllowedCalls::Only(names)) => {
            config.tool_choice = choice;
            instructions.push(format!("Call no tool but these: {}.", list(&names)));
            return AllowedCalls::Only(names);
        }
        (Some(ToolChoice::Auto {}) | None, allowed) => {
            config.tool_choice = choice;
            return allowed;
        }
    };
    config.tool_choice = Some(ToolChoice::Auto {});
    instructions.push(instruction);
    let action = match reasons_signed {
        true => "requested in the prompt; calls cannot be forced with reasoning",
        false => "requested in the prompt; the model does not support forced calls",
    };
    adjustments.note(Field::ToolChoice(ToolChoiceField::Whole), action);
    allowed
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
