//! Bodies with very many small values, or with few large ones.

/// A body that repeats an entry.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub name: &'static str,
    pub path: &'static str,
    head: &'static str,
    entry: &'static str,
    tail: &'static str,
}

const CHAT: &str = "/v1/explain";
const CHAT_PATH: &str = "/v1/chat/completions";
const EMBEDDINGS: &str = "/v1/embeddings";
const TOKENS: &str = "/v1/responses/input_tokens";
const IMAGES: &str = "/v1/images/generations";

const fn shape(
    name: &'static str,
    path: &'static str,
    [head, entry, tail]: [&'static str; 3],
) -> Shape {
    Shape {
        name,
        path,
        head,
        entry,
        tail,
    }
}

macro_rules! chat {
    ($messages_and_more:literal) => {
        concat!(
            r#"{"model":"us.anthropic.claude-sonnet-4-5-20250929-v1:0","#,
            $messages_and_more
        )
    };
}

macro_rules! for_model {
    ($model:literal, $more:literal) => {
        concat!(r#"{"model":""#, $model, r#"","#, $more)
    };
}

pub const SHAPES: &[Shape] = &[
    shape("messages: {}", CHAT, [chat!(r#""messages":["#), "{}", "]}"]),
    shape(
        "messages: very short",
        CHAT_PATH,
        [
            chat!(r#""messages":["#),
            r#"{"role":"user","content":"a"}"#,
            "]}",
        ],
    ),
    shape(
        "messages: short",
        CHAT_PATH,
        [
            chat!(r#""messages":["#),
            r#"{"role":"user","content":"A few words"}"#,
            "]}",
        ],
    ),
    shape(
        "messages: short, explained",
        CHAT,
        [
            chat!(r#""messages":["#),
            r#"{"role":"user","content":"A few words"}"#,
            "]}",
        ],
    ),
    shape(
        "messages: turns",
        CHAT_PATH,
        [
            chat!(r#""messages":["#),
            r#"{"role":"user","content":"A few words"},{"role":"assistant","content":"A few more"}"#,
            r#",{"role":"user","content":"Yes"}]}"#,
        ],
    ),
    shape(
        "messages: system",
        CHAT_PATH,
        [
            chat!(r#""messages":["#),
            r#"{"role":"system","content":"Be brief."}"#,
            "]}",
        ],
    ),
    shape(
        "messages: numbers",
        CHAT,
        [chat!(r#""messages":["#), "0", "]}"],
    ),
    shape(
        "messages: arrays",
        CHAT,
        [chat!(r#""messages":["#), "[]", "]}"],
    ),
    shape(
        "messages: unknown keys",
        CHAT,
        [chat!(r#""messages":[{"#), r#""":0"#, "}]}"],
    ),
    shape(
        "parts: {}",
        CHAT,
        [
            chat!(r#""messages":[{"role":"user","content":["#),
            "{}",
            "]}]}",
        ],
    ),
    shape(
        "parts: text",
        CHAT_PATH,
        [
            chat!(r#""messages":[{"role":"user","content":["#),
            r#"{"type":"text","text":"A few words of it"}"#,
            "]}]}",
        ],
    ),
    shape(
        "parts: tool result",
        CHAT_PATH,
        [
            chat!(
                r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":["#
            ),
            r#"{"type":"text","text":"A few words of it"}"#,
            "]}]}",
        ],
    ),
    shape(
        "parts: search results",
        CHAT,
        [
            chat!(
                r#""messages":[{"role":"user","content":[{"type":"search_result","source":"s","title":"t","content":["#
            ),
            r#"{"text":"A few words of it"}"#,
            "]}]}]}",
        ],
    ),
    shape(
        "tools: {}",
        CHAT,
        [chat!(r#""messages":[],"tools":["#), "{}", "]}"],
    ),
    shape(
        "tools: small",
        CHAT_PATH,
        [
            chat!(r#""messages":[{"role":"user","content":"a"}],"tools":["#),
            r#"{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}"#,
            "]}",
        ],
    ),
    shape(
        "tools: a schema with many properties",
        CHAT_PATH,
        [
            chat!(
                r#""messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","enum":["#
            ),
            "0",
            "]}}}]}",
        ],
    ),
    shape(
        "tools: many schemas",
        CHAT_PATH,
        [
            chat!(r#""messages":[{"role":"user","content":"a"}],"tools":["#),
            r#"{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"string","enum":["a","b","c","d","e","f"]}},"required":["a"]}}}"#,
            "]}",
        ],
    ),
    shape(
        "functions: {}",
        CHAT,
        [chat!(r#""messages":[],"functions":["#), "{}", "]}"],
    ),
    shape(
        "tool_calls: {}",
        CHAT,
        [
            chat!(r#""messages":[{"role":"assistant","tool_calls":["#),
            "{}",
            "]}]}",
        ],
    ),
    shape(
        "tool_calls: small",
        CHAT_PATH,
        [
            chat!(
                r#""messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":["#
            ),
            r#"{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}"#,
            "]}]}",
        ],
    ),
    shape(
        "thinking_blocks: {}",
        CHAT,
        [
            chat!(r#""messages":[{"role":"assistant","thinking_blocks":["#),
            "{}",
            "]}]}",
        ],
    ),
    shape(
        "allowed_tools: {}",
        CHAT,
        [
            chat!(
                r#""messages":[],"tool_choice":{"type":"allowed_tools","allowed_tools":{"tools":["#
            ),
            "{}",
            "]}}}",
        ],
    ),
    shape(
        "stop",
        CHAT,
        [chat!(r#""messages":[],"stop":["#), r#""""#, "]}"],
    ),
    shape(
        "metadata",
        CHAT,
        [chat!(r#""messages":[],"metadata":{"#), r#""a":0"#, "}}"],
    ),
    shape(
        "requestMetadata",
        CHAT,
        [
            chat!(r#""messages":[],"requestMetadata":{"#),
            r#""a":"""#,
            "}}",
        ],
    ),
    shape(
        "additionalModelRequestFields",
        CHAT_PATH,
        [
            chat!(
                r#""messages":[{"role":"user","content":"a"}],"additionalModelRequestFields":{"a":["#
            ),
            "{}",
            "]}}",
        ],
    ),
    shape(
        "unknown keys",
        CHAT,
        [chat!(r#""messages":[],"#), r#""":0"#, "}"],
    ),
    shape(
        "unknown keys with different names",
        CHAT,
        [
            chat!(r#""messages":[{"role":"user","content":"a"}],"#),
            r#""unknown":{}"#,
            "}",
        ],
    ),
    shape(
        "an unknown value",
        CHAT,
        [chat!(r#""messages":[],"odd":["#), "[]", "]}"],
    ),
    shape(
        "response_format",
        CHAT_PATH,
        [
            chat!(
                r#""messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","required":["#
            ),
            r#""a""#,
            "]}}}}",
        ],
    ),
    shape(
        "text with escapes",
        CHAT_PATH,
        [
            chat!(r#""messages":[{"role":"user","content":""#),
            r#"\n"#,
            r#""}]}"#,
        ],
    ),
    shape(
        "tools: an object with many members",
        CHAT_PATH,
        [
            chat!(
                r#""messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"#
            ),
            r#""a":{}"#,
            "}}}}]}",
        ],
    ),
    shape(
        "OpenAI endpoint: messages",
        CHAT_PATH,
        [
            for_model!("openai.gpt-6-luna", r#""messages":["#),
            r#"{"role":"user","content":"A few words"}"#,
            "]}",
        ],
    ),
    shape(
        "OpenAI endpoint: text",
        CHAT_PATH,
        [
            for_model!(
                "openai.gpt-6-luna",
                r#""messages":[{"role":"user","content":""#
            ),
            "a",
            r#""}]}"#,
        ],
    ),
    shape(
        "text",
        CHAT_PATH,
        [
            chat!(r#""messages":[{"role":"user","content":""#),
            "a",
            r#""}]}"#,
        ],
    ),
    shape(
        "embeddings: {}",
        EMBEDDINGS,
        [for_model!("cohere.embed-v4:0", r#""input":["#), "{}", "]}"],
    ),
    shape(
        "embeddings: texts",
        EMBEDDINGS,
        [
            for_model!("cohere.embed-v4:0", r#""input":["#),
            r#""a""#,
            "]}",
        ],
    ),
    shape(
        "embeddings: long texts",
        EMBEDDINGS,
        [
            for_model!("cohere.embed-v4:0", r#""input":["#),
            r#""A text that goes on and on for a while, as texts do that someone wants to find again: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
            "]}",
        ],
    ),
    shape(
        "embeddings: tokens",
        EMBEDDINGS,
        [
            for_model!("cohere.embed-v4:0", r#""input":["#),
            "9906",
            "]}",
        ],
    ),
    shape(
        "embeddings: short tokens",
        EMBEDDINGS,
        [for_model!("cohere.embed-v4:0", r#""input":["#), "1", "]}"],
    ),
    shape(
        "embeddings: lists of tokens",
        EMBEDDINGS,
        [for_model!("cohere.embed-v4:0", r#""input":["#), "[]", "]}"],
    ),
    shape(
        "completions: texts",
        "/v1/completions",
        [
            for_model!(
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                r#""prompt":["#
            ),
            r#""a""#,
            "]}",
        ],
    ),
    shape(
        "completions: lists of tokens",
        "/v1/completions",
        [
            for_model!(
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                r#""prompt":["#
            ),
            "[1]",
            "]}",
        ],
    ),
    shape("items: {}", TOKENS, [chat!(r#""input":["#), "{}", "]}"]),
    shape(
        "items: messages",
        TOKENS,
        [
            chat!(r#""input":["#),
            r#"{"role":"user","content":"A few words"}"#,
            "]}",
        ],
    ),
    shape(
        "items: parts",
        TOKENS,
        [
            chat!(r#""input":[{"role":"user","content":["#),
            r#"{"type":"input_text","text":"A few words"}"#,
            "]}]}",
        ],
    ),
    shape(
        "items: tools",
        TOKENS,
        [chat!(r#""input":"a","tools":["#), "{}", "]}"],
    ),
    shape(
        "rerank: texts",
        "/v1/rerank",
        [
            for_model!("cohere.rerank-v3-5:0", r#""query":"a","documents":["#),
            r#""a""#,
            "]}",
        ],
    ),
    shape(
        "rerank: objects",
        "/v1/rerank",
        [
            for_model!("cohere.rerank-v3-5:0", r#""query":"a","documents":[{"#),
            r#""a":0"#,
            "}]}",
        ],
    ),
    shape(
        "moderations: texts",
        "/v1/moderations",
        [r#"{"input":["#, r#""a""#, "]}"],
    ),
    shape(
        "moderations: parts",
        "/v1/moderations",
        [r#"{"input":["#, "{}", "]}"],
    ),
    shape(
        "images: colors",
        IMAGES,
        [
            for_model!("amazon.nova-canvas-v1:0", r#""prompt":"a","colors":["#),
            r#""a""#,
            "]}",
        ],
    ),
    shape(
        "images: references",
        IMAGES,
        [
            for_model!("amazon.nova-canvas-v1:0", r#""prompt":"a","images":["#),
            "{}",
            "]}",
        ],
    ),
    shape(
        "images: provider fields",
        IMAGES,
        [
            for_model!(
                "amazon.nova-canvas-v1:0",
                r#""prompt":"a","additionalModelRequestFields":{"imageGenerationConfig":{"a":["#
            ),
            "0",
            "]}}}",
        ],
    ),
    shape(
        "form: a list in a text field",
        "/v1/images/edits",
        [
            "--x\r\nContent-Disposition: form-data; name=\"colors\"\r\n\r\n[",
            r#""a""#,
            "]\r\n--x--\r\n",
        ],
    ),
];

impl Shape {
    /// A body of about `size` bytes.
    pub fn body(&self, size: usize) -> String {
        let Self {
            head, entry, tail, ..
        } = self;
        let separator = if matches!(*entry, "a" | r#"\n"#) {
            ""
        } else {
            ","
        };
        let count = size.saturating_sub(head.len() + tail.len()) / (entry.len() + separator.len());
        let mut body = String::with_capacity(size + entry.len());
        body.push_str(head);
        for index in 0..count.max(1) {
            if index > 0 {
                body.push_str(separator);
            }
            body.push_str(entry);
        }
        body.push_str(tail);
        body
    }

    pub fn content_type(&self) -> &'static str {
        match self.head.starts_with("--") {
            true => "multipart/form-data; boundary=x",
            false => "application/json",
        }
    }
}
