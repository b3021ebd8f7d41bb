//! The tool choice, whose tools are named as the client declares them.

use super::super::types::{ChosenTool, ResponsesToolChoice};
use super::table::ToolTable;
use super::web_search::WebSearch;
use crate::converse::request::Tool;
use crate::converse::rules::ToolNames;
use crate::dialects::openai_chat::{
    AllowedTool, AllowedTools, ToolChoiceObject, ToolReader, ToolTranslation,
};
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::{StringOrObject, note_unknown};

/// What a choice refers to.
#[derive(Clone, Copy)]
pub(super) struct ChoiceContext<'a> {
    pub(super) table: &'a ToolTable,
    pub(super) web_search: WebSearch,
}

/// The translation of `tools` with the tool choice.
pub(super) fn with_choice(
    tools: Vec<Tool>,
    choice: Option<StringOrObject<ToolChoiceObject>>,
    names: &mut ToolNames,
    adjustments: &mut Adjustments,
) -> Result<ToolTranslation, ApiError> {
    ToolReader::new(names, adjustments).with_choice(tools, choice)
}

/// The choice in the form of chat, which nests it one level deeper; `None` if the model decides.
pub(super) fn chat_choice(
    requested: StringOrObject<ResponsesToolChoice>,
    context: ChoiceContext<'_>,
    adjustments: &mut Adjustments,
) -> Result<Option<StringOrObject<ToolChoiceObject>>, ApiError> {
    let requested = context.web_search.unforced(requested, adjustments)?;
    Ok(requested.map(|requested| match requested {
        StringOrObject::String(word) => StringOrObject::String(word),
        StringOrObject::Object(object) => {
            StringOrObject::Object(choice_object(object, context.table, adjustments))
        }
    }))
}

fn choice_object(
    object: ResponsesToolChoice,
    table: &ToolTable,
    adjustments: &mut Adjustments,
) -> ToolChoiceObject {
    let ResponsesToolChoice {
        kind,
        name,
        namespace,
        mode,
        tools,
        unknown,
    } = object;
    note_unknown(adjustments, &unknown, "tool_choice.");
    if kind.as_deref() == Some("allowed_tools") {
        let tools = tools.map(|tools| {
            let tools = tools.into_iter();
            let allowed = tools.filter_map(|tool| allowed(*tool, table, adjustments));
            allowed.map(Box::new).collect()
        });
        return ToolChoiceObject {
            kind,
            allowed_tools: Some(AllowedTools {
                mode,
                tools,
                ..AllowedTools::default()
            }),
            ..ToolChoiceObject::default()
        };
    }
    // A tool with a type of its own is a function for the model.
    let (kind, name) = match (kind.as_deref(), name) {
        (Some(own @ ("shell" | "local_shell" | "apply_patch" | "tool_search")), None) => {
            (Some("function".to_owned()), Some(own.to_owned()))
        }
        (_, name) => {
            let name = name.map(|name| table.model_name(namespace.as_deref(), &name));
            (kind, name)
        }
    };
    ToolChoiceObject {
        kind,
        name,
        ..ToolChoiceObject::default()
    }
}

/// An allowed tool; `None` for hosted tools, which the model does not have.
fn allowed(
    tool: ChosenTool,
    table: &ToolTable,
    adjustments: &mut Adjustments,
) -> Option<AllowedTool> {
    let ChosenTool {
        kind,
        name,
        namespace,
        unknown,
    } = tool;
    note_unknown(adjustments, &unknown, "tool_choice.tools[].");
    let name = match (kind.as_deref(), name) {
        (Some(own @ ("shell" | "local_shell" | "apply_patch" | "tool_search")), None) => {
            Some(own.to_owned())
        }
        (None | Some("function" | "custom"), name) => {
            name.map(|name| table.model_name(namespace.as_deref(), &name))
        }
        _ => {
            adjustments.note("tool_choice.tools[]", "hosted tool removed");
            return None;
        }
    };
    Some(AllowedTool {
        kind,
        name,
        ..AllowedTool::default()
    })
}
