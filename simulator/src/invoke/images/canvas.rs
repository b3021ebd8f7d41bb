//! Nova Canvas and Titan Image.

use serde_json::{Value, json};

use super::body::Kind::{Image, Integer, List, Number, Object, Text, Word};
use super::body::{Key, optional, refuse, required, violations};
use super::filter::{FilterResult, filter_result};
use super::image::ImageSpec;
use super::upload::{Bounds, Upload};
use crate::error::AwsError;

/// A task type, the key of its parameters, and their schema.
struct Task {
    name: &'static str,
    parameters: &'static str,
    keys: &'static [Key],
}

const TEXT: Key = optional("text", Text(1024));
const PROMPT_TEXT: Key = required("text", Text(1024));
const NEGATIVE: Key = optional("negativeText", Text(1024));
const IMAGE: Key = required("image", Image);
const MASK: Key = optional("maskImage", Image);
const MASK_PROMPT: Key = optional("maskPrompt", Text(1024));

const TASKS: &[Task] = &[
    Task {
        name: "TEXT_IMAGE",
        parameters: "textToImageParams",
        keys: &[
            PROMPT_TEXT,
            NEGATIVE,
            optional("conditionImage", Image),
            optional("controlMode", Word(&["CANNY_EDGE", "SEGMENTATION"])),
            optional("controlStrength", Number(0.0, 1.0)),
            optional(
                "style",
                Word(&[
                    "3D_ANIMATED_FAMILY_FILM",
                    "DESIGN_SKETCH",
                    "FLAT_VECTOR_ILLUSTRATION",
                    "GRAPHIC_NOVEL_ILLUSTRATION",
                    "MAXIMALISM",
                    "MIDCENTURY_RETRO",
                    "PHOTOREALISM",
                    "SOFT_DIGITAL_PAINTING",
                ]),
            ),
        ],
    },
    Task {
        name: "COLOR_GUIDED_GENERATION",
        parameters: "colorGuidedGenerationParams",
        keys: &[
            PROMPT_TEXT,
            NEGATIVE,
            required("colors", List(10)),
            optional("referenceImage", Image),
        ],
    },
    Task {
        name: "IMAGE_VARIATION",
        parameters: "imageVariationParams",
        keys: &[
            TEXT,
            NEGATIVE,
            required("images", List(5)),
            optional("similarityStrength", Number(0.2, 1.0)),
        ],
    },
    Task {
        name: "INPAINTING",
        parameters: "inPaintingParams",
        keys: &[TEXT, NEGATIVE, IMAGE, MASK, MASK_PROMPT],
    },
    Task {
        name: "OUTPAINTING",
        parameters: "outPaintingParams",
        keys: &[
            PROMPT_TEXT,
            NEGATIVE,
            IMAGE,
            MASK,
            MASK_PROMPT,
            optional("outPaintingMode", Word(&["DEFAULT", "PRECISE"])),
        ],
    },
    Task {
        name: "BACKGROUND_REMOVAL",
        parameters: "backgroundRemovalParams",
        keys: &[IMAGE],
    },
];
const CONFIGURATION: &[Key] = &[
    optional("width", Integer(320, 4096)),
    optional("height", Integer(320, 4096)),
    optional("quality", Word(&["standard", "premium"])),
    optional("cfgScale", Number(1.1, 10.0)),
    optional("seed", Integer(0, 2_147_483_646)),
    optional("numberOfImages", Integer(1, 5)),
];
const BOUNDS: Bounds = Bounds {
    min_side: 256,
    max_side: 4096,
    min_pixels: 0,
    max_pixels: 16_777_216,
    webp: false,
};
const BLOCKED: &str = "This request has been blocked by our content filters. Please adjust your \
                       text prompt to submit a new request.";
const BLOCKED_BY_FILTER: &str =
    "All of the generated images have been blocked by our content filters.";

pub(super) fn is(model: &str) -> bool {
    model.starts_with("amazon.nova-canvas") || model.starts_with("amazon.titan-image")
}

