//! Formats declared by the client: format names, file extensions and media types.

use crate::converse::media::{AudioFormat, DocumentFormat, ImageFormat, VideoFormat};
use crate::models::Medium;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Image(ImageFormat),
    Document(DocumentFormat),
    Video(VideoFormat),
    Audio(AudioFormat),
}

/// The client's declarations of a format, the most reliable first: names such as `pdf` and media
/// types such as `application/pdf`.
#[derive(Debug, Default)]
pub(super) struct FormatHints(Vec<String>);

impl Format {
    pub(super) fn medium(self) -> Medium {
        match self {
            Self::Image(_) => Medium::Image,
            Self::Document(_) => Medium::Document,
            Self::Video(_) => Medium::Video,
            Self::Audio(_) => Medium::Audio,
        }
    }
}

impl FormatHints {
    /// Declarations in order of reliability.
    pub(super) fn new(words: [Option<&str>; 3]) -> Self {
        let words = words.into_iter().flatten();
        let words = words.map(|word| {
            // Without parameters such as `charset`.
            let word = word.split(';').next().unwrap_or_default();
            word.trim().to_ascii_lowercase()
        });
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// The first known format.
    pub(super) fn format(&self) -> Option<Format> {
        self.0.iter().find_map(|word| {
            let image = || image(word).map(Format::Image);
            let document = || document(word).map(Format::Document);
            let video = || video(word).map(Format::Video);
            let audio = || audio(word).map(Format::Audio);
            image().or_else(document).or_else(video).or_else(audio)
        })
    }

    /// The first known audio format. `mp4` and `webm` are both audio and video formats.
    pub(super) fn audio(&self) -> Option<AudioFormat> {
        self.0.iter().find_map(|word| audio(word))
    }

    /// The first known document format.
    pub(super) fn document(&self) -> Option<DocumentFormat> {
        self.0.iter().find_map(|word| document(word))
    }
}

/// Whether a document of this format is text, which has no signature.
pub(super) fn is_text(format: DocumentFormat) -> bool {
    matches!(
        format,
        DocumentFormat::Csv | DocumentFormat::Html | DocumentFormat::Txt | DocumentFormat::Md
    )
}

fn image(word: &str) -> Option<ImageFormat> {
    match subtype(word, "image")? {
        "jpg" => Some(ImageFormat::Jpeg),
        word => ImageFormat::parse(word),
    }
}

fn document(word: &str) -> Option<DocumentFormat> {
    match word {
        "application/pdf" => Some(DocumentFormat::Pdf),
        "application/msword" => Some(DocumentFormat::Doc),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => {
            Some(DocumentFormat::Docx)
        }
        "application/vnd.ms-excel" => Some(DocumentFormat::Xls),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => {
            Some(DocumentFormat::Xlsx)
        }
        "text/csv" | "application/csv" => Some(DocumentFormat::Csv),
        "htm" | "xhtml" | "text/html" | "application/xhtml+xml" => Some(DocumentFormat::Html),
        "markdown" | "text/markdown" | "text/x-markdown" => Some(DocumentFormat::Md),
        "text" | "log" | "json" | "xml" | "yaml" | "yml" | "tsv" => Some(DocumentFormat::Txt),
        "application/json" | "application/xml" | "application/yaml" => Some(DocumentFormat::Txt),
        word if word.starts_with("text/") => Some(DocumentFormat::Txt),
        word => DocumentFormat::parse(word),
    }
}

fn video(word: &str) -> Option<VideoFormat> {
    match subtype(word, "video")? {
        "m4v" => Some(VideoFormat::Mp4),
        "quicktime" => Some(VideoFormat::Mov),
        "x-matroska" => Some(VideoFormat::Mkv),
        "x-flv" => Some(VideoFormat::Flv),
        "x-ms-wmv" => Some(VideoFormat::Wmv),
        "3gp" | "3gpp" => Some(VideoFormat::ThreeGp),
        word => VideoFormat::parse(word),
    }
}

fn audio(word: &str) -> Option<AudioFormat> {
    match subtype(word, "audio")? {
        // `audio/mpeg` is what MP3 is registered as (RFC 3003).
        "mpeg" => Some(AudioFormat::Mp3),
        "wave" | "x-wav" | "vnd.wave" => Some(AudioFormat::Wav),
        "x-flac" => Some(AudioFormat::Flac),
        "oga" => Some(AudioFormat::Ogg),
        "x-m4a" => Some(AudioFormat::M4a),
        "weba" => Some(AudioFormat::Webm),
        "x-matroska" => Some(AudioFormat::Mka),
        "pcm16" | "l16" => Some(AudioFormat::Pcm),
        word => AudioFormat::parse(word),
    }
}

/// `png` of `image/png` and of `png`.
fn subtype<'a>(word: &'a str, medium: &str) -> Option<&'a str> {
    match word.split_once('/') {
        Some((kind, subtype)) => (kind == medium).then_some(subtype),
        None => Some(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_media_types_name_formats() {
        for (word, format) in [
            ("png", Some(Format::Image(ImageFormat::Png))),
            ("image/jpg", Some(Format::Image(ImageFormat::Jpeg))),
            (
                "application/pdf",
                Some(Format::Document(DocumentFormat::Pdf)),
            ),
            (
                "Text/CSV; charset=utf-8",
                Some(Format::Document(DocumentFormat::Csv)),
            ),
            ("text/x-python", Some(Format::Document(DocumentFormat::Txt))),
            ("mp4", Some(Format::Video(VideoFormat::Mp4))),
            ("audio/mp4", Some(Format::Audio(AudioFormat::Mp4))),
            ("audio/mpeg", Some(Format::Audio(AudioFormat::Mp3))),
            ("video/3gpp", Some(Format::Video(VideoFormat::ThreeGp))),
            ("application/octet-stream", None),
            ("image/svg+xml", None),
            ("", None),
        ] {
            let declared = FormatHints::new([Some(word), None, None]);
            assert_eq!(declared.format(), format, "{word}");
        }
    }

    #[test]
    fn the_first_recognized_format_hint_wins() {
        let declared = FormatHints::new([Some("bin"), Some("csv"), Some("application/pdf")]);
        assert_eq!(declared.document(), Some(DocumentFormat::Csv));
        assert_eq!(declared.audio(), None);
        let hints = FormatHints::new([None, Some("mp4"), None]);
        assert_eq!(hints.audio(), Some(AudioFormat::Mp4));
    }
}
