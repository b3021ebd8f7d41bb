//! Uploaded images: format, dimensions, and validation of masks.

use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use png::{Decoder, Transformations};
use serde_json::Value;

use crate::error::AwsError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Size limits of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) min_side: u32,
    pub(super) max_side: u32,
    pub(super) min_pixels: u64,
    pub(super) max_pixels: u64,
    pub(super) webp: bool,
}

impl Upload {
    /// Decodes base64; rejects anything but an image within `bounds`.
    pub(super) fn read(value: &Value, bounds: Bounds) -> Result<Self, AwsError> {
        let unreadable = || AwsError::validation("Could not process image");
        let text = value.as_str().ok_or_else(unreadable)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| unreadable())?;
        let (width, height) = dimensions(&bytes, bounds.webp).ok_or_else(unreadable)?;
        let pixels = u64::from(width) * u64::from(height);
        let (shorter, longer) = (width.min(height), width.max(height));
        if shorter < bounds.min_side
            || longer > bounds.max_side
            || !(bounds.min_pixels..=bounds.max_pixels).contains(&pixels)
        {
            return Err(AwsError::validation(format!(
                "Image dimensions {width}x{height} are not supported. Please reformat your input and try again."
            )));
        }
        Ok(Self {
            bytes,
            width,
            height,
        })
    }

    /// The dimensions of an image of any size; 1024 by 1024 if it is not an image.
    pub(super) fn size(value: Option<&Value>) -> (u32, u32) {
        let text = value.and_then(Value::as_str).unwrap_or_default();
        let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
        dimensions(&bytes, true).unwrap_or((1024, 1024))
    }

    /// Rejects a mask whose size differs from the image's, or whose pixels are not all opaque black
    /// or white. `gray` allows shades, for models that blend.
    pub(super) fn check_mask(&self, mask: &Self, gray: bool) -> Result<(), AwsError> {
        if (self.width, self.height) != (mask.width, mask.height) {
            return Err(AwsError::validation(
                "The mask image must have the same dimensions as the input image.",
            ));
        }
        let unclear = || {
            AwsError::validation("The mask image must be black and white, without transparency.")
        };
        let mut decoder = Decoder::new(Cursor::new(&mask.bytes));
        decoder
            .set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
        let Ok(mut reader) = decoder.read_info() else {
            // JPEG has no transparency.
            return Ok(());
        };
        let length = reader.output_buffer_size().ok_or_else(unclear)?;
        let mut pixels = vec![0; length];
        let frame = reader.next_frame(&mut pixels).map_err(|_| unclear())?;
        let clear = pixels
            .chunks_exact(frame.color_type.samples())
            .all(|pixel| {
                let [color @ .., alpha] = pixel else {
                    return false;
                };
                let pure =
                    color.iter().all(|part| *part == 0) || color.iter().all(|part| *part == 255);
                *alpha == 255 && (gray || pure)
            });
        if clear { Ok(()) } else { Err(unclear()) }
    }
}

fn dimensions(bytes: &[u8], webp: bool) -> Option<(u32, u32)> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => {
            let reader = Decoder::new(Cursor::new(bytes)).read_info().ok()?;
            Some((reader.info().width, reader.info().height))
        }
        [0xff, 0xd8, ..] => jpeg(bytes),
        [b'R', b'I', b'F', b'F', ..] if webp => {
            let decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).ok()?;
            Some(decoder.dimensions())
        }
        _ => None,
    }
}

/// Walks the segments to the frame header.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let word = |at: usize| Some(u32::from(*bytes.get(at)?) << 8 | u32::from(*bytes.get(at + 1)?));
    let mut at = 2;
    loop {
        let marker = word(at)?;
        if matches!(marker, 0xffc0..=0xffc2) {
            return Some((word(at + 7)?, word(at + 5)?));
        }
        at += 2 + word(at + 2)? as usize;
    }
}
