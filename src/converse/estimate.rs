//! Token estimates for requests that no tokenizer counts.
//!
//! The result is always reported as an estimate. Text is estimated by its bytes, media by the
//! dimensions in their headers, or by their length if the header is not readable.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem;

use super::content::{
    ContentBlock, GuardBlock, ReasoningBlock, SearchResultBlock, ToolResultContent,
};
use super::media::{DocumentBlock, DocumentFormat, ImageBlock, MediaSource};
use super::request::{ConverseRequest, Message, SystemBlock, ToolConfig};
use crate::converse::media::dimensions;

/// Bytes of text per token: in English a token has about four characters; characters of other
/// scripts have more bytes but also more tokens.
const BYTES: u64 = 4;

/// Tokens of a message in addition to its content: its role and delimiters.
const TURN: u64 = 4;

/// Pixels per token, and the maximum tokens of an image, since larger images are scaled down
/// (Anthropic, "Vision"; Nova's numbers are similar).
const PIXELS: u64 = 750;
const MAX_IMAGE_TOKENS: u64 = 1600;

/// Tokens of a PDF page: its text, and often an image of it (Anthropic, "PDF support": 1,500 to
/// 3,000).
const PAGE: u64 = 2000;

/// Bytes per page, for documents whose pages cannot be counted.
const BYTES_PER_PAGE: u64 = 25_000;

/// Tokens per second of video (Nova's user guide, "Video understanding": 10 seconds are 2,880
/// tokens) and of audio.
const VIDEO_TOKENS_PER_SECOND: u64 = 288;
const AUDIO_TOKENS_PER_SECOND: u64 = 25;

/// Bytes per second of video and audio at usual bitrates.
const VIDEO_BYTES_PER_SECOND: u64 = 250_000;
const AUDIO_BYTES_PER_SECOND: u64 = 16_000;

/// Assumed size of files in S3, which the gateway does not read.
const UNSEEN_PAGES: u64 = 5;
const UNSEEN_SECONDS: u64 = 30;

/// The length of the base64 that is decoded to find an image's dimensions; a multiple of 4.
const HEADER: usize = 87_384;

/// The estimated number of prompt tokens of `request`, at least one.
pub fn estimated_tokens(request: &ConverseRequest) -> u64 {
    let mut tally = Tally::default();
    for block in &request.system {
        if let SystemBlock::Text(text) = block {
            tally.text(text);
        }
    }
    if let Some(config) = &request.tool_config {
        tally.tools(config);
    }
    if let Some(config) = &request.output_config {
        tally.json(config);
    }
    for message in &request.messages {
        tally.message(message);
    }
    tally.total().max(1)
}

/// The estimated number of tokens of one message.
pub(crate) fn message_tokens(message: &Message) -> u64 {
    let mut tally = Tally::default();
    tally.message(message);
    tally.total()
}

/// The media in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MediaSize {
    /// The length of their base64.
    pub(crate) bytes: u64,
    /// Their estimated tokens.
    pub(crate) tokens: u64,
}

/// The images, videos, sounds and documents of a request, without its text.
pub(crate) fn media_size(request: &ConverseRequest) -> MediaSize {
    let mut tally = Tally::default();
    for block in request.messages.iter().flat_map(|message| &message.content) {
        tally.block(block);
    }
    tally.media
}

/// The sums so far.
#[derive(Default)]
struct Tally {
    /// Bytes of text.
    bytes: u64,
    /// Tokens of turns.
    tokens: u64,
    media: MediaSize,
}

impl Tally {
    fn total(&self) -> u64 {
        self.bytes.div_ceil(BYTES) + self.tokens + self.media.tokens
    }

    fn message(&mut self, message: &Message) {
        self.tokens += TURN;
        for block in &message.content {
            self.block(block);
        }
    }

