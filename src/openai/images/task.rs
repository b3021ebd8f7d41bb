//! What a request wants done, and what that needs.

use super::ImageEndpoint;
use super::inputs::Inputs;
use crate::adjustments::Adjustments;
use crate::error::ApiError;
use crate::models::{ImageBody, ImageCapabilities, ImageTask, Requirement};

/// What decides on the task.
pub(super) struct TaskInput<'a> {
    pub(super) endpoint: ImageEndpoint,
    pub(super) task_type: Option<&'a str>,
    pub(super) has_colors: bool,
    pub(super) has_mask_prompt: bool,
    pub(super) inputs: &'a Inputs,
}

/// The task of a request; refuses what the model does not do.
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
                "this model makes no pictures from words alone; send it a picture on \
                 /v1/images/edits"
            }
            _ if capabilities.supports(ImageTask::Generate) => {
                "this model does not do that with pictures; ask another one, or \
                 /v1/images/generations"
            }
            _ => "this model does not do that",
        };
        return Err(ApiError::unsupported_value("model", message));
    }
    Ok(task)
}

/// The tasks in the words of Nova Canvas.
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
            let message = format!("`{other}` is no task of Nova Canvas, such as `INPAINTING`");
            return Err(ApiError::invalid("task_type", message));
        }
    };
    if capabilities.body != ImageBody::Canvas || !capabilities.supports(task) {
        let message = format!("this model has no task `{word}`");
        return Err(ApiError::unsupported_value("task_type", message));
    }
    let needs_image = !matches!(task, ImageTask::Generate | ImageTask::ColorGuided);
    if needs_image && endpoint == ImageEndpoint::Generations {
        let message = format!("`{word}` needs a picture; send both to /v1/images/edits");
        return Err(ApiError::unsupported_value("task_type", message));
    }
    Ok(task)
}

/// Refuses pictures that the task has no use for, and the lack of those that it needs.
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
                "pictures are sent to /v1/images/edits",
            )),
            None => Ok(()),
        };
    }
    if first.is_none() {
        let message = "`image` is missing; send the picture as a part of a form, or in `images`";
        return Err(ApiError::missing("image", message));
    }
    let max = match task {
        ImageTask::Vary | ImageTask::Edit => capabilities.max_images,
        _ => 1,
    };
    if let Some(beyond) = images.get(max) {
        let message = format!(
            "there are {} pictures, and this model takes {max}",
            images.len()
        );
        return Err(ApiError::unsupported_value(&*beyond.path, message));
    }
    let min = capabilities.image_keys.len().min(capabilities.max_images);
    if images.len() < min {
        let message = format!(
            "this model needs {min} pictures: {}",
            capabilities.image_keys.join(", ")
        );
        return Err(ApiError::missing("image", message));
    }
    images
        .iter()
        .try_for_each(|image| image.check(capabilities))
}

/// The prompt, where the task takes one; the words after it say which field was probably meant to
/// be it.
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
            format!("`prompt` is missing; say what the picture is to be{misspelling}"),
        )),
        (Requirement::None, Some(_)) => {
            adjustments.note("prompt", "ignored, nothing is asked in words here");
            Ok(None)
        }
        (_, Some(text)) if text.chars().count() > capabilities.max_prompt_chars => {
            let message = format!(
                "`prompt` has {} characters, and {} are the most",
                text.chars().count(),
                capabilities.max_prompt_chars
            );
            Err(ApiError::invalid("prompt", message).code("string_above_max_length"))
        }
        _ => Ok(prompt),
    }
}
