//! Web search. Models with a search of their own get it; for others the tool is left out, since
//! clients declare it on each request.

use super::super::types::{ResponsesTool, ResponsesToolChoice};
use crate::converse::JsonText;
use crate::error::{ApiError, Field, ToolChoiceField};
use crate::models::Capabilities;
use crate::reply::Adjustments;
use crate::wire::{StringOrObject, hint};

/// What becomes of the web search of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) enum WebSearch {
    /// It is not requested.
    #[default]
    None,
    /// The model has one.
    Served,
    /// The model has none.
    LeftOut,
}

/// Whether `kind` is the type of a web search tool.
pub(super) fn is_web_search(kind: &str) -> bool {
    kind.starts_with("web_search")
}

impl WebSearch {
    /// The treatment of the web search among `tools`, with its notes.
    pub(in super::super) fn of(
        tools: &[Box<ResponsesTool>],
        capabilities: &Capabilities,
        adjustments: &mut Adjustments,
    ) -> Self {
        let is_search = |tool: &ResponsesTool| {
            tool.kind.as_deref().is_some_and(is_web_search)
                // Codex declares a search that must not be used.
                && tool.external_web_access != Some(false)
        };
        let mut searches = tools.iter().filter(|tool| is_search(tool)).peekable();
        if searches.peek().is_none() {
            return Self::None;
        }
        if capabilities.web_search.is_empty() {
            adjustments.note("tools[]", "web search removed; the model has none");
            return Self::LeftOut;
        }
        for tool in searches {
            for (field, value) in [
                ("tools[].filters", &tool.filters),
                ("tools[].user_location", &tool.user_location),
            ] {
                hint(field, value.clone(), "", adjustments);
            }
        }
        Self::Served
    }

    /// The web search options of a chat request.
    pub(in super::super) fn options(self) -> Option<JsonText> {
        (self == Self::Served).then(JsonText::empty_object)
    }

    /// The tool choice without a forced web search, which no model supports.
    pub(super) fn unforced(
        self,
        choice: StringOrObject<ResponsesToolChoice>,
        adjustments: &mut Adjustments,
    ) -> Result<Option<StringOrObject<ResponsesToolChoice>>, ApiError> {
        let kind = match &choice {
            StringOrObject::Object(object) => object.kind.as_deref(),
            StringOrObject::String(_) => None,
        };
        if !kind.is_some_and(is_web_search) {
            return Ok(Some(choice));
        }
        if self == Self::Served {
            adjustments.note(
                Field::ToolChoice(ToolChoiceField::Whole),
                "ignored; a web search cannot be forced",
            );
            return Ok(None);
        }
        Err(ApiError::unsupported_value(
            Field::ToolChoice(ToolChoiceField::Type),
            "this model has no web search; choose another tool or a model with web search",
        ))
    }
}
