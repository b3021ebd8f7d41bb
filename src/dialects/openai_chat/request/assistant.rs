//! Assistant messages: text, tool calls and reasoning of earlier turns.

use std::collections::HashMap;
use std::sync::Arc;

use super::content::Content;
use super::conversation::{ConversationReader, TextWithCachePoint, blocks_of};
use super::types::{CustomCall, FunctionCall, ThinkingBlock, ToolCall};
use crate::converse::JsonText;
use crate::converse::content::{ContentBlock, ReasoningBlock, ReasoningText, ToolUseBlock};
use crate::converse::remembered::{RememberedTurn, TurnPart, reasoning_key};
use crate::converse::rules::tools::bedrock_call_id;
use crate::error::{ApiError, CallField, Field, MessageField, Parameter, Position, ToolKind};

/// The fields of an assistant message.
pub(super) struct AssistantContent {
    pub(super) content: Option<Content>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Vec<Box<ToolCall>>>,
    pub(super) function_call: Option<Box<FunctionCall>>,
    pub(super) reasoning_content: Option<String>,
    pub(super) thinking_blocks: Option<Vec<Box<ThinkingBlock>>>,
}

impl ConversationReader<'_> {
    /// The blocks of the message at `index`: reasoning, then text, then tool calls, unless the
    /// gateway remembers another order.
    pub(super) fn assistant(
        &mut self,
        message: AssistantContent,
        index: usize,
        path: &str,
    ) -> Result<Vec<ContentBlock>, ApiError> {
        let AssistantContent {
            content,
            refusal,
            tool_calls,
            function_call,
            reasoning_content,
            thinking_blocks,
        } = message;
        let tool_calls = tool_calls.unwrap_or_default();
        let thinking_blocks = thinking_blocks.unwrap_or_default();
        let client_reasoning = self.client_reasoning(thinking_blocks, path)?;
        let remembered = self.remembered(&client_reasoning, &tool_calls);
        let reasoning = match (client_reasoning.is_empty(), &remembered) {
            (false, _) => client_reasoning,
            (true, Some(turn)) => turn.reasoning.clone(),
            (true, None) => unsigned(reasoning_content),
        };
        let texts = self.texts(content, index)?;
        let mut calls = Vec::with_capacity(tool_calls.len());
        for (position, call) in tool_calls.into_iter().enumerate() {
            calls.push(self.tool_call(*call, index, position)?);
        }
        if let Some(call) = function_call {
            // `function_call` has no id. An id made from the message's index is the same in every
            // request of the conversation.
            let id = format!("call_{index}");
            let name_path = format!("{path}.function_call.name").into();
            let name = call.name.clone().unwrap_or_default();
            calls.push(self.function_use(id.clone(), *call, name_path)?);
            self.open_function_calls.entry(name).or_default().push(id);
        }
        if let Some(turn) = &remembered {
            self.instruct(&turn.instructions);
        }
        let parts = AssistantParts {
            reasoning: reasoning
                .into_iter()
                .map(ContentBlock::ReasoningContent)
                .collect(),
            texts,
            refusal,
            calls,
        };
        Ok(parts.blocks(
            remembered
                .map(|turn| turn.order.clone())
                .unwrap_or_default(),
        ))
    }

    /// The reasoning blocks that the client sent.
    fn client_reasoning(
        &mut self,
        blocks: Vec<Box<ThinkingBlock>>,
        path: &str,
    ) -> Result<Vec<ReasoningBlock>, ApiError> {
        let numbered = blocks.into_iter().enumerate();
        let path = |position| format!("{path}.thinking_blocks[{position}]");
        let blocks = numbered.map(|(position, block)| self.thinking_block(*block, &path(position)));
        blocks.collect()
    }

    /// The remembered turn that this message repeats, found by a tool call id or by its reasoning.
    fn remembered(
        &self,
        client_reasoning: &[ReasoningBlock],
        calls: &[Box<ToolCall>],
    ) -> Option<Arc<RememberedTurn>> {
        let recall = self.context.recall;
        let mut ids = calls.iter().filter_map(|call| call.id.as_deref());
        let by_call = ids.find_map(recall);
        match client_reasoning.first() {
            // The client's reasoning takes precedence: the remembered turn may be another response.
            Some(first) => {
                let turn = by_call.or_else(|| recall(&reasoning_key(first)));
                turn.filter(|turn| turn.reasoning == client_reasoning)
            }
            None => by_call,
        }
    }

    fn thinking_block(
        &mut self,
        block: ThinkingBlock,
        path: &str,
    ) -> Result<ReasoningBlock, ApiError> {
        let ThinkingBlock {
            kind,
            thinking,
            signature,
            data,
            index: _,
            unknown,
        } = block;
        self.note_unknown(&unknown, "messages[].thinking_blocks[]");
        Ok(match kind.as_deref() {
            Some("thinking") => ReasoningBlock::ReasoningText(ReasoningText {
                text: thinking.ok_or_else(|| ApiError::missing_field(path, "thinking"))?,
                signature: signature.filter(|signature| !signature.is_empty()),
            }),
            Some("redacted_thinking") => ReasoningBlock::RedactedContent(
                data.ok_or_else(|| ApiError::missing_field(path, "data"))?,
            ),
            Some(other) => {
                return Err(ApiError::invalid(
                    format!("{path}.type"),
                    format!("`{other}` is neither `thinking` nor `redacted_thinking`"),
                ));
            }
            None => return Err(ApiError::missing_field(path, "type")),
        })
    }

    fn tool_call(
        &mut self,
        call: ToolCall,
        message: usize,
        position: usize,
    ) -> Result<ContentBlock, ApiError> {
        let field = |field| {
            let call = MessageField::Call(Position::At(position), field);
            Parameter::from(Field::message(message, call))
        };
        let missing = |object: &str| {
            ApiError::missing_value(format!(
                "messages[{message}].tool_calls[{position}].{object}"
            ))
        };
        let ToolCall {
            id,
            kind,
            function,
            custom,
            index: _,
            unknown,
        } = call;
        self.note_unknown(&unknown, "messages[].tool_calls[]");
        let id = id.ok_or_else(|| ApiError::missing_value(field(CallField::Id)))?;
        let id = bedrock_call_id(&id);
        if kind.as_deref() == Some("custom") || custom.is_some() {
            let custom = custom.ok_or_else(|| missing("custom"))?;
            return self.custom_use(id, custom, field(CallField::Name(ToolKind::Custom)));
        }
        let function = function.ok_or_else(|| missing("function"))?;
        self.function_use(id, function, field(CallField::Name(ToolKind::Function)))
    }

    fn custom_use(
        &mut self,
        tool_use_id: String,
        call: CustomCall,
        name_path: Parameter,
    ) -> Result<ContentBlock, ApiError> {
        let CustomCall {
            name,
            input,
            unknown,
        } = call;
        self.note_unknown(&unknown, "messages[].tool_calls[].custom");
        let name = name.ok_or_else(|| ApiError::missing_value(name_path))?;
        let input = object_of("input", input.unwrap_or_default());
        Ok(self.tool_use(tool_use_id, &name, input))
    }

    fn function_use(
        &mut self,
        tool_use_id: String,
        call: FunctionCall,
        name_path: Parameter,
    ) -> Result<ContentBlock, ApiError> {
        let FunctionCall {
            name,
            arguments,
            unknown,
        } = call;
        self.note_unknown(&unknown, "messages[].tool_calls[].function");
        let name = name.ok_or_else(|| ApiError::missing_value(name_path))?;
        let input = self.arguments(arguments.unwrap_or_default());
        Ok(self.tool_use(tool_use_id, &name, input))
    }

    /// A call of the client's tool `name`.
    pub(in crate::dialects) fn tool_use(
        &mut self,
        tool_use_id: String,
        name: &str,
        input: JsonText,
    ) -> ContentBlock {
        ContentBlock::ToolUse(ToolUseBlock {
            tool_use_id,
            name: self.names.bedrock_name(name),
            input,
        })
    }

    /// Arguments as a JSON object, which Bedrock requires. Other text (histories often hold a call
    /// that was cut at the token limit) becomes the only member of an object, so that the
    /// conversation can continue and no text is lost.
    pub(in crate::dialects) fn arguments(&mut self, arguments: String) -> JsonText {
        if arguments.trim().is_empty() {
            return JsonText::empty_object();
        }
        match JsonText::parse(arguments.clone()) {
            Ok(input) if input.is_object() => input,
            _ => {
                self.adjustments.note(
                    Field::any_message(MessageField::Call(Position::Any, CallField::Arguments)),
                    "not a JSON object; sent as the member `arguments` of one",
                );
                object_of("arguments", arguments)
            }
        }
    }
}

