//! Media parts and the blocks or errors that they become.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::converse::content::{ContentBlock, ToolResultContent};
use crate::converse::media::samples::{png, zip};
use crate::converse::media::{RemoteFiles, RemoteMedia};
use crate::dialects::openai_chat::ChatFieldNames;
use crate::error::ErrorCode;
use crate::models::{Capabilities, Medium};

/// The first part of the first message.
const AT: PartPosition = PartPosition {
    message: 0,
    part: 0,
};

const GIF: &str = "R0lGODlhAQABAAAAACw=";
const PDF: &str = "JVBERi0xLjcK";
const MP4: &str = "AAAAHGZ0eXBpc29t";
const WAV: &str = "UklGRiQAAABXQVZFZm10IA==";

fn everything() -> Capabilities {
    Capabilities {
        input: vec![
            Medium::Image,
            Medium::Document,
            Medium::Video,
            Medium::Audio,
        ],
        s3_sources: true,
        ..Capabilities::default()
    }
}

fn part<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a part")
}

/// Translates one part of a message, at the first position.
fn block_in(
    media: &mut Media<'_>,
    value: &Value,
    adjustments: &mut Adjustments,
) -> Result<MediaBlock, ApiError> {
    let field = |name: &str| value.get(name).cloned();
    if let Some(value) = field("image_url") {
        return media.image_url(part(value), AT, adjustments);
    }
    if let Some(value) = field("video_url") {
        return media.video_url(part(value), AT, adjustments);
    }
    if let Some(value) = field("input_audio") {
        return media.input_audio(part(value), AT, adjustments);
    }
    let citations = citations_config(field("citations").map(part), adjustments);
    let context = field("context").map(part);
    let file = part(field("file").expect("a known part"));
    media.file(file, citations, context, AT, adjustments)
}

/// The same, with the names of chat.
fn translate_in(
    media: &mut Media<'_>,
    value: &Value,
    adjustments: &mut Adjustments,
) -> Result<MediaBlock, ApiError> {
    let block = block_in(media, value, adjustments).map_err(|error| error.named(&ChatFieldNames));
    *adjustments = std::mem::take(adjustments).named(&ChatFieldNames);
    block
}

fn translate_for(capabilities: &Capabilities, value: &Value) -> Result<Value, ApiError> {
    let fetched = RemoteFiles::new();
    let mut media = Media::new(capabilities, &fetched);
    let block = translate_in(&mut media, value, &mut Adjustments::default())?;
    Ok(serde_json::to_value(ContentBlock::from(block)).expect("JSON"))
}

/// The parameter and the code of the error.
fn refusal(capabilities: &Capabilities, value: &Value) -> (String, &'static str) {
    let error = translate_for(capabilities, value).expect_err("an error");
    (
        error.path().unwrap_or_default().into_owned(),
        error.code.map_or("", ErrorCode::as_str),
    )
}

fn data(media_type: &str, base64: &str) -> String {
    format!("data:{media_type};base64,{base64}")
}

