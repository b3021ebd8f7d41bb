//! Stability's models and image services: a flat object (the user guide of Bedrock, "Stability AI
//! models").

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ImageOrder, ImageOutcome, overlay, put};
use crate::models::{ImageCapabilities, ImageTask};

/// The body of a call, which generates one image.
pub(super) fn body(capabilities: &ImageCapabilities, order: &ImageOrder) -> Map<String, Value> {
    let mut body = Map::new();
    put(&mut body, "prompt", order.prompt.clone());
    if capabilities.takes("mode") {
        let mode = match order.task {
            ImageTask::Generate => "text-to-image",
            _ => "image-to-image",
        };
        put(&mut body, "mode", Some(mode));
    }
    for (key, image) in capabilities.image_keys.iter().zip(&order.images) {
        put(&mut body, key, Some(image.clone()));
    }
    put(&mut body, "mask", order.mask.clone());
    let strength = order.strength.clone().map(Value::Number);
    put(&mut body, "strength", strength);
    let ratio = order.aspect_ratio.map(|ratio| ratio.to_string());
    put(&mut body, "aspect_ratio", ratio);
    put(&mut body, "negative_prompt", order.negative_prompt.clone());
    put(&mut body, "seed", order.seed);
    put(&mut body, "output_format", order.output_format.clone());
    overlay(&mut body, &order.extra_fields);
    body
}

#[derive(Deserialize)]
struct StabilityResponse {
    #[serde(default)]
    images: Vec<String>,
    #[serde(default)]
    finish_reasons: Vec<Option<String>>,
}

/// Parses a response. A response with a finish reason may have no `images`.
pub(super) fn outcome(response: &[u8]) -> Result<ImageOutcome, serde_json::Error> {
    let StabilityResponse {
        images,
        finish_reasons,
    } = serde_json::from_slice(response)?;
    Ok(match finish_reasons.into_iter().flatten().next() {
        Some(reason) if reason.starts_with("Filter reason") => ImageOutcome::Filtered(reason),
        Some(reason) => ImageOutcome::Failed(reason),
        None if images.is_empty() => {
            ImageOutcome::Failed("the response contains no image".to_owned())
        }
        None => ImageOutcome::Generated(images),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finish_reason_determines_whether_an_image_exists() {
        let read = |response: &str| outcome(response.as_bytes()).expect(response);
        let generated = read(r#"{"seeds":[1],"finish_reasons":[null],"images":["aGk="]}"#);
        assert_eq!(generated, ImageOutcome::Generated(vec!["aGk=".to_owned()]));
        let filtered = read(r#"{"finish_reasons":["Filter reason: prompt"]}"#);
        let reason = "Filter reason: prompt".to_owned();
        assert_eq!(filtered, ImageOutcome::Filtered(reason));
        for body in [
            r#"{"seeds":[1],"finish_reasons":["Inference error"],"images":["aGk="]}"#,
            r#"{"images":[]}"#,
        ] {
            assert!(matches!(read(body), ImageOutcome::Failed(_)), "{body}");
        }
        assert!(outcome(b"\"no\"").is_err());
    }
}
