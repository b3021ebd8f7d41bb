//! Generated conversations as clients send them, unusual ones included.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// A conversation in steps. Each step ends where the model responds next.
pub type Steps = Vec<Vec<Value>>;

const GIF: &str = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
const PDF: &str = "data:application/pdf;base64,JVBERi0xLjcK";

pub fn document(name: &str) -> Value {
    json!({"type": "file", "file": {"file_data": PDF, "filename": name}})
}

pub fn image_part() -> Value {
    json!({"type": "image_url", "image_url": {"url": GIF}})
}

pub fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// Media in a user's message or a tool's result.
#[derive(Debug, Clone, Copy)]
enum Medium {
    Image,
    Document(&'static str),
}

#[derive(Debug, Clone)]
struct UserContent {
    text: String,
    blank: bool,
    medium: Option<Medium>,
    has_cache_control: bool,
    /// Whether the message has media only.
    without_text: bool,
}

/// A tool call and its result, which can be missing or repeated.
#[derive(Debug, Clone)]
struct Called {
    id: &'static str,
    name: &'static str,
    arguments: &'static str,
    result: UserContent,
    times: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Calls {
        text: String,
        calls: Vec<Called>,
        reversed: bool,
        trailing_content: Option<UserContent>,
        /// Whether each call is in a separate assistant message.
        in_separate_messages: bool,
    },
    Talk {
        text: String,
        user_content: Vec<UserContent>,
        instruction: bool,
    },
}

fn user_content() -> impl Strategy<Value = UserContent> {
    let medium = select(vec![
        Medium::Image,
        Medium::Document("a.pdf"),
        Medium::Document("a 2.pdf"),
        Medium::Document("b.pdf"),
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    ("\\PC{0,8}", of(medium), flags).prop_map(
        |(text, medium, (blank, has_cache_control, without_text))| UserContent {
            text: format!("{text}x"),
            blank,
            medium,
            has_cache_control,
            without_text,
        },
    )
}

fn called() -> impl Strategy<Value = Called> {
    let id = select(vec!["call_1", "call_2", "functions.go:0", "call/3"]);
    let name = select(vec!["go to", "rate", "run", "another"]);
    let arguments = select(vec![
        "{}",
        "",
        "{\"z\":1.50,\"a\":{\"c\":1,\"b\":2}}",
        "[1]",
        "{",
    ]);
    (id, name, arguments, user_content(), 0usize..3).prop_map(
        |(id, name, arguments, result, times)| Called {
            id,
            name,
            arguments,
            result,
            times,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let flags = (any::<bool>(), any::<bool>());
    let calls = ("\\PC{0,6}", vec(called(), 1..4), flags, of(user_content()));
    let talk = ("\\PC{0,6}", vec(user_content(), 1..3), any::<bool>());
    prop_oneof![
        calls.prop_map(
            |(text, calls, (reversed, in_separate_messages), trailing_content)| Step::Calls {
                text,
                calls,
                reversed,
                trailing_content,
                in_separate_messages,
            }
        ),
        talk.prop_map(|(text, user_content, instruction)| Step::Talk {
            text,
            user_content,
            instruction
        }),
    ]
}

/// Writes steps as messages, with at most as many documents as Bedrock accepts.
struct Writer {
    with_media: bool,
    documents: usize,
}

impl Writer {
    fn content(&mut self, user_content: &UserContent) -> Value {
        let cache_control = json!({"type": "ephemeral"});
        let mut text = json!({"type": "text", "text": user_content.text});
        let mut blank = json!({"type": "text", "text": " \n"});
        if user_content.has_cache_control {
            text["cache_control"] = cache_control.clone();
            blank["cache_control"] = cache_control.clone();
        }
        let medium = match user_content.medium.filter(|_| self.with_media) {
            Some(Medium::Image) => Some(image_part()),
            Some(Medium::Document(name)) if self.documents < 5 => {
                self.documents += 1;
                Some(document(name))
            }
            _ => None,
        };
        let mut parts = Vec::new();
        if user_content.blank {
            parts.push(blank);
        }
        if medium.is_none() || !user_content.without_text {
            parts.push(text);
        }
        parts.extend(medium.map(|mut medium| {
            if user_content.has_cache_control && user_content.without_text {
                medium["cache_control"] = cache_control;
            }
            medium
        }));
        parts.into()
    }

    fn step(&mut self, step: &Step) -> Vec<Value> {
        match step {
            Step::Talk {
                text,
                user_content,
                instruction,
            } => {
                let mut messages =
                    vec![json!({"role": "assistant", "content": format!("{text}y")})];
                for user_content in user_content {
                    messages.push(json!({"role": "user", "content": self.content(user_content)}));
                }
                if *instruction {
                    messages.push(json!({"role": "system", "content": "Mind this."}));
                }
                messages
            }
            Step::Calls {
                text,
                calls,
                reversed,
                trailing_content,
                in_separate_messages,
            } => {
                let call_items: Vec<Value> = calls
                    .iter()
                    .map(|it| call(it.id, it.name, it.arguments))
                    .collect();
                let user_content = |calls: &[Value]| json!({"role": "assistant", "content": text, "tool_calls": calls});
                let mut messages: Vec<Value> = match in_separate_messages {
                    true => call_items.chunks(1).map(user_content).collect(),
                    false => vec![user_content(&call_items)],
                };
                let call_items = messages.len();
                let mut results = Vec::new();
                for it in calls {
                    for _ in 0..it.times {
                        let content = self.content(&it.result);
                        results.push(
                            json!({"role": "tool", "tool_call_id": it.id, "content": content}),
                        );
                    }
                }
                if *reversed {
                    results.reverse();
                }
                messages.extend(results);
                // A step needs at least one result.
                let alone = (messages.len() == call_items).then(|| &calls[0].result);
                if let Some(user_content) = trailing_content.as_ref().or(alone) {
                    messages.push(json!({"role": "user", "content": self.content(user_content)}));
                }
                messages
            }
        }
    }
}

/// A generated conversation, before it is written as messages.
#[derive(Debug, Clone)]
pub struct Conversation {
    first: UserContent,
    steps: Vec<Step>,
    /// The instructions, and whether each has a cache breakpoint.
    instructions: Vec<(&'static str, bool)>,
    /// Whether the client sends the reasoning back, for each assistant message.
    reasoned: Vec<bool>,
}

/// Any conversation.
pub fn conversation() -> impl Strategy<Value = Conversation> {
    let instruction = (select(vec!["Be brief.", " ", "Be kind."]), any::<bool>());
    (
        user_content(),
        vec(step(), 0..5),
        vec(instruction, 0..3),
        prop_oneof![
            Just(vec![false]),
            Just(vec![true]),
            vec(any::<bool>(), 2..6)
        ],
    )
        .prop_map(|(first, steps, instructions, reasoned)| Conversation {
            first,
            steps,
            instructions,
            reasoned,
        })
}

impl Conversation {
    /// The messages in steps, with or without images and documents.
    pub fn to_steps(&self, with_media: bool) -> Steps {
        let mut writer = Writer {
            with_media,
            documents: 0,
        };
        let mut first = Vec::new();
        for (text, has_cache_control) in &self.instructions {
            let mut message = json!({"role": "system", "content": text});
            if *has_cache_control {
                message["cache_control"] = json!({"type": "ephemeral"});
            }
            first.push(message);
        }
        first.push(json!({"role": "user", "content": writer.content(&self.first)}));
        let mut to_steps = vec![first];
        let mut reasoned = self.reasoned.iter().cycle();
        for step in &self.steps {
            let mut messages = writer.step(step);
            let by_model = messages.iter_mut().filter(|it| it["role"] == "assistant");
            for message in by_model {
                if *reasoned.next().unwrap() {
                    message["thinking_blocks"] = json!([
                        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                        {"type": "redacted_thinking", "data": "cmVk"},
                    ]);
                }
            }
            to_steps.push(messages);
        }
        to_steps
    }
}
