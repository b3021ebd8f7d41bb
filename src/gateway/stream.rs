//! A streamed response, with one or several choices.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::select_all;

use super::account::Account;
use crate::bedrock::{EventSource, UpstreamError};
use crate::converse::dialect::StreamWriter;
use crate::converse::event::Event;
use crate::converse::output::{OutputEvents, OutputOptions, ResponseSummary};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::limits::Permit;
use crate::usage::Ledger;

/// A response stream that is written to a client event by event.
pub trait ResponseStream {
    /// The ledger of the request.
    fn ledger(&self) -> &Arc<Ledger>;

    /// The next bytes for the client, with everything that has arrived; `None` at the end. Cancel
    /// safe.
    ///
    /// Fails if the response was cut off. [`ResponseStream::fail`] then returns the last bytes.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, ApiError>> + Send;

    /// The event that reports `error` and ends the stream.
    fn fail(&mut self, error: &ApiError) -> Bytes;

    /// Whether everything has arrived, so that only the end of the stream is missing.
    fn is_finished(&self) -> bool;

    /// Records the end of a complete stream, and returns its last bytes.
    fn done(&mut self) -> Bytes;
}

/// A stream in progress. Dropping it ends the calls to Bedrock and releases their slots.
#[derive(Debug)]
pub struct ChatStream<W> {
    branches: Vec<Branch>,
    /// The number of choices for each prompt.
    choices: u32,
    writer: W,
    account: Account,
    _permits: Vec<Permit>,
}

/// One of the choices.
#[derive(Debug)]
struct Branch {
    source: EventSource,
    output_events: OutputEvents,
    has_metadata: bool,
    /// Whether no more events are expected from Bedrock.
    ended: bool,
}

/// The events of one choice that have arrived.
struct Arrival {
    branch: usize,
    events: Vec<Event>,
    more: bool,
}

impl<W: StreamWriter> ChatStream<W> {
    pub(super) fn new(
        sources: Vec<EventSource>,
        output_options: &Arc<OutputOptions>,
        mut writer: W,
        account: Account,
        permits: Vec<Permit>,
    ) -> Self {
        let mut branches: Vec<Branch> = sources
            .into_iter()
            .map(|source| Branch {
                source,
                output_events: OutputEvents::new(Arc::clone(output_options)),
                has_metadata: false,
                ended: false,
            })
            .collect();
        if branches.len() > 1 {
            // Clients order the choices by their first chunk.
            for (choice, branch) in (0..).zip(&mut branches) {
                writer.choose(choice);
                branch.output_events.start(&mut writer);
            }
        }
        Self {
            branches,
            choices: output_options.choices,
            writer,
            account,
            _permits: permits,
        }
    }

    /// The next events of any choice; `None` when all have ended.
    async fn arrival(&mut self) -> Result<Option<Arrival>, ApiError> {
        let open = self.branches.iter_mut().enumerate();
        let mut open: Vec<(usize, &mut Branch)> =
            open.filter(|(_, branch)| !branch.ended).collect();
        let arrival = match open.as_mut_slice() {
            [] => return Ok(None),
            [(index, branch)] => branch.arrival(*index).await,
            several => {
                let waiting = several.iter_mut();
                let waiting = waiting.map(|(index, branch)| Box::pin(branch.arrival(*index)));
                // Dropping the other futures loses no events.
                select_all(waiting).await.0
            }
        };
        let arrival = arrival.map_err(|error| self.account.client_error(error))?;
        Ok(Some(arrival))
    }

    fn accept(&mut self, arrival: Arrival) -> Result<(), ApiError> {
        let Arrival {
            branch: index,
            events,
            more,
        } = arrival;
        let Some(branch) = self.branches.get_mut(index) else {
            return Ok(());
        };
        let was_open = branch.output_events.stop_reason().is_none();
        self.writer.choose(u32::try_from(index).unwrap_or_default());
        for event in &events {
            branch.output_events.accept(event, &mut self.writer)?;
        }
        branch.settle_end(&events);
        let has_finished = was_open && branch.output_events.stop_reason().is_some();
        if has_finished {
            self.account.remember(&mut branch.output_events);
        }
        if !more {
            branch.ended = true;
            if branch.output_events.stop_reason().is_none() {
                return Err(broke_off());
            }
        }
        self.account.note_progress(&events);
        let all = self.branches.iter().map(|branch| &branch.output_events);
        if has_finished {
            self.account.note_finish(all.clone());
        }
        self.account.note_left_out(all);
        if self
            .branches
            .iter()
            .all(|branch| branch.output_events.usage().is_some())
        {
            self.account
                .settle(self.branches.iter().map(|branch| &branch.output_events));
        }
        Ok(())
    }
}

impl<W: StreamWriter> ResponseStream for ChatStream<W> {
    fn ledger(&self) -> &Arc<Ledger> {
        self.account.ledger()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let Some(arrival) = self.arrival().await? else {
                return Ok(None);
            };
            self.accept(arrival)?;
            if !self.writer.is_empty() {
                return Ok(Some(self.writer.take()));
            }
        }
    }

    fn fail(&mut self, error: &ApiError) -> Bytes {
        self.writer.error(error);
        self.writer.take()
    }

    fn is_finished(&self) -> bool {
        self.branches
            .iter()
            .all(|branch| branch.output_events.stop_reason().is_some())
    }

    fn done(&mut self) -> Bytes {
        self.ledger().completed();
        let summaries = self.branches.iter();
        let summaries: Vec<ResponseSummary> = summaries
            .map(|branch| branch.output_events.summary().clone())
            .collect();
        self.writer
            .done(&ResponseSummary::of_prompts(&summaries, self.choices));
        self.writer.take()
    }
}

impl Branch {
    /// Ends with the last event, `metadata`, rather than with the connection.
    fn settle_end(&mut self, events: &[Event]) {
        let has_metadata = |event: &Event| matches!(event, Event::Metadata(_));
        self.has_metadata |= events.iter().any(has_metadata);
        let EventSource::Live(stream) = &mut self.source else {
            return;
        };
        if self.output_events.stop_reason().is_some() {
            stream.expect_end();
            if self.has_metadata {
                stream.close();
                self.ended = true;
            }
        }
    }

    async fn arrival(&mut self, index: usize) -> Result<Arrival, UpstreamError> {
        let mut events = Vec::new();
        let more = match &mut self.source {
            EventSource::Live(stream) => stream.next(&mut events).await?,
            EventSource::Complete(buffered) => {
                events.append(buffered);
                !events.is_empty()
            }
        };
        Ok(Arrival {
            branch: index,
            events,
            more,
        })
    }
}

/// The error for a stream from Bedrock that ended before `messageStop`.
pub(crate) fn broke_off() -> ApiError {
    ApiError::new(ErrorKind::BadGateway, "the model's response was cut off")
        .code(ErrorCode::UpstreamConnectionError)
}
