//! Answers in the client's words, whole or as streams.

use std::sync::Arc;

use super::account::Account;
use super::draft::PreparedRequest;
use super::stream::{ChatStream, EventSource};
use super::writer::EndpointWriter;
use super::{ChatBody, ChatReply, OpenCall, new_id, unix_seconds};
use crate::adjustments::Adjustments;
use crate::fault::ApiError;
use crate::limits::{Permit, Refusal};
use crate::openai::chat::{
    ChunkWriter, Completion, CompletionHead, OutputEvents, OutputOptions, OutputWriter,
    ResponseSummary,
};
use crate::openai::completions::{TextCompletion, TextWriter};

/// The answer to a chat request for the model that the client calls `name`.
pub(super) fn chat(begun: OpenCall, account: Account, name: &str) -> Result<ChatReply, Refusal> {
    let OpenCall {
        sources,
        prepared,
        permits,
    } = begun;
    let PreparedRequest {
        plan,
        mut adjustments,
        ..
    } = prepared;
    let plan = Arc::new(plan);
    let id = new_id("chatcmpl");
    let created = unix_seconds();
    if plan.stream {
        let legacy = plan.legacy_functions;
        let writer = ChunkWriter::new(&id, created, name, plan.include_usage, legacy);
        let writer = EndpointWriter::Chat(writer);
        return Ok(streamed(
            sources,
            &plan,
            writer,
            account,
            permits,
            adjustments,
        ));
    }
    let completions = sources
        .iter()
        .map(|_| Completion::new(plan.legacy_functions));
    let completions = completions.collect();
    let (completions, ending) = folded(sources, completions, &plan, &account, &mut adjustments)?;
    let head = CompletionHead {
        id: &id,
        created,
        model: name,
        metadata: plan.metadata.as_ref(),
    };
    let json = Completion::to_json(&completions, head, &ending);
    whole(json, &account, &permits, adjustments)
}

/// The answer to a completion request for the model that the client calls `name`: what is begun
/// answers its prompts, in order, which are said back where they are in `echoed`.
pub(super) fn completion(
    begun: OpenCall,
    account: Account,
    name: &str,
    echoed: Vec<String>,
) -> Result<ChatReply, Refusal> {
    let OpenCall {
        sources,
        prepared,
        permits,
    } = begun;
    let PreparedRequest {
        plan,
        mut adjustments,
        ..
    } = prepared;
    let plan = Arc::new(plan);
    let id = new_id("cmpl");
    let created = unix_seconds();
    let answers = plan.answers;
    if plan.stream {
        let writer = TextWriter::new(&id, created, name, plan.include_usage, echoed, answers);
        let writer = EndpointWriter::Text(writer);
        return Ok(streamed(
            sources,
            &plan,
            writer,
            account,
            permits,
            adjustments,
        ));
    }
    let texts = (0..).zip(&sources).map(|(place, _): (u32, _)| {
        let prompt = place.checked_div(answers).unwrap_or_default();
        TextCompletion::new(echoed.get(prompt as usize).map(String::as_str))
    });
    let texts = texts.collect();
    let (texts, ending) = folded(sources, texts, &plan, &account, &mut adjustments)?;
    let head = CompletionHead {
        id: &id,
        created,
        model: name,
        metadata: None,
    };
    let json = TextCompletion::to_json(&texts, head, &ending);
    whole(json, &account, &permits, adjustments)
}

fn streamed(
    sources: Vec<EventSource>,
    plan: &Arc<OutputOptions>,
    writer: EndpointWriter,
    account: Account,
    permits: Vec<Permit>,
    adjustments: Adjustments,
) -> ChatReply {
    let rate = permits.last().and_then(Permit::rate);
    let stream = ChatStream::new(sources, plan, writer, account, permits);
    ChatReply {
        adjustments,
        rate,
        cost: None,
        body: ChatBody::Stream(Box::new(stream)),
    }
}

fn whole(
    json: serde_json::Result<Vec<u8>>,
    account: &Account,
    permits: &[Permit],
    adjustments: Adjustments,
) -> Result<ChatReply, Refusal> {
    let json = json.map_err(|_| ApiError::internal())?;
    Ok(ChatReply {
        adjustments,
        rate: permits.last().and_then(Permit::rate),
        cost: account.record().entries().cost,
        body: ChatBody::Whole(json.into()),
    })
}

/// Whole answers into `sinks`, one each, and what is told of all of them at the end.
fn folded<S: OutputWriter>(
    sources: Vec<EventSource>,
    mut sinks: Vec<S>,
    plan: &Arc<OutputOptions>,
    account: &Account,
    adjustments: &mut Adjustments,
) -> Result<(Vec<S>, ResponseSummary), ApiError> {
    let mut answers = Vec::with_capacity(sources.len());
    let mut failed = None;
    for (source, sink) in sources.into_iter().zip(&mut sinks) {
        let mut pieces = OutputEvents::new(Arc::clone(plan));
        let events = match source {
            EventSource::Whole(events) => events,
            // What is not streamed is asked for whole.
            EventSource::Live(_) => return Err(ApiError::internal()),
        };
        for event in events {
            // What was used is accounted also where the answer is of no use.
            failed = failed.or(pieces.accept(&event, sink).err());
        }
        account.remember(&mut pieces);
        answers.push(pieces);
    }
    account.settle(answers.iter());
    let (undelivered, withheld) = account.note_left_out(answers.iter());
    if withheld > 0 {
        let action = format!("calls that the request does not allow left out: {withheld}");
        adjustments.note("choices[].message.tool_calls", action);
    }
    if undelivered > 0 {
        let action = format!("blocks of an unknown kind left out: {undelivered}");
        adjustments.note("choices[].message", action);
    }
    if let Some(fault) = failed {
        return Err(fault);
    }
    let endings: Vec<ResponseSummary> = answers
        .iter()
        .map(|pieces| pieces.ending().clone())
        .collect();
    Ok((sinks, ResponseSummary::of_prompts(&endings, plan.answers)))
}
