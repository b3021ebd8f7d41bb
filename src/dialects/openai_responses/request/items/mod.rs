//! Translates input items to messages of Converse.

mod chain;
mod kind;
mod parts;
mod turn;

pub(in super::super) use kind::is_result;
pub use parts::remote_addresses;

use std::collections::HashSet;

use super::compaction::framed;
use super::content::StringOrList;
use super::tools::{ToolTable, apply_patch_input, local_shell_input, shell_input};
use super::types::{InputItem, ResponsesInputPart};
use crate::converse::JsonText;
use crate::converse::rules::tools::bedrock_call_id;
use crate::dialects::openai_chat::{Content, Conversation, ConversationReader, object_of};
use crate::dialects::openai_responses::envelope::Envelope;
use crate::dialects::openai_responses::field_names::ResponsesFieldNames;
use crate::error::{ApiError, CallField, ErrorKind, Field, MessageField, Position, ToolKind};
use crate::wire::{note_unknown, unknown_word};
use kind::ItemKind;
use parts::{content, reasoning_text};
use turn::Turn;

/// The note of an item of a tool that OpenAI hosts.
const HOSTED: &str = "call of a hosted tool removed";

/// Reads items, oldest first. Each becomes a message of Converse; the hub joins those of a turn.
pub(super) struct Items<'a> {
    reader: ConversationReader<'a>,
    tools: &'a ToolTable,
    names: &'a ResponsesFieldNames,
    turn: Turn,
    ids: HashSet<String>,
    /// Whether a summary that cannot be read is an error.
    needs_summary: bool,
}

impl<'a> Items<'a> {
    /// The state before the first item.
    pub(super) fn new(
        reader: ConversationReader<'a>,
        tools: &'a ToolTable,
        names: &'a ResponsesFieldNames,
    ) -> Self {
        Self {
            reader,
            tools,
            names,
            turn: Turn::default(),
            ids: HashSet::new(),
            needs_summary: false,
        }
    }

    /// Adds the instructions, which precede all items.
    pub(super) fn instructions(&mut self, text: String) -> Result<(), ApiError> {
        self.reader.instruction(Some(Content::Text(text)), 0)
    }

    /// Adds a user message of the gateway, or a string input.
    pub(super) fn text(&mut self, text: String) -> Result<(), ApiError> {
        self.turn.end(&mut self.reader);
        self.reader.user(Some(Content::Text(text)), 0)
    }

    /// Adds the items of a list.
    pub(super) fn list(&mut self, list: Vec<Box<InputItem>>) -> Result<(), ApiError> {
        // Without its summary, a conversation that has little else is another one.
        self.needs_summary = list.len() <= 2;
        for (index, item) in list.into_iter().enumerate() {
            if !self.is_duplicate(&item) {
                self.item(*item, index)?;
            }
        }
        Ok(())
    }

    /// The conversation of all items.
    pub(super) fn into_conversation(mut self) -> Conversation {
        self.turn.end(&mut self.reader);
        self.reader.into_conversation()
    }

    /// Whether an earlier item has the same id, as of clients that send the history twice.
    fn is_duplicate(&mut self, item: &InputItem) -> bool {
        // The id of a local shell's output is that of its call.
        let has_own_id = item.kind.as_deref() != Some("local_shell_call_output");
        let id = item.id.as_ref().filter(|id| has_own_id && !id.is_empty());
        let is_duplicate = id.is_some_and(|id| !self.ids.insert(id.clone()));
        if is_duplicate {
            let note = "item removed; its id is a duplicate";
            self.reader.adjustments.note("input[].id", note);
        }
        is_duplicate
    }

