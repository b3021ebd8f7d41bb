//! The tools and the conversation of a request, which each dialect writes in its own way. The other
//! parameters of OpenAI's dialects are the same.

use super::conversation::{Conversation, ConversationReader};
use super::parameters::no_messages;
use super::tools::{ToolFields, ToolTranslation, tool_translation};
use super::types::{ChatMessage, ChatRequest};
use crate::converse::rules::ToolNames;
use crate::converse::translation::TranslationContext;
use crate::error::ApiError;
use crate::reply::Adjustments;

/// The tools and the conversation of a request.
pub(in crate::dialects) trait Prompt {
    /// Translates the tools and the tool choice.
    fn tools(
        &mut self,
        names: &mut ToolNames,
        adjustments: &mut Adjustments,
    ) -> Result<ToolTranslation, ApiError>;

    /// Translates the conversation.
    fn conversation(
        self,
        context: &TranslationContext<'_>,
        names: &mut ToolNames,
        adjustments: &mut Adjustments,
    ) -> Result<Conversation, ApiError>;
}

/// Those of a chat request.
pub(super) struct ChatPrompt {
    messages: Result<Vec<Box<ChatMessage>>, ApiError>,
    tools: ToolFields,
}

impl ChatPrompt {
    /// Takes them out of `request`.
    pub(super) fn take_from(request: &mut ChatRequest) -> Self {
        let messages = request.messages.take();
        let messages = messages.filter(|messages| !messages.is_empty());
        Self {
            messages: messages.ok_or_else(|| no_messages(&request.unknown)),
            tools: ToolFields {
                tools: request.tools.take(),
                tool_choice: request.tool_choice.take(),
                functions: request.functions.take(),
                function_call: request.function_call.take(),
            },
        }
    }
}

impl Prompt for ChatPrompt {
    fn tools(
        &mut self,
        names: &mut ToolNames,
        adjustments: &mut Adjustments,
    ) -> Result<ToolTranslation, ApiError> {
        tool_translation(std::mem::take(&mut self.tools), names, adjustments)
    }

    fn conversation(
        self,
        context: &TranslationContext<'_>,
        names: &mut ToolNames,
        adjustments: &mut Adjustments,
    ) -> Result<Conversation, ApiError> {
        let mut reader = ConversationReader::new(context, names, adjustments);
        for (index, message) in self.messages?.into_iter().enumerate() {
            reader.message(*message, index)?;
        }
        Ok(reader.into_conversation())
    }
}