/// A reasoning block without a signature, if there is text.
pub(in crate::dialects) fn unsigned(text: Option<String>) -> Vec<ReasoningBlock> {
    let text = text.filter(|text| !text.is_empty());
    let block = text.map(|text| {
        ReasoningBlock::ReasoningText(ReasoningText {
            text,
            signature: None,
        })
    });
    block.into_iter().collect()
}

/// The translated parts of an assistant message.
pub(in crate::dialects) struct AssistantParts {
    pub(in crate::dialects) reasoning: Vec<ContentBlock>,
    pub(in crate::dialects) texts: Vec<TextWithCachePoint>,
    pub(in crate::dialects) refusal: Option<String>,
    pub(in crate::dialects) calls: Vec<ContentBlock>,
}

impl AssistantParts {
    /// The blocks of the message: in the remembered `order` if the parts match it, otherwise
    /// reasoning, then text, then tool calls.
    pub(in crate::dialects) fn blocks(self, order: Vec<TurnPart>) -> Vec<ContentBlock> {
        let Self {
            reasoning,
            texts,
            refusal,
            calls,
        } = self;
        let text: Option<&str> = match texts.as_slice() {
            [] => Some(""),
            [(text, None)] => Some(text),
            _ => None,
        };
        if let Some(text) = text.filter(|_| refusal.is_none())
            && fits(&order, reasoning.len(), text, calls.len())
        {
            return in_order(&order, reasoning, text, calls);
        }
        let mut blocks = reasoning;
        blocks.extend(blocks_of(texts));
        blocks.extend(refusal.map(ContentBlock::Text));
        blocks.extend(calls);
        blocks
    }
}

