//! H9 and the kinds of tool choice: what must be declared, what can be demanded, and which calls are
//! kept from the client.
//!
//! On families whose prefix has to stay as it is, the choice never changes the list of tools: what
//! it asks for is said at the end of the prompt, and held to in the response.

use std::collections::HashSet;

use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::content::ContentBlock;
use crate::converse::request::{
    ConverseRequest, Tool, ToolChoice, ToolConfig, ToolInputSchema, ToolSpec,
};
use crate::models::{Capabilities, ReasoningReplay};

/// Which of the model's calls reach the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedCalls {
    /// Every call.
    #[default]
    All,
    /// Calls of the tools of these names.
    Only(Vec<String>),
    /// No call.
    None,
}

impl AllowedCalls {
    /// Whether a call of the tool `name` reaches the client.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|allowed| allowed == name),
            Self::None => false,
        }
    }
}

/// Makes the request one that asks for `requested` as the family can be asked, and returns which calls
/// reach the client. `instructions` are for the model.
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
        AllowedCalls::Only(names) => among(request, names, capabilities),
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

/// H9: a conversation with calls in it has its tools declared, also where the client offers none
/// or wants none called.
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
        // The client had tools once, and offers none now: those that it called will do.
        None if !called.is_empty() => {
            request.tool_config = Some(ToolConfig {
                tools: called.into_iter().map(bare_tool).collect(),
                tool_choice: None,
            });
        }
        None => {}
    }
}

/// The names of the tools that the conversation has calls of, each once, in order.
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

/// Bedrock has no list of tools that may be called beside the list of tools. Where that list may
/// change from turn to turn, the others are left out of it.
fn among(
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

/// What the family cannot be made to do, or not while it reasons, is asked of it in words.
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
    let thinks = reasons && capabilities.reasoning_replay == ReasoningReplay::Signed;
    let forces_any = capabilities.forces_any_tool && !thinks;
    let forces_named = capabilities.forces_named_tool && !thinks;
    let choice = match (config.tool_choice.take(), &requested) {
        // One of one is that one.
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
    let action = match thinks {
        true => "asked for in words, a model that reasons cannot be forced",
        false => "asked for in words, this model cannot be forced",
    };
    adjustments.note("tool_choice", action);
    allowed
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