    fn item(&mut self, item: InputItem, index: usize) -> Result<(), ApiError> {
        let kind = ItemKind::of(item.kind.as_deref(), index, self.names)?;
        let path = self.names.item(index);
        let InputItem {
            kind: _,
            id,
            status,
            role,
            // The model does not receive phases.
            phase: _,
            content: own_content,
            call_id,
            name,
            namespace,
            arguments,
            input,
            output,
            outputs,
            summary,
            encrypted_content,
            execution: _,
            // The request's tools include those of items.
            tools,
            action,
            operation,
            max_output_length: _,
            // Configuration updates were applied before.
            reasoning: _,
            text: _,
            asynchronous: _,
            caller: _,
            unknown,
        } = item;
        if kind != ItemKind::Hosted {
            note_unknown(self.reader.adjustments, &unknown, "input[].");
        }
        let call = Call { call_id, index };
        match kind {
            ItemKind::Message => {
                let content = self.content(own_content, &format!("{path}.content"))?;
                self.message(role, content, index)?;
            }
            ItemKind::AgentMessage => {
                let content = self.content(own_content, &format!("{path}.content"))?;
                self.assistant(content, index)?;
            }
            ItemKind::FunctionCall => {
                let name = call.name(name, ToolKind::Function)?;
                let name = self.tools.model_name(namespace.as_deref(), &name);
                self.function_call(call, &name, arguments)?;
            }
            ItemKind::CustomToolCall => {
                let name = call.name(name, ToolKind::Custom)?;
                let name = self.tools.model_name(namespace.as_deref(), &name);
                let input = object_of("input", input.unwrap_or_default());
                self.call(call, &name, input)?;
            }
            ItemKind::ToolSearchCall => self.function_call(call, "tool_search", arguments)?,
            ItemKind::LocalShellCall => {
                let input = local_shell_input(&member(&path, "action", action)?);
                self.call(call, "local_shell", input)?;
            }
            ItemKind::ShellCall => {
                let input = shell_input(&member(&path, "action", action)?);
                self.call(call, "shell", input)?;
            }
            ItemKind::ApplyPatchCall => {
                let input = apply_patch_input(&member(&path, "operation", operation)?);
                self.call(call, "apply_patch", input)?;
            }
            ItemKind::CallOutput => {
                let output = self.content(output, &format!("{path}.output"))?;
                match (&call.call_id, name) {
                    (None, Some(name)) => self.fact(&name, output, index)?,
                    _ => self.output(call, output)?,
                }
            }
            ItemKind::LocalShellOutput => {
                let output = self.content(output, &format!("{path}.output"))?;
                // The id of this result is that of its call.
                let call_id = call.call_id.or(id);
                self.output(Call { call_id, index }, output)?;
            }
            ItemKind::ShellOutput => {
                let output = output.as_ref().map(json_or_text);
                self.output(call, output.map(Content::Text))?;
            }
            ItemKind::ApplyPatchOutput => {
                let status = status.map(text_of).unwrap_or_default();
                let text = match output.as_ref().map(json_or_text) {
                    Some(text) => format!("{status}: {text}"),
                    None => status,
                };
                self.output(call, Some(Content::Text(text)))?;
            }
            ItemKind::ToolSearchOutput => {
                let tools = tools.unwrap_or_default();
                let names = tools.iter().filter_map(|tool| tool.name.as_deref());
                let lines: Vec<String> = names.map(|name| format!("Loaded: {name}")).collect();
                self.output(call, Some(Content::Text(lines.join("\n"))))?;
            }
            ItemKind::Reasoning => {
                let is_hidden = summary.is_some_and(|summary| !summary.is_neutral())
                    || encrypted_content.is_some();
                let text = own_content.and_then(reasoning_text);
                let seal = encrypted_content.as_deref();
                self.turn.reasoning(seal, text, is_hidden, &mut self.reader);
            }
            ItemKind::Hosted => {
                let result = output.as_ref().map(json_or_text);
                self.hosted(name, result.or(outputs.map(JsonText::into_text)));
            }
            ItemKind::Compaction => {
                self.compaction(encrypted_content.as_deref().unwrap_or_default(), index)?;
            }
            ItemKind::WebSearchCall
            | ItemKind::AdditionalTools
            | ItemKind::ConfigurationUpdate
            | ItemKind::CompactionTrigger => {}
            ItemKind::ItemReference => {
                return Err(item_not_found(&id.unwrap_or_default()));
            }
        }
        Ok(())
    }

    fn content(
        &mut self,
        value: Option<StringOrList<Box<ResponsesInputPart>>>,
        path: &str,
    ) -> Result<Option<Content>, ApiError> {
        let read = value.map(|value| content(value, path, self.reader.adjustments));
        read.transpose()
    }

    /// Adds a summary in place of the conversation that it is of.
    fn compaction(&mut self, seal: &str, index: usize) -> Result<(), ApiError> {
        let content = (self.reader.context.unseal)(seal);
        if let Some(Envelope::Summary(summary)) = content.as_deref().and_then(Envelope::read) {
            self.turn.end(&mut self.reader);
            self.turn.restart(summary.made_at);
            let text = Content::Text(framed(&summary.text));
            return self.reader.user(Some(text), index);
        }
        if self.needs_summary {
            return Err(ApiError::invalid(
                format!("{}.encrypted_content", self.names.item(index)),
                "this gateway did not make the compaction for this caller, so that it cannot read \
                 it; send the conversation instead",
            ));
        }
        let note = "removed; this gateway did not make it for this caller";
        let adjustments = &mut self.reader.adjustments;
        adjustments.note("input[].encrypted_content", note);
        Ok(())
    }

