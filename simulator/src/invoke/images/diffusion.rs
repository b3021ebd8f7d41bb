//! Stable Diffusion XL.

use serde_json::{Value, json};

use super::body::Kind::{Image, Integer, List, Number, Text, Word};
use super::body::{Key, optional, refuse, required, violations};
use super::filter::{FilterResult, filter_result};
use super::image::ImageSpec;
use super::upload::{Bounds, Upload};
use crate::error::AwsError;

const BODY: &[Key] = &[
    required("text_prompts", List(10)),
    optional("init_image", Image),
    optional("image_strength", Number(0.0, 1.0)),
    optional(
        "mask_source",
        Word(&["MASK_IMAGE_WHITE", "MASK_IMAGE_BLACK", "INIT_IMAGE_ALPHA"]),
    ),
    optional("mask_image", Image),
    optional("height", Integer(320, 1536)),
    optional("width", Integer(320, 1536)),
    optional("cfg_scale", Number(0.0, 35.0)),
    optional("clip_guidance_preset", Text(100)),
    optional("sampler", Text(100)),
    optional("seed", Integer(0, 4_294_967_295)),
    optional("steps", Integer(10, 150)),
    optional("style_preset", Text(100)),
    optional("samples", Integer(1, 1)),
];
const PROMPT: &[Key] = &[
    required("text", Text(2000)),
    optional("weight", Number(-100.0, 100.0)),
];
const BOUNDS: Bounds = Bounds {
    min_side: 64,
    max_side: 4096,
    min_pixels: 0,
    max_pixels: 16_777_216,
    webp: false,
};

pub(super) fn is(model: &str) -> bool {
    model.starts_with("stability.stable-diffusion-xl")
}

pub(super) fn accept(body: &Value) -> Result<(), AwsError> {
    let mut wrong = violations(Some(body), "", BODY);
    for (position, prompt) in prompts(body).enumerate() {
        let path = format!("/text_prompts/{position}");
        wrong.extend(violations(Some(prompt), &path, PROMPT));
    }
    refuse(&wrong)?;
    let read = |key: &str| {
        let value = body.get(key);
        value.map(|value| Upload::read(value, BOUNDS)).transpose()
    };
    match (read("init_image")?, read("mask_image")?) {
        (Some(image), Some(mask)) => image.check_mask(&mask, true),
        _ => Ok(()),
    }
}

pub(super) fn response(body: &Value) -> Value {
    let prompt_text = prompts(body).next();
    let prompt_text = prompt_text.and_then(|prompt| prompt.get("text")?.as_str());
    let reason = match filter_result(prompt_text) {
        FilterResult::Fine => "SUCCESS",
        FilterResult::Forbidden | FilterResult::Unsuitable => "CONTENT_FILTERED",
    };
    let number = |key: &str| body.get(key).and_then(Value::as_u64);
    let seed = number("seed").unwrap_or(0);
    let (width, height) = match body.get("init_image") {
        Some(_) => Upload::size(body.get("init_image")),
        None => (
            number("width").unwrap_or(1024) as u32,
            number("height").unwrap_or(1024) as u32,
        ),
    };
    let image = ImageSpec {
        width,
        height,
        format: "png",
        seed,
        transparent: false,
    };
    json!({
        "result": "success",
        "artifacts": [{ "seed": seed, "base64": image.base64(), "finishReason": reason }],
    })
}

fn prompts(body: &Value) -> impl Iterator<Item = &Value> {
    body.get("text_prompts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
