//! Detects media formats by the first bytes of a file.

use memchr::memmem;

use crate::converse::media::{AudioFormat, ImageFormat, VideoFormat};

/// The number of bytes searched for a codec or document type.
const HEAD: usize = 64;

/// The format of an image.
pub(in crate::converse::media) fn image_format(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(ImageFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [b'G', b'I', b'F', b'8', ..] => Some(ImageFormat::Gif),
        _ if riff_kind(bytes) == Some(b"WEBP") => Some(ImageFormat::Webp),
        _ => None,
    }
}

/// The format of a video.
pub(super) fn video_format(bytes: &[u8]) -> Option<VideoFormat> {
    if let Some(brand) = brand(bytes) {
        return match brand {
            [b'q', b't', ..] => Some(VideoFormat::Mov),
            [b'3', b'g', ..] => Some(VideoFormat::ThreeGp),
            _ if is_audio_brand(brand) || is_image_brand(brand) => None,
            _ => Some(VideoFormat::Mp4),
        };
    }
    match bytes {
        // Old QuickTime files without a brand.
        [_, _, _, _, b'm', b'o', b'o', b'v', ..] | [_, _, _, _, b'm', b'd', b'a', b't', ..] => {
            Some(VideoFormat::Mov)
        }
        [b'F', b'L', b'V', 1, ..] => Some(VideoFormat::Flv),
        // A pack header of a program stream, or a sequence header of an elementary stream.
        [0, 0, 1, 0xba | 0xb3, ..] => Some(VideoFormat::Mpeg),
        // The first half of the GUID at the start of an ASF file.
        [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => Some(VideoFormat::Wmv),
        _ => match matroska(bytes)? {
            Matroska::Webm => Some(VideoFormat::Webm),
            Matroska::Other => Some(VideoFormat::Mkv),
        },
    }
}

/// The format of audio, or of a container that may have only audio.
pub(super) fn audio_format(bytes: &[u8]) -> Option<AudioFormat> {
    if let Some(brand) = brand(bytes) {
        return match is_audio_brand(brand) {
            true => Some(AudioFormat::M4a),
            false if is_image_brand(brand) => None,
            false => Some(AudioFormat::Mp4),
        };
    }
    match bytes {
        _ if riff_kind(bytes) == Some(b"WAVE") => Some(AudioFormat::Wav),
        [b'f', b'L', b'a', b'C', ..] => Some(AudioFormat::Flac),
        [b'O', b'g', b'g', b'S', ..] => match head_has(bytes, b"OpusHead") {
            true => Some(AudioFormat::Opus),
            false => Some(AudioFormat::Ogg),
        },
        // Checks the version too, so that text starting with "ID3" is not taken for audio.
        [b'I', b'D', b'3', 2..=4, ..] => Some(AudioFormat::Mp3),
        // The sync word (11 bits), the version (2 bits) and the layer (2 bits).
        [0xff, second, ..] if second & 0xe0 == 0xe0 => match (second >> 1) & 0b11 {
            0b01 => Some(AudioFormat::Mp3),
            0b10 => Some(AudioFormat::Mpga),
            // ADTS has a sync word of 12 bits and layer 0.
            0b00 if second & 0xf0 == 0xf0 => Some(AudioFormat::Aac),
            _ => None,
        },
        _ => match matroska(bytes)? {
            Matroska::Webm => Some(AudioFormat::Webm),
            Matroska::Other => Some(AudioFormat::Mka),
        },
    }
}

/// The kind of a RIFF file.
fn riff_kind(bytes: &[u8]) -> Option<&[u8; 4]> {
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, rest @ ..] => rest.first_chunk(),
        _ => None,
    }
}

/// The major brand of an MPEG-4 file.
fn brand(bytes: &[u8]) -> Option<&[u8; 4]> {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..] => rest.first_chunk(),
        _ => None,
    }
}

fn is_audio_brand(brand: &[u8; 4]) -> bool {
    matches!(brand, b"M4A " | b"M4B " | b"M4P ")
}

/// HEIC and AVIF, which Bedrock does not accept.
fn is_image_brand(brand: &[u8; 4]) -> bool {
    matches!(
        brand,
        b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" | b"avif" | b"avis"
    )
}

