//! Translates messages to Converse messages. `converse::rules` then repairs conversations that
//! Bedrock would reject.

use std::collections::HashMap;

use super::cache_control::{CacheControlPath, cache_point};
use super::content::Content;
use super::types::{CacheControl, ChatMessage, ContentPart, ToolCall};
use crate::converse::content::{CachePoint, ContentBlock};
use crate::converse::media::Media;
use crate::converse::request::{Message, Role, SystemBlock};
use crate::converse::rules::ToolNames;
use crate::converse::translation::TranslationContext;
use crate::error::{ApiError, Field, MessageField, PartField, PartPosition, Sentence};
use crate::reply::Adjustments;
use crate::wire::UnknownFields;
use crate::wire::{note_unknown, unknown_word};

/// The system prompt and the messages of a Converse request.
#[derive(Debug, Default)]
pub(in crate::dialects) struct Conversation {
    /// The instructions before the first turn.
    pub(super) system: Vec<SystemBlock>,
    /// One Converse message per message; later instructions have the role `system`.
    pub(super) messages: Vec<Message>,
}

/// The state of the translation while messages are read, oldest first.
pub(in crate::dialects) struct ConversationReader<'a> {
    pub(in crate::dialects) context: &'a TranslationContext<'a>,
    pub(super) names: &'a mut ToolNames,
    pub(super) media: Media<'a>,
    pub(in crate::dialects) adjustments: &'a mut Adjustments,
    conversation: Conversation,
    /// The ids of legacy function calls that have no result yet, by function name.
    pub(super) open_function_calls: HashMap<String, Vec<String>>,
}

/// A text and the cache point after it.
pub(in crate::dialects) type TextWithCachePoint = (String, Option<CachePoint>);

impl<'a> ConversationReader<'a> {
    /// The state before the first message.
    pub(in crate::dialects) fn new(
        context: &'a TranslationContext<'a>,
        names: &'a mut ToolNames,
        adjustments: &'a mut Adjustments,
    ) -> Self {
        Self {
            context,
            names,
            media: Media::new(context.capabilities, context.fetched),
            adjustments,
            conversation: Conversation::default(),
            open_function_calls: HashMap::new(),
        }
    }

    /// The conversation that has been read.
    pub(in crate::dialects) fn into_conversation(self) -> Conversation {
        self.conversation
    }

    /// Translates a message of a chat request.
    pub(super) fn message(&mut self, message: ChatMessage, index: usize) -> Result<(), ApiError> {
        let path = format!("messages[{index}]");
        let ChatMessage {
            role,
            content,
            name,
            tool_calls,
            function_call,
            tool_call_id,
            refusal,
            audio,
            reasoning_content,
            thinking_blocks,
            is_error,
            cache_control,
            unknown,
        } = message;
        let Some(role) = role else {
            let field = Field::message(index, MessageField::Role);
            return Err(ApiError::missing(
                field.clone(),
                Sentence::about(field, " is missing; set it, for example to `user`"),
            ));
        };
        self.note_unknown(&unknown, "messages[]");
        if audio.is_some_and(|audio| !audio.is_neutral()) {
            return Err(ApiError::unsupported(
                format!("{path}.audio"),
                "audio responses are not stored, so messages cannot refer to one; send its text as \
                 `content`",
            ));
        }
        if name.is_some() && role != "function" {
            self.adjustments.ignored("messages[].name");
        }
        let is_assistant = role == "assistant";
        if !is_assistant && (tool_calls.is_some_and_any() || function_call.is_some()) {
            return Err(ApiError::invalid(
                format!("{path}.tool_calls"),
                format!(
                    "`{path}` has role `{role}`; only messages with role `assistant` can have \
                     tool calls"
                ),
            ));
        }
        match role.as_str() {
            "system" | "developer" => self.instruction(content, index)?,
            "user" => self.user(content, index)?,
            "assistant" => {
                let assistant_content = super::assistant::AssistantContent {
                    content,
                    refusal,
                    tool_calls,
                    function_call,
                    reasoning_content,
                    thinking_blocks,
                };
                let blocks = self.assistant(assistant_content, index, &path)?;
                self.push(Role::Assistant, blocks);
            }
            "tool" => self.tool(content, tool_call_id, is_error.unwrap_or(false), index)?,
            "function" => self.function(content, name, index)?,
            other => {
                return Err(unknown_word(
                    Field::message(index, MessageField::Role),
                    other,
                    "a role",
                    [
                        "system",
                        "developer",
                        "user",
                        "assistant",
                        "tool",
                        "function",
                    ],
                ));
            }
        }
        self.add_cache_point(cache_control, &path)
    }

    /// A breakpoint on a message becomes a cache point after the message's content.
    fn add_cache_point(
        &mut self,
        cache_control: Option<Box<CacheControl>>,
        path: &str,
    ) -> Result<(), ApiError> {
        let field_path = CacheControlPath::new(path, "cache_control");
        let Some(point) = cache_point(cache_control, &field_path, self.adjustments)? else {
            return Ok(());
        };
        let Conversation { system, messages } = &mut self.conversation;
        match messages.last_mut() {
            Some(message) => message.content.push(ContentBlock::CachePoint(point)),
            None => system.push(SystemBlock::CachePoint(point)),
        }
        Ok(())
    }

