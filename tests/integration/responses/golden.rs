//! Golden folders of `/v1/responses` on Converse.

use std::sync::Arc;

use outcrop::config::OnBlocked;
use outcrop::converse::dialect::{ResponseFormat, StreamWriter};
use outcrop::converse::output::OutputEvents;
use outcrop::converse::translation::{ChatOptions, ChatTranslation};
use outcrop::dialects::openai_responses::{
    Purpose, ResponseHead, ResponsesFieldNames, ResponsesFormat, ResponsesRequest, translate,
};
use outcrop::error::ApiError;

use crate::harness::golden::{
    Case, Outputs, RESPONSE, STREAM, UPSTREAM_EVENTS, UPSTREAM_REQUEST, events, run,
};
use crate::harness::translation::with_context;
use crate::support::response_events::assert_stream;

const ID: &str = "resp_golden";
const CREATED: u64 = 1_700_000_000;

#[test]
fn every_responses_case_matches_its_golden_folder() {
    run("responses", case);
}

fn case(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: ResponsesRequest = case.request();
    let names = ResponsesFieldNames::of(&request);
    let head = ResponseHead::new(ID, CREATED, &request);
    let format = ResponsesFormat::new(head, &request, OnBlocked::default(), || CREATED + 1);
    let model = request.model.clone().unwrap();
    let ChatTranslation {
        converse,
        route: _,
        output_options,
        adjustments,
    } = with_context(&model, &ChatOptions::default(), |context| {
        translate(request, Purpose::Respond, &names, context)
    })?;
    outputs.json(UPSTREAM_REQUEST, &converse);
    outputs.adjustments(adjustments.iter());

    let events = events(&case.text(UPSTREAM_EVENTS));
    let output_options = Arc::new(output_options);
    let mut writer = format.stream(&output_options);
    let mut output_events = OutputEvents::new(Arc::clone(&output_options));
    for event in &events {
        output_events.accept(event, &mut writer).unwrap();
    }
    writer.done(output_events.summary());
    let bytes = writer.take();
    let last = assert_stream(std::str::from_utf8(&bytes).unwrap());
    outputs.bytes(STREAM, &bytes);

    let mut choice = format.choice(0, &output_options);
    let mut output_events = OutputEvents::new(Arc::clone(&output_options));
    for event in &events {
        output_events.accept(event, &mut choice).unwrap();
    }
    let json = format.json(&[choice], &output_options, output_events.summary());
    let json = json.unwrap();
    assert_eq!(
        last,
        serde_json::from_slice::<serde_json::Value>(&json).unwrap()
    );
    outputs.reformatted(RESPONSE, &json);
    Ok(())
}
