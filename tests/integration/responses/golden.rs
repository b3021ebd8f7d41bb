//! Golden folders of `/v1/responses` on Converse.

use std::sync::Arc;

use outcrop::converse::dialect::{ResponseFormat, StreamWriter};
use outcrop::converse::output::OutputEvents;
use outcrop::converse::translation::ChatTranslation;
use outcrop::dialects::openai_responses::ResponsesRequest;
use outcrop::error::ApiError;

use crate::harness::golden::{
    Case, Outputs, RESPONSE, STREAM, UPSTREAM_EVENTS, UPSTREAM_REQUEST, events, run,
};
use crate::harness::translation::{responses_format, responses_translated};
use crate::support::response_events::assert_stream;

#[test]
fn every_responses_case_matches_its_golden_folder() {
    run("responses", case);
}

fn case(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: ResponsesRequest = case.request();
    let format = responses_format(&request);
    let ChatTranslation {
        converse,
        route: _,
        output_options,
        adjustments,
    } = responses_translated(request)?;
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
