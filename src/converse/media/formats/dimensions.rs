//! Image dimensions, read from the header.

use crate::converse::media::ImageFormat;

/// Width and height in pixels.
pub type Dimensions = (u32, u32);

/// The image's width and height; `None` if the header is truncated or invalid.
pub fn dimensions(format: ImageFormat, bytes: &[u8]) -> Option<Dimensions> {
    match format {
        ImageFormat::Png => png(bytes),
        ImageFormat::Jpeg => jpeg(bytes),
        ImageFormat::Gif => gif(bytes),
        ImageFormat::Webp => webp(bytes),
    }
}

/// IHDR is the first chunk.
fn png(bytes: &[u8]) -> Option<Dimensions> {
    Some((be32(bytes, 16)?, be32(bytes, 20)?))
}

fn gif(bytes: &[u8]) -> Option<Dimensions> {
    Some((le16(bytes, 6)?, le16(bytes, 8)?))
}

/// Skips segments up to the first frame header.
fn jpeg(bytes: &[u8]) -> Option<Dimensions> {
    let mut at = 2;
    loop {
        match (*bytes.get(at)?, *bytes.get(at + 1)?) {
            // Fill bytes.
            (0xff, 0xff) => at += 1,
            // Markers without a segment.
            (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
            // Frame headers; C4, C8 and CC in this range are tables.
            (0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
                return Some((be16(bytes, at + 7)?, be16(bytes, at + 5)?));
            }
            (0xff, _) => at += 2 + usize::try_from(be16(bytes, at + 2)?).ok()?,
            _ => return None,
        }
    }
}

/// The first chunk is lossy, lossless or extended (RFC 9649, 2.5 to 2.7).
fn webp(bytes: &[u8]) -> Option<Dimensions> {
    match bytes.get(12..16)? {
        b"VP8 " => Some((le16(bytes, 26)? & 0x3fff, le16(bytes, 28)? & 0x3fff)),
        b"VP8L" => {
            let low = le16(bytes, 21)?;
            let high = le16(bytes, 23)?;
            let bits = low | (high << 16);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((le24(bytes, 24)? + 1, le24(bytes, 27)? + 1)),
        _ => None,
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..)?.first_chunk()?;
    Some(u32::from(u16::from_be_bytes(*number)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*number))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..)?.first_chunk()?;
    Some(u32::from(u16::from_le_bytes(*number)))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let high = *bytes.get(at + 2)?;
    Some(le16(bytes, at)? | (u32::from(high) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn image_headers_contain_the_dimensions() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x10";
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04xx\xff\xff\xc4\x00\x03x\xff\xc2\x00\x11\x08\x00\x10\x00\x20\x03";
        let lossy = b"RIFF....WEBPVP8 ....\x30\x01\x00\x9d\x01\x2a\x20\x00\x10\x00";
        // One less than the width in 14 bits, then one less than the height.
        let lossless = b"RIFF....WEBPVP8L....\x2f\x1f\xc0\x03\x00";
        let extended = b"RIFF....WEBPVP8X....\x10\x00\x00\x00\x1f\x00\x00\x0f\x00\x00";
        for (format, bytes) in [
            (ImageFormat::Png, png.as_slice()),
            (ImageFormat::Gif, b"GIF89a\x20\x00\x10\x00"),
            (ImageFormat::Jpeg, jpeg),
            (ImageFormat::Webp, lossy),
            (ImageFormat::Webp, lossless),
            (ImageFormat::Webp, extended),
        ] {
            assert_eq!(dimensions(format, bytes), Some((32, 16)), "{bytes:?}");
            let cut = bytes.get(..bytes.len() / 2).expect("a half");
            assert_eq!(dimensions(format, cut), None, "{cut:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_accepted(bytes: Vec<u8>) {
            let mut segments = vec![0xff, 0xd8];
            segments.extend(bytes.iter().flat_map(|byte| [0xff, *byte, 0, *byte]));
            for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Webp] {
                let _ = dimensions(format, &bytes);
                let _ = dimensions(format, &segments);
            }
        }
    }
}