    /// Translates a system or developer message.
    pub(in crate::dialects) fn instruction(
        &mut self,
        content: Option<Content>,
        index: usize,
    ) -> Result<(), ApiError> {
        let texts = self.texts(content, index)?;
        if self.conversation.messages.is_empty() {
            for (text, point) in texts {
                self.conversation.system.push(SystemBlock::Text(text));
                let point = point.map(SystemBlock::CachePoint);
                self.conversation.system.extend(point);
            }
        } else {
            self.push(Role::System, blocks_of(texts));
        }
        Ok(())
    }

    /// Translates a user message.
    pub(in crate::dialects) fn user(
        &mut self,
        content: Option<Content>,
        index: usize,
    ) -> Result<(), ApiError> {
        let blocks = match content {
            None => {
                let field = Field::message(index, MessageField::Content);
                return Err(ApiError::missing(
                    field.clone(),
                    Sentence::about(field, " is missing; a user message needs content"),
                ));
            }
            Some(Content::Text(text)) => vec![ContentBlock::Text(text)],
            Some(Content::Parts(parts)) => {
                let mut blocks = Vec::with_capacity(parts.len());
                for (position, part) in parts.into_iter().enumerate() {
                    let position = PartPosition {
                        message: index,
                        part: position,
                    };
                    let (block, point) = self.user_part(*part, position)?;
                    blocks.push(block);
                    blocks.extend(point.map(ContentBlock::CachePoint));
                }
                blocks
            }
        };
        self.push(Role::User, blocks);
        Ok(())
    }

    /// The texts of content that may only have text parts.
    pub(in crate::dialects) fn texts(
        &mut self,
        content: Option<Content>,
        index: usize,
    ) -> Result<Vec<TextWithCachePoint>, ApiError> {
        let parts = match content {
            None => return Ok(Vec::new()),
            Some(Content::Text(text)) => return Ok(vec![(text, None)]),
            Some(Content::Parts(parts)) => parts,
        };
        let mut texts = Vec::with_capacity(parts.len());
        for (position, mut part) in parts.into_iter().enumerate() {
            let position = PartPosition {
                message: index,
                part: position,
            };
            self.note_unknown(&part.unknown, "messages[].content[]");
            let point = self.part_cache_point(&mut part, position)?;
            let missing = |field| ApiError::missing_value(position.field(field));
            let text = match part.kind.as_deref() {
                Some("text") => part.text.ok_or_else(|| missing(PartField::Text))?,
                Some("refusal") => part.refusal.ok_or_else(|| missing(PartField::Refusal))?,
                other => return Err(unknown_part(position, other, "`text`")),
            };
            texts.push((text, point));
        }
        Ok(texts)
    }

    /// The cache point of a part: `cache_control` or `prompt_cache_breakpoint`.
    pub(super) fn part_cache_point(
        &mut self,
        part: &mut ContentPart,
        position: PartPosition,
    ) -> Result<Option<CachePoint>, ApiError> {
        let path = part_path(position);
        let field_path = CacheControlPath::new(&path, "cache_control");
        let point = cache_point(part.cache_control.take(), &field_path, self.adjustments)?;
        let field_path = CacheControlPath::Breakpoint(position);
        let breakpoint = part.prompt_cache_breakpoint.take();
        let breakpoint = cache_point(breakpoint, &field_path, self.adjustments)?;
        Ok(point.or(breakpoint))
    }

    /// Adds a message.
    pub(in crate::dialects) fn push(&mut self, role: Role, content: Vec<ContentBlock>) {
        self.conversation.messages.push(Message { role, content });
    }

    /// Adds the instructions again that the gateway had appended to the prompt before the current
    /// assistant turn.
    pub(in crate::dialects) fn instruct(&mut self, instructions: &[String]) {
        let last = self.conversation.messages.last_mut();
        if let Some(last) = last.filter(|message| message.role != Role::Assistant) {
            let blocks = instructions.iter().cloned().map(ContentBlock::Instruction);
            last.content.extend(blocks);
        }
    }

    pub(super) fn note_unknown(&mut self, unknown: &UnknownFields, field_path: &str) {
        note_unknown(self.adjustments, unknown, format_args!("{field_path}."));
    }
}

/// Texts as blocks, each with its cache point.
pub(in crate::dialects) fn blocks_of(texts: Vec<TextWithCachePoint>) -> Vec<ContentBlock> {
    let mut blocks = Vec::with_capacity(texts.len());
    for (text, point) in texts {
        blocks.push(ContentBlock::Text(text));
        blocks.extend(point.map(ContentBlock::CachePoint));
    }
    blocks
}

trait AnyCalls {
    fn is_some_and_any(&self) -> bool;
}

impl AnyCalls for Option<Vec<Box<ToolCall>>> {
    fn is_some_and_any(&self) -> bool {
        self.as_ref().is_some_and(|calls| !calls.is_empty())
    }
}

/// The error for a part whose type is missing or not supported in this message.
pub(super) fn unknown_part(
    position: PartPosition,
    kind: Option<&str>,
    supported: &str,
) -> ApiError {
    let field = position.field(PartField::Type);
    let message = match kind {
        Some(kind) => Sentence::from(format!(
            "parts of type `{kind}` are not supported in this message; use {supported}"
        )),
        None => Sentence::about(field.clone(), format!(" is missing; use {supported}")),
    };
    ApiError::invalid(field, message)
}

/// The path of a part, for fields that only chat requests have.
pub(super) fn part_path(position: PartPosition) -> String {
    let PartPosition { message, part } = position;
    format!("messages[{message}].content[{part}]")
}
