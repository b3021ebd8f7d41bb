//! Converts masks: OpenAI marks the edited area by transparency, models by black or white.

use std::fmt;
use std::io::{Cursor, Write};

use png::{
    BitDepth, ColorType, Compression, Decoder, Encoder, InterlaceInfo, Limits, Reader,
    StreamWriter, Transformations, expand_interlaced_row,
};

use crate::models::{MaskConvention, Size};

/// The maximum number of pixels of a mask.
const MAX_PIXELS: u64 = 16 << 20;

/// The decoder's memory limit in bytes, excluding rows: chunks before the pixels.
const MAX_HELD: usize = 8 << 20;

/// Why a mask is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaskError {
    /// It is not a readable PNG.
    Unreadable(String),
    /// It has more than `MAX_PIXELS` pixels.
    TooLarge(Size),
    /// Its size differs from the image's.
    OtherSize(Size),
    /// It has no transparent pixel, so nothing would be edited.
    EmptyMask,
}

type MaskReader<'a> = Reader<Cursor<&'a [u8]>>;

/// Converts `mask`, a PNG whose transparent pixels mark the edited area, to `convention`. Its
/// size must be `size`, the image's, if known.
///
/// Processor time grows with the pixels, memory with the length of a row: a well-compressed file
/// can have thousands of times more pixels than bytes.
pub fn mask_for(
    convention: MaskConvention,
    mask: &[u8],
    size: Option<Size>,
) -> Result<Vec<u8>, MaskError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(mask), Limits { bytes: MAX_HELD });
    // Ancillary chunks can be compressed to be huge, too.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let header = decoder.read_header_info().map_err(unreadable)?;
    let dimensions = Size {
        width: header.width,
        height: header.height,
    };
    // Check the size before allocating memory for pixels.
    if dimensions.pixels() > MAX_PIXELS {
        return Err(MaskError::TooLarge(dimensions));
    }
    if size.is_some_and(|size| size != dimensions) {
        return Err(MaskError::OtherSize(dimensions));
    }
    let source = decoder.read_info().map_err(unreadable)?;
    let mut out = Vec::new();
    let mut file = encoder(&mut out, dimensions)
        .write_header()
        .map_err(unwritten)?;
    let rows = file.stream_writer().map_err(unwritten)?;
    copy(source, dimensions, rows, convention)?;
    file.finish().map_err(unwritten)?;
    Ok(out)
}

fn copy(
    source: MaskReader<'_>,
    size: Size,
    rows: StreamWriter<'_, impl Write>,
    convention: MaskConvention,
) -> Result<(), MaskError> {
    let (edited, preserved) = match convention {
        MaskConvention::BlackEdits => (0, 255),
        MaskConvention::WhiteEdits => (255, 0),
    };
    let mut writer = MaskWriter {
        rows,
        edited,
        preserved,
        has_edited_pixels: false,
    };
    match source.info().interlaced {
        false => copy_rows(source, &mut writer)?,
        true => copy_interlaced(source, size, &mut writer)?,
    }
    match writer.has_edited_pixels {
        true => writer.rows.finish().map_err(unwritten),
        false => Err(MaskError::EmptyMask),
    }
}

fn copy_rows(
    mut source: MaskReader<'_>,
    writer: &mut MaskWriter<'_, impl Write>,
) -> Result<(), MaskError> {
    let samples = source.output_color_type().0.samples();
    while let Some(row) = source.next_row().map_err(unreadable)? {
        writer.row(&edit_flags(row.data(), samples))?;
    }
    Ok(())
}

/// The pixels of an interlaced file have a different order, so they are first collected, one byte
/// each.
fn copy_interlaced(
    mut source: MaskReader<'_>,
    size: Size,
    writer: &mut MaskWriter<'_, impl Write>,
) -> Result<(), MaskError> {
    let samples = source.output_color_type().0.samples();
    let width = size.width as usize;
    let mut gathered = vec![0; width * size.height as usize];
    while let Some(row) = source.next_interlaced_row().map_err(unreadable)? {
        if let InterlaceInfo::Adam7(target) = row.interlace() {
            let edit_flags = edit_flags(row.data(), samples);
            expand_interlaced_row(&mut gathered, width, &edit_flags, target, 8);
        }
    }
    gathered
        .chunks_exact(width)
        .try_for_each(|row| writer.row(row))
}

/// 1 for each fully transparent pixel, 0 for the others. Pixels are gray and alpha, or RGBA.
fn edit_flags(row: &[u8], samples: usize) -> Vec<u8> {
    let pixels = row.chunks_exact(samples);
    pixels
        .map(|pixel| u8::from(pixel.last() == Some(&0)))
        .collect()
}

/// An opaque RGB PNG, which every model accepts.
fn encoder(out: &mut Vec<u8>, size: Size) -> Encoder<'static, &mut Vec<u8>> {
    let mut encoder = Encoder::new(out, size.width, size.height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder
}

struct MaskWriter<'a, W: Write> {
    rows: StreamWriter<'a, W>,
    edited: u8,
    preserved: u8,
    has_edited_pixels: bool,
}

