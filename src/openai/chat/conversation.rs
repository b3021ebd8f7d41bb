//! Messages to turns. What Bedrock then refuses in them is mended by `converse::rules`.

use std::collections::HashMap;

use super::content::{Content, StringOrObject};
use super::image::image_block;
use super::names::{ToolNames, bedrock_call_id};
use super::types::{ChatMessage, ContentPart, FunctionCall, ImageUrl, ToolCall};
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::request::{
    ContentBlock, Message, Role, SystemBlock, ToolResultBlock, ToolResultContent, ToolUseBlock,
};
use crate::fault::Fault;
use crate::models::Facts;
use crate::openai::object::Unknown;

/// The conversation as Converse has it.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The instructions before the first turn.
    pub(super) system: Vec<SystemBlock>,
    /// One turn a message; later instructions are turns of role `system`.
    pub(super) messages: Vec<Message>,
}

/// Reads the client's messages.
pub(super) fn conversation(
    messages: Vec<ChatMessage>,
    facts: &Facts,
    names: &mut ToolNames,
    adjustments: &mut Adjustments,
) -> Result<Conversation, Fault> {
    let mut reader = Reader {
        facts,
        names,
        adjustments,
        conversation: Conversation::default(),
        open_function_calls: HashMap::new(),
    };
    for (index, message) in messages.into_iter().enumerate() {
        reader.message(message, index)?;
    }
    Ok(reader.conversation)
}

struct Reader<'a> {
    facts: &'a Facts,
    names: &'a mut ToolNames,
    adjustments: &'a mut Adjustments,
    conversation: Conversation,
    /// The ids of legacy function calls that no message has answered yet, by function name.
    open_function_calls: HashMap<String, Vec<String>>,
}

