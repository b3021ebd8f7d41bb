//! Golden folders of `/v1/chat/completions` on AWS's OpenAI endpoints. The upstream request is
//! compared byte for byte. `unsupported_field.txt` names the field for which the request goes to
//! Converse. A case about responses has `upstream.response.json`, `upstream.response.sse` or both.

use bytes::Bytes;
use outcrop::bedrock::{ChunkDecoder, ChunkEvent, Decode};
use outcrop::converse::media::{RemoteFiles, RemoteMedia};
use outcrop::converse::options::Fields;
use outcrop::error::ApiError;
use outcrop::models::{ModelId, ModelTable};
use outcrop::openai::chat::{
    ChatOptions, ChatRequest, ChatUpstreamChunks, ChatUpstreamContext, ChatUpstreamHead,
    ChatUpstreamOptions, ChatUpstreamRequest, unsupported_field, upstream_request,
    upstream_response,
};

use crate::harness::golden::{
    Case, Outputs, RESPONSE, STREAM, UPSTREAM_REQUEST, UPSTREAM_RESPONSE, UPSTREAM_STREAM, run,
};

#[test]
fn every_openai_upstream_case_matches_its_golden_folder() {
    run("chat_upstream", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: ChatRequest = case.request();
    let body: Fields = case.request();
    let model = ModelId::parse(request.model.as_deref().unwrap()).unwrap();
    let table = ModelTable::built_in().unwrap();
    let capabilities = table.capabilities(&model);
    let options = ChatOptions::default();
    if let Some(unsupported_field) = unsupported_field(&request, capabilities, &options) {
        outputs.text("unsupported_field.txt", unsupported_field.field);
        return Ok(());
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
    } = upstream_request(request, body, &context)?;
    outputs.text(UPSTREAM_REQUEST, &serde_json::to_string(&body).unwrap());
    outputs.adjustments(adjustments.iter());
    if let Some(response) = case.optional(UPSTREAM_RESPONSE) {
        let response = upstream_response(response.as_bytes(), &output_options, &head()).unwrap();
        outputs.reformatted(RESPONSE, &response.json);
    }
    if let Some(response) = case.optional(UPSTREAM_STREAM) {
        let whole = stream(response.as_bytes(), response.len(), &output_options);
        for chunk_size in [1, 7] {
            let cut = stream(response.as_bytes(), chunk_size, &output_options);
            assert_eq!(cut, whole, "{}", case.name());
        }
        outputs.text(STREAM, &whole);
    }
    Ok(())
}

/// The client's stream if Bedrock's stream arrives in chunks of `chunk_size` bytes.
fn stream(response: &[u8], chunk_size: usize, output_options: &ChatUpstreamOptions) -> String {
    let mut chunks = ChatUpstreamChunks::new(output_options.clone(), head());
    let mut decoder = ChunkDecoder::default();
    let mut events = Vec::new();
    for part in response.chunks(chunk_size) {
        decoder.push(part, &mut events).unwrap();
    }
    decoder.finish().unwrap();
    assert_eq!(events.pop(), Some(ChunkEvent::Done));
    for event in events {
        match event {
            ChunkEvent::Chunk(chunk) => assert!(chunks.accept(&chunk).is_ok()),
            ChunkEvent::Done => panic!("the stream ends before its last chunk"),
        }
    }
    assert!(chunks.is_finished());
    chunks.done();
    String::from_utf8(chunks.take().to_vec()).unwrap()
}

fn head() -> ChatUpstreamHead {
    ChatUpstreamHead {
        id: "chatcmpl-golden".to_owned(),
        model: "the-clients-name".to_owned(),
    }
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
