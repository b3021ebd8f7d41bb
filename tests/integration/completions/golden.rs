//! Golden folders of `/v1/completions`. The upstream request is a list with one Converse request
//! for each prompt; an empty line separates Bedrock's events for one choice from the next.

use std::sync::Arc;

use bytes::Bytes;
use outcrop::converse::dialect::{DialectRequest, StreamWriter};
use outcrop::converse::event::Event;
use outcrop::converse::output::{OutputEvents, ResponseSummary};
use outcrop::converse::translation::{ChatOptions, ChatTranslation};
use outcrop::dialects::openai_chat::CompletionHead;
use outcrop::dialects::openai_completions::{
    CompletionPrompts, CompletionRequest, PromptSource, TextCompletion, TextWriter, chat_requests,
};
use outcrop::error::ApiError;

use crate::harness::golden::{
    Case, Outputs, RESPONSE, STREAM, UPSTREAM_EVENTS, UPSTREAM_REQUEST, events, run,
};
use crate::harness::translation::with_context;

const ID: &str = "cmpl-golden";
const CREATED: u64 = 1_700_000_000;

#[test]
fn every_completions_case_matches_its_golden_folder() {
    run("completions", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: CompletionRequest = case.request();
    let model = request.model.clone().unwrap();
    let (translations, echoed) = translations(request)?;
    let converse: Vec<_> = translations.iter().map(|t| &t.converse).collect();
    outputs.json(UPSTREAM_REQUEST, &converse);
    outputs.adjustments(translations.iter().flat_map(|t| t.adjustments.iter()));

    let mut output_options = translations.into_iter().next().unwrap().output_options;
    output_options.include_usage = true;
    let output_options = Arc::new(output_options);
    let text = case.text(UPSTREAM_EVENTS);
    let choices: Vec<Vec<Event>> = text.split("\n\n").map(events).collect();

    let choices_per_prompt = output_options.choices;
    let mut writer = TextWriter::new(
        ID,
        CREATED,
        &model,
        true,
        echoed.clone(),
        choices_per_prompt,
    );
    let mut summaries = Vec::new();
    let mut texts = Vec::new();
    for (choice, events) in (0..).zip(&choices) {
        let prompt = (choice / choices_per_prompt) as usize;
        let mut text = TextCompletion::new(echoed.get(prompt).map(String::as_str));
        let mut streamed = OutputEvents::new(Arc::clone(&output_options));
        let mut completion = OutputEvents::new(Arc::clone(&output_options));
        writer.choose(choice);
        for event in events {
            streamed.accept(event, &mut writer).unwrap();
            completion.accept(event, &mut text).unwrap();
        }
        summaries.push(completion.summary().clone());
        texts.push(text);
    }
    let summary = ResponseSummary::of_prompts(&summaries, choices_per_prompt);
    writer.done(&summary);
    outputs.bytes(STREAM, &writer.take());
    let head = CompletionHead {
        id: ID,
        created: CREATED,
        model: &model,
        metadata: None,
    };
    let json = TextCompletion::to_json(&texts, head, &summary).unwrap();
    outputs.reformatted(RESPONSE, &json);
    Ok(())
}

/// The translation of each prompt, and the prompts to echo.
fn translations(
    request: CompletionRequest,
) -> Result<(Vec<ChatTranslation>, Vec<String>), ApiError> {
    let CompletionPrompts { requests, echoed } = chat_requests(request, 8)?;
    let options = ChatOptions::default();
    let translations = requests.into_iter().map(|request| {
        let model = request.model.clone().unwrap_or_default();
        let mut source = PromptSource::new(request, Bytes::new(), 0, false);
        with_context(&model, &options, |context| source.translate(context))
    });
    Ok((translations.collect::<Result<_, _>>()?, echoed))
}