impl Reader<'_> {
    fn message(&mut self, message: ChatMessage, index: usize) -> Result<(), Fault> {
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
            unknown,
        } = message;
        let Some(role) = role else {
            return Err(Fault::missing(
                format!("{path}.role"),
                format!("`{path}.role` is missing; it says who speaks, for example `user`"),
            ));
        };
        self.note_unknown(&unknown, "messages[]");
        if audio.is_some_and(|audio| !audio.is_neutral()) {
            return Err(Fault::unsupported(
                format!("{path}.audio"),
                "spoken answers are not kept, so none can be referred to; send its text",
            ));
        }
        if name.is_some() && role != "function" {
            self.adjustments.ignored("messages[].name");
        }
        let is_assistant = role == "assistant";
        if !is_assistant && (tool_calls.is_some_and_any() || function_call.is_some()) {
            return Err(Fault::invalid(
                format!("{path}.tool_calls"),
                format!("only an assistant's message has tool calls, and `{path}` is of `{role}`"),
            ));
        }
        match role.as_str() {
            "system" | "developer" => self.instruction(content, &path),
            "user" => self.user(content, &path),
            "assistant" => {
                self.assistant(content, refusal, tool_calls, function_call, index, &path)
            }
            "tool" => self.tool(content, tool_call_id, &path),
            "function" => self.function(content, name, &path),
            other => Err(Fault::invalid(
                format!("{path}.role"),
                format!(
                    "`{other}` is not a role; it is one of `system`, `developer`, `user`, \
                     `assistant`, `tool` and `function`"
                ),
            )),
        }
    }

    fn instruction(&mut self, content: Option<Content>, path: &str) -> Result<(), Fault> {
        let texts = self.texts(content, path)?;
        if self.conversation.messages.is_empty() {
            let blocks = texts.into_iter().map(SystemBlock::Text);
            self.conversation.system.extend(blocks);
        } else {
            let blocks = texts.into_iter().map(ContentBlock::Text).collect();
            self.push(Role::System, blocks);
        }
        Ok(())
    }

    fn user(&mut self, content: Option<Content>, path: &str) -> Result<(), Fault> {
        let blocks = match content {
            None => {
                return Err(Fault::missing(
                    format!("{path}.content"),
                    format!("`{path}.content` is missing; a user's message says something"),
                ));
            }
            Some(Content::Text(text)) => vec![ContentBlock::Text(text)],
            Some(Content::Parts(parts)) => {
                let mut blocks = Vec::with_capacity(parts.len());
                for (position, part) in parts.into_iter().enumerate() {
                    blocks.push(self.user_part(part, &format!("{path}.content[{position}]"))?);
                }
                blocks
            }
        };
        self.push(Role::User, blocks);
        Ok(())
    }

    fn user_part(&mut self, part: ContentPart, path: &str) -> Result<ContentBlock, Fault> {
        let ContentPart {
            kind,
            text,
            refusal: _,
            image_url,
            input_audio,
            file,
            unknown,
        } = part;
        self.note_unknown(&unknown, "messages[].content[]");
        match kind.as_deref() {
            Some("text") => text
                .map(ContentBlock::Text)
                .ok_or_else(|| Fault::missing_field(path, "text")),
            Some("image_url") => {
                let image_url = image_url.ok_or_else(|| Fault::missing_field(path, "image_url"))?;
                self.image(image_url, path).map(ContentBlock::Image)
            }
            Some("input_audio") => Err(not_served(path, "input_audio", input_audio.is_some())),
            Some("file") => Err(not_served(path, "file", file.is_some())),
            other => Err(unknown_part(path, other, "`text` and `image_url`")),
        }
    }

    fn image(
        &mut self,
        image_url: StringOrObject<ImageUrl>,
        path: &str,
    ) -> Result<crate::converse::request::ImageBlock, Fault> {
        let url = match image_url {
            StringOrObject::String(url) => url,
            StringOrObject::Object(ImageUrl {
                url,
                detail,
                unknown,
            }) => {
                self.note_unknown(&unknown, "messages[].content[].image_url");
                if detail.is_some_and(|detail| detail != "auto") {
                    self.adjustments
                        .ignored("messages[].content[].image_url.detail");
                }
                url.ok_or_else(|| Fault::missing_field(path, "image_url.url"))?
            }
        };
        image_block(&url, &format!("{path}.image_url.url"))
    }

    fn assistant(
        &mut self,
        content: Option<Content>,
        refusal: Option<String>,
        tool_calls: Option<Vec<ToolCall>>,
        function_call: Option<FunctionCall>,
        index: usize,
        path: &str,
    ) -> Result<(), Fault> {
        let mut blocks: Vec<ContentBlock> = match content {
            None => Vec::new(),
            content => {
                let texts = self.texts(content, path)?;
                texts.into_iter().map(ContentBlock::Text).collect()
            }
        };
        blocks.extend(refusal.map(ContentBlock::Text));
        for (position, call) in tool_calls.into_iter().flatten().enumerate() {
            let path = format!("{path}.tool_calls[{position}]");
            blocks.push(self.tool_call(call, &path)?);
        }
        if let Some(call) = function_call {
            // The older form has no ids; the place in the conversation gives one that stays.
            let id = format!("call_{index}");
            let path = format!("{path}.function_call");
            let name = call.name.clone().unwrap_or_default();
            blocks.push(self.tool_use(id.clone(), call, &path)?);
            self.open_function_calls.entry(name).or_default().push(id);
        }
        self.push(Role::Assistant, blocks);
        Ok(())
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
        if kind.as_deref() == Some("custom") || custom.is_some() {
            return Err(not_served(path, "custom", true));
        }
        let id = id.ok_or_else(|| Fault::missing_field(path, "id"))?;
        let function = function.ok_or_else(|| Fault::missing_field(path, "function"))?;
        self.tool_use(bedrock_call_id(&id), function, &format!("{path}.function"))
    }

    fn tool_use(
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
        Ok(ContentBlock::ToolUse(ToolUseBlock {
            tool_use_id,
            name: self.names.bedrock_name(&name),
            input,
        }))
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
                let wrapped = HashMap::from([("arguments", arguments)]);
                JsonText::of(&wrapped).unwrap_or_else(|_| JsonText::empty_object())
            }
        }
    }

    fn tool(
        &mut self,
        content: Option<Content>,
        tool_call_id: Option<String>,
        path: &str,
    ) -> Result<(), Fault> {
        let id = tool_call_id.ok_or_else(|| Fault::missing_field(path, "tool_call_id"))?;
        self.tool_result(bedrock_call_id(&id), content, path)
    }

    fn function(
        &mut self,
        content: Option<Content>,
        name: Option<String>,
        path: &str,
    ) -> Result<(), Fault> {
        let name = name.ok_or_else(|| Fault::missing_field(path, "name"))?;
        let open = self.open_function_calls.get_mut(&name);
        let Some(id) = open.and_then(Vec::pop) else {
            return Err(Fault::invalid(
                format!("{path}.name"),
                format!("no call of `{name}` before this message waits for a result"),
            ));
        };
        self.tool_result(id, content, path)
    }

    fn tool_result(
        &mut self,
        tool_use_id: String,
        content: Option<Content>,
        path: &str,
    ) -> Result<(), Fault> {
        let texts = match content {
            None => Vec::new(),
            content => self.texts(content, path)?,
        };
        let mut content: Vec<ToolResultContent> = texts
            .into_iter()
            .filter(|text| !text.trim().is_empty())
            .map(|text| self.result_content(text))
            .collect();
        if content.is_empty() {
            content.push(ToolResultContent::no_output());
        }
        let block = ContentBlock::ToolResult(ToolResultBlock {
            tool_use_id,
            content,
        });
        self.push(Role::User, vec![block]);
        Ok(())
    }

    fn result_content(&self, text: String) -> ToolResultContent {
        if self.facts.tool_result_json {
            let object = JsonText::parse(text.clone()).ok();
            if let Some(object) = object.filter(JsonText::is_object) {
                return ToolResultContent::Json(object);
            }
        }
        ToolResultContent::Text(text)
    }

    /// The texts of content that may hold nothing else.
    fn texts(&mut self, content: Option<Content>, path: &str) -> Result<Vec<String>, Fault> {
        let parts = match content {
            None => return Ok(Vec::new()),
            Some(Content::Text(text)) => return Ok(vec![text]),
            Some(Content::Parts(parts)) => parts,
        };
        let mut texts = Vec::with_capacity(parts.len());
        for (position, part) in parts.into_iter().enumerate() {
            let path = format!("{path}.content[{position}]");
            self.note_unknown(&part.unknown, "messages[].content[]");
            let text = match part.kind.as_deref() {
                Some("text") => part
                    .text
                    .ok_or_else(|| Fault::missing_field(&path, "text"))?,
                Some("refusal") => part
                    .refusal
                    .ok_or_else(|| Fault::missing_field(&path, "refusal"))?,
                other => return Err(unknown_part(&path, other, "`text`")),
            };
            texts.push(text);
        }
        Ok(texts)
    }

    fn push(&mut self, role: Role, content: Vec<ContentBlock>) {
        self.conversation.messages.push(Message { role, content });
    }

    fn note_unknown(&mut self, unknown: &Unknown, place: &str) {
        note_unknown(self.adjustments, unknown, &format!("{place}."));
    }
}

/// Notes the keys that are not part of an object; `prefix` is the path before them.
pub(super) fn note_unknown(adjustments: &mut Adjustments, unknown: &Unknown, prefix: &str) {
    for (key, value) in unknown {
        if !value.is_neutral() {
            adjustments.ignored(&format!("{prefix}{key}"));
        }
    }
}

trait AnyCalls {
    fn is_some_and_any(&self) -> bool;
}

impl AnyCalls for Option<Vec<ToolCall>> {
    fn is_some_and_any(&self) -> bool {
        self.as_ref().is_some_and(|calls| !calls.is_empty())
    }
}

fn unknown_part(path: &str, kind: Option<&str>, known: &str) -> Fault {
    let message = match kind {
        Some(kind) => format!("`{kind}` is not a kind of part that can stand here; {known} can"),
        None => format!("`{path}.type` is missing; {known} can stand here"),
    };
    Fault::invalid(format!("{path}.type"), message)
}

fn not_served(path: &str, field: &str, named: bool) -> Fault {
    let parameter = match named {
        true => format!("{path}.{field}"),
        false => path.to_owned(),
    };
    Fault::unsupported(parameter, format!("`{field}` is not served yet; send text"))
}
