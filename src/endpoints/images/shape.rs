//! Translates the requested size to the model's options.

use crate::error::ApiError;
use crate::models::{AspectRatio, ImageBody, ImageCapabilities, ImageTask, Size};
use crate::reply::Adjustments;

/// The default size.
const DEFAULT_SIZE: Size = Size {
    width: 1024,
    height: 1024,
};

/// The shape of the image as sent to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ImageShape {
    /// For models with a size option.
    pub(super) size: Option<Size>,
    /// For models with an aspect ratio option.
    pub(super) aspect_ratio: Option<AspectRatio>,
    /// The requested size; a different actual size is noted.
    pub(super) requested: Option<Size>,
}

/// The shape for `size` and `aspect_ratio`.
pub(super) fn shape(
    size: Option<&str>,
    aspect_ratio: Option<&str>,
    task: ImageTask,
    capabilities: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<ImageShape, ApiError> {
    let requested = match size {
        None | Some("auto") => None,
        Some(text) => Some(Size::parse(text).ok_or_else(|| {
            let message =
                format!("invalid size `{text}`; use `auto`, or a size such as `1024x1024`");
            ApiError::invalid("size", message)
        })?),
    };
    let ratio = aspect_ratio
        .map(|text| supported_ratio(text, capabilities))
        .transpose()?;
    if !has_shape(task, capabilities) {
        if requested.is_some() {
            adjustments.note("size", "ignored; the input image determines it");
        }
        if ratio.is_some() {
            adjustments.note("aspect_ratio", "ignored; the input image determines it");
        }
        return Ok(ImageShape::default());
    }
    if !capabilities.aspect_ratios.is_empty() {
        return Ok(ImageShape {
            aspect_ratio: ratio.or_else(|| capabilities.nearest_ratio(requested?)),
            requested,
            size: None,
        });
    }
    if let Some(size) = requested.filter(|size| !is_supported(*size, capabilities)) {
        let message = format!(
            "this model does not support `{size}`; it supports {}",
            supported(capabilities)
        );
        return Err(ApiError::unsupported_value("size", message));
    }
    let default_size =
        matches!(task, ImageTask::Generate | ImageTask::ColorGuided).then_some(DEFAULT_SIZE);
    Ok(ImageShape {
        size: requested.or(default_size),
        requested,
        aspect_ratio: None,
    })
}

/// Whether the client chooses the shape, rather than the input image.
fn has_shape(task: ImageTask, capabilities: &ImageCapabilities) -> bool {
    match task {
        ImageTask::Generate | ImageTask::ColorGuided => true,
        ImageTask::Edit => !capabilities.aspect_ratios.is_empty(),
        ImageTask::Vary => capabilities.body == ImageBody::Canvas,
        ImageTask::Inpaint | ImageTask::Outpaint | ImageTask::RemoveBackground => false,
    }
}

fn supported_ratio(text: &str, capabilities: &ImageCapabilities) -> Result<AspectRatio, ApiError> {
    let is_listed = |ratio: &AspectRatio| capabilities.aspect_ratios.contains(ratio);
    AspectRatio::parse(text).filter(is_listed).ok_or_else(|| {
        let all: Vec<String> = capabilities
            .aspect_ratios
            .iter()
            .map(ToString::to_string)
            .collect();
        let message = match all.is_empty() {
            true => "this model has no aspect ratio option; use `size`".to_owned(),
            false => format!(
                "this model does not support `{text}`; it supports {}",
                all.join(", ")
            ),
        };
        ApiError::unsupported_value("aspect_ratio", message)
    })
}

fn is_supported(size: Size, capabilities: &ImageCapabilities) -> bool {
    match &capabilities.sides {
        Some(sides) => sides.allow(size),
        None => capabilities.sizes.contains(&size),
    }
}

fn supported(capabilities: &ImageCapabilities) -> String {
    match &capabilities.sides {
        Some(sides) => format!(
            "sides of {} to {} pixels in steps of {}, up to {} pixels, none more than {} times \
             the other",
            sides.min, sides.max, sides.step, sides.max_pixels, sides.max_aspect_ratio
        ),
        None => {
            let sizes: Vec<String> = capabilities.sizes.iter().map(ToString::to_string).collect();
            sizes.join(", ")
        }
    }
}
