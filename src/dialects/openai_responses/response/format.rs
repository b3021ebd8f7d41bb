//! The format of a response: events, or one object.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::Serialize;

use super::compaction::Compaction;
use super::events::{EventSink, NoEvents, SseEvents};
use super::finished::FinishedResponse;
use super::head::{ResponseHead, ResponseObject, ResponseState};
use super::items::{ItemOptions, Items};
use super::reasoning::ReasoningView;
use super::writer::ResponsesWriter;
use crate::config::OnBlocked;
use crate::converse::JsonText;
use crate::converse::dialect::ResponseFormat;
use crate::converse::output::{OutputEvent, OutputOptions, OutputWriter, ResponseSummary};
use crate::dialects::openai_responses::envelope::ReasoningSealer;
use crate::dialects::openai_responses::field_names::ResponsesFieldNames;
use crate::dialects::openai_responses::request::types::ResponsesRequest;
use crate::dialects::openai_responses::request::{ToolTable, is_triggered};
use crate::error::{ApiError, FieldNames};
use crate::models::ReasoningReplay;
use crate::resources::seals::Sealer;

/// The format of the response to a Responses request.
#[derive(Debug, Clone)]
pub struct ResponsesFormat {
    head: Arc<ResponseHead>,
    tools: Arc<ToolTable>,
    names: ResponsesFieldNames,
    shows_reasoning: bool,
    on_blocked: OnBlocked,
    /// Whether the response is a summary of the conversation.
    compacts: bool,
    sealer: Option<Sealer>,
    clock: fn() -> u64,
    /// A non-streaming response that is stored.
    finished: OnceLock<FinishedResponse>,
}

impl ResponsesFormat {
    /// The format of the response with this head to `request`. `clock` gives the time in Unix
    /// seconds.
    pub fn new(
        head: ResponseHead,
        request: &ResponsesRequest,
        on_blocked: OnBlocked,
        clock: fn() -> u64,
    ) -> Self {
        let reasoning = request.reasoning.as_ref();
        let shows_reasoning = reasoning.is_some_and(|reasoning| {
            reasoning.summary.is_some() || reasoning.generate_summary.is_some()
        });
        Self {
            head: Arc::new(head),
            tools: Arc::new(ToolTable::of(request)),
            names: ResponsesFieldNames::of(request),
            shows_reasoning,
            on_blocked,
            compacts: request.items().is_some_and(is_triggered),
            sealer: None,
            clock,
            finished: OnceLock::new(),
        }
    }

    /// The format of a response that is stored when it has ended.
    #[must_use]
    pub fn stored(self) -> Self {
        // Nothing shares the head of a new format.
        let head = Arc::unwrap_or_clone(self.head).stored();
        Self {
            head: Arc::new(head),
            ..self
        }
    }

    /// The format of a response that was created at this time, in Unix seconds.
    #[must_use]
    pub fn created_at(self, created_at: u64) -> Self {
        let head = Arc::unwrap_or_clone(self.head).at(created_at);
        Self {
            head: Arc::new(head),
            ..self
        }
    }

    /// The format of a response that is generated in the background.
    #[must_use]
    pub fn in_background(self) -> Self {
        // Nothing shares the head of a new format.
        let head = Arc::unwrap_or_clone(self.head).in_background();
        Self {
            head: Arc::new(head),
            ..self
        }
    }

    /// The format of a summary of the conversation.
    #[must_use]
    pub(super) fn compacting(self) -> Self {
        Self {
            compacts: true,
            ..self
        }
    }

    /// The number of events in front of those of the model's response.
    pub const QUEUED_EVENTS: u64 = 2;

    /// The object of a queued response, and its first events.
    pub fn queued(&self) -> (JsonText, Bytes) {
        let response = self.head.started("queued");
        let event = Queued {
            response: &response,
        };
        let mut events = SseEvents::default();
        events.event("response.created", &event);
        events.event("response.queued", &event);
        let events = events.take();
        (response, events)
    }

    /// The format with sealed reasoning, which the client can send back.
    #[must_use]
    pub fn sealed_by(self, sealer: Option<Sealer>) -> Self {
        Self { sealer, ..self }
    }

