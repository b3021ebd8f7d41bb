//! The types of input items.

use crate::dialects::openai_responses::field_names::ResponsesFieldNames;
use crate::error::ApiError;

/// What an input item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Message,
    /// A message of another agent of the client.
    AgentMessage,
    FunctionCall,
    CustomToolCall,
    ToolSearchCall,
    LocalShellCall,
    ShellCall,
    ApplyPatchCall,
    /// The result of a function or custom tool.
    CallOutput,
    ToolSearchOutput,
    LocalShellOutput,
    ShellOutput,
    ApplyPatchOutput,
    Reasoning,
    /// A call of a tool that OpenAI hosts, with its result.
    Hosted,
    /// A search, whose findings are in the message after it.
    WebSearchCall,
    AdditionalTools,
    ConfigurationUpdate,
    Compaction,
    CompactionTrigger,
    ItemReference,
}

impl ItemKind {
    /// The kind of the item at `index` with this `type`.
    ///
    /// # Errors
    ///
    /// If such items are not served.
    pub(super) fn of(
        kind: Option<&str>,
        index: usize,
        names: &ResponsesFieldNames,
    ) -> Result<Self, ApiError> {
        Ok(match kind {
            None | Some("message") => Self::Message,
            Some("agent_message") => Self::AgentMessage,
            Some("function_call") => Self::FunctionCall,
            Some("custom_tool_call") => Self::CustomToolCall,
            Some("tool_search_call") => Self::ToolSearchCall,
            Some("local_shell_call") => Self::LocalShellCall,
            Some("shell_call") => Self::ShellCall,
            Some("apply_patch_call") => Self::ApplyPatchCall,
            Some("function_call_output" | "custom_tool_call_output") => Self::CallOutput,
            Some("tool_search_output") => Self::ToolSearchOutput,
            Some("local_shell_call_output") => Self::LocalShellOutput,
            Some("shell_call_output") => Self::ShellOutput,
            Some("apply_patch_call_output") => Self::ApplyPatchOutput,
            Some("reasoning") => Self::Reasoning,
            Some(
                "file_search_call"
                | "code_interpreter_call"
                | "image_generation_call"
                | "mcp_list_tools"
                | "mcp_call"
                | "program"
                | "program_output",
            ) => Self::Hosted,
            Some("web_search_call") => Self::WebSearchCall,
            Some("additional_tools") => Self::AdditionalTools,
            Some("configuration_update") => Self::ConfigurationUpdate,
            Some("compaction" | "context_compaction") => Self::Compaction,
            Some("compaction_trigger") => Self::CompactionTrigger,
            Some("item_reference") => Self::ItemReference,
            Some(other) => {
                return Err(ApiError::unsupported_value(
                    format!("{}.type", names.item(index)),
                    format!(
                        "items of type `{other}` are not served; messages, reasoning, calls of \
                         functions, custom tools, tool searches, shells and patches with their \
                         outputs, `additional_tools`, `configuration_update`, `compaction` and \
                         `compaction_trigger` are"
                    ),
                ));
            }
        })
    }
}

/// Whether items of this type have the result of a tool call in `output`.
pub(in super::super::super) fn is_result(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| kind.ends_with("_output"))
}
