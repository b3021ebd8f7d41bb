//! The size that is asked for, as the model takes it.

use crate::adjustments::Adjustments;
use crate::fault::ApiError;
use crate::models::{AspectRatio, ImageBody, ImageCapabilities, ImageTask, Size};

/// The size where nobody says one.
const USUAL: Size = Size {
    width: 1024,
    height: 1024,
};

/// The shape of the picture as the model is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ImageShape {
    /// Of models that take sizes.
    pub(super) size: Option<Size>,
    /// Of models that take aspect ratios.
    pub(super) aspect_ratio: Option<AspectRatio>,
    /// What the client has asked for and will be told of where it is not what comes.
    pub(super) asked: Option<Size>,
}

/// The shape that `size` and `aspect_ratio` ask for.
pub(super) fn shape(
    size: Option<&str>,
    aspect_ratio: Option<&str>,
    task: ImageTask,
    facts: &ImageCapabilities,
    adjustments: &mut Adjustments,
) -> Result<ImageShape, ApiError> {
    let asked = match size {
        None | Some("auto") => None,
        Some(text) => Some(Size::parse(text).ok_or_else(|| {
            let message = format!("`{text}` is no size; write `1024x1024`, or `auto`");
            ApiError::invalid("size", message)
        })?),
    };
    let ratio = aspect_ratio
        .map(|text| known_ratio(text, facts))
        .transpose()?;
    if !has_shape(task, facts) {
        if asked.is_some() {
            adjustments.note("size", "ignored, it is that of the given picture");
        }
        if ratio.is_some() {
            adjustments.note("aspect_ratio", "ignored, it is that of the given picture");
        }
        return Ok(ImageShape::default());
    }
    if !facts.aspect_ratios.is_empty() {
        return Ok(ImageShape {
            aspect_ratio: ratio.or_else(|| facts.nearest_ratio(asked?)),
            asked,
            size: None,
        });
    }
    if let Some(size) = asked.filter(|size| !is_taken(*size, facts)) {
        let message = format!(
            "`{size}` is not served by this model, which makes {}",
            taken(facts)
        );
        return Err(ApiError::unsupported_value("size", message));
    }
    let usual = matches!(task, ImageTask::Generate | ImageTask::ColorGuided).then_some(USUAL);
    Ok(ImageShape {
        size: asked.or(usual),
        asked,
        aspect_ratio: None,
    })
}

/// Whether the picture's shape is the client's to choose, rather than that of the given picture.
fn has_shape(task: ImageTask, facts: &ImageCapabilities) -> bool {
    match task {
        ImageTask::Generate | ImageTask::ColorGuided => true,
        ImageTask::Edit => !facts.aspect_ratios.is_empty(),
        ImageTask::Vary => facts.body == ImageBody::Canvas,
        ImageTask::Inpaint | ImageTask::Outpaint | ImageTask::RemoveBackground => false,
    }
}

fn known_ratio(text: &str, facts: &ImageCapabilities) -> Result<AspectRatio, ApiError> {
    let known = |ratio: &AspectRatio| facts.aspect_ratios.contains(ratio);
    AspectRatio::parse(text).filter(known).ok_or_else(|| {
        let all: Vec<String> = facts
            .aspect_ratios
            .iter()
            .map(ToString::to_string)
            .collect();
        let message = match all.is_empty() {
            true => "this model takes no aspect ratio; write a `size`".to_owned(),
            false => format!(
                "`{text}` is not served by this model, which makes {}",
                all.join(", ")
            ),
        };
        ApiError::unsupported_value("aspect_ratio", message)
    })
}

fn is_taken(size: Size, facts: &ImageCapabilities) -> bool {
    match &facts.sides {
        Some(sides) => sides.allow(size),
        None => facts.sizes.contains(&size),
    }
}

fn taken(facts: &ImageCapabilities) -> String {
    match &facts.sides {
        Some(sides) => format!(
            "sides of {} to {} pixels in steps of {}, up to {} pixels, none more than {} times \
             the other",
            sides.least, sides.most, sides.step, sides.most_pixels, sides.most_ratio
        ),
        None => {
            let sizes: Vec<String> = facts.sizes.iter().map(ToString::to_string).collect();
            sizes.join(", ")
        }
    }
}