#[test]
fn parts_become_content_blocks() {
    let docx = STANDARD.encode(zip(&["word/document.xml"]));
    for (part, block) in [
        (
            json!({"image_url": {"url": data("image/png", GIF), "detail": "low"}}),
            json!({"image": {"format": "gif", "source": {"bytes": GIF}}}),
        ),
        (
            json!({"image_url": data("image/jpg", GIF)}),
            json!({"image": {"format": "gif", "source": {"bytes": GIF}}}),
        ),
        (
            json!({"image_url": {"url": GIF}}),
            json!({"image": {"format": "gif", "source": {"bytes": GIF}}}),
        ),
        (
            json!({"image_url": {"url": data("application/pdf", PDF)}}),
            json!({"document": {"format": "pdf", "name": "document", "source": {"bytes": PDF}}}),
        ),
        (
            json!({"file": {"file_data": data("application/pdf", PDF), "filename": "my_report.pdf"}}),
            json!({"document": {"format": "pdf", "name": "my report", "source": {"bytes": PDF}}}),
        ),
        (
            json!({"file": {"file_data": docx, "filename": "a.pdf"}}),
            json!({"document": {"format": "docx", "name": "a", "source": {"bytes": docx}}}),
        ),
        (
            json!({"file": {"file_data": GIF, "filename": "a.pdf"}}),
            json!({"image": {"format": "gif", "source": {"bytes": GIF}}}),
        ),
        (
            json!({"file": {"file_data": "YSxi", "filename": "a.csv"}}),
            json!({"document": {"format": "csv", "name": "a", "source": {"bytes": "YSxi"}}}),
        ),
        (
            json!({"file": {"file_data": "data:text/plain,a%20b"}, "citations": {"enabled": true},
                "context": "minutes"}),
            json!({"document": {"format": "txt", "name": "document", "source": {"text": "a b"},
                "context": "minutes", "citations": {"enabled": true}}}),
        ),
        (
            json!({"input_audio": {"data": WAV, "format": "wav"}}),
            json!({"audio": {"format": "wav", "source": {"bytes": WAV}}}),
        ),
        (
            json!({"video_url": {"url": data("video/webm", MP4)}}),
            json!({"video": {"format": "mp4", "source": {"bytes": MP4}}}),
        ),
        (
            json!({"video_url": "s3://bucket/a/video.mkv"}),
            json!({"video": {"format": "mkv", "source": {"s3Location": {"uri": "s3://bucket/a/video.mkv"}}}}),
        ),
        (
            json!({"file": {"file_id": "s3://bucket/q3%20report.PDF", "bucket_owner": "123456789012"}}),
            json!({"document": {"format": "pdf", "name": "q3 report", "source": {"s3Location": {
                "uri": "s3://bucket/q3%20report.PDF", "bucketOwner": "123456789012"}}}}),
        ),
        (
            json!({"image_url": {"url": "s3://bucket/key", "format": "image/png"}}),
            json!({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/key"}}}}),
        ),
        (
            json!({"input_audio": {"data": "s3://bucket/a.mp4"}}),
            json!({"audio": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/a.mp4"}}}}),
        ),
    ] {
        let translated = translate_for(&everything(), &part);
        assert_eq!(translated, Ok(block), "{part}");
    }
}

#[test]
fn unsupported_parts_are_rejected_by_field() {
    let wide = STANDARD.encode(png(8001, 1));
    let url = "messages[0].content[0].image_url.url";
    for (part, path, code) in [
        (json!({"image_url": {}}), url, "missing_required_parameter"),
        (
            json!({"image_url": ""}),
            "messages[0].content[0].image_url",
            "invalid_image",
        ),
        (
            json!({"image_url": {"url": "data:image/png;base64,"}}),
            url,
            "invalid_image",
        ),
        (
            json!({"image_url": {"url": "data:image/png;base64"}}),
            url,
            "invalid_image_format",
        ),
        (
            json!({"image_url": {"url": "data:image/png;base64,!!"}}),
            url,
            "invalid_image_format",
        ),
        (
            json!({"image_url": {"url": "data:image/png,abc"}}),
            url,
            "invalid_image_format",
        ),
        (
            json!({"image_url": {"url": data("image/png", "AAAA")}}),
            url,
            "invalid_image_format",
        ),
        (
            json!({"image_url": {"url": data("image/png", &wide)}}),
            url,
            "image_too_large",
        ),
        (
            json!({"image_url": {"url": "file:///etc/passwd"}}),
            url,
            "invalid_image_url",
        ),
        (
            json!({"image_url": {"url": "an image!"}}),
            url,
            "invalid_image_url",
        ),
        (
            json!({"image_url": {"url": "https://example.com/a"}}),
            url,
            "unsupported_value",
        ),
        (
            json!({"image_url": {"url": "http://example.com/a"}}),
            url,
            "unsupported_value",
        ),
        (
            json!({"image_url": {"url": "s3://bucket/video.mp4"}}),
            url,
            "invalid_value",
        ),
        (
            json!({"image_url": {"url": "s3://bucket/a.png", "bucket_owner": "me"}}),
            "messages[0].content[0].image_url.bucket_owner",
            "invalid_value",
        ),
        (
            json!({"file": {}}),
            "messages[0].content[0].file.file_data",
            "missing_required_parameter",
        ),
        (
            json!({"file": {"file_data": ""}}),
            "messages[0].content[0].file.file_data",
            "invalid_value",
        ),
        (
            json!({"file": {"file_data": "data:text/plain,"}}),
            "messages[0].content[0].file.file_data",
            "invalid_value",
        ),
        (
            json!({"file": {"file_data": "AAAA"}}),
            "messages[0].content[0].file.file_data",
            "invalid_value",
        ),
        (
            json!({"file": {"file_data": "YWJj", "filename": "a.pdf"}}),
            "messages[0].content[0].file.file_data",
            "invalid_value",
        ),
        (
            json!({"file": {"file_data": PDF, "file_id": "f"}}),
            "messages[0].content[0].file",
            "invalid_value",
        ),
        (
            json!({"file": {"file_id": "file-abcd"}}),
            "messages[0].content[0].file.file_id",
            "invalid_value",
        ),
        (
            json!({"file": {"file_url": "s3://bucket/key"}}),
            "messages[0].content[0].file.file_url",
            "invalid_value",
        ),
        (
            json!({"input_audio": {"format": "wav"}}),
            "messages[0].content[0].input_audio.data",
            "missing_required_parameter",
        ),
        (
            json!({"input_audio": {"data": GIF, "format": "wav"}}),
            "messages[0].content[0].input_audio.data",
            "invalid_value",
        ),
        (
            json!({"video_url": {"url": data("video/mp4", GIF)}}),
            "messages[0].content[0].video_url.url",
            "invalid_value",
        ),
        (
            json!({"video_url": "s3://bucket"}),
            "messages[0].content[0].video_url",
            "invalid_value",
        ),
    ] {
        assert_eq!(
            refusal(&everything(), &part),
            (path.to_owned(), code),
            "{part}"
        );
    }
}

#[test]
fn only_media_the_model_supports_are_sent() {
    let images_only = Capabilities {
        input: vec![Medium::Image],
        ..Capabilities::default()
    };
    let file = json!({"file": {"file_data": PDF}});
    let error = translate_for(&images_only, &file).expect_err("an error");
    assert_eq!(error.code, Some(ErrorCode::UnsupportedValue));
    assert_eq!(error.path().as_deref(), Some("messages[0].content[0].file"));
    assert_eq!(
        error.to_string(),
        "this model does not accept documents; it accepts text, images"
    );
    let in_s3 = json!({"image_url": "s3://bucket/a.png"});
    let refused = (
        "messages[0].content[0].image_url".to_owned(),
        "unsupported_value",
    );
    assert_eq!(refusal(&images_only, &in_s3), refused);
    let audio = json!({"input_audio": {"data": WAV}});
    let refused = (
        "messages[0].content[0].input_audio".to_owned(),
        "unsupported_value",
    );
    assert_eq!(refusal(&Capabilities::default(), &audio), refused);
}

#[test]
fn fetched_files_are_sent_as_bytes() {
    let capabilities = everything();
    let mut fetched = RemoteFiles::new();
    for (url, bytes, content_type) in [
        ("https://example.com/a.jpg", png(2, 2), Some("image/jpeg")),
        (
            "https://example.com/docs/r%C3%A9sum%C3%A9.pdf?x=1",
            b"%PDF-1.7".to_vec(),
            None,
        ),
        (
            "https://example.com/page",
            b"<p>".to_vec(),
            Some("text/html; charset=utf-8"),
        ),
        ("https://example.com/nothing", Vec::new(), None),
    ] {
        let content_type = content_type.map(str::to_owned);
        let bytes = Bytes::from(bytes);
        fetched.insert(
            url.to_owned(),
            RemoteMedia {
                bytes,
                content_type,
            },
        );
    }
    let mut media = Media::new(&capabilities, &fetched);
    let mut translate = |value: Value| {
        let block = translate_in(&mut media, &value, &mut Adjustments::default())?;
        Ok(serde_json::to_value(ContentBlock::from(block)).expect("JSON"))
    };
    for (part, block) in [
        (
            json!({"image_url": {"url": "https://example.com/a.jpg"}}),
            json!({"image": {"format": "png", "source": {"bytes": STANDARD.encode(png(2, 2))}}}),
        ),
        (
            json!({"file": {"file_url": "https://example.com/docs/r%C3%A9sum%C3%A9.pdf?x=1"}}),
            json!({"document": {"format": "pdf", "name": "r sum", "source": {"bytes": "JVBERi0xLjc="}}}),
        ),
        (
            json!({"file": {"file_id": "https://example.com/page"}}),
            json!({"document": {"format": "html", "name": "page", "source": {"bytes": "PHA+"}}}),
        ),
    ] {
        assert_eq!(translate(part), Ok::<Value, ApiError>(block));
    }
    let error = translate(json!({"file": {"file_url": "https://example.com/nothing"}}));
    let parameter = error
        .err()
        .and_then(|error| error.path().map(|path| path.into_owned()));
    assert_eq!(
        parameter.as_deref(),
        Some("messages[0].content[0].file.file_url")
    );
}

/// The names of the documents of a request with these files, and the error that ends it.
fn document_names(files: &[(&str, &str)]) -> (Vec<String>, Option<ApiError>) {
    let capabilities = everything();
    let fetched = RemoteFiles::new();
    let mut media = Media::new(&capabilities, &fetched);
    let mut names = Vec::new();
    for (filename, data) in files {
        let part = json!({"file": {"file_data": data, "filename": filename}});
        match translate_in(&mut media, &part, &mut Adjustments::default()) {
            Ok(MediaBlock::Document(document)) => names.push(document.name),
            Ok(_) => {}
            Err(error) => return (names, Some(error)),
        }
    }
    (names, None)
}

#[test]
fn identical_documents_get_two_stable_names() {
    let turn = [("a.pdf", PDF), ("a.pdf", PDF), ("b.gif", GIF)];
    let (names, _) = document_names(&turn);
    assert_eq!(names, ["a", "a 2"]);
    let longer = [turn.as_slice(), &[("a 2.txt", "YQ=="), ("a.md", "YQ==")]].concat();
    let (names, _) = document_names(&longer);
    assert_eq!(names, ["a", "a 2", "a 2 2", "a 3"]);
}

#[test]
fn the_sixth_document_is_rejected() {
    let (names, error) = document_names(&[("a.pdf", PDF); 6]);
    assert_eq!(names.len(), 5);
    let parameter = error.and_then(|error| error.path().map(|path| path.into_owned()));
    assert_eq!(parameter.as_deref(), Some("messages[0].content[0].file"));
}

#[test]
fn fields_without_effect_are_noted() {
    let capabilities = everything();
    let fetched = RemoteFiles::new();
    let mut media = Media::new(&capabilities, &fetched);
    for (part, notes) in [
        (
            json!({"image_url": {"url": data("image/png", GIF), "detail": "high", "x": 1}}),
            Some("messages[].content[].image_url.x: ignored"),
        ),
        (
            json!({"file": {"file_data": GIF, "bucket_owner": "123456789012"}, "context": "c"}),
            Some(
                "messages[].content[].file.bucket_owner: ignored, \
                  messages[].content[].context: ignored",
            ),
        ),
        (
            json!({"input_audio": {"data": WAV, "format": "mp3"}}),
            Some("messages[].content[].input_audio.format: ignored; the bytes have another format"),
        ),
        (json!({"input_audio": {"data": MP4, "format": "mp4"}}), None),
        (
            json!({"image_url": {"url": data("image/png", GIF), "detail": "auto"}}),
            None,
        ),
    ] {
        let mut adjustments = Adjustments::default();
        let block = translate_in(&mut media, &part, &mut adjustments);
        assert!(block.is_ok(), "{part}");
        assert_eq!(adjustments.header_value().as_deref(), notes, "{part}");
    }
}

#[test]
fn a_tool_result_accepts_every_medium_except_audio() {
    let capabilities = everything();
    let fetched = RemoteFiles::new();
    let mut media = Media::new(&capabilities, &fetched);
    for (part, fits) in [
        (json!({"image_url": data("", GIF)}), true),
        (json!({"file": {"file_data": PDF}}), true),
        (json!({"video_url": data("", MP4)}), true),
        (json!({"input_audio": {"data": WAV}}), false),
    ] {
        let block = translate_in(&mut media, &part, &mut Adjustments::default());
        let block = block.expect("a block");
        assert_eq!(ToolResultContent::try_from(block).is_ok(), fits, "{part}");
    }
}
