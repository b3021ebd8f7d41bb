//! Output events as items. One item is open at a time; all have ids and consecutive indices.

use std::sync::Arc;

use serde::Serialize;

use super::built_in::BuiltInCall;
use super::calls::{OpenCall, ToolName};
use super::citations::annotation;
use super::compaction::Compaction;
use super::ending::Ending;
use super::events::EventSink;
use super::message::{OpenMessage, PartKind};
use super::reasoning::{OpenReasoning, ReasoningView};
use crate::config::OnBlocked;
use crate::converse::JsonText;
use crate::converse::content::ReasoningBlock;
use crate::converse::output::{CallKind, OutputBlock, OutputDelta, OutputEvent, Span};
use crate::converse::response::StopReason;
use crate::dialects::openai_responses::envelope::ReasoningSealer;
use crate::dialects::openai_responses::request::{CallForm, ToolTable};
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The refusal of a response without text.
const REFUSED: &str = "The response was blocked.";

/// The items that are complete, and where their events go.
#[derive(Debug)]
pub(super) struct ItemList<S> {
    pub(super) sink: S,
    pub(super) items: Vec<JsonText>,
    /// The part of all ids after their prefix.
    stem: String,
    /// The number of items that were added.
    length: usize,
}

/// An event about an item.
#[derive(Serialize)]
struct ItemEvent<'a> {
    output_index: usize,
    item: &'a JsonText,
}

impl<S: EventSink> ItemList<S> {
    /// The id and the index of the next item.
    pub(super) fn next(&mut self, prefix: &str) -> (String, usize) {
        let index = self.length;
        self.length += 1;
        (format!("{prefix}{}{index:04x}", self.stem), index)
    }

    pub(super) fn event(&mut self, kind: &'static str, fields: &impl Serialize) {
        self.sink.event(kind, fields);
    }

    pub(super) fn added(&mut self, output_index: usize, item: &JsonText) {
        let event = ItemEvent { output_index, item };
        self.event("response.output_item.added", &event);
    }

    pub(super) fn done(&mut self, output_index: usize, item: JsonText) {
        let event = ItemEvent {
            output_index,
            item: &item,
        };
        self.event("response.output_item.done", &event);
        self.items.push(item);
    }
}

/// What the form of the items depends on.
#[derive(Debug, Clone)]
pub(super) struct ItemOptions {
    /// The part of all ids after their prefix, unique for the response.
    pub(super) stem: String,
    pub(super) tools: Arc<ToolTable>,
    pub(super) reasoning: ReasoningView,
    /// Seals the reasoning; `None` if the model receives none again.
    pub(super) sealer: Option<ReasoningSealer>,
    pub(super) on_blocked: OnBlocked,
    /// The summary, if the response is one.
    pub(super) compaction: Option<Compaction>,
}

/// The items of a response.
#[derive(Debug)]
pub(super) struct Items<S> {
    pub(super) list: ItemList<S>,
    options: ItemOptions,
    open: Option<OpenItem>,
    /// Whether a message or a call was added.
    has_output: bool,
    /// The number of characters of text so far, and before the open message.
    characters: usize,
    message_start: usize,
    ending: Option<Ending>,
}

#[derive(Debug)]
enum OpenItem {
    Message(OpenMessage),
    Reasoning(OpenReasoning),
    Call(OpenCall),
    BuiltIn(BuiltInCall),
}

impl<S: EventSink> Items<S> {
    /// The state before the first event.
    pub(super) fn new(options: ItemOptions, sink: S) -> Self {
        Self {
            list: ItemList {
                sink,
                items: Vec::new(),
                stem: options.stem.clone(),
                length: 0,
            },
            options,
            open: None,
            has_output: false,
            characters: 0,
            message_start: 0,
            ending: None,
        }
    }

    /// How the response ended; `None` while it goes on.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Why there is no [`ending`](Self::ending), although the model sends nothing more.
    pub(super) fn missing_ending(&self) -> ApiError {
        let message = match self.options.compaction {
            Some(_) => {
                "the model did not write a complete summary of the conversation; retry the request, \
                 or send a shorter conversation"
            }
            None => "the model's response was cut off",
        };
        ApiError::new(ErrorKind::BadGateway, message).code(ErrorCode::UpstreamConnectionError)
    }

    /// Handles the next output event. Nothing follows the end of the message.
    pub(super) fn accept(&mut self, event: OutputEvent<'_>) {
        if self.ending.is_some() {
            return;
        }
        if let Some(compaction) = &mut self.options.compaction {
            let is_complete = compaction.accept(event, &mut self.list);
            self.ending =
                is_complete.then(|| Ending::new(&StopReason::EndTurn, self.options.on_blocked));
            return;
        }
        match event {
            OutputEvent::MessageStart => {}
            OutputEvent::BlockStart { block, .. } => self.start(block),
            OutputEvent::BlockDelta { delta, .. } => self.delta(delta),
            OutputEvent::BlockStop { .. } => {
                // Text of the next block may follow in the same message, and whether a call is
                // complete is known when the next block or the end of the message comes.
                if matches!(self.open, Some(OpenItem::Reasoning(_))) {
                    self.close("completed", false);
                }
            }
            OutputEvent::MessageStop(reason) => {
                self.finish(Ending::new(reason, self.options.on_blocked));
            }
        }
    }

    /// Ends the items of a response that failed.
    pub(super) fn abort(&mut self) {
        if self.ending.is_none() {
            self.close("incomplete", true);
        }
    }