impl<W: Write> MaskWriter<'_, W> {
    fn row(&mut self, edit_flags: &[u8]) -> Result<(), MaskError> {
        self.has_edited_pixels |= edit_flags.contains(&1);
        let colors: Vec<u8> = edit_flags
            .iter()
            .flat_map(|flag| match flag {
                1 => [self.edited; 3],
                _ => [self.preserved; 3],
            })
            .collect();
        self.rows.write_all(&colors).map_err(unwritten)
    }
}

fn unreadable(error: png::DecodingError) -> MaskError {
    MaskError::Unreadable(error.to_string())
}

fn unwritten(error: impl fmt::Display) -> MaskError {
    MaskError::Unreadable(error.to_string())
}

impl fmt::Display for MaskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => {
                write!(formatter, "the mask is not a readable PNG: {reason}")
            }
            Self::TooLarge(size) => {
                write!(
                    formatter,
                    "the mask is {size}, which exceeds {MAX_PIXELS} pixels; send a smaller image \
                     and mask"
                )
            }
            Self::OtherSize(size) => write!(
                formatter,
                "the mask is {size}; it must have the size of the image"
            ),
            Self::EmptyMask => formatter.write_str(
                "the mask has no fully transparent pixel; transparency marks the area to edit",
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
    fn transparent_pixels_are_selected_in_either_convention() {
        // Nearly transparent is not transparent.
        let mask = png(TWO, ColorType::Rgba, &[255, 0, 0, 0, 0, 0, 0, 1]);
        for (convention, expected) in [
            (MaskConvention::BlackEdits, [0, 0, 0, 255, 255, 255]),
            (MaskConvention::WhiteEdits, [255, 255, 255, 0, 0, 0]),
        ] {
            let mask_bytes = mask_for(convention, &mask, Some(TWO)).expect("a mask");
            assert_eq!(pixels(&mask_bytes), expected, "{convention:?}");
        }
        let gray = png(TWO, ColorType::GrayscaleAlpha, &[9, 255, 9, 0]);
        let mask_bytes = mask_for(MaskConvention::WhiteEdits, &gray, None).expect("a mask");
        assert_eq!(pixels(&mask_bytes), [0, 0, 0, 255, 255, 255]);
    }

    #[test]
    fn a_mask_that_selects_nothing_or_has_another_size_is_rejected() {
        let refused = |mask: &[u8]| mask_for(MaskConvention::WhiteEdits, mask, Some(TWO)).err();
        let opaque = png(TWO, ColorType::Rgb, &[0; 6]);
        assert_eq!(refused(&opaque), Some(MaskError::EmptyMask));
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
    fn an_interlaced_mask_is_decoded() {
        // 3 by 2 pixels of gray and alpha, in the order of Adam7.
        let size = Size {
            width: 3,
            height: 2,
        };
        let transparent = |at: usize| [at / 3, at % 3] == [0, 2] || [at / 3, at % 3] == [1, 0];
        let pixel = |at: usize| [7, if transparent(at) { 0 } else { 255 }];
        // Each row of a pass has a filter byte in front of it.
        let rows: [&[usize]; 4] = [&[0], &[2], &[1], &[3, 4, 5]];
        let mut raw = Vec::new();
        for row in rows {
            raw.push(0);
            raw.extend(row.iter().flat_map(|at| pixel(*at)));
        }
        let mask = interlaced_png(size, &raw);
        let mask_bytes = mask_for(MaskConvention::WhiteEdits, &mask, Some(size)).expect("a mask");
        let expected: Vec<u8> = (0..6)
            .flat_map(|at| [if transparent(at) { 255 } else { 0 }; 3])
            .collect();
        assert_eq!(pixels(&mask_bytes), expected);
    }

    /// An interlaced PNG of gray and alpha with `raw` as its data, stored without compression.
    fn interlaced_png(size: Size, raw: &[u8]) -> Vec<u8> {
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut chunk = |kind: &[u8; 4], data: &[u8]| {
            out.extend((data.len() as u32).to_be_bytes());
            let checked = [&kind[..], data].concat();
            out.extend(&checked);
            out.extend(crc32(&checked).to_be_bytes());
        };
        let (width, height) = (size.width.to_be_bytes(), size.height.to_be_bytes());
        chunk(b"IHDR", &[&width[..], &height, &[8, 4, 0, 0, 1]].concat());
        let length = raw.len() as u16;
        let (mut low, mut high) = (1_u32, 0_u32);
        for byte in raw {
            low = (low + u32::from(*byte)) % 65521;
            high = (high + low) % 65521;
        }
        let head = [0x78, 0x01, 1];
        let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
        let adler = (high << 16 | low).to_be_bytes();
        chunk(b"IDAT", &[&head[..], &lengths, raw, &adler].concat());
        chunk(b"IEND", &[]);
        out
    }

    #[test]
    fn a_small_file_with_huge_claimed_dimensions_is_not_decoded() {
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
        fn any_bytes_are_decoded_or_rejected(mut bytes: Vec<u8>, at in 0_usize..80, byte: u8) {
            let _ = mask_for(MaskConvention::BlackEdits, &bytes, None);
            bytes = png(TWO, ColorType::Rgba, &[0; 8]);
            if let Some(target) = bytes.get_mut(at) {
                *target = byte;
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
