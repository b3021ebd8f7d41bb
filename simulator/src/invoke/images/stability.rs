//! Stability's models and image services.

use serde_json::{Value, json};

use super::body::Kind::{Image, Integer, Number, Text, Word};
use super::body::{Key, optional, refuse, required, violations};
use super::filter::{FilterResult, filter_result};
use super::image::ImageSpec;
use super::upload::{Bounds, Upload};
use crate::error::AwsError;

/// A model or image service.
pub(super) struct Service {
    stem: &'static str,
    keys: &'static [Key],
    /// Width and height of the result as a multiple of the upload's.
    scale: u32,
    max_pixels: u64,
    min_side: u32,
    max_side: u32,
    transparent: bool,
}

const RATIOS: &[&str] = &[
    "16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21",
];
const FORMATS: &[&str] = &["png", "jpeg"];
const MORE_FORMATS: &[&str] = &["png", "jpeg", "webp"];
const STYLES: &[&str] = &[
    "3d-model",
    "analog-film",
    "anime",
    "cinematic",
    "comic-book",
    "digital-art",
    "enhance",
    "fantasy-art",
    "isometric",
    "line-art",
    "low-poly",
    "modeling-compound",
    "neon-punk",
    "origami",
    "photographic",
    "pixel-art",
    "tile-texture",
];
const PROMPT: Key = required("prompt", Text(10_000));
const NEGATIVE: Key = optional("negative_prompt", Text(10_000));
const SEED: Key = optional("seed", Integer(0, 4_294_967_294));
const RATIO: Key = optional("aspect_ratio", Word(RATIOS));
const FORMAT: Key = optional("output_format", Word(FORMATS));
const ANY_FORMAT: Key = optional("output_format", Word(MORE_FORMATS));
const STYLE: Key = optional("style_preset", Word(STYLES));
const IMAGE: Key = required("image", Image);
const MASK: Key = optional("mask", Image);
const GROW: Key = optional("grow_mask", Integer(0, 20));
const STRENGTH: Key = optional("strength", Number(0.0, 1.0));
const CONTROL: Key = optional("control_strength", Number(0.0, 1.0));

const fn service(stem: &'static str, keys: &'static [Key]) -> Service {
    Service {
        stem,
        keys,
        scale: 1,
        max_pixels: 9_437_184,
        min_side: 64,
        max_side: u32::MAX,
        transparent: false,
    }
}

const SERVICES: &[Service] = &[
    service(
        "stability.sd3",
        &[
            PROMPT,
            optional("mode", Word(&["text-to-image", "image-to-image"])),
            optional("image", Image),
            STRENGTH,
            RATIO,
            NEGATIVE,
            SEED,
            FORMAT,
            STYLE,
        ],
    ),
    service(
        "stability.stable-image-core",
        &[PROMPT, RATIO, NEGATIVE, SEED, FORMAT],
    ),
    service(
        "stability.stable-image-ultra",
        &[
            PROMPT,
            optional("image", Image),
            STRENGTH,
            RATIO,
            NEGATIVE,
            SEED,
            FORMAT,
        ],
    ),
    service(
        "stability.stable-image-inpaint",
        &[PROMPT, IMAGE, MASK, GROW, NEGATIVE, SEED, ANY_FORMAT, STYLE],
    ),
    service(
        "stability.stable-image-erase-object",
        &[IMAGE, MASK, GROW, SEED, ANY_FORMAT],
    ),
    Service {
        max_pixels: 4_194_304,
        transparent: true,
        ..service(
            "stability.stable-image-remove-background",
            &[IMAGE, optional("output_format", Word(&["png", "webp"]))],
        )
    },
    service(
        "stability.stable-image-search-recolor",
        &[
            PROMPT,
            IMAGE,
            required("select_prompt", Text(10_000)),
            GROW,
            NEGATIVE,
            SEED,
            ANY_FORMAT,
            STYLE,
        ],
    ),
    service(
        "stability.stable-image-search-replace",
        &[
            PROMPT,
            IMAGE,
            required("search_prompt", Text(10_000)),
            GROW,
            NEGATIVE,
            SEED,
            ANY_FORMAT,
            STYLE,
        ],
    ),
    service(
        "stability.stable-image-style-guide",
        &[
            PROMPT,
            IMAGE,
            optional("fidelity", Number(0.0, 1.0)),
            RATIO,
            NEGATIVE,
            SEED,
            ANY_FORMAT,
            STYLE,
        ],
    ),
    service(
        "stability.stable-image-control-",
        &[PROMPT, IMAGE, CONTROL, NEGATIVE, SEED, ANY_FORMAT, STYLE],
    ),
    service(
        "stability.stable-outpaint",
        &[
            optional("prompt", Text(10_000)),
            IMAGE,
            optional("left", Integer(0, 2000)),
            optional("right", Integer(0, 2000)),
            optional("up", Integer(0, 2000)),
            optional("down", Integer(0, 2000)),
            optional("creativity", Number(0.1, 1.0)),
            SEED,
            ANY_FORMAT,
            STYLE,
        ],
    ),
    Service {
        scale: 2,
        ..service(
            "stability.stable-conservative-upscale",
            &[
                PROMPT,
                IMAGE,
                optional("creativity", Number(0.1, 0.5)),
                NEGATIVE,
                SEED,
                ANY_FORMAT,
            ],
        )
    },
    Service {
        scale: 4,
        max_pixels: 1_048_576,
        ..service(
            "stability.stable-creative-upscale",
            &[
                PROMPT,
                IMAGE,
                optional("creativity", Number(0.1, 0.5)),
                NEGATIVE,
                SEED,
                ANY_FORMAT,
                STYLE,
            ],
        )
    },
    Service {
        scale: 4,
        max_pixels: 1_048_576,
        min_side: 32,
        max_side: 1536,
        ..service("stability.stable-fast-upscale", &[IMAGE, ANY_FORMAT])
    },
    service(
        "stability.stable-style-transfer",
        &[
            optional("prompt", Text(10_000)),
            required("init_image", Image),
            required("style_image", Image),
            NEGATIVE,
            SEED,
            ANY_FORMAT,
            optional("composition_fidelity", Number(0.0, 1.0)),
            optional("style_strength", Number(0.0, 1.0)),
            optional("change_strength", Number(0.1, 1.0)),
        ],
    ),
];

