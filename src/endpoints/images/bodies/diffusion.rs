//! Stable Diffusion XL: weighted prompts (the user guide of Bedrock, "Stability.ai Diffusion
//! 1.0").

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ImageOrder, ImageOutcome, overlay, put};
use crate::models::ImageTask;

/// The body of a call, which generates one image.
pub(super) fn body(order: &ImageOrder) -> Map<String, Value> {
    let weighted = |text: &Option<String>, weight: f64| {
        let text = text.as_ref()?;
        Some(json!({"text": text, "weight": weight}))
    };
    let prompts = [
        weighted(&order.prompt, 1.0),
        weighted(&order.negative_prompt, -1.0),
    ];
    let prompts: Vec<Value> = prompts.into_iter().flatten().collect();
    let mut body = Map::new();
    put(&mut body, "text_prompts", Some(prompts));
    put(&mut body, "init_image", order.images.first().cloned());
    if order.task == ImageTask::Vary {
        let strength = order.strength.clone().map(Value::Number);
        put(&mut body, "image_strength", strength);
    }
    if order.mask.is_some() {
        put(&mut body, "mask_source", Some("MASK_IMAGE_WHITE"));
        put(&mut body, "mask_image", order.mask.clone());
    }
    put(&mut body, "height", order.size.map(|size| size.height));
    put(&mut body, "width", order.size.map(|size| size.width));
    put(
        &mut body,
        "cfg_scale",
        order.cfg_scale.clone().map(Value::Number),
    );
    put(&mut body, "seed", order.seed);
    overlay(&mut body, &order.extra_fields);
    body
}

#[derive(Deserialize)]
struct StableDiffusionResponse {
    artifacts: Vec<Artifact>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    base64: String,
    finish_reason: Option<String>,
}

/// Parses a response.
pub(super) fn outcome(response: &[u8]) -> Result<ImageOutcome, serde_json::Error> {
    let StableDiffusionResponse { artifacts } = serde_json::from_slice(response)?;
    let mut images = Vec::with_capacity(artifacts.len());
    for artifact in artifacts {
        match artifact.finish_reason.as_deref() {
            None | Some("SUCCESS") => images.push(artifact.base64),
            Some("CONTENT_FILTERED") => {
                return Ok(ImageOutcome::Filtered("output image".to_owned()));
            }
            Some(reason) => return Ok(ImageOutcome::Failed(reason.to_owned())),
        }
    }
    Ok(match images.is_empty() {
        true => ImageOutcome::Failed("the response contains no image".to_owned()),
        false => ImageOutcome::Generated(images),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_artifact_has_a_finish_reason() {
        let read = |reason: &str| {
            let response = json!({"artifacts": [{"base64": "aGk=", "finishReason": reason}]});
            outcome(response.to_string().as_bytes()).expect(reason)
        };
        let generated = ImageOutcome::Generated(vec!["aGk=".to_owned()]);
        assert_eq!(read("SUCCESS"), generated);
        assert!(matches!(
            read("CONTENT_FILTERED"),
            ImageOutcome::Filtered(_)
        ));
        assert!(matches!(read("ERROR"), ImageOutcome::Failed(_)));
    }
}
