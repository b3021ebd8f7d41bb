//! Masks: OpenAI's say by transparency which part is edited, those of models by black and white.

use std::fmt;
use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Limits, Transformations};

use crate::models::{MaskConvention, Size};

/// The most pixels of a mask that is read: four bytes each are held while it is.
const MOST_PIXELS: u64 = 16 << 20;

/// What is wrong with a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaskError {
    /// It is no PNG that can be read.
    Unreadable(String),
    /// It has more pixels than are read.
    TooLarge(Size),
    /// It is of another size than the picture.
    OtherSize(Size),
    /// It has no transparent pixel, so that nothing would be edited.
    NothingMarked,
}

/// The mask of `convention` that marks what is fully transparent in `mask`, a PNG of the picture's
/// `size` where that is known. It takes processor time by the pixel.
pub fn mask_for(
    convention: MaskConvention,
    mask: &[u8],
    size: Option<Size>,
) -> Result<Vec<u8>, MaskError> {
    let mut decoder = Decoder::new_with_limits(
        Cursor::new(mask),
        Limits {
            bytes: MOST_PIXELS as usize * 8,
        },
    );
    // What is beside the pixels can be packed to be huge, too.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let found = Size {
        width: reader.info().width,
        height: reader.info().height,
    };
    // Before anything is held for its pixels.
    if found.pixels() > MOST_PIXELS {
        return Err(MaskError::TooLarge(found));
    }
    if size.is_some_and(|size| size != found) {
        return Err(MaskError::OtherSize(found));
    }
    let length = reader.output_buffer_size();
    let mut pixels = vec![0; length.ok_or(MaskError::TooLarge(found))?];
    let frame = reader.next_frame(&mut pixels).map_err(unreadable)?;
    // Gray and alpha, or red, green, blue and alpha.
    let samples = frame.color_type.samples();
    let (marked, kept) = match convention {
        MaskConvention::BlackEdits => (0, 255),
        MaskConvention::WhiteEdits => (255, 0),
    };
    let mut any = false;
    let colors = pixels.chunks_exact(samples).map(|pixel| {
        let is_marked = pixel.last() == Some(&0);
        any |= is_marked;
        if is_marked { marked } else { kept }
    });
    let gray: Vec<u8> = colors.collect();
    match any {
        true => written(found, &gray),
        false => Err(MaskError::NothingMarked),
    }
}

/// An opaque PNG of three channels, as every model reads it.
fn written(size: Size, gray: &[u8]) -> Result<Vec<u8>, MaskError> {
    let colors: Vec<u8> = gray.iter().flat_map(|gray| [*gray; 3]).collect();
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, size.width, size.height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let unwritten = |error: png::EncodingError| MaskError::Unreadable(error.to_string());
    let mut writer = encoder.write_header().map_err(unwritten)?;
    writer.write_image_data(&colors).map_err(unwritten)?;
    writer.finish().map_err(unwritten)?;
    Ok(out)
}

fn unreadable(error: png::DecodingError) -> MaskError {
    MaskError::Unreadable(error.to_string())
}

impl fmt::Display for MaskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => write!(formatter, "the mask is no PNG: {reason}"),
            Self::TooLarge(size) => {
                write!(
                    formatter,
                    "the mask is {size}, and {MOST_PIXELS} pixels are the most"
                )
            }
            Self::OtherSize(size) => write!(
                formatter,
                "the mask is {size}, and a mask is of the size of its picture"
            ),
            Self::NothingMarked => formatter.write_str(
                "the mask has no fully transparent pixel, and those say which part is edited",
            ),
        }
    }
}

impl std::error::Error for MaskError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: Size = Size {
        width: 2,
        height: 1,
    };

    fn png(size: Size, color: ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, size.width, size.height);
        encoder.set_color(color);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(pixels).expect("pixels");
        writer.finish().expect("an end");
        out
    }

    fn pixels(png: &[u8]) -> Vec<u8> {
        let mut reader = Decoder::new(Cursor::new(png)).read_info().expect("a PNG");
        assert_eq!(reader.info().color_type, ColorType::Rgb);
        let mut pixels = vec![0; reader.output_buffer_size().expect("a length")];
        reader.next_frame(&mut pixels).expect("a frame");
        pixels
    }

    #[test]
    fn transparent_pixels_are_marked_in_either_convention() {
        // Nearly transparent is not transparent.
        let mask = png(TWO, ColorType::Rgba, &[255, 0, 0, 0, 0, 0, 0, 1]);
        for (convention, expected) in [
            (MaskConvention::BlackEdits, [0, 0, 0, 255, 255, 255]),
            (MaskConvention::WhiteEdits, [255, 255, 255, 0, 0, 0]),
        ] {
            let made = mask_for(convention, &mask, Some(TWO)).expect("a mask");
            assert_eq!(pixels(&made), expected, "{convention:?}");
        }
        let gray = png(TWO, ColorType::GrayscaleAlpha, &[9, 255, 9, 0]);
        let made = mask_for(MaskConvention::WhiteEdits, &gray, None).expect("a mask");
        assert_eq!(pixels(&made), [0, 0, 0, 255, 255, 255]);
    }

    #[test]
    fn a_mask_that_marks_nothing_or_is_of_another_size_is_refused() {
        let refused = |mask: &[u8]| mask_for(MaskConvention::WhiteEdits, mask, Some(TWO)).err();
        let opaque = png(TWO, ColorType::Rgb, &[0; 6]);
        assert_eq!(refused(&opaque), Some(MaskError::NothingMarked));
        let other = Size {
            width: 1,
            height: 1,
        };
        let small = png(other, ColorType::Rgba, &[0; 4]);
        assert_eq!(refused(&small), Some(MaskError::OtherSize(other)));
        assert!(matches!(refused(b"GIF89a"), Some(MaskError::Unreadable(_))));
        let cut = opaque.get(..opaque.len() / 2).unwrap_or_default();
        assert!(matches!(refused(cut), Some(MaskError::Unreadable(_))));
    }

    #[test]
    fn a_small_file_that_claims_to_be_huge_is_not_unpacked() {
        let mut mask = png(TWO, ColorType::Rgba, &[0; 8]);
        // IHDR: the width, and the check over it.
        mask.splice(16..20, 60_000_u32.to_be_bytes());
        mask.splice(20..24, 60_000_u32.to_be_bytes());
        let header: Vec<u8> = mask.get(12..29).expect("a header").to_vec();
        mask.splice(29..33, crc32(&header).to_be_bytes());
        let huge = Size {
            width: 60_000,
            height: 60_000,
        };
        let refused = mask_for(MaskConvention::WhiteEdits, &mask, None).err();
        assert_eq!(refused, Some(MaskError::TooLarge(huge)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes: Vec<u8>, at in 0_usize..80, byte: u8) {
            let _ = mask_for(MaskConvention::BlackEdits, &bytes, None);
            bytes = png(TWO, ColorType::Rgba, &[0; 8]);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = mask_for(MaskConvention::BlackEdits, &bytes, Some(TWO));
        }
    }

    /// The check of a PNG's chunk, bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        let step = |crc: u32, byte: &u8| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
            })
        };
        !bytes.iter().fold(!0, step)
    }
}
