//! Detects the format of a file from its bytes, and from the client's declaration if the bytes are
//! not decisive.

pub(super) mod dimensions;
pub(super) mod office;
pub(super) mod signatures;

use super::declared::{Format, FormatHints, is_text};
use crate::converse::media::{AudioFormat, DocumentFormat, ImageFormat, VideoFormat};
use crate::error::{ErrorCode, Field, MediaField, MediaKind, PartField, PartPosition};
use office::{contained_document, container};
use signatures::{audio_format, image_format, video_format};

/// The type of a part, which determines the formats it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// An image. Some clients send a document here; it is sent as a document.
    ImageUrl,
    /// A file of any supported format.
    File,
    InputAudio,
    VideoUrl,
}

impl PartKind {
    /// A field of the part at `position`.
    pub(crate) fn at(self, position: PartPosition, field: MediaField) -> Field {
        position.field(self.part_field(field))
    }

    /// A field of some part of this type.
    pub(crate) fn any(self, field: MediaField) -> Field {
        Field::any_part(self.part_field(field))
    }

    fn part_field(self, field: MediaField) -> PartField {
        let kind = match self {
            Self::ImageUrl => MediaKind::Image,
            Self::File => MediaKind::File,
            Self::InputAudio => MediaKind::Audio,
            Self::VideoUrl => MediaKind::Video,
        };
        PartField::Media(kind, field)
    }

    /// The supported formats, for error messages.
    pub(super) fn formats(self) -> String {
        match self {
            Self::ImageUrl => ImageFormat::WORDS.join(", "),
            Self::File => format!(
                "{}, {}",
                DocumentFormat::WORDS.join(", "),
                ImageFormat::WORDS.join(", ")
            ),
            Self::InputAudio => AudioFormat::WORDS.join(", "),
            Self::VideoUrl => VideoFormat::WORDS.join(", "),
        }
    }

    /// The error code for a file of another format.
    pub(super) fn wrong_format_code(self) -> ErrorCode {
        match self {
            Self::ImageUrl => ErrorCode::InvalidImageFormat,
            _ => ErrorCode::InvalidValue,
        }
    }
}

/// The format of `bytes` in a part of this type; `None` if the part does not support it.
pub(super) fn detect(kind: PartKind, bytes: &[u8], declared: &FormatHints) -> Option<Format> {
    let image = || image_format(bytes).map(Format::Image);
    let video = || video_format(bytes).map(Format::Video);
    let audio = || audio_format(bytes).map(Format::Audio);
    let binary = || binary_document(bytes, declared).map(Format::Document);
    match kind {
        PartKind::ImageUrl => image().or_else(binary),
        PartKind::VideoUrl => video(),
        PartKind::InputAudio => audio().or_else(|| {
            // Raw PCM samples have no header.
            let declared = declared.audio();
            let is_bare = image_format(bytes).is_none() && declared == Some(AudioFormat::Pcm);
            is_bare.then_some(Format::Audio(AudioFormat::Pcm))
        }),
        PartKind::File => {
            let text = || text_document(bytes, declared).map(Format::Document);
            // Some containers are used for both video and audio.
            let is_audio = matches!(declared.format(), Some(Format::Audio(_)));
            let audio_or_video = || match is_audio {
                true => audio().or_else(video),
                false => video().or_else(audio),
            };
            image()
                .or_else(binary)
                .or_else(audio_or_video)
                .or_else(text)
        }
    }
}

/// The declared format of a file in S3, in a part of this type.
pub(super) fn declared_format(kind: PartKind, declared: &FormatHints) -> Option<Format> {
    match kind {
        PartKind::InputAudio => declared.audio().map(Format::Audio),
        PartKind::File => declared.format(),
        PartKind::ImageUrl => declared
            .format()
            .filter(|format| matches!(format, Format::Image(_) | Format::Document(_))),
        PartKind::VideoUrl => declared
            .format()
            .filter(|format| matches!(format, Format::Video(_))),
    }
}

fn binary_document(bytes: &[u8], declared: &FormatHints) -> Option<DocumentFormat> {
    if bytes.starts_with(b"%PDF-") {
        return Some(DocumentFormat::Pdf);
    }
    let container = container(bytes)?;
    contained_document(container, bytes).or_else(|| {
        // Old compound files may have other names in their directory.
        let declared = declared.document();
        declared.filter(|format| matches!(format, DocumentFormat::Doc | DocumentFormat::Xls))
    })
}

