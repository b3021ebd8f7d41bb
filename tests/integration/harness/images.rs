//! Creates small PNG images and describes them.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};

/// A PNG of one color.
pub fn png_bytes(width: u32, height: u32) -> Vec<u8> {
    let pixels = [10, 120, 200, 255].repeat(width as usize * height as usize);
    png(width, height, &pixels)
}

/// A PNG whose left half is transparent. OpenAI's masks mark the area to edit by transparency.
pub fn mask(width: u32, height: u32) -> Vec<u8> {
    let pixel = |at: u32| match at % width < width / 2 {
        true => [0, 0, 0, 0],
        false => [0, 0, 0, 255],
    };
    let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    png(width, height, &pixels)
}

/// Size and color of a PNG in base64; `None` if it is not a PNG.
pub fn described(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok()?;
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return Some("<jpeg>".to_owned());
    }
    if bytes.starts_with(b"RIFF") {
        return Some("<webp>".to_owned());
    }
    let mut decoder = Decoder::new(Cursor::new(&bytes));
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = (reader.info().width, reader.info().height);
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    let samples = frame.color_type.samples();
    let left = color(pixels.get(..samples)?);
    let right = color(pixels.get(pixels.len() - samples..)?);
    Some(match left == right {
        true => format!("<png {width}x{height} {left}>"),
        false => format!("<png {width}x{height} {left} to {right}>"),
    })
}

/// A color, gray and opacity apart.
fn color(pixel: &[u8]) -> String {
    let [color @ .., alpha] = pixel else {
        return String::new();
    };
    let color = match color {
        [0, 0, 0] | [0] => "black".to_owned(),
        [255, 255, 255] | [255] => "white".to_owned(),
        other => other.iter().map(|part| format!("{part:02x}")).collect(),
    };
    match alpha {
        255 => color,
        _ => format!("{color}, transparent"),
    }
}

fn png(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    file
}
