//! Golden folders of `/v1/chat/completions` on AWS's OpenAI endpoints. The upstream request is
//! compared byte for byte. `unsupported_field.txt` names the field for which the request goes to
//! Converse. A case about responses has `upstream.response.json`, `upstream.response.sse` or both.

use std::sync::Arc;

use bytes::Bytes;
use outcrop::bedrock::{ChatCompletionDecoder, Decode};
use outcrop::converse::dialect::StreamWriter;
use outcrop::converse::event::Event;
use outcrop::converse::media::{RemoteFiles, RemoteMedia};
use outcrop::converse::output::{OutputEvents, OutputOptions};
use outcrop::converse::translation::{ChatOptions, ChatTranslation, TranslationContext};
use outcrop::converse::upstream::UpstreamRoute;
use outcrop::converse::upstream::chat_completions::{ChatCompletionEvents, ChatCompletionRequest};
use outcrop::dialects::openai_chat::{
    ChatFieldNames, ChatRequest, ChunkWriter, Completion, CompletionHead, translate,
};
use outcrop::error::{ApiError, FieldNames};
use outcrop::models::{ChatUpstream, ModelId, ModelTable, OpenAiEndpoint};

use crate::harness::golden::{
    Case, Outputs, RESPONSE, STREAM, UPSTREAM_REQUEST, UPSTREAM_RESPONSE, UPSTREAM_STREAM, run,
};
use crate::support::choices::with_defaults;
use crate::support::message_blocks::add_up;

const ID: &str = "chatcmpl-golden";
const CREATED: u64 = 1_700_000_000;
const MODEL: &str = "the-clients-name";

#[test]
fn every_openai_upstream_case_matches_its_golden_folder() {
    run("chat_upstream", translate_case);
}

fn translate_case(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: ChatRequest = case.request();
    let model = ModelId::parse(request.model.as_deref().unwrap()).unwrap();
    let table = ModelTable::built_in().unwrap();
    let context = TranslationContext {
        capabilities: table.capabilities(&model),
        upstream: ChatUpstream::OpenAi(OpenAiEndpoint::Runtime),
        output_limit: Some(100_000),
        options: &ChatOptions::default(),
        recall: &|_| None,
        unseal: &|_| None,
        origin: &Arc::default(),
        dropped_share: 0,
        without_reasoning: false,
        fetched: &fetched(),
    };
    let ChatTranslation {
        converse,
        route: UpstreamRoute { rerouted_for, .. },
        output_options,
        adjustments,
    } = translate(request, &context)?;
    if let Some(unsupported_field) = rerouted_for {
        outputs.text(
            "unsupported_field.txt",
            &ChatFieldNames.path(&unsupported_field.field),
        );
        return Ok(());
    }
    let stream = !output_options.non_streaming;
    let body = ChatCompletionRequest::new(&converse, model.as_str(), stream)?;
    outputs.text(UPSTREAM_REQUEST, &serde_json::to_string(&body).unwrap());
    outputs.adjustments(adjustments.iter());

    let output_options = Arc::new(output_options);
    if let Some(response) = case.optional(UPSTREAM_RESPONSE) {
        let events = ChatCompletionEvents::of_response(response.as_bytes()).unwrap();
        let json = non_streaming(&events, &output_options);
        let choice = with_defaults(&serde_json::from_slice(&json).unwrap(), 0);
        add_up(&events, &output_options, &choice);
        outputs.reformatted(RESPONSE, &json);
    }
    if let Some(response) = case.optional(UPSTREAM_STREAM) {
        let response = response.as_bytes();
        let whole = events(response, response.len());
        for chunk_size in [1, 7] {
            assert_eq!(events(response, chunk_size), whole, "{}", case.name());
        }
        let json = non_streaming(&whole, &output_options);
        let choice = with_defaults(&serde_json::from_slice(&json).unwrap(), 0);
        add_up(&whole, &output_options, &choice);
        outputs.text(STREAM, &streamed(&whole, &output_options));
    }
    Ok(())
}

/// The events of Bedrock's stream if it arrives in chunks of `chunk_size` bytes.
fn events(response: &[u8], chunk_size: usize) -> Vec<Event> {
    let mut decoder = ChatCompletionDecoder::default();
    let mut events = Vec::new();
    for part in response.chunks(chunk_size) {
        decoder.push(part, &mut events).unwrap();
    }
    decoder.finish().unwrap();
    events
}

fn streamed(events: &[Event], output_options: &Arc<OutputOptions>) -> String {
    let include_usage = output_options.include_usage;
    let mut writer = ChunkWriter::new(ID, CREATED, MODEL, include_usage, false);
    let mut output_events = OutputEvents::new(Arc::clone(output_options));
    for event in events {
        output_events.accept(event, &mut writer).unwrap();
    }
    assert!(output_events.stop_reason().is_some());
    writer.done(output_events.summary());
    String::from_utf8(writer.take().to_vec()).unwrap()
}

fn non_streaming(events: &[Event], output_options: &Arc<OutputOptions>) -> Vec<u8> {
    let mut completion = Completion::new(false);
    let mut output_events = OutputEvents::new(Arc::clone(output_options));
    for event in events {
        output_events.accept(event, &mut completion).unwrap();
    }
    let head = CompletionHead {
        id: ID,
        created: CREATED,
        model: MODEL,
        metadata: output_options.metadata.as_ref(),
    };
    Completion::to_json(&[completion], head, output_events.summary()).unwrap()
}

/// A PNG of one pixel at the URL that the cases use.
fn fetched() -> RemoteFiles {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x04\0\0\0\xb5\x1c\x0c\x02\0\0\0\x0bIDATx\xdac\xfc\xff\x1f\0\x03\x03\x02\0\xef\xbf\xa7\xdb\0\0\0\0IEND\xaeB`\x82";
    let media = RemoteMedia {
        bytes: Bytes::from_static(PNG),
        content_type: Some("image/png".to_owned()),
    };
    RemoteFiles::from([("https://example.com/a.png".to_owned(), media)])
}
