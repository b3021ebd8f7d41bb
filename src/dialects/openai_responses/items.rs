//! Translates input items to chat messages.

use super::content::StringOrList;
use super::field_names::{MessageSource, ResponsesFieldNames};
use super::parts::{content, reasoning_text};
use super::types::InputItem;
use crate::dialects::openai_chat::{ChatMessage, Content, CustomCall, FunctionCall, ToolCall};
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::note_unknown;

/// The messages so far, and their sources.
pub(super) struct Items<'a> {
    messages: Vec<Box<ChatMessage>>,
    sources: Vec<MessageSource>,
    /// Reasoning for the next assistant message.
    reasoning: Option<String>,
    adjustments: &'a mut Adjustments,
}

impl<'a> Items<'a> {
    pub(super) fn new(adjustments: &'a mut Adjustments) -> Self {
        Self {
            messages: Vec::new(),
            sources: Vec::new(),
            reasoning: None,
            adjustments,
        }
    }

    /// The instructions, which precede all items.
    pub(super) fn instructions(&mut self, text: Option<String>) {
        if let Some(text) = text {
            self.push(
                chat_message("system", Content::Text(text)),
                MessageSource::Instructions,
            );
        }
    }

    /// A string input: a user message.
    pub(super) fn text(&mut self, text: String) {
        self.push(
            chat_message("user", Content::Text(text)),
            MessageSource::Text,
        );
    }

    pub(super) fn list(&mut self, list: Vec<Box<InputItem>>) -> Result<(), ApiError> {
        for (index, item) in list.into_iter().enumerate() {
            self.item(*item, index)?;
        }
        if self.reasoning.is_some() {
            // No message follows that the reasoning belongs to.
            self.adjustments.note("input[]", REASONING_DROPPED);
        }
        Ok(())
    }

    /// All messages, and what the client calls their fields.
    pub(super) fn into_messages(self) -> (Vec<Box<ChatMessage>>, ResponsesFieldNames) {
        (self.messages, ResponsesFieldNames::new(self.sources))
    }

    fn item(&mut self, item: InputItem, index: usize) -> Result<(), ApiError> {
        let path = format!("input[{index}]");
        let InputItem {
            kind,
            role,
            content: content_of_item,
            call_id,
            name,
            arguments,
            input,
            output,
            summary,
            encrypted_content,
            // Item ids refer to stored items, and the status is informational.
            id: _,
            status: _,
            phase,
            unknown,
        } = item;
        note_unknown(self.adjustments, &unknown, "input[].");
        if phase.is_some() {
            self.adjustments.ignored("input[].phase");
        }
        match kind.as_deref() {
            None | Some("message") => {
                let content = self.content(content_of_item, &format!("{path}.content"))?;
                self.message(role, content, index);
            }
            Some("function_call") => {
                let function = FunctionCall {
                    name,
                    arguments,
                    ..FunctionCall::default()
                };
                self.call(index, call_of(call_id, Some(function), None));
            }
            Some("custom_tool_call") => {
                let custom = CustomCall {
                    name,
                    input,
                    ..CustomCall::default()
                };
                self.call(index, call_of(call_id, None, Some(custom)));
            }
            Some("function_call_output" | "custom_tool_call_output") => {
                let content = self.content(output, &format!("{path}.output"))?;
                let result = ChatMessage {
                    role: Some("tool".to_owned()),
                    content,
                    tool_call_id: call_id,
                    ..ChatMessage::default()
                };
                self.push(result, MessageSource::Result(index));
            }
            Some("reasoning") => {
                let reasoning = content_of_item.and_then(reasoning_text);
                let is_encrypted = summary.is_some() || encrypted_content.is_some();
                if reasoning.is_none() && is_encrypted {
                    // A summary is not the reasoning itself, and encrypted content is not the
                    // gateway's.
                    self.adjustments.note("input[]", REASONING_DROPPED);
                }
                self.reasoning = reasoning;
            }
            Some("item_reference") => {
                return Err(ApiError::unsupported_value(
                    format!("{path}.type"),
                    "items are not stored, so they cannot be referenced; send the item itself",
                ));
            }
            Some(other) => {
                return Err(ApiError::unsupported_value(
                    format!("{path}.type"),
                    format!(
                        "items of type `{other}` are not served; `message`, `function_call`, \
                         `custom_tool_call`, their outputs and `reasoning` are"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn content(
        &mut self,
        content_of_item: Option<StringOrList<Box<super::types::ResponsesInputPart>>>,
        path: &str,
    ) -> Result<Option<Content>, ApiError> {
        let read = content_of_item.map(|value| content(value, path, self.adjustments));
        read.transpose()
    }

    fn message(&mut self, role: Option<String>, content: Option<Content>, index: usize) {
        let reasoning = match role.as_deref() {
            Some("assistant") => self.reasoning.take(),
            _ => None,
        };
        let message = ChatMessage {
            role,
            content,
            reasoning_content: reasoning,
            ..ChatMessage::default()
        };
        self.push(message, MessageSource::Item(index, Vec::new()));
    }

    /// Adds a call to the preceding assistant message or call: together they are one message.
    fn call(&mut self, index: usize, call: ToolCall) {
        let reasoning = self.reasoning.take();
        if let (None, Some(last), Some(MessageSource::Item(_, calls))) = (
            &reasoning,
            self.messages.last_mut(),
            self.sources.last_mut(),
        ) && last.role.as_deref() == Some("assistant")
        {
            last.tool_calls.get_or_insert_default().push(Box::new(call));
            calls.push(index);
            return;
        }
        let message = ChatMessage {
            role: Some("assistant".to_owned()),
            tool_calls: Some(vec![Box::new(call)]),
            reasoning_content: reasoning,
            ..ChatMessage::default()
        };
        self.push(message, MessageSource::Item(index, vec![index]));
    }

    fn push(&mut self, message: ChatMessage, source: MessageSource) {
        self.messages.push(Box::new(message));
        self.sources.push(source);
    }
}

const REASONING_DROPPED: &str = "reasoning removed";

fn chat_message(role: &str, content: Content) -> ChatMessage {
    ChatMessage {
        role: Some(role.to_owned()),
        content: Some(content),
        ..ChatMessage::default()
    }
}

fn call_of(
    id: Option<String>,
    function: Option<FunctionCall>,
    custom: Option<CustomCall>,
) -> ToolCall {
    let kind = match custom {
        Some(_) => "custom",
        None => "function",
    };
    ToolCall {
        id,
        kind: Some(kind.to_owned()),
        function,
        custom,
        ..ToolCall::default()
    }
}
