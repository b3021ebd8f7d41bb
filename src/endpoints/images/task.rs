//! Selects the task of a request, and validates its inputs.

use super::ImageEndpoint;
use super::inputs::Inputs;
use crate::error::{ApiError, ErrorCode};
use crate::models::{ImageBody, ImageCapabilities, ImageTask, Requirement};
use crate::reply::Adjustments;

/// The fields that determine the task.
pub(super) struct TaskInput<'a> {
    pub(super) endpoint: ImageEndpoint,
    pub(super) task_type: Option<&'a str>,
    pub(super) has_colors: bool,
    pub(super) has_mask_prompt: bool,
    pub(super) inputs: &'a Inputs,
}

/// The task of a request; rejects tasks that the model does not support.
pub(super) fn task(
    input: &TaskInput<'_>,
    capabilities: &ImageCapabilities,
) -> Result<ImageTask, ApiError> {
    let TaskInput {
        endpoint,
        task_type,
        has_colors,
        has_mask_prompt,
        inputs,
    } = *input;
    let is_masked = inputs.mask.is_some() || has_mask_prompt;
    let task = match (task_type, endpoint) {
        (Some(word), _) => named_task(word, endpoint, capabilities)?,
        (None, ImageEndpoint::Generations | ImageEndpoint::Edits) if has_colors => {
            ImageTask::ColorGuided
        }
        (None, ImageEndpoint::Generations) => ImageTask::Generate,
        (None, _) if capabilities.supports(ImageTask::Edit) => ImageTask::Edit,
        (None, ImageEndpoint::Edits) if is_masked && capabilities.supports(ImageTask::Inpaint) => {
            ImageTask::Inpaint
        }
        (None, _) => ImageTask::Vary,
    };
    if !capabilities.supports(task) {
        let message = match endpoint {
            ImageEndpoint::Generations => {
                "this model does not generate images from a prompt alone; send an image to \
                 /v1/images/edits"
            }
            _ if capabilities.supports(ImageTask::Generate) => {
                "this model does not support this task; use another model, or \
                 /v1/images/generations"
            }
            _ => "this model does not support this task",
        };
        return Err(ApiError::unsupported_value("model", message));
    }
    Ok(task)
}

/// Parses Nova Canvas's name of a task.
fn named_task(
    word: &str,
    endpoint: ImageEndpoint,
    capabilities: &ImageCapabilities,
) -> Result<ImageTask, ApiError> {
    let task = match word {
        "TEXT_IMAGE" => ImageTask::Generate,
        "COLOR_GUIDED_GENERATION" => ImageTask::ColorGuided,
        "IMAGE_VARIATION" => ImageTask::Vary,
        "INPAINTING" => ImageTask::Inpaint,
        "OUTPAINTING" => ImageTask::Outpaint,
        "BACKGROUND_REMOVAL" => ImageTask::RemoveBackground,
        other => {
            let message =
                format!("unknown task `{other}`; use a task of Nova Canvas, such as `INPAINTING`");
            return Err(ApiError::invalid("task_type", message));
        }
    };
    if capabilities.body != ImageBody::Canvas || !capabilities.supports(task) {
        let message = format!("this model does not support the task `{word}`");
        return Err(ApiError::unsupported_value("task_type", message));
    }
    let needs_image = !matches!(task, ImageTask::Generate | ImageTask::ColorGuided);
    if needs_image && endpoint == ImageEndpoint::Generations {
        let message = format!("`{word}` requires an image; use /v1/images/edits");
        return Err(ApiError::unsupported_value("task_type", message));
    }
    Ok(task)
}

/// Rejects images that the task does not use, and missing ones.
pub(super) fn check_images(
    input: &TaskInput<'_>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
) -> Result<(), ApiError> {
    let Inputs { images, mask } = input.inputs;
    let (first, mask) = (images.first(), mask.as_ref());
    if input.endpoint == ImageEndpoint::Generations {
        return match first.or(mask) {
            Some(image) => Err(ApiError::unsupported(
                &*image.path,
                "this endpoint takes no images; use /v1/images/edits",
            )),
            None => Ok(()),
        };
    }
    if first.is_none() {
        let message = "`image` is missing; send the image as a form file, or in `images`";
        return Err(ApiError::missing("image", message));
    }
    let max = match task {
        ImageTask::Vary | ImageTask::Edit => capabilities.max_images,
        _ => 1,
    };
    if let Some(beyond) = images.get(max) {
        let message = format!(
            "the request has {} images; this model accepts at most {max}",
            images.len()
        );
        return Err(ApiError::unsupported_value(&*beyond.path, message));
    }
    let min = capabilities.image_keys.len().min(capabilities.max_images);
    if images.len() < min {
        let message = format!(
            "this model requires {min} images: {}",
            capabilities.image_keys.join(", ")
        );
        return Err(ApiError::missing("image", message));
    }
    images
        .iter()
        .try_for_each(|image| image.check(capabilities))
}

/// The prompt, if the task has one. `misspelling` names the field that probably should have been
/// `prompt`.
pub(super) fn prompt(
    (prompt, misspelling): (Option<String>, &str),
    task: ImageTask,
    capabilities: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<Option<String>, ApiError> {
    let need = match task {
        ImageTask::Generate | ImageTask::ColorGuided | ImageTask::Outpaint => Requirement::Required,
        ImageTask::RemoveBackground => Requirement::None,
        ImageTask::Edit | ImageTask::Vary | ImageTask::Inpaint => capabilities.prompt,
    };
    let prompt = prompt.filter(|prompt| !prompt.is_empty());
    match (need, &prompt) {
        (Requirement::Required, None) => Err(ApiError::missing(
            "prompt",
            format!("`prompt` is missing; describe the image{misspelling}"),
        )),
        (Requirement::None, Some(_)) => {
            adjustments.note("prompt", "ignored; this task has no prompt");
            Ok(None)
        }
        (_, Some(text)) if text.chars().count() > capabilities.max_prompt_chars => {
            let message = format!(
                "`prompt` has {} characters; at most {} are supported",
                text.chars().count(),
                capabilities.max_prompt_chars
            );
            Err(ApiError::invalid("prompt", message).code(ErrorCode::StringAboveMaxLength))
        }
        _ => Ok(prompt),
    }
}