/// The declared text format, or plain text. A file declared as another format is not accepted as
/// text: it may be an error page, or base64 encoded twice.
pub(super) fn text_document(bytes: &[u8], declared: &FormatHints) -> Option<DocumentFormat> {
    let format = match declared.format() {
        None => DocumentFormat::Txt,
        Some(Format::Document(format)) if is_text(format) => format,
        Some(_) => return None,
    };
    let text = std::str::from_utf8(bytes).ok()?;
    let is_text_char =
        |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b');
    text.chars().all(is_text_char).then_some(format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::media::samples::{compound, png, zip};
    use proptest::prelude::*;

    fn of(kind: PartKind, bytes: &[u8], words: [Option<&str>; 3]) -> Option<Format> {
        detect(kind, bytes, &FormatHints::new(words))
    }

    #[test]
    fn a_file_type_is_detected_from_its_bytes() {
        use DocumentFormat::{Csv, Docx, Html, Md, Pdf, Txt, Xls, Xlsx};
        let mp4 = b"\x00\x00\x00\x1cftypisom".as_slice();
        for (bytes, words, format) in [
            (
                b"%PDF-1.7".as_slice(),
                [Some("txt"), None, None],
                Some(Format::Document(Pdf)),
            ),
            (
                &png(1, 1),
                [Some("pdf"), None, None],
                Some(Format::Image(ImageFormat::Png)),
            ),
            (
                &zip(&["word/document.xml"]),
                [Some("xlsx"), None, None],
                Some(Format::Document(Docx)),
            ),
            (
                &zip(&["xl/workbook.xml"]),
                [None, None, None],
                Some(Format::Document(Xlsx)),
            ),
            (
                &zip(&["ppt/presentation.xml"]),
                [Some("pptx"), None, None],
                None,
            ),
            (
                &compound("Book"),
                [Some("xls"), None, None],
                Some(Format::Document(Xls)),
            ),
            (&compound("Book"), [None, None, None], None),
            (
                b"a,b",
                [Some("csv"), None, Some("application/vnd.ms-excel")],
                Some(Format::Document(Csv)),
            ),
            (
                b"<p>",
                [None, None, Some("text/html")],
                Some(Format::Document(Html)),
            ),
            (
                b"# a",
                [Some("md"), None, Some("text/plain")],
                Some(Format::Document(Md)),
            ),
            (
                "é\t\r\n".as_bytes(),
                [None, None, None],
                Some(Format::Document(Txt)),
            ),
            (
                b"fn main() {}",
                [Some("rs"), None, Some("application/octet-stream")],
                Some(Format::Document(Txt)),
            ),
            (b"JVBERi0xLjcK", [Some("pdf"), None, None], None),
            (b"\x00\x01", [Some("txt"), None, None], None),
            (b"\xff\xfea\x00", [Some("txt"), None, None], None),
            (
                mp4,
                [None, None, None],
                Some(Format::Video(VideoFormat::Mp4)),
            ),
            (
                mp4,
                [None, None, Some("audio/mp4")],
                Some(Format::Audio(AudioFormat::Mp4)),
            ),
            (
                b"ID3\x04",
                [None, None, None],
                Some(Format::Audio(AudioFormat::Mp3)),
            ),
        ] {
            assert_eq!(
                of(PartKind::File, bytes, words),
                format,
                "{words:?} {bytes:?}"
            );
        }
    }

    #[test]
    fn part_types_other_than_file_limit_the_detected_format() {
        let none = [None, None, None];
        let pdf = Some(Format::Document(DocumentFormat::Pdf));
        assert_eq!(of(PartKind::ImageUrl, b"%PDF-1.7", none), pdf);
        assert_eq!(of(PartKind::ImageUrl, b"plain", none), None);
        assert_eq!(of(PartKind::VideoUrl, &png(1, 1), none), None);
        let pcm = [None, Some("pcm16"), None];
        let samples = Some(Format::Audio(AudioFormat::Pcm));
        assert_eq!(of(PartKind::InputAudio, b"\x01\x00\x02\x00", pcm), samples);
        assert_eq!(of(PartKind::InputAudio, &png(1, 1), pcm), None);
        assert_eq!(
            of(PartKind::InputAudio, b"\x01\x00", [None, Some("wav"), None]),
            None
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_accepted(bytes: Vec<u8>, word in "[a-z/]{0,12}") {
            let declared = FormatHints::new([Some(&word), None, None]);
            for kind in [PartKind::ImageUrl, PartKind::File, PartKind::InputAudio, PartKind::VideoUrl] {
                let _ = detect(kind, &bytes, &declared);
            }
        }
    }
}
