//! A read-only view of a Converse request for the validation rules and the echo.

use serde_json::Value;

/// The parts of a request that matter here. Missing values and values of a wrong type read as
/// absent; the validation rules report them.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) system: Vec<Block<'a>>,
    /// `None` without a `toolConfig`.
    pub(crate) tools: Option<Tools<'a>>,
    pub(crate) inference: &'a Value,
    pub(crate) additional: &'a Value,
}

#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) role: &'a str,
    pub(crate) content: Vec<Block<'a>>,
}

/// A content block: an object with one key, which is its kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) kind: &'a str,
    pub(crate) value: &'a Value,
}

/// The content of `toolConfig`.
#[derive(Debug)]
pub(crate) struct Tools<'a> {
    /// `toolSpec`, `systemTool` and `cachePoint` entries.
    pub(crate) entries: Vec<Block<'a>>,
    /// `auto`, `any` or `tool`.
    pub(crate) choice: Option<Block<'a>>,
}

/// A tool that the client runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) schema: &'a Value,
}

const NULL: &Value = &Value::Null;

impl<'a> Conversation<'a> {
    pub(crate) fn of(request: &'a Value) -> Self {
        let tools = request
            .get("toolConfig")
            .filter(|config| !config.is_null())
            .map(|config| Tools {
                entries: blocks(config.get("tools")),
                choice: config.get("toolChoice").and_then(block),
            });
        Self {
            messages: list(request.get("messages")).map(Message::of).collect(),
            system: blocks(request.get("system")),
            tools,
            inference: request.get("inferenceConfig").unwrap_or(NULL),
            additional: request.get("additionalModelRequestFields").unwrap_or(NULL),
        }
    }

    /// All content blocks with their paths, such as `messages.0.content.1`.
    pub(crate) fn located_blocks(&self) -> impl Iterator<Item = (String, &Message<'a>, Block<'a>)> {
        self.messages
            .iter()
            .enumerate()
            .flat_map(|(turn, message)| {
                message
                    .content
                    .iter()
                    .enumerate()
                    .map(move |(position, block)| {
                        (
                            format!("messages.{turn}.content.{position}"),
                            message,
                            *block,
                        )
                    })
            })
    }

    /// The tools that the client runs.
    pub(crate) fn offered(&self) -> impl Iterator<Item = Tool<'a>> {
        self.tools
            .iter()
            .flat_map(|tools| tools.of_kind("toolSpec"))
            .map(|(_, spec)| Tool {
                name: text(spec.get("name")),
                description: text(spec.get("description")),
                schema: spec.pointer("/inputSchema/json").unwrap_or(NULL),
            })
    }

    /// The text of the last user message that contains text.
    pub(crate) fn last_user_text(&self) -> String {
        self.last_user_texts().join("\n")
    }

    /// That text without blocks in a tag: clients such as Codex put their context in front of the
    /// prompt.
    pub(crate) fn prompt(&self) -> String {
        let texts = self.last_user_texts().into_iter();
        let is_prompt = |text: &&str| !text.starts_with('<') || !text.ends_with('>');
        texts.filter(is_prompt).collect::<Vec<_>>().join("\n")
    }

    fn last_user_texts(&self) -> Vec<&'a str> {
        let texts = |message: &Message<'a>| -> Vec<&'a str> {
            message.of_kind("text").filter_map(Value::as_str).collect()
        };
        self.messages
            .iter()
            .rev()
            .filter(|message| message.role == "user")
            .map(texts)
            .find(|texts| !texts.is_empty())
            .unwrap_or_default()
    }

    pub(crate) fn stop_sequences(&self) -> impl Iterator<Item = &'a str> {
        list(self.inference.get("stopSequences")).filter_map(Value::as_str)
    }

    pub(crate) fn max_tokens(&self) -> Option<u64> {
        self.inference.get("maxTokens").and_then(Value::as_u64)
    }
}

impl<'a> Message<'a> {
    fn of(message: &'a Value) -> Self {
        Self {
            role: text(message.get("role")),
            content: blocks(message.get("content")),
        }
    }

    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &'a Value> {
        self.content
            .iter()
            .filter(move |block| block.kind == kind)
            .map(|block| block.value)
    }

    pub(crate) fn has(&self, kind: &str) -> bool {
        self.of_kind(kind).next().is_some()
    }

    /// Ids of tool calls or results, without those of server tools.
    pub(crate) fn tool_ids(&self, kind: &str) -> Vec<&'a str> {
        self.of_kind(kind)
            .filter(|block| !is_server_tool(block))
            .map(|block| text(block.get("toolUseId")))
            .collect()
    }
}

impl<'a> Tools<'a> {
    /// The entries of a kind, with their indexes in the list.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = (usize, &'a Value)> {
        self.entries
            .iter()
            .enumerate()
            .filter(move |(_, entry)| entry.kind == kind)
            .map(|(position, entry)| (position, entry.value))
    }
}

/// Calls of server tools and their results have a `type` (recording `conv-nova-7e923907`); Claude
/// gives calls for the client the type `tool_use`.
fn is_server_tool(block: &Value) -> bool {
    !matches!(text(block.get("type")), "" | "tool_use" | "tool_result")
}

pub(crate) fn blocks(value: Option<&Value>) -> Vec<Block<'_>> {
    list(value)
        .map(|entry| {
            block(entry).unwrap_or(Block {
                kind: "",
                value: entry,
            })
        })
        .collect()
}

/// The only key of an object, and its value.
fn block(value: &Value) -> Option<Block<'_>> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields
        .iter()
        .next()
        .map(|(kind, value)| Block { kind, value })
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
