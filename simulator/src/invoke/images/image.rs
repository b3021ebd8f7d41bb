//! Generated images of the requested size: stripes of two colors that depend only on the seed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image_webp::WebPEncoder;
use jpeg_encoder::{ColorType, Encoder};

/// Properties of a generated image.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImageSpec<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// `png`, `jpeg` or `webp`.
    pub(super) format: &'a str,
    pub(super) seed: u64,
    pub(super) transparent: bool,
}

impl ImageSpec<'_> {
    /// The file in base64.
    pub(super) fn base64(self) -> String {
        BASE64_STANDARD.encode(match self.format {
            "jpeg" => self.jpeg(),
            "webp" => self.webp(),
            _ => self.png(),
        })
    }

    /// A PNG with one bit per pixel: two colors derived from the seed, one optionally transparent.
    fn png(self) -> Vec<u8> {
        let [red, green, blue, ..] = self.seed.to_le_bytes();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::One);
        encoder.set_palette(vec![red, green, blue, !red, !green, !blue]);
        if self.transparent {
            encoder.set_trns(vec![0, 255]);
        }
        let row = vec![0b1111_0000; self.width.div_ceil(8) as usize];
        let rows = row.repeat(self.height as usize);
        // Writing to memory cannot fail; a side of zero pixels is rejected earlier.
        let written = encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&rows));
        debug_assert!(written.is_ok(), "{written:?}");
        file
    }

    fn jpeg(self) -> Vec<u8> {
        let mut file = Vec::new();
        let (width, height) = (self.width as u16, self.height as u16);
        let written =
            Encoder::new(&mut file, 50).encode(&self.gray(), width, height, ColorType::Luma);
        debug_assert!(written.is_ok(), "{written:?}");
        file
    }

    fn webp(self) -> Vec<u8> {
        let mut file = Vec::new();
        let written = WebPEncoder::new(&mut file).encode(
            &self.gray(),
            self.width,
            self.height,
            image_webp::ColorType::L8,
        );
        debug_assert!(written.is_ok(), "{written:?}");
        file
    }

    /// A grayscale image of a single shade derived from the seed.
    fn gray(self) -> Vec<u8> {
        let [shade, ..] = self.seed.to_le_bytes();
        vec![shade; self.width as usize * self.height as usize]
    }
}
