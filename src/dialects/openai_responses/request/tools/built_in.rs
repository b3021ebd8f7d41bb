//! Tools that have types of their own instead of a schema. The model receives them as functions with
//! fixed schemas, and its calls become typed items again.

use super::super::types::ResponsesTool;
use super::table::CallForm;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::dialects::openai_chat::FunctionObject;

/// A tool with a type of its own, which the client runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BuiltIn {
    ToolSearch,
    LocalShell,
    Shell,
    ApplyPatch,
}

impl BuiltIn {
    /// The kind of `tool`; `None` if it is declared with a name, or hosted.
    pub(super) fn of(tool: &ResponsesTool) -> Option<Self> {
        match tool.kind.as_deref()? {
            // A search that OpenAI would run is not necessary: all tools are declared.
            "tool_search" if tool.execution.as_deref() == Some("client") => Some(Self::ToolSearch),
            "local_shell" => Some(Self::LocalShell),
            "shell" => Some(Self::Shell),
            "apply_patch" => Some(Self::ApplyPatch),
            _ => None,
        }
    }

    /// The name for the model, which is also the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ToolSearch => "tool_search",
            Self::LocalShell => "local_shell",
            Self::Shell => "shell",
            Self::ApplyPatch => "apply_patch",
        }
    }

    /// The form of its calls.
    pub(super) fn form(self) -> CallForm {
        match self {
            Self::ToolSearch => CallForm::ToolSearch,
            Self::LocalShell => CallForm::LocalShell,
            Self::Shell => CallForm::Shell,
            Self::ApplyPatch => CallForm::ApplyPatch,
        }
    }

    /// The function that the model receives. Only a tool search brings its own description and
    /// parameters.
    pub(super) fn function(
        self,
        description: Option<String>,
        parameters: Option<JsonText>,
    ) -> FunctionObject {
        let (own_description, schema) = match self {
            Self::ToolSearch => ("Finds tools by a query and makes them available.", QUERY),
            Self::LocalShell => ("Runs a command on the user's machine.", LOCAL_SHELL),
            Self::Shell => ("Runs shell commands on the user's machine.", SHELL),
            Self::ApplyPatch => (
                "Creates, updates or deletes one file. `diff` is in the V4A format, without its \
                 first and last line; it is omitted to delete a file.",
                APPLY_PATCH,
            ),
        };
        FunctionObject {
            name: Some(self.name().to_owned()),
            description: Some(description.unwrap_or_else(|| own_description.to_owned())),
            parameters: parameters.or_else(|| JsonText::parse(schema.to_owned()).ok()),
            ..FunctionObject::default()
        }
    }
}

const QUERY: &str =
    r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}"#;

const LOCAL_SHELL: &str = r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"env":{"type":"object","additionalProperties":{"type":"string"}}},"required":["command"]}"#;

const SHELL: &str = r#"{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"}},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]}"#;

const APPLY_PATCH: &str = r#"{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string"}},"required":["type","path"]}"#;

/// The model's input of an earlier `local_shell_call`, whose response has members that the model did
/// not write.
pub(in super::super) fn local_shell_input(action: &JsonText) -> JsonText {
    without(action, |key, value| {
        key == "type" || value.as_str() == "null" || key == "env" && value.is_neutral()
    })
}

/// The same of a `shell_call`.
pub(in super::super) fn shell_input(action: &JsonText) -> JsonText {
    without(action, |_, value| value.as_str() == "null")
}

/// The same of an `apply_patch_call`.
pub(in super::super) fn apply_patch_input(operation: &JsonText) -> JsonText {
    without(operation, |_, value| value.as_str() == "null")
}

fn without(object: &JsonText, is_added: impl Fn(&str, &JsonText) -> bool) -> JsonText {
    let Some(mut fields) = Fields::from_object(object) else {
        return JsonText::empty_object();
    };
    fields.retain(|key, value| !is_added(key, value));
    JsonText::of(&fields).unwrap_or_else(|_| JsonText::empty_object())
}
