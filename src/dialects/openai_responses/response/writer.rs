//! Output events as the server-sent events of the Responses API.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::events::SseEvents;
use super::failure::FailureObject;
use super::head::{ResponseHead, ResponseObject, ResponseState};
use super::items::Items;
use crate::converse::dialect::StreamWriter;
use crate::converse::output::{OutputEvent, OutputWriter, ResponseSummary};
use crate::error::{ApiError, ErrorCode, ErrorKind};

/// Writes the events of one response into a buffer.
#[derive(Debug)]
pub struct ResponsesWriter {
    head: Arc<ResponseHead>,
    items: Items<SseEvents>,
    clock: fn() -> u64,
    has_ended: bool,
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
            response: ResponseObject::new(&head, ResponseState::in_progress()),
        };
        items.list.event("response.created", &event);
        items.list.event("response.in_progress", &event);
        Self {
            head,
            items,
            clock,
            has_ended: false,
        }
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
        if !self.has_ended {
            self.items.list.sink.keepalive();
        }
        self.take()
    }

    fn done(&mut self, summary: &ResponseSummary) {
        let Some(ending) = self.items.ending() else {
            let error = ApiError::new(ErrorKind::BadGateway, "the model's response was cut off");
            return self.error(&error.code(ErrorCode::UpstreamConnectionError));
        };
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let output = std::mem::take(&mut self.items.list.items);
        let state = ending.state(&output, summary, (self.clock)());
        let kind = match state.status {
            "completed" => "response.completed",
            _ => "response.incomplete",
        };
        let event = Lifecycle {
            response: ResponseObject::new(&self.head, state),
        };
        self.items.list.event(kind, &event);
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
            ..ResponseState::in_progress()
        };
        let event = Lifecycle {
            response: ResponseObject::new(&self.head, state),
        };
        self.items.list.event("response.failed", &event);
    }
}