/// Whether `order` has as many reasoning blocks, characters of text and tool calls as given.
fn fits(order: &[TurnPart], reasoning: usize, text: &str, calls: usize) -> bool {
    let (mut ordered_reasoning, mut ordered_characters, mut ordered_calls) = (0, 0_usize, 0);
    for part in order {
        match part {
            TurnPart::Reasoning => ordered_reasoning += 1,
            TurnPart::Text(length) => {
                ordered_characters = ordered_characters.saturating_add(*length)
            }
            TurnPart::Call => ordered_calls += 1,
        }
    }
    (ordered_reasoning, ordered_calls) == (reasoning, calls)
        && ordered_characters == text.chars().count()
        && !order.is_empty()
}

fn in_order(
    order: &[TurnPart],
    reasoning: Vec<ContentBlock>,
    text: &str,
    calls: Vec<ContentBlock>,
) -> Vec<ContentBlock> {
    let mut reasoning = reasoning.into_iter();
    let mut characters = text.chars();
    let mut calls = calls.into_iter();
    let blocks = order.iter().filter_map(|part| match part {
        TurnPart::Reasoning => reasoning.next(),
        TurnPart::Text(length) => {
            let text = characters.by_ref().take(*length).collect();
            Some(ContentBlock::Text(text))
        }
        TurnPart::Call => calls.next(),
    });
    blocks.collect()
}

/// `{"key": "text"}`
pub(in crate::dialects) fn object_of(key: &str, text: String) -> JsonText {
    let object = HashMap::from([(key, text)]);
    JsonText::of(&object).unwrap_or_else(|_| JsonText::empty_object())
}