pub(super) fn service_of(model: &str) -> Option<&'static Service> {
    SERVICES
        .iter()
        .find(|service| model.starts_with(service.stem))
}

pub(super) fn accept(service: &Service, body: &Value) -> Result<(), AwsError> {
    let mut wrong = violations(Some(body), "", service.keys);
    let is_edit = body.get("mode").and_then(Value::as_str) == Some("image-to-image");
    if is_edit && body.get("image").is_none() {
        wrong.push("#: required key [image] not found".to_owned());
    }
    if is_edit && body.get("strength").is_none() {
        wrong.push("#: required key [strength] not found".to_owned());
    }
    if body.get("image").is_some() && is_edit && body.get("aspect_ratio").is_some() {
        wrong.push("#: extraneous key [aspect_ratio] is not permitted".to_owned());
    }
    refuse(&wrong)?;
    let bounds = Bounds {
        min_side: service.min_side,
        max_side: service.max_side,
        min_pixels: u64::from(service.min_side) * u64::from(service.min_side),
        max_pixels: service.max_pixels,
        webp: true,
    };
    let read = |key: &str| {
        let value = body.get(key);
        value.map(|value| Upload::read(value, bounds)).transpose()
    };
    let image = read("image")?;
    read("init_image")?;
    read("style_image")?;
    match (image, read("mask")?) {
        (Some(image), Some(mask)) => image.check_mask(&mask, true),
        _ => Ok(()),
    }
}

pub(super) fn response(service: &Service, body: &Value) -> Value {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    match filter_result(text("prompt")) {
        FilterResult::Fine => {}
        FilterResult::Forbidden => return json!({ "finish_reasons": ["Filter reason: prompt"] }),
        FilterResult::Unsuitable => {
            return json!({ "finish_reasons": ["Filter reason: output image"] });
        }
    }
    let seed = body
        .get("seed")
        .and_then(Value::as_u64)
        .unwrap_or(2_130_420_379);
    let upload = body.get("image").or(body.get("init_image"));
    let has_shape = service.keys.iter().any(|key| key.is("aspect_ratio"));
    let (width, height) = match upload {
        Some(_) if !has_shape || text("mode") == Some("image-to-image") => {
            let (width, height) = Upload::size(upload);
            let side = |side: u32, edges: [&str; 2]| {
                let added = edges.map(|edge| body.get(edge).and_then(Value::as_u64).unwrap_or(0));
                side * service.scale + added.iter().sum::<u64>() as u32
            };
            (side(width, ["left", "right"]), side(height, ["up", "down"]))
        }
        _ => size(text("aspect_ratio").unwrap_or("1:1")),
    };
    let image = ImageSpec {
        width,
        height,
        format: text("output_format").unwrap_or("png"),
        seed,
        transparent: service.transparent,
    };
    json!({ "seeds": [seed], "finish_reasons": [null], "images": [image.base64()] })
}

/// About one megapixel of this aspect ratio; sides are multiples of 64.
fn size(ratio: &str) -> (u32, u32) {
    match ratio {
        "16:9" => (1344, 768),
        "21:9" => (1536, 640),
        "2:3" => (832, 1216),
        "3:2" => (1216, 832),
        "4:5" => (896, 1088),
        "5:4" => (1088, 896),
        "9:16" => (768, 1344),
        "9:21" => (640, 1536),
        _ => (1024, 1024),
    }
}
