//! Builds the client's response, complete or as a stream with one or several choices.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::select_all;

use super::OpenCall;
use super::prepare::PreparedRequest;
use super::settle::Account;
use crate::bedrock::{EventSource, UpstreamError};
use crate::converse::dialect::{ResponseFormat, StreamWriter};
use crate::converse::event::Event;
use crate::converse::output::{OutputEvents, OutputOptions, OutputWriter, ResponseSummary};
use crate::error::{ApiError, ErrorCode, ErrorKind, Field, OutputField};
use crate::limits::Permit;
use crate::reply::{Adjustments, Reply, ResponseStream};
use crate::usage::Ledger;

/// The body of a chat response.
#[derive(Debug)]
pub enum ChatBody<W> {
    /// The JSON of a non-streaming response.
    Complete(Bytes),
    /// A stream in progress.
    Stream(Box<ChatStream<W>>),
}

/// The response to a request whose calls are open.
pub(crate) fn respond<F: ResponseFormat>(
    open_call: OpenCall,
    account: Account,
    format: &F,
) -> Result<Reply<ChatBody<F::Stream>>, ApiError> {
    let OpenCall {
        sources,
        prepared,
        permits,
    } = open_call;
    let PreparedRequest {
        output_options,
        mut adjustments,
        ..
    } = prepared;
    if output_options.stream {
        let writer = format.stream(&output_options);
        let stream = ChatStream::new(sources, &output_options, writer, account, permits);
        return Ok(Reply {
            adjustments,
            cost: None,
            body: ChatBody::Stream(Box::new(stream)),
        });
    }
    let choices = (0..).zip(&sources);
    let choices = choices.map(|(index, _)| format.choice(index, &output_options));
    let choices = choices.collect();
    let (choices, summary) = fold_responses(
        sources,
        choices,
        &output_options,
        &account,
        &mut adjustments,
    )?;
    let json = format.json(&choices, &output_options, &summary)?;
    Ok(Reply {
        adjustments: adjustments.named(format.names()),
        cost: account.ledger().cost(),
        body: ChatBody::Complete(json.into()),
    })
}

/// Writes complete responses to `writers`, one each, and returns the summaries.
fn fold_responses<S: OutputWriter>(
    sources: Vec<EventSource>,
    mut writers: Vec<S>,
    output_options: &Arc<OutputOptions>,
    account: &Account,
    adjustments: &mut Adjustments,
) -> Result<(Vec<S>, ResponseSummary), ApiError> {
    let mut choices = Vec::with_capacity(sources.len());
    let mut failed = None;
    for (source, writer) in sources.into_iter().zip(&mut writers) {
        let mut output_events = OutputEvents::new(Arc::clone(output_options));
        let events = match source {
            EventSource::Complete(events) => events,
            // A non-streaming request has only complete responses.
            EventSource::Live(_) => return Err(ApiError::internal()),
        };
        for event in events {
            // Usage is recorded even if the response is invalid.
            failed = failed.or(output_events.accept(&event, writer).err());
        }
        account.remember(&mut output_events);
        choices.push(output_events);
    }
    account.settle(choices.iter());
    account.note_finish(choices.iter());
    let (undelivered, withheld) = account.note_left_out(choices.iter());
    if withheld > 0 {
        let action = format!("{withheld} removed: not allowed by the request");
        adjustments.note(Field::Output(OutputField::ToolCalls), action);
    }
    if undelivered > 0 {
        let action = format!("blocks of an unknown kind removed: {undelivered}");
        adjustments.note(Field::Output(OutputField::Messages), action);
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let summaries: Vec<ResponseSummary> = choices
        .iter()
        .map(|output_events| output_events.summary().clone())
        .collect();
    Ok((
        writers,
        ResponseSummary::of_prompts(&summaries, output_options.choices),
    ))
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
    /// Events that have arrived and were not written yet. A field, so that it is allocated once.
    events: Vec<Event>,
    output_events: OutputEvents,
    has_metadata: bool,
    /// Whether no more events are expected from Bedrock.
    ended: bool,
}

/// Events of one choice have arrived.
struct Arrival {
    branch: usize,
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
                events: Vec::new(),
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

    /// The writer, for a dialect that completes a stream itself.
    pub(crate) fn writer(&mut self) -> &mut W {
        &mut self.writer
    }

    /// The next events of any choice; `None` when all have ended.
    async fn arrival(&mut self) -> Result<Option<Arrival>, ApiError> {
        let open = self.branches.iter_mut().enumerate();
        let mut open = open.filter(|(_, branch)| !branch.ended);
        let arrival = match (open.next(), open.next()) {
            (None, _) => return Ok(None),
            (Some((index, branch)), None) => branch.arrival(index).await,
            (Some(first), Some(second)) => {
                let several = [first, second].into_iter().chain(open);
                let waiting = several.map(|(index, branch)| Box::pin(branch.arrival(index)));
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
            more,
        } = arrival;
        let Some(branch) = self.branches.get_mut(index) else {
            return Ok(());
        };
        let was_open = branch.output_events.stop_reason().is_none();
        self.writer.choose(u32::try_from(index).unwrap_or_default());
        for event in &branch.events {
            branch.output_events.accept(event, &mut self.writer)?;
        }
        branch.settle_end();
        self.account.note_progress(&branch.events);
        branch.events.clear();
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

    fn keepalive(&mut self) -> Bytes {
        self.writer.keepalive()
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
    fn settle_end(&mut self) {
        let has_metadata = |event: &Event| matches!(event, Event::Metadata(_));
        self.has_metadata |= self.events.iter().any(has_metadata);
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
        let more = match &mut self.source {
            EventSource::Live(stream) => stream.next(&mut self.events).await?,
            EventSource::Complete(buffered) => {
                self.events.append(buffered);
                !self.events.is_empty()
            }
        };
        Ok(Arrival {
            branch: index,
            more,
        })
    }
}

/// The error for a stream from Bedrock that ended before `messageStop`.
pub(crate) fn broke_off() -> ApiError {
    ApiError::new(ErrorKind::BadGateway, "the model's response was cut off")
        .code(ErrorCode::UpstreamConnectionError)
}
