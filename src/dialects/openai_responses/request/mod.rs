//! Translates a Responses request to a Converse request and the options of its response.

mod compaction;
mod content;
mod items;
mod parameters;
mod tools;
pub(super) mod types;

pub(super) use compaction::is_triggered;
pub(super) use content::StringOrList;
pub use items::remote_addresses;
pub(super) use items::{is_result, item_not_found};
pub use tools::{CallForm, SpecialTool, ToolTable};

use super::field_names::ResponsesFieldNames;
use crate::converse::rules::ToolNames;
use crate::converse::translation::{ChatTranslation, TranslationContext};
use crate::dialects::openai_chat::{
    ClientFields, Conversation, ConversationReader, Prompt, ToolTranslation, translate_with,
};
use crate::error::{ApiError, Field, Sentence};
use crate::reply::Adjustments;
use crate::wire::{UnknownFields, misspelling};
use items::Items;
use parameters::{Parameters, parameters};
use tools::{RequestedTools, WebSearch};
use types::{InputItem, ResponsesRequest};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The model responds to it.
    Respond,
    /// The model writes a summary of the conversation, which is not streamed.
    Compact,
    /// Its tokens are counted.
    Count,
}

/// Translates a Responses request to Converse. The caller handles `model` and `truncation`.
///
/// # Errors
///
/// If a field is invalid or not supported; the error names the field.
pub fn translate(
    request: ResponsesRequest,
    purpose: Purpose,
    names: &ResponsesFieldNames,
    context: &TranslationContext<'_>,
) -> Result<ChatTranslation, ApiError> {
    let mut adjustments = Adjustments::default();
    let translation = translation(request, purpose, names, context, &mut adjustments);
    let translation = translation.map_err(|error| error.named(names))?;
    let mut adjustments = adjustments.named(names);
    adjustments.extend(translation.adjustments);
    Ok(ChatTranslation {
        adjustments,
        ..translation
    })
}

/// The translation. `adjustments` has the notes about fields that chat requests do not have.
fn translation(
    request: ResponsesRequest,
    purpose: Purpose,
    names: &ResponsesFieldNames,
    context: &TranslationContext<'_>,
    adjustments: &mut Adjustments,
) -> Result<ChatTranslation, ApiError> {
    let table = ToolTable::of(&request);
    let Parameters {
        mut shared,
        instructions,
        input,
        mut tools,
    } = parameters(request, purpose, context, adjustments)?;
    let web_search = WebSearch::of(&tools.declared, context.capabilities, adjustments);
    let input = input.ok_or_else(|| missing_input(&shared.unknown))?;
    compaction::check(&input, names)?;
    shared.web_search_options = web_search.options();
    if let StringOrList::List(items) = &input {
        tools.added = added_tools(items);
    }
    let compacts = match (purpose, &input) {
        (Purpose::Compact, _) => true,
        (Purpose::Respond, StringOrList::List(items)) => is_triggered(items),
        (Purpose::Respond, StringOrList::String(_)) | (Purpose::Count, _) => false,
    };
    if compacts {
        // The prompt stays as it is, so that its cache and its reasoning are used.
        shared.response_format = None;
        tools.forbid_calls();
    }
    let prompt = ResponsesPrompt {
        instructions,
        input,
        tools,
        table: &table,
        names,
        web_search,
        compacts,
    };
    let client = ClientFields {
        fields: ResponsesRequest::FIELDS,
        names,
        returns_logprobs: false,
    };
    translate_with(shared, prompt, client, context)
}

/// The tools that items add, each list with the index of its item.
fn added_tools(items: &[Box<InputItem>]) -> Vec<(usize, Vec<Box<types::ResponsesTool>>)> {
    let items = items.iter().enumerate();
    items
        .filter_map(|(index, item)| Some((index, item.tools.clone()?)))
        .collect()
}

fn missing_input(unknown: &UnknownFields) -> ApiError {
    let misspelling = misspelling(unknown, "input", ResponsesRequest::FIELDS);
    ApiError::missing(
        Field::Messages,
        Sentence::about(
            Field::Messages,
            format!(" is missing; send a text, or items{misspelling}"),
        ),
    )
}

/// The tools and the conversation of a Responses request.
struct ResponsesPrompt<'a> {
    instructions: Option<String>,
    input: StringOrList<Box<InputItem>>,
    tools: RequestedTools,
    table: &'a ToolTable,
    names: &'a ResponsesFieldNames,
    web_search: WebSearch,
    /// Whether the model writes a summary of the conversation.
    compacts: bool,
}

impl Prompt for ResponsesPrompt<'_> {
    fn tools(
        &mut self,
        names: &mut ToolNames,
        adjustments: &mut Adjustments,
    ) -> Result<ToolTranslation, ApiError> {
        let tools = std::mem::take(&mut self.tools);
        tools.translate(self.table, self.web_search, names, adjustments)
    }

    fn conversation(
        self,
        context: &TranslationContext<'_>,
        names: &mut ToolNames,
        adjustments: &mut Adjustments,
    ) -> Result<Conversation, ApiError> {
        let reader = ConversationReader::new(context, names, adjustments);
        let mut items = Items::new(reader, self.table, self.names);
        if let Some(instructions) = self.instructions {
            items.instructions(instructions)?;
        }
        match self.input {
            StringOrList::String(text) => items.text(text)?,
            StringOrList::List(list) if list.is_empty() => {
                return Err(ApiError::invalid(
                    Field::Messages,
                    Sentence::about(Field::Messages, " is empty; send at least one item"),
                ));
            }
            StringOrList::List(list) => items.list(list)?,
        }
        if self.compacts {
            items.text(compaction::INSTRUCTION.to_owned())?;
        }
        Ok(items.into_conversation())
    }
}
