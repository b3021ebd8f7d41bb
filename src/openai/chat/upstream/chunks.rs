//! A surface's streamed answer, chunk by chunk, as the client gets it.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use super::response::{member, rename, tier, unreadable};
use super::text::{TextSplit, UpstreamText};
use super::usage::ChatUpstreamUsage;
use super::{ChatUpstreamHead, ChatUpstreamOptions};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::ApiError;

/// Answers in one stream, and calls in one answer, at the most; places are the surface's to say.
const MAX_CHOICES: usize = 16;
const MAX_CALLS: usize = 256;

/// The state of a streamed answer between its chunks, and what it has come to.
#[derive(Debug)]
pub struct ChatUpstreamChunks {
    output_options: ChatUpstreamOptions,
    head: ChatUpstreamHead,
    choices: Vec<ChunkChoice>,
    /// The first chunk's own fields, of which chunks of the gateway's own are made.
    frame: Option<Fields>,
    usage: Option<JsonText>,
    tier: Option<&'static str>,
    buffer: BytesMut,
}

/// One of the answers.
#[derive(Debug)]
struct ChunkChoice {
    index: u64,
    text: UpstreamText,
    /// The places of calls, and whether they have arguments.
    calls: Vec<(u64, bool)>,
    started: bool,
    finished: bool,
}

impl ChatUpstreamChunks {
    /// An answer of which nothing has arrived.
    pub fn new(output_options: ChatUpstreamOptions, head: ChatUpstreamHead) -> Self {
        Self {
            output_options,
            head,
            choices: Vec::new(),
            frame: None,
            usage: None,
            tier: None,
            buffer: BytesMut::new(),
        }
    }

    /// Takes the next chunk and writes what becomes of it. Says whether the model has said
    /// something with it.
    pub fn accept(&mut self, chunk: &str) -> Result<bool, ApiError> {
        self.read(chunk).map_err(|_| unreadable())
    }

    /// What has been written since the last time.
    pub fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// What was used, once that is known.
    pub fn usage(&self) -> Option<ChatUpstreamUsage> {
        self.usage.as_ref().and_then(ChatUpstreamUsage::read)
    }

    /// The tier that the call ran on, in Bedrock's word.
    pub fn tier(&self) -> Option<&'static str> {
        self.tier
    }

    /// Whether all answers have told their end.
    pub fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finished)
    }

    /// Ends the stream: usage where it was asked for and is known.
    pub fn done(&mut self) {
        if self.output_options.include_usage
            && let (Some(usage), Some(frame)) = (self.usage.take(), &self.frame)
        {
            let mut chunk = frame.clone();
            chunk.set("choices", JsonText::empty_list());
            chunk.set("usage", usage);
            self.write(&chunk);
        }
        self.buffer.put_slice(b"data: [DONE]\n\n");
    }

    /// Ends the stream with an error instead: one event, and no `[DONE]`.
    pub fn error(&mut self, error: &impl Serialize) {
        self.write(error);
    }

    fn read(&mut self, chunk: &str) -> serde_json::Result<bool> {
        let mut chunk: Fields = serde_json::from_str(chunk)?;
        self.note(&mut chunk)?;
        let choices: Option<Vec<Fields>> = match chunk.get("choices") {
            Some(choices) => serde_json::from_str(choices.as_str())?,
            None => None,
        };
        let choices = choices.unwrap_or_default();
        // What has no choices is the usage, which is told at the end.
        if choices.is_empty() {
            return Ok(false);
        }
        let mut kept = Vec::with_capacity(choices.len());
        for choice in choices {
            kept.extend(self.choice(choice)?);
        }
        if kept.is_empty() {
            return Ok(true);
        }
        chunk.set("choices", JsonText::of(&kept)?);
        self.write(&chunk);
        Ok(true)
    }

    /// Gives the chunk the client's names, and takes what it says of the whole.
    fn note(&mut self, chunk: &mut Fields) -> serde_json::Result<()> {
        rename(chunk, &self.head)?;
        chunk.remove("obfuscation");
        self.tier = tier(chunk).or(self.tier);
        let usage = chunk.remove("usage");
        let usage = usage.filter(|usage| ChatUpstreamUsage::read(usage).is_some());
        self.usage = usage.or(self.usage.take());
        if self.output_options.include_usage {
            chunk.set("usage", null()?);
        }
        if self.frame.is_none() {
            let mut frame = chunk.clone();
            frame.set("choices", JsonText::empty_list());
            self.frame = Some(frame);
        }
        Ok(())
    }

    /// One of a chunk's choices; nothing where all of it is held back.
    fn choice(&mut self, mut choice: Fields) -> serde_json::Result<Option<Fields>> {
        let index: u64 = member(&choice, "index").unwrap_or(0);
        let position = self.position(index)?;
        let mut delta: Fields = match choice.get("delta") {
            Some(_) => member::<Option<Fields>>(&choice, "delta")?.unwrap_or_default(),
            None => Fields::default(),
        };
        let Some(state) = self.choices.get_mut(position) else {
            return Ok(None);
        };
        // Clients put what is said twice together: the role is said once.
        if std::mem::replace(&mut state.started, true) {
            delta.remove("role");
        }
        let was_held = state.content(&mut delta)?;
        state.note_calls(&delta)?;
        let finish = choice.get("finish_reason");
        let finishes = finish.is_some_and(|reason| reason.as_str() != "null");
        if finishes && !state.finished {
            state.finished = true;
            let rest = state.rest()?;
            for delta in rest {
                self.own_chunk(index, &delta)?;
            }
        }
        if was_held && delta.is_empty() && !finishes {
            return Ok(None);
        }
        choice.set("delta", JsonText::of(&delta)?);
        Ok(Some(choice))
    }

    fn position(&mut self, index: u64) -> serde_json::Result<usize> {
        let existing = self.choices.iter().position(|choice| choice.index == index);
        if let Some(position) = existing {
            return Ok(position);
        }
        if self.choices.len() >= MAX_CHOICES {
            return Err(serde::de::Error::custom("too many choices"));
        }
        self.choices.push(ChunkChoice {
            index,
            text: UpstreamText::new(&self.output_options.reasoning_tag),
            calls: Vec::new(),
            started: false,
            finished: false,
        });
        Ok(self.choices.len() - 1)
    }

    /// A chunk that the surface did not write.
    fn own_chunk(&mut self, index: u64, delta: &Fields) -> serde_json::Result<()> {
        let mut choice = Fields::default();
        choice.push("index", JsonText::of(&index)?);
        choice.push("delta", JsonText::of(delta)?);
        choice.push("finish_reason", null()?);
        let mut chunk = self.frame.clone().unwrap_or_default();
        chunk.set("choices", JsonText::of(&[choice])?);
        self.write(&chunk);
        Ok(())
    }

    /// One event. There may be line breaks between the tokens of what others have written, and the
    /// data of an event is one line.
    fn write(&mut self, value: &impl Serialize) {
        self.buffer.put_slice(b"data: ");
        let start = self.buffer.len();
        let written = serde_json::to_writer((&mut self.buffer).writer(), value);
        debug_assert!(written.is_ok(), "{written:?}");
        for byte in self.buffer.iter_mut().skip(start) {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.buffer.put_slice(b"\n\n");
    }
}

