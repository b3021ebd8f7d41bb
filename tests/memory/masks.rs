//! A form with an image and a mask of one color: millions of pixels in a few kilobytes.

use png::{BitDepth, ColorType, Encoder};

const SIDE: u32 = 2048;

/// The content type and the body of the form.
pub fn form() -> (&'static str, Vec<u8>) {
    let pixels = (SIDE * SIDE) as usize;
    let mut body = Vec::new();
    for (field, text) in [("model", "amazon.nova-canvas-v1:0"), ("prompt", "a cat")] {
        let head = format!("--x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(text.bytes());
        body.extend(b"\r\n");
    }
    for (field, color) in [("image", ColorType::Rgb), ("mask", ColorType::Rgba)] {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"a.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend(png(color, &vec![0; pixels * color.samples()]));
        body.extend(b"\r\n");
    }
    body.extend(b"--x--\r\n");
    ("multipart/form-data; boundary=x", body)
}

fn png(color: ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, SIDE, SIDE);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(pixels).expect("pixels");
    writer.finish().expect("an end");
    out
}
