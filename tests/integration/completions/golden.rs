//! Golden folders of `/v1/completions`: `tests/golden/completions/CASE/` holds a client's request,
//! the Converse requests that it becomes, Bedrock's events of each answer (apart by an empty line),
//! and what the client gets: the stream and the whole answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use outcrop::converse::event::Event;
use outcrop::error::ApiError;
use outcrop::openai::chat::{ChatTranslation, CompletionHead, OutputEvents, ResponseSummary};
use outcrop::openai::completions::{
    CompletionPrompts, CompletionRequest, TextCompletion, TextWriter, chat_requests,
    with_prompt_path,
};
use outcrop::openai::error::ErrorBody;
use serde_json::Value;

use crate::chat::golden::{cases, compare, events};
use crate::harness::translation::translated;

const ID: &str = "cmpl-golden";
const CREATED: u64 = 1_700_000_000;

#[test]
fn every_case_matches_its_golden_folder() {
    for case in cases("completions") {
        check(&case);
    }
}

fn check(case: &Path) {
    let text = fs::read_to_string(case.join("request.json")).unwrap();
    let request: CompletionRequest = serde_json::from_str(&text).unwrap();
    let model = request.model.clone().unwrap();
    let (translated, echoed) = match understood(request) {
        Ok(understood) => understood,
        Err(error) => {
            let error = serde_json::to_string_pretty(&ErrorBody::from(&error)).unwrap();
            return compare(case, "error.json", &error);
        }
    };
    let converse: Vec<_> = translated.iter().map(|t| &t.converse).collect();
    let converse = serde_json::to_string_pretty(&converse).unwrap();
    compare(case, "upstream.request.json", &converse);
    let notes = translated.iter().flat_map(|t| t.adjustments.iter());
    let notes: Vec<String> = notes.map(ToString::to_string).collect();
    compare(case, "adjustments.txt", &notes.join("\n"));

    let mut output_options = translated.into_iter().next().unwrap().output_options;
    output_options.include_usage = true;
    let output_options = Arc::new(output_options);
    let text = fs::read_to_string(case.join("upstream.response.txt")).unwrap();
    let choices: Vec<Vec<Event>> = text.split("\n\n").map(events).collect();

    let each = output_options.choices;
    let mut writer = TextWriter::new(ID, CREATED, &model, true, echoed.clone(), each);
    let mut endings = Vec::new();
    let mut texts = Vec::new();
    for (choice, events) in (0..).zip(&choices) {
        let prompt = echoed.get((choice / each) as usize).map(String::as_str);
        let mut text = TextCompletion::new(prompt);
        let mut streamed = OutputEvents::new(Arc::clone(&output_options));
        let mut completion = OutputEvents::new(Arc::clone(&output_options));
        writer.choose(choice);
        for event in events {
            streamed.accept(event, &mut writer).unwrap();
            completion.accept(event, &mut text).unwrap();
        }
        endings.push(completion.summary().clone());
        texts.push(text);
    }
    let summary = ResponseSummary::of_prompts(&endings, each);
    writer.done(&summary);
    let stream = writer.take();
    compare(case, "response.sse", std::str::from_utf8(&stream).unwrap());
    let head = CompletionHead {
        id: ID,
        created: CREATED,
        model: &model,
        metadata: None,
    };
    let json = TextCompletion::to_json(&texts, head, &summary).unwrap();
    let pretty: Value = serde_json::from_slice(&json).unwrap();
    let pretty = serde_json::to_string_pretty(&pretty).unwrap();
    compare(case, "response.json", &pretty);
}

fn understood(request: CompletionRequest) -> Result<(Vec<ChatTranslation>, Vec<String>), ApiError> {
    let CompletionPrompts { requests, echoed } = chat_requests(request, 8)?;
    let translated = requests.into_iter().map(translated);
    let translated = translated
        .collect::<Result<_, _>>()
        .map_err(|error| with_prompt_path(error, None))?;
    Ok((translated, echoed))
}