pub(super) fn accept(model: &str, body: &Value) -> Result<(), AwsError> {
    let name = body.get("taskType").and_then(Value::as_str);
    let Some(task) = TASKS.iter().find(|task| Some(task.name) == name) else {
        return refuse(&["#: required key [taskType] not found".to_owned()]);
    };
    let keys = [
        required("taskType", Text(100)),
        required(task.parameters, Object),
    ];
    let configuration = optional("imageGenerationConfig", Object);
    let has_configuration = task.name != "BACKGROUND_REMOVAL";
    let keys = keys
        .iter()
        .chain(has_configuration.then_some(&configuration));
    let mut wrong = violations(Some(body), "", keys);
    let parameters = body.get(task.parameters);
    wrong.extend(violations(
        parameters,
        &format!("/{}", task.parameters),
        task.keys,
    ));
    let configuration = body.get("imageGenerationConfig");
    if configuration.is_some() {
        wrong.extend(violations(
            configuration,
            "/imageGenerationConfig",
            CONFIGURATION,
        ));
    }
    refuse(&wrong)?;
    let parameters = parameters.unwrap_or(&Value::Null);
    check_text(model, parameters)?;
    check_size(model, configuration)?;
    check_images(task, parameters)?;
    match filter_result(parameters.get("text").and_then(Value::as_str)) {
        FilterResult::Forbidden => Err(AwsError::validation(BLOCKED)),
        _ => Ok(()),
    }
}

fn check_text(model: &str, parameters: &Value) -> Result<(), AwsError> {
    let length = parameters
        .get("text")
        .and_then(Value::as_str)
        .map_or(0, |text| text.chars().count());
    match model.starts_with("amazon.titan-image") && length > 512 {
        true => Err(AwsError::validation(
            "Prompt text length must be less than or equal to 512 characters.",
        )),
        false => Ok(()),
    }
}

/// Nova Canvas: multiples of 16, up to 4,194,304 pixels, aspect ratio between 1:4 and 4:1.
fn check_size(model: &str, configuration: Option<&Value>) -> Result<(), AwsError> {
    let side = |key: &str| {
        let side = configuration.and_then(|configuration| configuration.get(key)?.as_u64());
        side.unwrap_or(1024)
    };
    let (width, height) = (side("width"), side("height"));
    let fits = width.is_multiple_of(16)
        && height.is_multiple_of(16)
        && width * height <= 4_194_304
        && width.max(height) <= 4 * width.min(height);
    match fits || !model.starts_with("amazon.nova-canvas") {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "Unsupported image dimensions {width}x{height}. Please refer to the documentation for supported dimensions."
        ))),
    }
}

fn check_images(task: &Task, parameters: &Value) -> Result<(), AwsError> {
    let read = |key: &str| {
        let value = parameters.get(key);
        value.map(|value| Upload::read(value, BOUNDS)).transpose()
    };
    let image = read("image")?;
    read("conditionImage")?;
    read("referenceImage")?;
    let images = parameters.get("images").and_then(Value::as_array);
    for image in images.into_iter().flatten() {
        Upload::read(image, BOUNDS)?;
    }
    let mask_prompt = parameters.get("maskPrompt");
    match (image, read("maskImage")?, mask_prompt) {
        (_, Some(_), Some(_)) => Err(AwsError::validation(
            "Only one of maskImage and maskPrompt can be provided.",
        )),
        (Some(image), Some(mask), None) => image.check_mask(&mask, false),
        (Some(_), None, None) if task.name.ends_with("PAINTING") => Err(AwsError::validation(
            "One of maskImage and maskPrompt must be provided.",
        )),
        _ => Ok(()),
    }
}

pub(super) fn response(body: &Value) -> Value {
    let name = body.get("taskType").and_then(Value::as_str);
    let task = TASKS.iter().find(|task| Some(task.name) == name);
    let parameters = task
        .and_then(|task| body.get(task.parameters))
        .unwrap_or(&Value::Null);
    let text = parameters.get("text").and_then(Value::as_str);
    if filter_result(text) == FilterResult::Unsuitable {
        return json!({ "images": [], "error": BLOCKED_BY_FILTER });
    }
    let configuration = body.get("imageGenerationConfig").unwrap_or(&Value::Null);
    let number = |key: &str| configuration.get(key).and_then(Value::as_u64);
    let upload = parameters.get("image");
    let (width, height) = match upload {
        Some(_) => Upload::size(upload),
        None => (
            number("width").unwrap_or(1024) as u32,
            number("height").unwrap_or(1024) as u32,
        ),
    };
    let seed = number("seed").unwrap_or(12);
    let images = (0..number("numberOfImages").unwrap_or(1)).map(|index| {
        let image = ImageSpec {
            width,
            height,
            format: "png",
            seed: seed + index,
            transparent: name == Some("BACKGROUND_REMOVAL"),
        };
        image.base64()
    });
    json!({ "images": images.collect::<Vec<_>>(), "error": null })
}