    fn media(&mut self, source: &MediaSource, tokens: u64) {
        self.media.tokens += tokens;
        if let MediaSource::Bytes(data) = source {
            self.media.bytes += data.len() as u64;
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes += text.len() as u64;
    }

    fn json(&mut self, value: &impl serde::Serialize) {
        self.bytes += serde_json::to_vec(value).map_or(0, |json| json.len() as u64);
    }

    fn tools(&mut self, config: &ToolConfig) {
        for spec in config.tools.iter().filter_map(|tool| tool.spec()) {
            self.json(spec);
        }
    }

    fn block(&mut self, block: &ContentBlock) {
        match block {
            ContentBlock::Text(text) | ContentBlock::Instruction(text) => self.text(text),
            ContentBlock::Image(image) => self.media(&image.source, image_tokens(image)),
            ContentBlock::Document(document) => self.document(document),
            ContentBlock::Video(video) => self.media(&video.source, video_tokens(&video.source)),
            ContentBlock::Audio(audio) => self.media(&audio.source, audio_tokens(&audio.source)),
            ContentBlock::ToolUse(call) => {
                self.text(&call.name);
                self.text(call.input.as_str());
            }
            ContentBlock::ToolResult(result) => {
                for content in &result.content {
                    self.result(content);
                }
            }
            ContentBlock::ReasoningContent(ReasoningBlock::ReasoningText(text)) => {
                self.text(&text.text);
            }
            ContentBlock::ReasoningContent(ReasoningBlock::RedactedContent(data)) => {
                self.bytes += decoded_length(data);
            }
            ContentBlock::GuardContent(GuardBlock::Text(text)) => self.text(&text.text),
            ContentBlock::SearchResult(search_result) => self.search_result(search_result),
            ContentBlock::CachePoint(_) => {}
        }
    }

    fn result(&mut self, content: &ToolResultContent) {
        match content {
            ToolResultContent::Text(text) => self.text(text),
            ToolResultContent::Json(json) => self.text(json.as_str()),
            ToolResultContent::Image(image) => self.media(&image.source, image_tokens(image)),
            ToolResultContent::Document(document) => self.document(document),
            ToolResultContent::Video(video) => {
                self.media(&video.source, video_tokens(&video.source));
            }
            ToolResultContent::SearchResult(search_result) => self.search_result(search_result),
        }
    }

    fn search_result(&mut self, search_result: &SearchResultBlock) {
        self.text(&search_result.source);
        self.text(&search_result.title);
        for part in &search_result.content {
            self.text(&part.text);
        }
    }

    fn document(&mut self, document: &DocumentBlock) {
        self.text(&document.name);
        document.context.iter().for_each(|text| self.text(text));
        match &document.source {
            MediaSource::Text(text) => self.text(text),
            MediaSource::S3Location(_) => self.media(&document.source, UNSEEN_PAGES * PAGE),
            MediaSource::Bytes(data) => match document.format {
                DocumentFormat::Csv
                | DocumentFormat::Html
                | DocumentFormat::Txt
                | DocumentFormat::Md => self.bytes += decoded_length(data),
                DocumentFormat::Pdf => self.media(&document.source, pdf_pages(data) * PAGE),
                DocumentFormat::Doc
                | DocumentFormat::Docx
                | DocumentFormat::Xls
                | DocumentFormat::Xlsx => {
                    self.media(&document.source, pages_by_length(data) * PAGE);
                }
            },
        }
    }
}

fn image_tokens(image: &ImageBlock) -> u64 {
    let MediaSource::Bytes(data) = &image.source else {
        return MAX_IMAGE_TOKENS;
    };
    let header = data.get(..HEADER).unwrap_or(data);
    let header = BASE64_STANDARD.decode(header).unwrap_or_default();
    match dimensions(image.format, &header) {
        Some((width, height)) => {
            let pixels = u64::from(width) * u64::from(height);
            pixels.div_ceil(PIXELS).clamp(1, MAX_IMAGE_TOKENS)
        }
        None => MAX_IMAGE_TOKENS,
    }
}

fn video_tokens(source: &MediaSource) -> u64 {
    seconds(source, VIDEO_BYTES_PER_SECOND) * VIDEO_TOKENS_PER_SECOND
}

fn audio_tokens(source: &MediaSource) -> u64 {
    seconds(source, AUDIO_BYTES_PER_SECOND) * AUDIO_TOKENS_PER_SECOND
}

fn seconds(source: &MediaSource, bytes_per_second: u64) -> u64 {
    match source {
        MediaSource::Bytes(data) => decoded_length(data).div_ceil(bytes_per_second),
        MediaSource::S3Location(_) | MediaSource::Text(_) => UNSEEN_SECONDS,
    }
}

/// Counts objects of type `Page`, which are not visible in files with compressed object streams.
fn pdf_pages(data: &str) -> u64 {
    let bytes = BASE64_STANDARD.decode(data).unwrap_or_default();
    let is_page = |at: &usize| {
        let rest = bytes.get(at + 5..).unwrap_or_default().trim_ascii_start();
        let name = rest.strip_prefix(b"/Page");
        name.is_some_and(|after| !after.first().is_some_and(u8::is_ascii_alphanumeric))
    };
    let pages = memmem::find_iter(&bytes, b"/Type").filter(is_page).count();
    match pages {
        0 => pages_by_length(data),
        pages => pages as u64,
    }
}

fn pages_by_length(data: &str) -> u64 {
    decoded_length(data).div_ceil(BYTES_PER_PAGE)
}

/// The number of decoded bytes.
fn decoded_length(data: &str) -> u64 {
    data.len() as u64 / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::media::{AudioBlock, AudioFormat, ImageFormat, S3Location};
    use crate::converse::request::{Message, Role};

    fn estimate(content: Vec<ContentBlock>) -> u64 {
        let role = Role::User;
        estimated_tokens(&ConverseRequest {
            messages: vec![Message { role, content }],
            ..ConverseRequest::default()
        })
    }

    fn png(width: u32, height: u32, filling: usize) -> MediaSource {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend(std::iter::repeat_n(0, filling));
        MediaSource::Bytes(BASE64_STANDARD.encode(bytes))
    }

    fn image(source: MediaSource) -> ContentBlock {
        let format = ImageFormat::Png;
        ContentBlock::Image(ImageBlock {
            format,
            source,
            detail: None,
        })
    }

    fn document(format: DocumentFormat, bytes: &[u8]) -> ContentBlock {
        ContentBlock::Document(DocumentBlock {
            format,
            name: "name".to_owned(),
            source: MediaSource::Bytes(BASE64_STANDARD.encode(bytes)),
            context: None,
            citations: None,
        })
    }

    #[test]
    fn text_is_estimated_by_its_bytes() {
        let text = |text: &str| vec![ContentBlock::Text(text.to_owned())];
        assert_eq!(estimate(text(&"word ".repeat(800))), 1000 + TURN);
        assert_eq!(estimate(text("\u{4f60}\u{597d}")), 2 + TURN);
        assert_eq!(estimated_tokens(&ConverseRequest::default()), 1);
    }

    #[test]
    fn an_image_is_estimated_by_its_pixels_not_its_bytes() {
        for (source, tokens) in [
            (png(750, 100, 0), 100),
            (png(750, 100, 1_000_000), 100),
            (png(1, 1, 0), 1),
            (png(8000, 8000, 0), MAX_IMAGE_TOKENS),
            (MediaSource::Bytes("AAAA".to_owned()), MAX_IMAGE_TOKENS),
        ] {
            assert_eq!(estimate(vec![image(source)]), tokens + TURN);
        }
    }

    #[test]
    fn a_document_is_estimated_by_its_pages_or_its_text() {
        let two_pages = b"%PDF-1.4 <</Type /Pages>> <</Type/Page/A 1>> <</Type /Page>>";
        for (format, bytes, tokens) in [
            (DocumentFormat::Pdf, two_pages.as_slice(), 2 * PAGE),
            (DocumentFormat::Pdf, &[0; 50_000], 3 * PAGE),
            (DocumentFormat::Docx, &[0; 20_000], PAGE),
            (DocumentFormat::Csv, &[b'1'; 3000], 750),
        ] {
            // One more for the document's name.
            let estimated = estimate(vec![document(format, bytes)]);
            assert!(
                (tokens..=tokens + 2).contains(&(estimated - TURN - 1)),
                "{format:?}: {estimated}"
            );
        }
    }

    #[test]
    fn audio_is_estimated_by_duration_and_unknown_media_by_a_default() {
        let location = S3Location {
            uri: "s3://bucket/key".to_owned(),
            bucket_owner: None,
        };
        for (source, tokens) in [
            (
                MediaSource::Bytes(BASE64_STANDARD.encode([0; 30_000])),
                2 * AUDIO_TOKENS_PER_SECOND,
            ),
            (
                MediaSource::S3Location(location),
                UNSEEN_SECONDS * AUDIO_TOKENS_PER_SECOND,
            ),
        ] {
            let format = AudioFormat::Mp3;
            let audio = ContentBlock::Audio(AudioBlock { format, source });
            assert_eq!(estimate(vec![audio]), tokens + TURN);
        }
    }
}
