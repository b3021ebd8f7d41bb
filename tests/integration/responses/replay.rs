//! The output of a response, sent back by the client: the model receives its own turn again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use outcrop::config::OnBlocked;
use outcrop::converse::dialect::ResponseFormat;
use outcrop::converse::event::{BlockStart, Delta, Event};
use outcrop::converse::output::OutputEvents;
use outcrop::converse::response::ConverseResponse;
use outcrop::converse::translation::{ChatOptions, ChatTranslation};
use outcrop::dialects::openai_responses::{
    Envelope, Purpose, ResponseHead, ResponsesFieldNames, ResponsesFormat, ResponsesRequest,
    SealedSummary, translate,
};
use outcrop::resources::seals::Seals;
use serde_json::{Value, json};

use crate::harness::golden::events;
use crate::harness::translation::{OWNER, seal_key, with_context};

const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/recordings");
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// Binds each block to the one before it.
const BINDING_CLAUDE: &str = "us.anthropic.claude-fable-5-1";
const NOTE: &str = "input[].encrypted_content";

const SIGNED_TURN: &str = r#"contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"First\n\u0000 \"thought\""}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2lnMQ=="}}}
contentBlockStop {"contentBlockIndex":0}
contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"I will look."}}
contentBlockStop {"contentBlockIndex":1}
contentBlockStart {"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"tooluse_1","name":"look"}}}
contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"b\": 1.50,\"a\":[]}"}}}
contentBlockStop {"contentBlockIndex":2}
contentBlockDelta {"contentBlockIndex":3,"delta":{"reasoningContent":{"text":""}}}
contentBlockDelta {"contentBlockIndex":3,"delta":{"reasoningContent":{"signature":"c2lnMg=="}}}
contentBlockStop {"contentBlockIndex":3}
contentBlockDelta {"contentBlockIndex":4,"delta":{"reasoningContent":{"redactedContent":"ZW5jcnlwdGVk"}}}
contentBlockStop {"contentBlockIndex":4}
contentBlockStart {"contentBlockIndex":5,"start":{"toolUse":{"toolUseId":"tooluse_2","name":"look"}}}
contentBlockDelta {"contentBlockIndex":5,"delta":{"toolUse":{"input":"{}"}}}
contentBlockStop {"contentBlockIndex":5}
messageStop {"stopReason":"tool_use"}"#;

/// A response with reasoning of this signature, and a text.
fn thought(signature: &str) -> Vec<Event> {
    events(&format!(
        r#"contentBlockDelta {{"contentBlockIndex":0,"delta":{{"reasoningContent":{{"text":"Thought"}}}}}}
contentBlockDelta {{"contentBlockIndex":0,"delta":{{"reasoningContent":{{"signature":"{signature}"}}}}}}
contentBlockStop {{"contentBlockIndex":0}}
contentBlockDelta {{"contentBlockIndex":1,"delta":{{"text":"Said {signature}"}}}}
contentBlockStop {{"contentBlockIndex":1}}
messageStop {{"stopReason":"end_turn"}}"#
    ))
}

/// A conversation of the caller `owner`.
struct Client {
    model: String,
    owner: &'static str,
    tools: Vec<Value>,
    input: Vec<Value>,
    responses: u8,
}

