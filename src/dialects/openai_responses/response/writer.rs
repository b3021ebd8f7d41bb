//! Output events as the server-sent events of the Responses API.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::events::SseEvents;
use super::failure::FailureObject;
use super::finished::{FailedResponse, FinishedResponse};
use super::head::{ResponseHead, ResponseObject, ResponseState};
use super::items::Items;
use super::json_of;
use crate::converse::dialect::StreamWriter;
use crate::converse::output::{OutputEvent, OutputWriter, ResponseSummary};
use crate::error::ApiError;

/// Writes the events of one response into a buffer.
#[derive(Debug)]
pub struct ResponsesWriter {
    head: Arc<ResponseHead>,
    items: Items<SseEvents>,
    clock: fn() -> u64,
    /// Whether the response has ended.
    has_ended: bool,
    /// A response that is stored before its end is written.
    finished: Option<FinishedResponse>,
    /// A response that has failed in the background.
    failed: Option<FailedResponse>,
    /// Whether the last event was written.
    is_over: bool,
}

/// An event about the whole response.
#[derive(Serialize)]
struct Lifecycle<'a> {
    response: ResponseObject<'a>,
}

impl ResponsesWriter {
    /// A writer that has written the first events.
    pub(super) fn new(
        head: Arc<ResponseHead>,
        mut items: Items<SseEvents>,
        clock: fn() -> u64,
    ) -> Self {
        let event = Lifecycle {
            response: ResponseObject::new(&head, ResponseState::in_progress(&head)),
        };
        if !head.in_background {
            items.list.event("response.created", &event);
        }
        items.list.event("response.in_progress", &event);
        Self {
            head,
            items,
            clock,
            has_ended: false,
            finished: None,
            failed: None,
            is_over: false,
        }
    }

    /// The response that has ended and is to be stored. [`end`](Self::end) then writes its end.
    pub fn finished(&mut self) -> Option<FinishedResponse> {
        self.finished.take()
    }

    /// The response in the background that has failed and is to be stored.
    pub fn failed(&mut self) -> Option<FailedResponse> {
        self.failed.take()
    }

    /// Writes the last event, which states whether the response is stored.
    pub fn end(&mut self, finished: &FinishedResponse, is_stored: bool) {
        let kind = match finished.status() {
            "completed" => "response.completed",
            _ => "response.incomplete",
        };
        let event = Lifecycle {
            response: ResponseObject::new(&self.head, finished.state(is_stored)),
        };
        self.items.list.event(kind, &event);
        self.is_over = true;
    }
}

impl OutputWriter for ResponsesWriter {
    fn output(&mut self, output: OutputEvent<'_>) {
        if !self.has_ended {
            self.items.accept(output);
        }
    }
}

impl StreamWriter for ResponsesWriter {
    fn take(&mut self) -> Bytes {
        self.items.list.sink.take()
    }

    fn is_empty(&self) -> bool {
        self.items.list.sink.is_empty()
    }

    fn choose(&mut self, _choice: u32) {
        // A request has one choice.
    }

    fn keepalive(&mut self) -> Bytes {
        if !self.is_over {
            self.items.list.sink.keepalive();
        }
        self.take()
    }

    fn done(&mut self, summary: &ResponseSummary) {
        let Some(ending) = self.items.ending() else {
            let error = self.items.missing_ending();
            return self.error(&error);
        };
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let finished = FinishedResponse {
            ending,
            output: std::mem::take(&mut self.items.list.items),
            summary: summary.clone(),
            ended_at: (self.clock)(),
        };
        match self.head.is_stored {
            true => self.finished = Some(finished),
            false => self.end(&finished, false),
        }
    }

    fn error(&mut self, error: &ApiError) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        self.items.abort();
        let output = std::mem::take(&mut self.items.list.items);
        let failure = FailureObject::from(error);
        let state = ResponseState {
            status: "failed",
            error: Some(&failure),
            output: &output,
            // What fails while a client waits is not stored.
            is_stored: self.head.in_background,
            ..ResponseState::in_progress(&self.head)
        };
        let event = Lifecycle {
            response: ResponseObject::new(&self.head, state),
        };
        self.items.list.event("response.failed", &event);
        self.is_over = true;
        if self.head.in_background {
            let document = json_of(&ResponseObject::new(
                &self.head,
                ResponseState {
                    output: &[],
                    ..state
                },
            ));
            self.failed = Some(FailedResponse { document, output });
        }
    }
}