impl ChunkChoice {
    /// Tells reasoning and answer apart in the delta's text. Says whether text was held back.
    fn content(&mut self, delta: &mut Fields) -> serde_json::Result<bool> {
        if !self.text.has_tag() {
            return Ok(false);
        }
        let content = delta.get("content");
        let content = content.and_then(|text| serde_json::from_str::<String>(text.as_str()).ok());
        let Some(content) = content.filter(|content| !content.is_empty()) else {
            return Ok(false);
        };
        let split = self.text.push(&content);
        if split.content != content {
            delta.remove("content");
            split.write(delta)?;
        }
        Ok(split.is_empty())
    }

    fn note_calls(&mut self, delta: &Fields) -> serde_json::Result<()> {
        let Some(calls) = delta.get("tool_calls") else {
            return Ok(());
        };
        let calls: Option<Vec<Fields>> = serde_json::from_str(calls.as_str())?;
        for (call, position) in calls.iter().flatten().zip(0..) {
            let index: u64 = member(call, "index").unwrap_or(position);
            // A custom tool's input may be empty.
            let Some(function) = call.get("function").and_then(Fields::from_object) else {
                continue;
            };
            let arguments = function.get("arguments");
            let has_arguments = arguments.is_some_and(|arguments| !arguments.is_neutral());
            let is_full = self.calls.len() >= MAX_CALLS;
            match self
                .calls
                .iter_mut()
                .find(|(existing, _)| *existing == index)
            {
                Some((_, has)) => *has |= has_arguments,
                None if is_full => {}
                None => self.calls.push((index, has_arguments)),
            }
        }
        Ok(())
    }

    /// The deltas that are missing before the end: text that was held back, and the arguments of
    /// calls that have none, which clients parse as JSON.
    fn rest(&mut self) -> serde_json::Result<Vec<Fields>> {
        let mut rest = Vec::new();
        let split = self.text.finish();
        if !split.is_empty() {
            let mut delta = Fields::default();
            split.write(&mut delta)?;
            rest.push(delta);
        }
        for (index, _) in self.calls.iter().filter(|(_, has)| !has) {
            let call = format!(r#"[{{"index":{index},"function":{{"arguments":"{{}}"}}}}]"#);
            let mut delta = Fields::default();
            delta.push("tool_calls", JsonText::parse(call)?);
            rest.push(delta);
        }
        Ok(rest)
    }
}

impl TextSplit {
    fn write(&self, delta: &mut Fields) -> serde_json::Result<()> {
        for (key, text) in [
            ("reasoning_content", &self.reasoning),
            ("content", &self.content),
        ] {
            if !text.is_empty() {
                delta.set(key, JsonText::of(text)?);
            }
        }
        Ok(())
    }
}

fn null() -> serde_json::Result<JsonText> {
    JsonText::parse("null".to_owned())
}
