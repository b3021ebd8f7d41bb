//! Stores the events of a response as they come, several at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::converse::dialect::StreamWriter;
use crate::dialects::openai_responses::response::count_events;
use crate::dialects::openai_responses::service::state::ResponseState;
use crate::dialects::openai_responses::stored::output_items;
use crate::dialects::openai_responses::{FailedResponse, ResponseHead, ResponsesWriter};
use crate::error::ApiError;
use crate::gateway::ChatStream;
use crate::reply::ResponseStream;
use crate::store::{ResponseEnd, ResponseEvents, StoreError};

/// Events are stored when they have this length, in bytes.
const MAX_PENDING: usize = 16 << 10;

/// Events are stored after this time.
const MAX_DELAY: Duration = Duration::from_millis(50);

/// When a response ends early.
#[derive(Debug)]
pub(super) struct Deadline {
    /// It takes too long then.
    pub(super) at: Instant,
    /// The process ends.
    pub(super) is_ending: watch::Receiver<bool>,
}

/// The events of a response in progress.
#[derive(Debug)]
pub(super) struct Recorder<'a> {
    state: &'a ResponseState,
    id: &'a str,
    /// Events that are not stored yet.
    pending: Vec<u8>,
    /// The number of the first of them.
    first_number: u64,
}

impl Deadline {
    /// Waits until the response ends early; returns the reason.
    pub(super) async fn reached(&mut self) -> ApiError {
        tokio::select! {
            () = sleep_until(self.at) => super::run::timed_out(),
            // An error means that the process ends, too.
            _ = self.is_ending.wait_for(|is_ending| *is_ending) => super::run::interrupted(),
        }
    }
}

impl<'a> Recorder<'a> {
    /// A recorder of the events from `first_number` on.
    pub(super) fn new(state: &'a ResponseState, id: &'a str, first_number: u64) -> Self {
        Self {
            state,
            id,
            pending: Vec::new(),
            first_number,
        }
    }

    /// Stores the events of `stream`, and returns its end; `None` if the response has been ended by
    /// somebody else.
    pub(super) async fn record(
        mut self,
        mut stream: ChatStream<ResponsesWriter>,
        head: &Arc<ResponseHead>,
        deadline: &mut Deadline,
    ) -> Result<Option<ResponseEnd>, StoreError> {
        let mut store_at = Instant::now();
        let ended = loop {
            let step = tokio::select! {
                biased;
                () = sleep_until(store_at), if !self.pending.is_empty() => {
                    if !self.store().await? {
                        return Ok(None);
                    }
                    continue;
                }
                step = stream.next() => step,
                error = deadline.reached() => Err(error),
            };
            match step {
                Ok(Some(bytes)) => {
                    if self.pending.is_empty() {
                        store_at = Instant::now() + MAX_DELAY;
                    }
                    self.pending.extend_from_slice(&bytes);
                    if self.pending.len() >= MAX_PENDING && !self.store().await? {
                        return Ok(None);
                    }
                }
                Ok(None) => break Ok(()),
                Err(_) if stream.is_finished() => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let last = match &ended {
            Ok(()) => stream.done(),
            Err(error) => {
                stream.ledger().broken();
                stream.ledger().failed(error);
                stream.fail(error)
            }
        };
        self.pending.extend_from_slice(&last);
        self.end(stream.writer(), head).map(Some)
    }

    /// The end of the response that `writer` has written.
    fn end(
        mut self,
        writer: &mut ResponsesWriter,
        head: &ResponseHead,
    ) -> Result<ResponseEnd, StoreError> {
        let (status, document, output) = match writer.finished() {
            Some(finished) => {
                writer.end(&finished, true);
                self.pending.extend_from_slice(&writer.take());
                let document = finished.document(head);
                (
                    finished.status(),
                    document,
                    output_items(finished.output())?,
                )
            }
            None => {
                let FailedResponse { document, output } = match writer.failed() {
                    Some(failed) => failed,
                    None => head.failed(&ApiError::internal()),
                };
                ("failed", document, output_items(&output)?)
            }
        };
        let events = self.take();
        Ok(ResponseEnd {
            status: status.into(),
            document: document.into_text().into(),
            output,
            events: (!events.events.is_empty()).then_some(events),
        })
    }

    /// Stores the pending events; `false` if the response has ended.
    async fn store(&mut self) -> Result<bool, StoreError> {
        let events = self.take();
        self.state.add_events(self.id, events).await
    }

    fn take(&mut self) -> ResponseEvents {
        let events = Bytes::from(std::mem::take(&mut self.pending));
        let text = String::from_utf8_lossy(&events);
        let first_number = self.first_number;
        self.first_number += count_events(&text);
        ResponseEvents {
            first_number,
            events: text.into(),
        }
    }
}