impl Client {
    fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            owner: OWNER,
            tools: Vec::new(),
            input: vec![json!({"role": "user", "content": "Question"})],
            responses: 0,
        }
    }

    fn request(&self) -> ResponsesRequest {
        let request = json!({"model": self.model, "input": self.input, "store": false,
            "tools": self.tools, "reasoning": {"effort": "low"}, "max_output_tokens": 8000,
            "include": ["reasoning.encrypted_content"]});
        serde_json::from_value(request).unwrap()
    }

    /// What the model receives, and the notes.
    fn sent(&self) -> (Value, Vec<String>) {
        let translation = self.translated();
        let notes = translation.adjustments.iter();
        let notes = notes.map(ToString::to_string).collect();
        (serde_json::to_value(&translation.converse).unwrap(), notes)
    }

    fn translated(&self) -> ChatTranslation {
        let request = self.request();
        let names = ResponsesFieldNames::of(&request);
        with_context(&self.model, &ChatOptions::default(), |context| {
            translate(request, Purpose::Respond, &names, context).unwrap()
        })
    }

    /// Adds the output of a response with these events, as the gateway writes it.
    fn receive(&mut self, events: &[Event]) {
        self.responses += 1;
        let sealer = Seals::new(&[seal_key()]).salted(self.owner, [self.responses; 16]);
        let request = self.request();
        let id = format!("resp_{}", self.responses);
        let head = ResponseHead::new(&id, 1, &request);
        let format = ResponsesFormat::new(head, &request, OnBlocked::default(), || 2);
        let format = format.sealed_by(Some(sealer));
        let output_options = Arc::new(self.translated().output_options);
        let mut choice = format.choice(0, &output_options);
        let mut output_events = OutputEvents::new(Arc::clone(&output_options));
        for event in events {
            output_events.accept(event, &mut choice).unwrap();
        }
        let json = format.json(&[choice], &output_options, output_events.summary());
        let response: Value = serde_json::from_slice(&json.unwrap()).unwrap();
        let output = response["output"].as_array().unwrap();
        // Codex returns neither a status nor the content of reasoning.
        self.input.extend(output.iter().cloned().map(|mut item| {
            if item["type"] == "reasoning" {
                item["content"] = Value::Null;
            }
            item
        }));
        let calls = output.iter().filter(|item| item["call_id"].is_string());
        let results = calls.map(|call| {
            json!({"type": "function_call_output", "call_id": call["call_id"], "output": "done"})
        });
        let results: Vec<Value> = results.collect();
        match results.is_empty() {
            true => self.say("Go on"),
            false => self.input.extend(results),
        }
    }

    fn say(&mut self, text: &str) {
        self.input.push(json!({"role": "user", "content": text}));
    }

    /// The envelopes of the conversation.
    fn seals(&mut self) -> Vec<&mut Value> {
        let items = self.input.iter_mut();
        items
            .filter(|item| item["type"] == "reasoning")
            .filter_map(|item| item.get_mut("encrypted_content"))
            .collect()
    }
}

/// The turn of these events, as Converse takes it: adjacent texts are one.
fn turn(events: &[Event]) -> Value {
    let mut blocks: BTreeMap<u32, Value> = BTreeMap::new();
    let append = |place: &mut Value, more: &str| {
        *place = json!(place.as_str().unwrap_or_default().to_owned() + more);
    };
    for event in events {
        match event {
            Event::BlockStart {
                index,
                start: BlockStart::ToolUse { id, name },
            } => {
                blocks.insert(*index, json!({"toolUse": {"toolUseId": id, "name": name}}));
            }
            Event::BlockDelta { index, delta } => {
                let block = blocks.entry(*index).or_insert_with(|| json!({}));
                let reasoning = "reasoningContent";
                match delta {
                    Delta::Text(text) => append(&mut block["text"], text),
                    Delta::ToolInput(more) => append(&mut block["toolUse"]["input"], more),
                    Delta::Reasoning(text) => {
                        append(&mut block[reasoning]["reasoningText"]["text"], text);
                    }
                    Delta::Signature(text) => {
                        append(&mut block[reasoning]["reasoningText"]["signature"], text);
                    }
                    Delta::RedactedReasoning(data) => {
                        append(&mut block[reasoning]["redactedContent"], data);
                    }
                    other => panic!("{other:?}"),
                }
            }
            _ => {}
        }
    }
    let mut turn: Vec<Value> = Vec::new();
    for mut block in blocks.into_values() {
        if let Some(input) = block["toolUse"]["input"].as_str() {
            block["toolUse"]["input"] = serde_json::from_str(input).unwrap();
        }
        block
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        match (turn.last_mut(), block["text"].as_str()) {
            (_, Some(text)) if text.trim().is_empty() => {}
            (Some(last), Some(text)) if last["text"].is_string() => append(&mut last["text"], text),
            _ => turn.push(block),
        }
    }
    // Reading a missing member adds it.
    for block in &mut turn {
        block
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
    }
    Value::Array(turn)
}

