//! Translates tools and tool choice to chat.

use super::field_names::ResponsesFieldNames;
use super::types::{ChosenTool, ResponsesTool, ResponsesToolChoice};
use crate::converse::JsonText;
use crate::dialects::openai_chat::{
    AllowedTool, AllowedTools, ChatTool, CustomTool, FunctionObject, ToolChoiceObject,
};
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::{StringOrObject, note_unknown};

/// The tools of a request.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// The client's tools.
    pub(super) declared: Option<Vec<Box<ChatTool>>>,
    /// The web search options, if requested.
    pub(super) web_search: Option<JsonText>,
}

/// Translates the tools.
pub(super) fn tools(
    requested: Option<Vec<Box<ResponsesTool>>>,
    field_names: &mut ResponsesFieldNames,
    adjustments: &mut Adjustments,
) -> Result<Tools, ApiError> {
    let mut tools = Tools::default();
    for (position, tool) in requested.into_iter().flatten().enumerate() {
        let ResponsesTool {
            kind,
            name,
            description,
            parameters,
            strict,
            format,
            unknown,
        } = *tool;
        note_unknown(adjustments, &unknown, "tools[].");
        let mut chat = ChatTool::default();
        match kind.as_deref() {
            Some("function") => {
                chat.function = Some(FunctionObject {
                    name,
                    description,
                    parameters,
                    strict,
                    ..FunctionObject::default()
                });
            }
            Some("custom") => {
                chat.custom = Some(CustomTool {
                    name,
                    description,
                    format,
                    ..CustomTool::default()
                });
            }
            Some(kind) if kind.starts_with("web_search") => {
                tools.web_search = Some(JsonText::empty_object());
                continue;
            }
            Some(other) => {
                return Err(ApiError::unsupported_value(
                    format!("tools[{position}].type"),
                    format!(
                        "`{other}` tools are not served; `function`, `custom` and `web_search` are"
                    ),
                ));
            }
            None => {
                return Err(ApiError::missing_field(
                    &format!("tools[{position}]"),
                    "type",
                ));
            }
        }
        chat.kind = kind;
        field_names.tool(position);
        tools.declared.get_or_insert_default().push(Box::new(chat));
    }
    Ok(tools)
}

/// Translates the tool choice; chat nests its objects one level deeper.
pub(super) fn choice(
    requested: StringOrObject<ResponsesToolChoice>,
    adjustments: &mut Adjustments,
) -> StringOrObject<ToolChoiceObject> {
    let object = match requested {
        StringOrObject::String(word) => return StringOrObject::String(word),
        StringOrObject::Object(object) => object,
    };
    let ResponsesToolChoice {
        kind,
        name,
        mode,
        tools,
        unknown,
    } = object;
    note_unknown(adjustments, &unknown, "tool_choice.");
    let tools = tools.map(|tools| {
        tools
            .into_iter()
            .map(|tool| Box::new(allowed(*tool, adjustments)))
            .collect()
    });
    let allowed_tools = (kind.as_deref() == Some("allowed_tools")).then(|| AllowedTools {
        mode,
        tools,
        ..AllowedTools::default()
    });
    StringOrObject::Object(ToolChoiceObject {
        kind,
        name,
        allowed_tools,
        ..ToolChoiceObject::default()
    })
}

fn allowed(tool: ChosenTool, adjustments: &mut Adjustments) -> AllowedTool {
    let ChosenTool {
        kind,
        name,
        unknown,
    } = tool;
    note_unknown(adjustments, &unknown, "tool_choice.tools[].");
    AllowedTool {
        kind,
        name,
        ..AllowedTool::default()
    }
}
