//! The tools of a request: those in `tools`, and those that items add.

mod built_in;
mod choice;
mod specs;
mod table;
mod web_search;

pub(super) use built_in::{apply_patch_input, local_shell_input, shell_input};
pub use table::{CallForm, SpecialTool, ToolTable};

use super::types::{ResponsesTool, ResponsesToolChoice};
use crate::converse::rules::ToolNames;
use crate::dialects::openai_chat::ToolTranslation;
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::StringOrObject;
use choice::ChoiceContext;
pub(super) use web_search::WebSearch;

/// The tools and the tool choice of a request.
#[derive(Debug, Default)]
pub(super) struct RequestedTools {
    /// `tools`.
    pub(super) declared: Vec<Box<ResponsesTool>>,
    /// The tools of items, each with the index of its item.
    pub(super) added: Vec<(usize, Vec<Box<ResponsesTool>>)>,
    pub(super) choice: Option<StringOrObject<ResponsesToolChoice>>,
}

impl RequestedTools {
    /// Declares the tools, which the model must not call.
    pub(super) fn forbid_calls(&mut self) {
        let has_tools = !self.declared.is_empty() || !self.added.is_empty();
        self.choice = has_tools.then(|| StringOrObject::String("none".to_owned()));
    }

    /// Translates the tools, those of items after the declared ones: a changed order would cost
    /// the client its cached prompt.
    pub(super) fn translate(
        self,
        table: &ToolTable,
        web_search: WebSearch,
        names: &mut ToolNames,
        adjustments: &mut Adjustments,
    ) -> Result<ToolTranslation, ApiError> {
        let Self {
            declared,
            added,
            choice,
        } = self;
        let tools = specs::specs(declared, added, table, names, adjustments)?;
        let context = ChoiceContext { table, web_search };
        let choice = choice.map(|choice| choice::chat_choice(choice, context, adjustments));
        choice::with_choice(tools, choice.transpose()?.flatten(), names, adjustments)
    }
}
