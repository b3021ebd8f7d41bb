//! Conversations as clients send them, now and then odd ones.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// A conversation in steps, each of which ends where the model speaks next.
pub type Steps = Vec<Vec<Value>>;

const GIF: &str = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
const PDF: &str = "data:application/pdf;base64,JVBERi0xLjcK";

pub fn document(name: &str) -> Value {
    json!({"type": "file", "file": {"file_data": PDF, "filename": name}})
}

pub fn picture() -> Value {
    json!({"type": "image_url", "image_url": {"url": GIF}})
}

pub fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// What a person or a tool may send beside text.
#[derive(Debug, Clone, Copy)]
enum Medium {
    Picture,
    Document(&'static str),
}

#[derive(Debug, Clone)]
struct Said {
    text: String,
    blank: bool,
    medium: Option<Medium>,
    marked: bool,
    /// Whether there is no text beside the medium.
    mute: bool,
}

/// A call and its result; some have none, and some results come twice.
#[derive(Debug, Clone)]
struct Called {
    id: &'static str,
    name: &'static str,
    arguments: &'static str,
    result: Said,
    times: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Calls {
        text: String,
        calls: Vec<Called>,
        reversed: bool,
        beside: Option<Said>,
        /// Whether each call stands in a message of its own, one after the other.
        apart: bool,
    },
    Talk {
        text: String,
        said: Vec<Said>,
        instruction: bool,
    },
}

fn said() -> impl Strategy<Value = Said> {
    let medium = select(vec![
        Medium::Picture,
        Medium::Document("a.pdf"),
        Medium::Document("a 2.pdf"),
        Medium::Document("b.pdf"),
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    ("\\PC{0,8}", of(medium), flags).prop_map(|(text, medium, (blank, marked, mute))| Said {
        text: format!("{text}x"),
        blank,
        medium,
        marked,
        mute,
    })
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
    (id, name, arguments, said(), 0usize..3).prop_map(|(id, name, arguments, result, times)| {
        Called {
            id,
            name,
            arguments,
            result,
            times,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let flags = (any::<bool>(), any::<bool>());
    let calls = ("\\PC{0,6}", vec(called(), 1..4), flags, of(said()));
    let talk = ("\\PC{0,6}", vec(said(), 1..3), any::<bool>());
    prop_oneof![
        calls.prop_map(|(text, calls, (reversed, apart), beside)| Step::Calls {
            text,
            calls,
            reversed,
            beside,
            apart,
        }),
        talk.prop_map(|(text, said, instruction)| Step::Talk {
            text,
            said,
            instruction
        }),
    ]
}

/// Writes steps as messages, with as many documents as Bedrock takes.
struct Writer {
    with_media: bool,
    documents: usize,
}

impl Writer {
    fn content(&mut self, said: &Said) -> Value {
        let mark = json!({"type": "ephemeral"});
        let mut text = json!({"type": "text", "text": said.text});
        let mut blank = json!({"type": "text", "text": " \n"});
        if said.marked {
            text["cache_control"] = mark.clone();
            blank["cache_control"] = mark.clone();
        }
        let medium = match said.medium.filter(|_| self.with_media) {
            Some(Medium::Picture) => Some(picture()),
            Some(Medium::Document(name)) if self.documents < 5 => {
                self.documents += 1;
                Some(document(name))
            }
            _ => None,
        };
        let mut parts = Vec::new();
        if said.blank {
            parts.push(blank);
        }
        if medium.is_none() || !said.mute {
            parts.push(text);
        }
        parts.extend(medium.map(|mut medium| {
            if said.marked && said.mute {
                medium["cache_control"] = mark;
            }
            medium
        }));
        parts.into()
    }

    fn step(&mut self, step: &Step) -> Vec<Value> {
        match step {
            Step::Talk {
                text,
                said,
                instruction,
            } => {
                let mut messages =
                    vec![json!({"role": "assistant", "content": format!("{text}y")})];
                for said in said {
                    messages.push(json!({"role": "user", "content": self.content(said)}));
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
                beside,
                apart,
            } => {
                let made: Vec<Value> = calls
                    .iter()
                    .map(|it| call(it.id, it.name, it.arguments))
                    .collect();
                let said = |calls: &[Value]| json!({"role": "assistant", "content": text, "tool_calls": calls});
                let mut messages: Vec<Value> = match apart {
                    true => made.chunks(1).map(said).collect(),
                    false => vec![said(&made)],
                };
                let made = messages.len();
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
                // A step without any result would be none.
                let alone = (messages.len() == made).then(|| &calls[0].result);
                if let Some(said) = beside.as_ref().or(alone) {
                    messages.push(json!({"role": "user", "content": self.content(said)}));
                }
                messages
            }
        }
    }
}

/// A conversation before it is written.
#[derive(Debug, Clone)]
pub struct Conversation {
    first: Said,
    steps: Vec<Step>,
    /// The instructions, and whether they are marked.
    instructions: Vec<(&'static str, bool)>,
    /// Whether the model's reasoning is given back, message by message.
    reasoned: Vec<bool>,
}

/// Any conversation.
pub fn conversation() -> impl Strategy<Value = Conversation> {
    let instruction = (select(vec!["Be brief.", " ", "Be kind."]), any::<bool>());
    (
        said(),
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
    /// Its messages, step by step, with pictures and documents or without.
    pub fn written(&self, with_media: bool) -> Steps {
        let mut writer = Writer {
            with_media,
            documents: 0,
        };
        let mut first = Vec::new();
        for (text, marked) in &self.instructions {
            let mut message = json!({"role": "system", "content": text});
            if *marked {
                message["cache_control"] = json!({"type": "ephemeral"});
            }
            first.push(message);
        }
        first.push(json!({"role": "user", "content": writer.content(&self.first)}));
        let mut written = vec![first];
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
            written.push(messages);
        }
        written
    }
}
