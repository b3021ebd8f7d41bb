//! Golden folders of `/v1/chat/completions` on Converse.

use std::sync::Arc;

use outcrop::converse::dialect::StreamWriter;
use outcrop::converse::output::OutputEvents;
use outcrop::converse::translation::ChatTranslation;
use outcrop::dialects::openai_chat::{ChatRequest, ChunkWriter, Completion, CompletionHead};
use outcrop::error::ApiError;

use crate::harness::golden::{
    Case, Outputs, RESPONSE, STREAM, UPSTREAM_EVENTS, UPSTREAM_REQUEST, events, run,
};
use crate::harness::translation::translated;
use crate::support::choices::with_defaults;
use crate::support::message_blocks::add_up;

const ID: &str = "chatcmpl-golden";
const CREATED: u64 = 1_700_000_000;

#[test]
fn every_chat_case_matches_its_golden_folder() {
    run("chat", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: ChatRequest = case.request();
    let model = request.model.clone().unwrap();
    let ChatTranslation {
        converse,
        route: _,
        output_options,
        adjustments,
    } = translated(request)?;
    outputs.json(UPSTREAM_REQUEST, &converse);
    outputs.adjustments(adjustments.iter());

    let events = events(&case.text(UPSTREAM_EVENTS));
    let mut stream_options = output_options.clone();
    stream_options.include_usage = true;
    let mut writer = ChunkWriter::new(ID, CREATED, &model, true, output_options.legacy_functions);
    let mut output_events = OutputEvents::new(Arc::new(stream_options));
    for event in &events {
        output_events.accept(event, &mut writer).unwrap();
    }
    writer.done(output_events.summary());
    outputs.bytes(STREAM, &writer.take());

    let mut completion = Completion::new(output_options.legacy_functions);
    let output_options = Arc::new(output_options);
    let mut output_events = OutputEvents::new(Arc::clone(&output_options));
    for event in &events {
        output_events.accept(event, &mut completion).unwrap();
    }
    let head = CompletionHead {
        id: ID,
        created: CREATED,
        model: &model,
        metadata: output_options.metadata.as_ref(),
    };
    let json = Completion::to_json(&[completion], head, output_events.summary()).unwrap();
    outputs.reformatted(RESPONSE, &json);
    let choice = with_defaults(&serde_json::from_slice(&json).unwrap(), 0);
    add_up(&events, &output_options, &choice);
    Ok(())
}