    /// Seals the reasoning of a response; `None` if the model accepts none back.
    fn reasoning_sealer(&self, output_options: &OutputOptions) -> Option<ReasoningSealer> {
        if output_options.reasoning_replay == ReasoningReplay::None {
            return None;
        }
        Some(ReasoningSealer {
            sealer: self.sealer.clone()?,
            origin: Arc::clone(output_options.origin.as_ref()?),
            made_at: self.head.created_at(),
            instructions: output_options.instructions.clone(),
            seals_text: output_options.reasoning_replay == ReasoningReplay::Text,
        })
    }

    /// What is known of the response in advance.
    pub fn head(&self) -> &Arc<ResponseHead> {
        &self.head
    }

    /// The non-streaming response that has been written and is to be stored; `None` if it is not
    /// stored.
    pub fn finished(&mut self) -> Option<FinishedResponse> {
        self.finished.take()
    }

    fn options(&self, output_options: &OutputOptions) -> ItemOptions {
        ItemOptions {
            stem: self.head.stem().to_owned(),
            tools: Arc::clone(&self.tools),
            reasoning: match output_options.reasoning_replay {
                _ if self.shows_reasoning => ReasoningView::Summary,
                // Their text is a summary.
                ReasoningReplay::Signed => ReasoningView::Hidden,
                ReasoningReplay::None | ReasoningReplay::Redacted | ReasoningReplay::Text => {
                    ReasoningView::Content
                }
            },
            sealer: self.reasoning_sealer(output_options),
            on_blocked: self.on_blocked,
            compaction: self.compacts.then(|| Compaction {
                sealer: self.sealer.clone(),
                made_at: self.head.created_at(),
                text: String::new(),
            }),
        }
    }
}

#[derive(Serialize)]
struct Queued<'a> {
    response: &'a JsonText,
}

impl ResponseFormat for ResponsesFormat {
    type Stream = ResponsesWriter;
    type Choice = ResponsesOutput;

    fn names(&self) -> &dyn FieldNames {
        &self.names
    }

    fn stream(&self, output_options: &OutputOptions) -> ResponsesWriter {
        let number = match self.head.in_background {
            true => Self::QUEUED_EVENTS,
            false => 0,
        };
        let events = SseEvents::starting_at(number);
        let items = Items::new(self.options(output_options), events);
        ResponsesWriter::new(Arc::clone(&self.head), items, self.clock)
    }

    fn choice(&self, _index: u32, output_options: &OutputOptions) -> ResponsesOutput {
        ResponsesOutput {
            items: Items::new(self.options(output_options), NoEvents),
        }
    }

    fn json(
        &self,
        choices: &[ResponsesOutput],
        _output_options: &OutputOptions,
        summary: &ResponseSummary,
    ) -> Result<Vec<u8>, ApiError> {
        // A request has one choice.
        let items = &choices.first().ok_or_else(ApiError::internal)?.items;
        let ending = items.ending().ok_or_else(|| items.missing_ending())?;
        let ended_at = (self.clock)();
        let state = ResponseState {
            is_stored: self.head.is_stored,
            ..ending.state(&items.list.items, summary, ended_at)
        };
        let json = serde_json::to_vec(&ResponseObject::new(&self.head, state));
        if self.head.is_stored {
            self.finished.get_or_init(|| FinishedResponse {
                ending,
                output: items.list.items.clone(),
                summary: summary.clone(),
                ended_at,
            });
        }
        json.map_err(|_| ApiError::internal())
    }
}

/// The output of a non-streaming response.
#[derive(Debug)]
pub struct ResponsesOutput {
    items: Items<NoEvents>,
}

impl ResponsesOutput {
    /// The items of a response that is complete.
    pub(super) fn complete_items(&self) -> Result<&[JsonText], ApiError> {
        match self.items.ending() {
            Some(_) => Ok(&self.items.list.items),
            None => Err(self.items.missing_ending()),
        }
    }
}

impl OutputWriter for ResponsesOutput {
    fn output(&mut self, output: OutputEvent<'_>) {
        self.items.accept(output);
    }
}