#[test]
fn the_model_receives_its_own_turn_block_for_block() {
    let look = json!({"type": "function", "name": "look",
        "parameters": {"type": "object", "properties": {}}});
    for model in [CLAUDE, BINDING_CLAUDE] {
        let mut client = Client::new(model);
        client.tools = vec![look.clone()];
        let (first, notes) = client.sent();
        assert_eq!(notes, [""; 0]);
        let events = events(SIGNED_TURN);
        client.receive(&events);
        let (second, notes) = client.sent();
        assert_eq!(notes, [""; 0]);
        assert_eq!(second["messages"][1]["content"], turn(&events), "{model}");
        assert_eq!(prefix(&second, 1), prefix(&first, 1));
        client.receive(&thought("c2lnMw=="));
        let (third, _) = client.sent();
        assert_eq!(prefix(&third, 3), prefix(&second, 3));
        assert_eq!(third["messages"][3]["content"], turn(&thought("c2lnMw==")));
    }
}

/// The prompt up to the message `length`, without cache points, which move.
fn prefix(converse: &Value, length: usize) -> Value {
    fn without_cache_points(value: &mut Value) {
        match value {
            Value::Array(entries) => {
                entries.retain(|entry| entry.get("cachePoint").is_none());
                entries.iter_mut().for_each(without_cache_points);
            }
            Value::Object(members) => members.values_mut().for_each(without_cache_points),
            _ => {}
        }
    }
    let messages = &converse["messages"].as_array().unwrap()[..length];
    let mut prefix = json!([converse["system"], converse["toolConfig"], messages]);
    without_cache_points(&mut prefix);
    prefix
}

#[test]
fn readable_and_encrypted_reasoning_return_to_the_families_that_take_them() {
    let readable = events(
        r#"contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm."}}}
contentBlockStop {"contentBlockIndex":0}
contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"Yes"}}
contentBlockStop {"contentBlockIndex":1}
messageStop {"stopReason":"end_turn"}"#,
    );
    let encrypted = events(
        r#"contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"redactedContent":"cnNu"}}}
contentBlockStop {"contentBlockIndex":0}
contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"Yes"}}
contentBlockStop {"contentBlockIndex":1}
messageStop {"stopReason":"end_turn"}"#,
    );
    for (model, events) in [
        ("deepseek.r1-v1:0", readable),
        ("us.openai.gpt-5.6-sol", encrypted.clone()),
        ("xai.grok-4", encrypted),
    ] {
        let mut client = Client::new(model);
        client.receive(&events);
        assert_eq!(client.seals().len(), 1, "{model}");
        let (sent, _) = client.sent();
        assert_eq!(sent["messages"][1]["content"], turn(&events), "{model}");
    }
}

#[test]
fn recorded_turns_return_as_they_were() {
    let Ok(files) = Path::new(RECORDINGS).read_dir() else {
        println!("did not run: no recordings next to the repository");
        return;
    };
    let mut replayed = 0;
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("conv") || !name.contains("-claude-") {
            continue;
        }
        let recording: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let Some(events) = recorded_events(&recording) else {
            continue;
        };
        let turn = turn(&events);
        let is_signed = |block: &Value| {
            let reasoning = &block["reasoningContent"];
            reasoning["reasoningText"]["signature"].is_string()
                || reasoning["redactedContent"].is_string()
        };
        let blocks = turn.as_array().unwrap();
        if !blocks.iter().any(is_signed) {
            continue;
        }
        let mut client = Client::new(recording["meta"]["model"].as_str().unwrap());
        let names = blocks.iter().map(|block| &block["toolUse"]["name"]);
        let names = names.filter(|name| name.is_string());
        client.tools = names
            .map(|name| json!({"type": "function", "name": name}))
            .collect();
        client.receive(&events);
        assert_eq!(client.sent().0["messages"][1]["content"], turn, "{name}");
        replayed += 1;
    }
    println!("{replayed} recordings replayed");
    assert!(replayed > 0);
}

/// The events of a recorded response with reasoning, streamed or not.
fn recorded_events(recording: &Value) -> Option<Vec<Event>> {
    let response = &recording["response"];
    if response["status"] != 200 || !response.to_string().contains("reasoningContent") {
        return None;
    }
    if let Some(events) = response["events"].as_array() {
        let event = |event: &Value| {
            let kind = event["headers"][":event-type"].as_str()?;
            Event::parse(kind, event["payload"].to_string().as_bytes()).ok()
        };
        return events.iter().map(event).collect();
    }
    let response: ConverseResponse = serde_json::from_value(response["body_json"].clone()).ok()?;
    Some(response.into_events())
}

