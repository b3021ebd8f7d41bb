//! Builds the client's response, complete or streamed.

use std::sync::Arc;

use bytes::Bytes;

use super::account::Account;
use super::prepare::PreparedRequest;
use super::send::OpenCall;
use super::stream::ChatStream;
use crate::bedrock::EventSource;
use crate::converse::dialect::ResponseFormat;
use crate::converse::output::{OutputEvents, OutputOptions, OutputWriter, ResponseSummary};
use crate::error::{ApiError, Field, OutputField};
use crate::limits::Permit;
use crate::reply::{Adjustments, Reply};

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
    let rate = permits.last().and_then(Permit::rate);
    let output_options = Arc::new(output_options);
    if output_options.stream {
        let writer = format.stream(&output_options);
        let stream = ChatStream::new(sources, &output_options, writer, account, permits);
        return Ok(Reply {
            adjustments,
            rate,
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
    let json = format.json(&choices, &output_options, &summary);
    let json = json.map_err(|_| ApiError::internal())?;
    Ok(Reply {
        adjustments: adjustments.named(format.names()),
        rate,
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