enum Matroska {
    Webm,
    Other,
}

/// The document type in the header of an EBML file.
fn matroska(bytes: &[u8]) -> Option<Matroska> {
    if !bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        return None;
    }
    if head_has(bytes, b"webm") {
        return Some(Matroska::Webm);
    }
    head_has(bytes, b"matroska").then_some(Matroska::Other)
}

fn head_has(bytes: &[u8], needle: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    memmem::find(head, needle).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn images_are_detected_by_signature() {
        for (bytes, format) in [
            (b"\x89PNG\r\n\x1a\n".as_slice(), Some(ImageFormat::Png)),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF", Some(ImageFormat::Jpeg)),
            (b"GIF89a", Some(ImageFormat::Gif)),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some(ImageFormat::Webp)),
            (b"RIFF\x01\x02\x03\x04AVI LIST", None),
            (b"\x00\x00\x00\x18ftypheic", None),
            (b"BM\x00\x00", None),
            (b"<svg/>", None),
            (b"", None),
        ] {
            assert_eq!(image_format(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn videos_are_detected_by_signature() {
        for (bytes, format) in [
            (
                b"\x00\x00\x00\x1cftypisom".as_slice(),
                Some(VideoFormat::Mp4),
            ),
            (b"\x00\x00\x00\x20ftypmp42", Some(VideoFormat::Mp4)),
            (b"\x00\x00\x00\x14ftypqt  ", Some(VideoFormat::Mov)),
            (
                b"\x00\x00\x10\x00moov\x00\x00\x00\x6cmvhd",
                Some(VideoFormat::Mov),
            ),
            (b"\x00\x00\x00\x18ftyp3gp4", Some(VideoFormat::ThreeGp)),
            (b"\x00\x00\x00\x20ftypM4A ", None),
            (b"\x00\x00\x00\x20ftypavif", None),
            (
                b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm",
                Some(VideoFormat::Webm),
            ),
            (
                b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska",
                Some(VideoFormat::Mkv),
            ),
            (b"\x1a\x45\xdf\xa3\xa3", None),
            (b"FLV\x01\x05", Some(VideoFormat::Flv)),
            (b"\x00\x00\x01\xba\x44", Some(VideoFormat::Mpeg)),
            (b"\x00\x00\x01\xb3\x14", Some(VideoFormat::Mpeg)),
            (
                b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9",
                Some(VideoFormat::Wmv),
            ),
            (b"\x00\x00\x00\x1cfty", None),
        ] {
            assert_eq!(video_format(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn audio_is_detected_by_signature() {
        for (bytes, format) in [
            (
                b"RIFF\x24\x00\x00\x00WAVEfmt ".as_slice(),
                Some(AudioFormat::Wav),
            ),
            (b"ID3\x04\x00", Some(AudioFormat::Mp3)),
            (b"ID3 tags are", None),
            (b"\xff\xfb\x90\x64", Some(AudioFormat::Mp3)),
            (b"\xff\xf3\x40\xc0", Some(AudioFormat::Mp3)),
            (b"\xff\xfd\x90\x04", Some(AudioFormat::Mpga)),
            (b"\xff\xf1\x50\x80", Some(AudioFormat::Aac)),
            (b"\xff\xfe\x41\x00", None),
            (b"fLaC\x00", Some(AudioFormat::Flac)),
            (
                b"OggS\x00\x02\x00\x00\x01\x13OpusHead",
                Some(AudioFormat::Opus),
            ),
            (
                b"OggS\x00\x02\x00\x00\x01\x1e\x01vorbis",
                Some(AudioFormat::Ogg),
            ),
            (b"\x00\x00\x00\x20ftypM4A ", Some(AudioFormat::M4a)),
            (b"\x00\x00\x00\x20ftypisom", Some(AudioFormat::Mp4)),
            (
                b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm",
                Some(AudioFormat::Webm),
            ),
            (b"\xff\xd8\xff\xe0", None),
        ] {
            assert_eq!(audio_format(bytes), format, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_accepted(bytes: Vec<u8>) {
            let _ = (image_format(&bytes), video_format(&bytes), audio_format(&bytes));
        }
    }
}