/// Whether the model receives the reasoning of each of the client's responses.
fn received(client: &Client) -> Vec<bool> {
    let (sent, _) = client.sent();
    let turns = sent["messages"].as_array().unwrap().iter();
    turns
        .filter(|message| message["role"] == "assistant")
        .map(|message| message["content"][0].get("reasoningContent").is_some())
        .collect()
}

#[test]
fn a_seal_of_somebody_else_or_a_changed_one_is_left_out_with_one_note() {
    type Change = (&'static str, fn(&mut Client));
    let changes: [Change; 4] = [
        ("flipped", |client| {
            for seal in client.seals() {
                let text = seal.as_str().unwrap();
                let last = text.len() - 10;
                let other = if &text[last..=last] == "A" { "B" } else { "A" };
                *seal = json!(format!("{}{other}{}", &text[..last], &text[last + 1..]));
            }
        }),
        ("foreign", |client| {
            for seal in client.seals() {
                *seal = json!("gAAAAABpforeign");
            }
        }),
        ("another model", |client| {
            client.model = "us.anthropic.claude-opus-4-5-20251101-v1:0".to_owned();
        }),
        ("another family", |client| {
            client.model = "amazon.nova-lite-v1:0".to_owned();
        }),
    ];
    for (name, change) in changes {
        let mut client = Client::new(CLAUDE);
        client.receive(&thought("c2ln"));
        client.receive(&thought("c2ln"));
        assert_eq!(received(&client), [true, true]);
        change(&mut client);
        assert_eq!(received(&client), [false, false], "{name}");
        let notes = client.sent().1;
        let notes = notes.iter().filter(|note| note.starts_with(NOTE));
        assert_eq!(notes.count(), 1, "{name}");
    }
    let mut client = Client::new(CLAUDE);
    client.owner = "another caller";
    client.receive(&thought("c2ln"));
    assert_eq!(received(&client), [false]);
}

#[test]
fn blocks_may_be_missing_at_the_front_of_a_chain_but_not_within() {
    let mut client = Client::new(BINDING_CLAUDE);
    for _ in 0..4 {
        client.receive(&thought("c2ln"));
    }
    assert_eq!(received(&client), [true; 4]);
    *client.seals()[0] = json!("oc1.changed.x");
    assert_eq!(received(&client), [false, true, true, true]);
    *client.seals()[2] = json!("oc1.changed.x");
    assert_eq!(received(&client), [false, true, false, false]);
    // Other models do not check it.
    let mut client = Client::new(CLAUDE);
    for _ in 0..3 {
        client.receive(&thought("c2ln"));
    }
    *client.seals()[1] = json!("oc1.changed.x");
    assert_eq!(received(&client), [true, false, true]);
}

#[test]
fn after_a_switch_the_new_model_receives_its_own_reasoning_only() {
    let mut client = Client::new(BINDING_CLAUDE);
    client.receive(&thought("b25l"));
    client.model = "us.anthropic.claude-opus-5-5".to_owned();
    client.receive(&thought("dHdv"));
    assert_eq!(received(&client), [false, true]);
    // The first model has never received what the second one thought.
    client.model = BINDING_CLAUDE.to_owned();
    client.receive(&thought("dGhyZWU="));
    assert_eq!(received(&client), [true, false, true]);
}

#[test]
fn a_turn_that_was_cut_off_while_the_model_reasoned_is_left_out() {
    let mut client = Client::new(CLAUDE);
    let mut cut = thought("c2ln");
    cut.truncate(3);
    cut.extend(events(r#"messageStop {"stopReason":"max_tokens"}"#));
    client.receive(&cut);
    assert_eq!(client.seals().len(), 1);
    let (sent, _) = client.sent();
    assert_eq!(sent["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn reasoning_that_is_older_than_the_summary_is_left_out() {
    for (model, expected) in [(BINDING_CLAUDE, false), (CLAUDE, true)] {
        let mut client = Client::new(model);
        client.receive(&thought("c2ln"));
        let summary = Envelope::Summary(SealedSummary {
            made_at: 2,
            text: "They asked a question.".to_owned(),
        });
        let content = serde_json::to_vec(&summary).unwrap();
        let sealer = Seals::new(&[seal_key()]).salted(OWNER, [9; 16]);
        let seal = sealer.seal(0, &content).unwrap();
        let item = json!({"type": "compaction", "encrypted_content": seal});
        client.input.insert(0, item);
        assert_eq!(received(&client), [expected], "{model}");
    }
}
