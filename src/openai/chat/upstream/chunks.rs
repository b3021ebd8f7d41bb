//! Translates the chunks of the chat-completions upstream to the client's stream.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use super::response::{member, rename, tier, unreadable};
use super::text::{TextSplit, UpstreamText};
use super::usage::ChatUpstreamUsage;
use super::{ChatUpstreamHead, ChatUpstreamOptions};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::ApiError;

/// The maximum number of choices in a stream and of tool calls in a choice. The upstream sends
/// their indices, so the memory for them must be limited.
const MAX_CHOICES: usize = 16;
const MAX_CALLS: usize = 256;

/// The state of a streamed response between its chunks.
#[derive(Debug)]
pub struct ChatUpstreamChunks {
    output_options: ChatUpstreamOptions,
    head: ChatUpstreamHead,
    choices: Vec<ChunkChoice>,
    /// The fields of the first chunk, the template for chunks that the gateway adds.
    frame: Option<Fields>,
    usage: Option<JsonText>,
    tier: Option<&'static str>,
    buffer: BytesMut,
}

/// One of the choices.
#[derive(Debug)]
struct ChunkChoice {
    index: u64,
    text: UpstreamText,
    /// The indices of tool calls, and whether they have arguments.
    calls: Vec<(u64, bool)>,
    started: bool,
    finished: bool,
}

impl ChatUpstreamChunks {
    /// The state before the first chunk.
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

    /// Translates the next chunk. Returns whether it has output of the model.
    ///
    /// # Errors
    ///
    /// If the chunk cannot be parsed.
    pub fn accept(&mut self, chunk: &str) -> Result<bool, ApiError> {
        self.read(chunk).map_err(|_| unreadable())
    }

    /// The bytes written since the last call.
    pub fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Whether [`take`](Self::take) would return no bytes.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The token usage; `None` until it is known.
    pub fn usage(&self) -> Option<ChatUpstreamUsage> {
        self.usage.as_ref().and_then(ChatUpstreamUsage::read)
    }

    /// Bedrock's name of the service tier of the response; `None` if not reported.
    pub fn tier(&self) -> Option<&'static str> {
        self.tier
    }

    /// Whether all choices have a finish reason.
    pub fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finished)
    }

    /// Ends the stream with `[DONE]`, after a chunk with usage if requested and known.
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

    /// Ends the stream with one error event, without `[DONE]`.
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
        // A chunk without choices has the usage, which is sent at the end.
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

    /// Sets the client's id and model name, and keeps usage and service tier.
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

    /// Translates a choice of a chunk; `None` if all of it is held.
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
        // Clients concatenate repeated fields, so the role is sent only once.
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

    /// Writes a chunk that the upstream did not send.
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

    /// Writes one event. The upstream's JSON may have line breaks between its tokens; they become
    /// spaces, since the data of an event is one line.
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
    /// Separates reasoning from content in the delta's text. Returns whether all text is held.
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

    /// The deltas to add before the end: held text, and empty arguments for tool calls without any,
    /// since clients parse arguments as JSON.
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