    fn finish(&mut self, ending: Ending) {
        self.ending = Some(ending);
        if ending.is_refusal {
            self.refuse();
        }
        self.close(ending.status(), ending.is_cut);
        if ending.is_complete && !self.has_output {
            // SDKs expect some output.
            self.open_message();
            if let Some(OpenItem::Message(message)) = &mut self.open {
                message.open_part(PartKind::Text, &mut self.list);
            }
            self.close("completed", false);
        }
    }

    fn start(&mut self, block: OutputBlock<'_>) {
        if let OutputBlock::Text | OutputBlock::Refusal = block {
            self.open_message();
            return;
        }
        self.close("completed", false);
        match block {
            OutputBlock::Text | OutputBlock::Refusal => {}
            OutputBlock::Reasoning => {
                let reasoning = OpenReasoning::start(self.options.reasoning, &mut self.list);
                self.open = Some(OpenItem::Reasoning(reasoning));
            }
            OutputBlock::RedactedReasoning(data) => {
                let mut reasoning = OpenReasoning::start(ReasoningView::Hidden, &mut self.list);
                reasoning.keep(ReasoningBlock::RedactedContent(data.to_owned()));
                reasoning.end(self.options.sealer.as_ref(), &mut self.list);
            }
            OutputBlock::ToolCall { id, name, kind } => self.start_call(id, name, kind),
        }
    }

    fn start_call(&mut self, call_id: &str, name: &str, kind: CallKind) {
        let special = self.options.tools.special(name);
        self.open = Some(match special {
            Some(tool) if tool.form != CallForm::Named => OpenItem::BuiltIn(BuiltInCall {
                form: tool.form,
                call_id: call_id.to_owned(),
                input: String::new(),
            }),
            special => {
                let tool = ToolName {
                    name: special.map_or(name, |tool| &tool.name),
                    namespace: special.and_then(|tool| tool.namespace.as_deref()),
                };
                self.has_output = true;
                OpenItem::Call(OpenCall::start(kind, call_id, tool, &mut self.list))
            }
        });
    }

    fn delta(&mut self, delta: OutputDelta<'_>) {
        match delta {
            OutputDelta::Text(text) => self.text(PartKind::Text, text),
            OutputDelta::Refusal(text) => {
                let kind = match self.options.on_blocked {
                    OnBlocked::Refusal => PartKind::Refusal,
                    OnBlocked::Completed | OnBlocked::Incomplete => PartKind::Text,
                };
                self.text(kind, text);
            }
            OutputDelta::Reasoning(text) => {
                if let Some(OpenItem::Reasoning(reasoning)) = &mut self.open {
                    reasoning.push(text, &mut self.list);
                }
            }
            OutputDelta::Input { fragment, .. } => match &mut self.open {
                Some(OpenItem::Call(call)) => call.push(fragment, &mut self.list),
                Some(OpenItem::BuiltIn(call)) => call.input.push_str(fragment),
                _ => {}
            },
            OutputDelta::Citation { citation, span } => {
                let start = self.message_start;
                let within = |position: usize| position.saturating_sub(start);
                let span = Span {
                    start: within(span.start),
                    end: within(span.end),
                };
                let annotation = annotation(citation, span);
                if let Some(OpenItem::Message(message)) = &mut self.open {
                    message.annotate(annotation, &mut self.list);
                }
            }
            OutputDelta::Signature(reasoning) => {
                if let Some(OpenItem::Reasoning(open)) = &mut self.open {
                    open.keep(ReasoningBlock::ReasoningText(reasoning.clone()));
                }
            }
            // The client cannot request probabilities.
            OutputDelta::Logprobs(_) => {}
        }
    }

    fn text(&mut self, kind: PartKind, text: &str) {
        self.open_message();
        self.characters += text.chars().count();
        if let Some(OpenItem::Message(message)) = &mut self.open {
            message.push(kind, text, &mut self.list);
        }
    }

    /// Starts a message, unless one is open.
    fn open_message(&mut self) {
        if matches!(self.open, Some(OpenItem::Message(_))) {
            return;
        }
        self.close("completed", false);
        self.has_output = true;
        self.message_start = self.characters;
        let message = OpenMessage::start(&mut self.list);
        self.open = Some(OpenItem::Message(message));
    }

    /// Adds a refusal with the text that the client has, unless it is one already.
    fn refuse(&mut self) {
        let text = match &self.open {
            Some(OpenItem::Message(message)) if message.is_refusal() => return,
            Some(OpenItem::Message(message)) => message.text().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        if !matches!(self.open, Some(OpenItem::Message(_))) {
            self.close("completed", true);
        }
        self.text(
            PartKind::Refusal,
            if text.is_empty() { REFUSED } else { &text },
        );
    }

    /// Completes the open item; `status` is that of a message.
    fn close(&mut self, status: &'static str, is_cut: bool) {
        match self.open.take() {
            Some(OpenItem::Message(message)) => message.end(status, &mut self.list),
            Some(OpenItem::Reasoning(reasoning)) => {
                reasoning.end(self.options.sealer.as_ref(), &mut self.list);
            }
            Some(OpenItem::Call(call)) => call.end(is_cut, &mut self.list),
            Some(OpenItem::BuiltIn(call)) => {
                // Its item is added when it is complete.
                let complete = self.list.items.len();
                call.end(is_cut, &mut self.list);
                self.has_output |= self.list.items.len() > complete;
            }
            None => {}
        }
    }
}