    fn message(
        &mut self,
        role: Option<String>,
        content: Option<Content>,
        index: usize,
    ) -> Result<(), ApiError> {
        let field = || Field::message(index, MessageField::Role);
        match role.as_deref() {
            Some("assistant") => self.assistant(content, index),
            Some("user") => {
                self.turn.end(&mut self.reader);
                self.reader.user(content, index)
            }
            Some("system" | "developer") => {
                self.turn.end(&mut self.reader);
                self.reader.instruction(content, index)
            }
            None => Err(ApiError::missing_value(field())),
            Some(other) => Err(unknown_word(
                field(),
                other,
                "a role",
                ["system", "developer", "user", "assistant"],
            )),
        }
    }

    fn assistant(&mut self, content: Option<Content>, index: usize) -> Result<(), ApiError> {
        let texts = self.reader.texts(content, index)?;
        self.turn.texts(texts);
        Ok(())
    }

    fn function_call(
        &mut self,
        call: Call,
        name: &str,
        arguments: Option<JsonText>,
    ) -> Result<(), ApiError> {
        let arguments = arguments.map(text_of).unwrap_or_default();
        let input = self.reader.arguments(arguments);
        self.call(call, name, input)
    }

    /// Adds a call of the tool that the model knows as `name`.
    fn call(&mut self, call: Call, name: &str, input: JsonText) -> Result<(), ApiError> {
        let id = call.id(MessageField::Call(Position::Any, CallField::Id))?;
        let block = self.reader.tool_use(bedrock_call_id(&id), name, input);
        self.turn.call(id, block);
        Ok(())
    }

    /// Adds the result of a call.
    fn output(&mut self, call: Call, output: Option<Content>) -> Result<(), ApiError> {
        let index = call.index;
        let id = call.id(MessageField::CallId)?;
        self.turn.end(&mut self.reader);
        let id = bedrock_call_id(&id);
        self.reader.tool_result(id, output, false, index)
    }

    /// Adds a result that no call asked for: Codex tells the model its goal in this form.
    fn fact(&mut self, name: &str, output: Option<Content>, index: usize) -> Result<(), ApiError> {
        self.turn.end(&mut self.reader);
        let name = Content::Text(format!("Result of {name}:"));
        self.reader.user(Some(name), index)?;
        self.reader.user(output, index)
    }

    /// Keeps the result of a hosted tool, which the model has read, as text.
    fn hosted(&mut self, name: Option<String>, result: Option<String>) {
        self.reader.adjustments.note("input[]", HOSTED);
        if let Some(result) = result.filter(|result| !result.trim().is_empty()) {
            let name = name.unwrap_or_else(|| "a tool".to_owned());
            self.turn
                .texts(vec![(format!("Result of {name}: {result}"), None)]);
        }
    }
}

/// The fields that all calls and results have.
struct Call {
    call_id: Option<String>,
    index: usize,
}

impl Call {
    fn id(self, field: MessageField) -> Result<String, ApiError> {
        let id = self.call_id.filter(|id| !id.is_empty());
        id.ok_or_else(|| ApiError::missing_value(Field::message(self.index, field)))
    }

    fn name(&self, name: Option<String>, kind: ToolKind) -> Result<String, ApiError> {
        let field = MessageField::Call(Position::Any, CallField::Name(kind));
        name.ok_or_else(|| ApiError::missing_value(Field::message(self.index, field)))
    }
}

/// The required member `name` of the item at `path`.
fn member(path: &str, name: &str, value: Option<JsonText>) -> Result<JsonText, ApiError> {
    value.ok_or_else(|| ApiError::missing_field(path, name))
}

/// The text of a JSON string, or other JSON as it is.
fn text_of(json: JsonText) -> String {
    serde_json::from_str(json.as_str()).unwrap_or_else(|_| json.into_text())
}

/// A text, or a list of results as JSON.
fn json_or_text(value: &StringOrList<Box<ResponsesInputPart>>) -> String {
    match value {
        StringOrList::String(text) => text.clone(),
        StringOrList::List(list) => serde_json::to_string(list).unwrap_or_default(),
    }
}

/// The error for a reference to an unknown item, in OpenAI's words.
pub(in super::super) fn item_not_found(id: &str) -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        format!(
            "Item with id '{id}' not found. Items are not persisted when `store` is set to false. \
             Try again with `store` set to true, or remove this item from your input."
        ),
    )
    .parameter(Field::Messages)
}
