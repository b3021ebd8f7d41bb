//! Golden folders of what goes to AWS's OpenAI surfaces: `tests/golden/chat_upstream/CASE/` holds a
//! client's request, the body that is sent (byte for byte) with what was noted, and, where the case
//! is about an answer, what the surface answers and what the client gets: whole, or as a stream.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --test integration surface_bodies` writes what comes out now;
//! read the difference before committing it.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use outcrop::bedrock::{ChunkDecoder, ChunkEvent, Decode};
use outcrop::converse::options::Fields;
use outcrop::models::{ModelId, ModelTable};
use outcrop::openai::chat::{
    ChatOptions, ChatRequest, ChatUpstreamChunks, ChatUpstreamContext, ChatUpstreamHead,
    ChatUpstreamOptions, ChatUpstreamRequest, RemoteFiles, RemoteMedia, unsupported_field,
    upstream_request, upstream_response,
};
use outcrop::openai::error::ErrorBody;
use serde_json::Value;

use crate::chat::golden::{cases, compare};

#[test]
fn every_case_gives_what_its_folder_says() {
    for case in cases("chat_upstream") {
        check(&case);
    }
}

fn check(case: &Path) {
    let text = fs::read_to_string(case.join("request.json")).unwrap();
    let request: ChatRequest = serde_json::from_str(&text).unwrap();
    let body: Fields = serde_json::from_str(&text).unwrap();
    let model = ModelId::parse(request.model.as_deref().unwrap()).unwrap();
    let table = ModelTable::built_in().unwrap();
    let capabilities = table.capabilities(&model);
    let options = ChatOptions::default();
    if let Some(unsupported_field) = unsupported_field(&request, capabilities, &options) {
        return compare(case, "unsupported_field.txt", unsupported_field.field);
    }
    let context = ChatUpstreamContext {
        model: model.as_str(),
        capabilities,
        output_limit: Some(100_000),
        options: &options,
        fetched: &fetched(),
        dropped: &[],
    };
    let ChatUpstreamRequest {
        body,
        output_options,
        adjustments,
    } = match upstream_request(request, body, &context) {
        Ok(upstream) => upstream,
        Err(error) => {
            let error = serde_json::to_string_pretty(&ErrorBody::from(&error)).unwrap();
            return compare(case, "error.json", &error);
        }
    };
    compare(
        case,
        "upstream.request.json",
        &serde_json::to_string(&body).unwrap(),
    );
    let notes: Vec<String> = adjustments.iter().map(ToString::to_string).collect();
    compare(case, "adjustments.txt", &notes.join("\n"));
    if let Ok(response) = fs::read(case.join("upstream.response.json")) {
        check_response(case, &response, &output_options);
    }
    if let Ok(response) = fs::read(case.join("upstream.response.sse")) {
        check_stream(case, &response, output_options);
    }
}

fn check_response(case: &Path, response: &[u8], output_options: &ChatUpstreamOptions) {
    let response = upstream_response(response, output_options, &head()).unwrap();
    let pretty: Value = serde_json::from_slice(&response.json).unwrap();
    let pretty = serde_json::to_string_pretty(&pretty).unwrap();
    compare(case, "response.json", &pretty);
}

/// The stream is the same however it is cut.
fn check_stream(case: &Path, response: &[u8], output_options: ChatUpstreamOptions) {
    for size in [1, 7, response.len()] {
        let mut chunks = ChatUpstreamChunks::new(output_options.clone(), head());
        let mut decoder = ChunkDecoder::default();
        let mut events = Vec::new();
        for part in response.chunks(size) {
            decoder.push(part, &mut events).unwrap();
        }
        decoder.finish().unwrap();
        assert_eq!(events.pop(), Some(ChunkEvent::Done));
        for event in events {
            match event {
                ChunkEvent::Chunk(chunk) => assert!(chunks.accept(&chunk).is_ok()),
                ChunkEvent::Done => panic!("an end before the end"),
            }
        }
        assert!(chunks.is_finished());
        chunks.done();
        let stream = chunks.take();
        compare(case, "response.sse", std::str::from_utf8(&stream).unwrap());
    }
}

fn head() -> ChatUpstreamHead {
    ChatUpstreamHead {
        id: "chatcmpl-golden".to_owned(),
        model: "the-clients-name".to_owned(),
    }
}

/// One picture element, at the address that the cases have.
fn fetched() -> RemoteFiles {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x04\0\0\0\xb5\x1c\x0c\x02\0\0\0\x0bIDATx\xdac\xfc\xff\x1f\0\x03\x03\x02\0\xef\xbf\xa7\xdb\0\0\0\0IEND\xaeB`\x82";
    let media = RemoteMedia {
        bytes: Bytes::from_static(PNG),
        content_type: Some("image/png".to_owned()),
    };
    RemoteFiles::from([("https://example.com/a.png".to_owned(), media)])
}
