//! Nova Canvas and Titan Image: a task, its parameters, and the generation config (the user
//! guides of Nova and of Bedrock).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ImageOrder, ImageOutcome, overlay, put};
use crate::models::ImageTask;

/// The body of a call, which generates up to five images.
pub(super) fn body(order: &ImageOrder) -> Map<String, Value> {
    let (task, key) = names(order.task);
    let mut parameters = parameters(order);
    overlay(&mut parameters, &order.extra_fields);
    let mut body = Map::new();
    put(&mut body, "taskType", Some(task));
    put(&mut body, key, Some(parameters));
    if order.task != ImageTask::RemoveBackground {
        put(
            &mut body,
            "imageGenerationConfig",
            Some(configuration(order)),
        );
    }
    body
}

/// Whether the task supports the parameter `name`.
pub(super) fn belongs(name: &str, task: ImageTask) -> bool {
    match name {
        "style" | "controlMode" | "controlStrength" => task == ImageTask::Generate,
        "outPaintingMode" => task == ImageTask::Outpaint,
        _ => true,
    }
}

/// The task type and the key of its parameters. `IMAGE_VARIATION` is the only edit of a single
/// image.
fn names(task: ImageTask) -> (&'static str, &'static str) {
    match task {
        ImageTask::Generate => ("TEXT_IMAGE", "textToImageParams"),
        ImageTask::ColorGuided => ("COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams"),
        ImageTask::Vary | ImageTask::Edit => ("IMAGE_VARIATION", "imageVariationParams"),
        ImageTask::Inpaint => ("INPAINTING", "inPaintingParams"),
        ImageTask::Outpaint => ("OUTPAINTING", "outPaintingParams"),
        ImageTask::RemoveBackground => ("BACKGROUND_REMOVAL", "backgroundRemovalParams"),
    }
}

fn parameters(order: &ImageOrder) -> Map<String, Value> {
    let mut parameters = Map::new();
    let image = order.images.first().cloned();
    match order.task {
        ImageTask::Vary | ImageTask::Edit => {
            put(&mut parameters, "images", Some(order.images.clone()));
        }
        ImageTask::Generate => put(&mut parameters, "conditionImage", image),
        ImageTask::ColorGuided => {
            put(&mut parameters, "colors", Some(order.colors.clone()));
            put(&mut parameters, "referenceImage", image);
        }
        ImageTask::Inpaint | ImageTask::Outpaint | ImageTask::RemoveBackground => {
            put(&mut parameters, "image", image);
        }
    }
    put(&mut parameters, "maskImage", order.mask.clone());
    put(&mut parameters, "maskPrompt", order.mask_prompt.clone());
    put(&mut parameters, "text", order.prompt.clone());
    put(
        &mut parameters,
        "negativeText",
        order.negative_prompt.clone(),
    );
    let strength = order.strength.clone().map(Value::Number);
    put(&mut parameters, "similarityStrength", strength);
    parameters
}

fn configuration(order: &ImageOrder) -> Value {
    let mut configuration = Map::new();
    put(&mut configuration, "numberOfImages", Some(order.count));
    put(
        &mut configuration,
        "width",
        order.size.map(|size| size.width),
    );
    put(
        &mut configuration,
        "height",
        order.size.map(|size| size.height),
    );
    let quality = order.premium.map(|premium| match premium {
        true => "premium",
        false => "standard",
    });
    put(&mut configuration, "quality", quality);
    let scale = order.cfg_scale.clone().map(Value::Number);
    put(&mut configuration, "cfgScale", scale);
    put(&mut configuration, "seed", order.seed);
    json!(configuration)
}

#[derive(Deserialize)]
struct CanvasResponse {
    #[serde(default)]
    images: Option<Vec<String>>,
    error: Option<String>,
}

/// Parses a response. An error takes precedence over the images next to it, which passed the
/// filter.
pub(super) fn outcome(response: &[u8]) -> Result<ImageOutcome, serde_json::Error> {
    let CanvasResponse { images, error } = serde_json::from_slice(response)?;
    Ok(match (error, images.unwrap_or_default()) {
        (Some(error), _) => ImageOutcome::Filtered(error),
        (None, images) if images.is_empty() => {
            ImageOutcome::Failed("the response contains no image".to_owned())
        }
        (None, images) => ImageOutcome::Generated(images),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_with_images_counts_as_filtered() {
        let read = |response: Value| outcome(response.to_string().as_bytes()).expect("an answer");
        let generated = ImageOutcome::Generated(vec!["aGk=".to_owned()]);
        assert_eq!(read(json!({"images": ["aGk="], "error": null})), generated);
        for filtered in [
            json!({"images": ["aGk="], "error": "one was blocked"}),
            json!({"images": null, "error": "all were blocked"}),
        ] {
            assert!(matches!(read(filtered), ImageOutcome::Filtered(_)));
        }
    }

    #[test]
    fn background_removal_has_no_generation_config() {
        let order = ImageOrder {
            images: vec!["aGk=".to_owned()],
            ..ImageOrder::sample(ImageTask::RemoveBackground)
        };
        let expected = json!({
            "taskType": "BACKGROUND_REMOVAL",
            "backgroundRemovalParams": {"image": "aGk="},
        });
        assert_eq!(json!(body(&order)), expected);
    }
}
