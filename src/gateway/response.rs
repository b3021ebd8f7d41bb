//! Builds the client's response, complete or streamed.

use std::sync::Arc;

use super::account::Account;
use super::send::OpenCall;
use super::stream::{ChatStream, EventSource};
use super::writer::EndpointWriter;
use super::{ChatBody, unix_seconds};
use crate::converse::output::{OutputEvents, OutputOptions, OutputWriter, ResponseSummary};
use crate::dialects::openai_chat::{ChatFieldNames, ChunkWriter, Completion, CompletionHead};
use crate::dialects::openai_completions::{CompletionFieldNames, TextCompletion, TextWriter};
use crate::error::{ApiError, Field, OutputField};
use crate::gateway::prepare::PreparedRequest;
use crate::limits::Permit;
use crate::reply::{Adjustments, Reply};
use crate::resources::ids::response_id;

/// The response to a chat request; the client calls the model `name`.
pub(crate) fn chat(
    open_call: OpenCall,
    account: Account,
    name: &str,
) -> Result<Reply<ChatBody>, ApiError> {
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
    let output_options = Arc::new(output_options);
    let id = response_id("chatcmpl-");
    let created = unix_seconds();
    if output_options.stream {
        let legacy = output_options.legacy_functions;
        let writer = ChunkWriter::new(&id, created, name, output_options.include_usage, legacy);
        let writer = EndpointWriter::Chat(writer);
        return Ok(stream_reply(
            sources,
            &output_options,
            writer,
            account,
            permits,
            adjustments,
        ));
    }
    let completions = sources
        .iter()
        .map(|_| Completion::new(output_options.legacy_functions));
    let completions = completions.collect();
    let (completions, summary) = fold_responses(
        sources,
        completions,
        &output_options,
        &account,
        &mut adjustments,
    )?;
    let head = CompletionHead {
        id: &id,
        created,
        model: name,
        metadata: output_options.metadata.as_ref(),
    };
    let json = Completion::to_json(&completions, head, &summary);
    json_reply(json, &account, &permits, adjustments.named(&ChatFieldNames))
}

/// The response to a completion request, with the choices of each prompt in order; the client calls
/// the model `name`. `echoed` has the prompts to return.
pub(crate) fn completion(
    open_call: OpenCall,
    account: Account,
    name: &str,
    echoed: Vec<String>,
) -> Result<Reply<ChatBody>, ApiError> {
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
    let output_options = Arc::new(output_options);
    let id = response_id("cmpl-");
    let created = unix_seconds();
    let choices = output_options.choices;
    if output_options.stream {
        let writer = TextWriter::new(
            &id,
            created,
            name,
            output_options.include_usage,
            echoed,
            choices,
        );
        let writer = EndpointWriter::Text(writer);
        return Ok(stream_reply(
            sources,
            &output_options,
            writer,
            account,
            permits,
            adjustments,
        ));
    }
    let texts = (0..).zip(&sources).map(|(index, _): (u32, _)| {
        let prompt = index.checked_div(choices).unwrap_or_default();
        TextCompletion::new(echoed.get(prompt as usize).map(String::as_str))
    });
    let texts = texts.collect();
    let (texts, summary) =
        fold_responses(sources, texts, &output_options, &account, &mut adjustments)?;
    let head = CompletionHead {
        id: &id,
        created,
        model: name,
        metadata: None,
    };
    let json = TextCompletion::to_json(&texts, head, &summary);
    let names = CompletionFieldNames { prompt: None };
    json_reply(json, &account, &permits, adjustments.named(&names))
}

fn stream_reply(
    sources: Vec<EventSource>,
    output_options: &Arc<OutputOptions>,
    writer: EndpointWriter,
    account: Account,
    permits: Vec<Permit>,
    adjustments: Adjustments,
) -> Reply<ChatBody> {
    let rate = permits.last().and_then(Permit::rate);
    let stream = ChatStream::new(sources, output_options, writer, account, permits);
    Reply {
        adjustments,
        rate,
        cost: None,
        body: ChatBody::Stream(Box::new(stream)),
    }
}

fn json_reply(
    json: serde_json::Result<Vec<u8>>,
    account: &Account,
    permits: &[Permit],
    adjustments: Adjustments,
) -> Result<Reply<ChatBody>, ApiError> {
    let json = json.map_err(|_| ApiError::internal())?;
    Ok(Reply {
        adjustments,
        rate: permits.last().and_then(Permit::rate),
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
