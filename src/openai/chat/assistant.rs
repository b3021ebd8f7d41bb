//! The assistant's messages: what the model has said, called and thought before.

use std::collections::HashMap;

use super::content::Content;
use super::conversation::{Reader, blocks_of};
use super::names::bedrock_call_id;
use super::types::{CustomCall, FunctionCall, ThinkingBlock, ToolCall};
use crate::converse::JsonText;
use crate::converse::content::{ContentBlock, ReasoningBlock, ReasoningText, ToolUseBlock};
use crate::fault::Fault;

/// What an assistant's message says.
pub(super) struct Said {
    pub(super) content: Option<Content>,
    pub(super) refusal: Option<String>,
    pub(super) tool_calls: Option<Vec<Box<ToolCall>>>,
    pub(super) function_call: Option<Box<FunctionCall>>,
    pub(super) reasoning_content: Option<String>,
    pub(super) thinking_blocks: Option<Vec<Box<ThinkingBlock>>>,
}

impl Reader<'_> {
    /// The blocks of the message at `index`: what was thought, then what was said, then the calls.
    pub(super) fn assistant(
        &mut self,
        said: Said,
        index: usize,
        path: &str,
    ) -> Result<Vec<ContentBlock>, Fault> {
        let Said {
            content,
            refusal,
            tool_calls,
            function_call,
            reasoning_content,
            thinking_blocks,
        } = said;
        let tool_calls = tool_calls.unwrap_or_default();
        let mut blocks = self.reasoning(reasoning_content, thinking_blocks, &tool_calls, path)?;
        let texts = self.texts(content, path)?;
        blocks.extend(blocks_of(texts));
        blocks.extend(refusal.map(ContentBlock::Text));
        for (position, call) in tool_calls.into_iter().enumerate() {
            let path = format!("{path}.tool_calls[{position}]");
            blocks.push(self.tool_call(*call, &path)?);
        }
        if let Some(call) = function_call {
            // The older form has no ids; the place in the conversation gives one that stays.
            let id = format!("call_{index}");
            let path = format!("{path}.function_call");
            let name = call.name.clone().unwrap_or_default();
            blocks.push(self.function_use(id.clone(), *call, &path)?);
            self.open_function_calls.entry(name).or_default().push(id);
        }
        Ok(blocks)
    }

    /// The reasoning that the client gives back, or that the gateway remembers of a call that the
    /// client gives back without it.
    fn reasoning(
        &mut self,
        content: Option<String>,
        blocks: Option<Vec<Box<ThinkingBlock>>>,
        calls: &[Box<ToolCall>],
        path: &str,
    ) -> Result<Vec<ContentBlock>, Fault> {
        let given = blocks.unwrap_or_default();
        if !given.is_empty() {
            let numbered = given.into_iter().enumerate();
            return numbered
                .map(|(position, block)| {
                    self.thinking_block(*block, &format!("{path}.thinking_blocks[{position}]"))
                })
                .collect();
        }
        let recall = self.terms.recall;
        let ids = calls.iter().filter_map(|call| call.id.as_deref());
        if let Some(remembered) = ids.into_iter().find_map(recall) {
            let blocks = remembered.iter().cloned();
            return Ok(blocks.map(ContentBlock::ReasoningContent).collect());
        }
        let text = content.filter(|text| !text.is_empty());
        let unsigned = text.map(|text| {
            ContentBlock::ReasoningContent(ReasoningBlock::ReasoningText(ReasoningText {
                text,
                signature: None,
            }))
        });
        Ok(unsigned.into_iter().collect())
    }

    fn thinking_block(&mut self, block: ThinkingBlock, path: &str) -> Result<ContentBlock, Fault> {
        let ThinkingBlock {
            kind,
            thinking,
            signature,
            data,
            index: _,
            unknown,
        } = block;
        self.note_unknown(&unknown, "messages[].thinking_blocks[]");
        let block = match kind.as_deref() {
            Some("thinking") => ReasoningBlock::ReasoningText(ReasoningText {
                text: thinking.ok_or_else(|| Fault::missing_field(path, "thinking"))?,
                signature: signature.filter(|signature| !signature.is_empty()),
            }),
            Some("redacted_thinking") => ReasoningBlock::RedactedContent(
                data.ok_or_else(|| Fault::missing_field(path, "data"))?,
            ),
            Some(other) => {
                return Err(Fault::invalid(
                    format!("{path}.type"),
                    format!("`{other}` is neither `thinking` nor `redacted_thinking`"),
                ));
            }
            None => return Err(Fault::missing_field(path, "type")),
        };
        Ok(ContentBlock::ReasoningContent(block))
    }

    fn tool_call(&mut self, call: ToolCall, path: &str) -> Result<ContentBlock, Fault> {
        let ToolCall {
            id,
            kind,
            function,
            custom,
            index: _,
            unknown,
        } = call;
        self.note_unknown(&unknown, "messages[].tool_calls[]");
        let id = id.ok_or_else(|| Fault::missing_field(path, "id"))?;
        let id = bedrock_call_id(&id);
        if kind.as_deref() == Some("custom") || custom.is_some() {
            let custom = custom.ok_or_else(|| Fault::missing_field(path, "custom"))?;
            return self.custom_use(id, custom, &format!("{path}.custom"));
        }
        let function = function.ok_or_else(|| Fault::missing_field(path, "function"))?;
        self.function_use(id, function, &format!("{path}.function"))
    }

    fn custom_use(
        &mut self,
        tool_use_id: String,
        call: CustomCall,
        path: &str,
    ) -> Result<ContentBlock, Fault> {
        let CustomCall {
            name,
            input,
            unknown,
        } = call;
        self.note_unknown(&unknown, "messages[].tool_calls[].custom");
        let name = name.ok_or_else(|| Fault::missing_field(path, "name"))?;
        let input = object_of("input", input.unwrap_or_default());
        Ok(self.tool_use(tool_use_id, &name, input))
    }

    fn function_use(
        &mut self,
        tool_use_id: String,
        call: FunctionCall,
        path: &str,
    ) -> Result<ContentBlock, Fault> {
        let FunctionCall {
            name,
            arguments,
            unknown,
        } = call;
        self.note_unknown(&unknown, "messages[].tool_calls[].function");
        let name = name.ok_or_else(|| Fault::missing_field(path, "name"))?;
        let input = self.arguments(arguments.unwrap_or_default());
        Ok(self.tool_use(tool_use_id, &name, input))
    }

    fn tool_use(&mut self, tool_use_id: String, name: &str, input: JsonText) -> ContentBlock {
        ContentBlock::ToolUse(ToolUseBlock {
            tool_use_id,
            name: self.names.bedrock_name(name),
            input,
        })
    }

    /// Arguments as Bedrock takes them, which is a JSON object. Text that is none (a call that was
    /// cut at the token limit stays in many a history) travels as the one member of an object, so
    /// that the conversation goes on and nothing is lost.
    fn arguments(&mut self, arguments: String) -> JsonText {
        if arguments.trim().is_empty() {
            return JsonText::empty_object();
        }
        match JsonText::parse(arguments.clone()) {
            Ok(input) if input.is_object() => input,
            _ => {
                self.adjustments.note(
                    "messages[].tool_calls[].function.arguments",
                    "not a JSON object; sent as the text of one",
                );
                object_of("arguments", arguments)
            }
        }
    }
}

/// `{"key": "text"}`
fn object_of(key: &str, text: String) -> JsonText {
    let object = HashMap::from([(key, text)]);
    JsonText::of(&object).unwrap_or_else(|_| JsonText::empty_object())
}
